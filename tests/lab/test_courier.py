# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, the olympus.bluegreen authors
"""Couriers and a janitor follow the switch under a stream of mails: none twice, none lost, never two at once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import BluegreenError
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.runner import SubprocessRunner
from olympus_lab import binaries, config, courier, podman, release, stack, truth
from olympus_lab.load import Load
from olympus_lab.progress import wait_for

pytestmark = pytest.mark.lab
QUIET: dict[str, Any] = {
    "identities": 2, "sessions": 0, "tokens": 0, "refresh_chains": 0, "websockets": 0, "streams": 0,
    "stream_seconds": 6, "form_age_s": [1, 2], "asset_age_s": 3, "max_seconds": 1500,
    "volume": {"rate": 20, "h1": 2, "h2": 0, "streams": 0, "fresh": 0},
}  # fmt: skip
JOURNEYS = (
    "hera_login code_flow client_credentials introspect refresh registration static old_login "
    "old_registration private session"
)


@pytest.fixture(scope="module", autouse=True)
def lab() -> Iterator[None]:
    binaries.build(["lab-load"])
    stack.up(fresh=True)
    courier.both_colours()
    yield
    stack.down()


@pytest.fixture(autouse=True)
def in_place() -> None:
    """Every test begins with the singletons where they shall be."""
    courier.module("handed_over")


@contextmanager
def mails(where: Path, rate: float) -> Iterator[dict[str, Any]]:
    """A stream of registrations; what became of their mails is in the dict afterwards."""
    figures: dict[str, Any] = {}
    rates = {**dict.fromkeys(JOURNEYS.split(), 0.0), "registration": rate}
    load = Load(where / "load", {**QUIET, "rates": rates})
    load.start()
    try:
        yield figures
        figures.update(load.stop())
        figures["delays"] = courier.delays(load.directory)
    finally:
        load.kill()


def handovers(count: int) -> list[dict[str, Any]]:
    """Flip to and fro; the time and the steps of each handover, and what its ends told."""
    found = []
    for _turn in range(count):
        courier.flip(courier.OTHER[truth.on_disk()])
        begun = time.monotonic()
        told = courier.module("handed_over")
        found.append({"seconds": round(time.monotonic() - begun, 2), "moved": told["moved"], "steps": told["steps"]})
        assert courier.places(told) == {truth.on_disk()}
        # The next one shall meet a courier at work, not one that has just begun.
        time.sleep(2)
    return found


def judge(seen: dict[str, Any], done: list[dict[str, Any]]) -> None:
    ended = [one for turn in done for one in turn["moved"] if one["container"]]
    print({"mails": seen["mails"], "delay": courier.spread(seen["delays"]), "janitor": courier.janitor()})
    print({"handover_s": courier.spread([turn["seconds"] for turn in done]), "ended": len(ended)})
    assert seen["mails"] > 0 and (seen["mails_doubled"], seen["mails_lost"]) == (0, 0)
    assert len(ended) == len(done) * (len(courier.COURIERS) + 1) and all(one["quiet"] for one in ended)
    assert not [one for turn in done for one in turn["moved"] if one.get("unconfirmed") or one.get("warning")]
    janitor = courier.janitor()
    assert janitor["runs"] > len(done) and janitor["overlaps"] == 0 and janitor["places"] == 3


def test_four_handovers_lose_and_double_nothing(tmp_path: Path) -> None:
    with mails(tmp_path, 2) as seen:
        done = handovers(4)
    judge(seen, done)


def processing() -> int:
    return int(stack.psql("SELECT count(*) FROM courier_messages WHERE status = 3", "ciam_kratos")[0][0])


SLOW = """
CREATE OR REPLACE FUNCTION lab_slow() RETURNS trigger LANGUAGE plpgsql
  AS 'BEGIN PERFORM pg_sleep(0.2); RETURN NEW; END';
CREATE OR REPLACE TRIGGER lab_slow BEFORE UPDATE ON courier_messages FOR EACH ROW EXECUTE FUNCTION lab_slow();
"""


@pytest.mark.slow
def test_a_plain_stop_loses_what_it_had_taken_and_the_next_start_gives_it_back(tmp_path: Path) -> None:
    """The control: podman's own stop in the middle of a batch. Kratos takes those mails up again by no means."""
    name = f"{config.PROJECT}-{truth.on_disk()}_ciam-kratos-courier_1"
    stack.psql(SLOW, "ciam_kratos")
    try:
        with mails(tmp_path, 4) as seen:
            wait_for("a batch that is taken", lambda: "" if processing() > 2 else "none", 30)
            podman.call(["stop", name])
            left = processing()
            stack.psql("DROP TRIGGER lab_slow ON courier_messages", "ciam_kratos")
            told = courier.module("handed_over")
            time.sleep(2)
    finally:
        stack.psql("DROP TRIGGER IF EXISTS lab_slow ON courier_messages", "ciam_kratos")
    (settled,) = [one for one in told["moved"] if "returned" in one]
    print({"left in processing": left, **settled})
    assert left > 0 and settled["returned"] + len(settled["unconfirmed"]) >= left
    assert len(settled["unconfirmed"]) <= 1 and bool(settled.get("warning")) == bool(settled["unconfirmed"])
    assert seen["mails_doubled"] == 0 and seen["mails_lost"] <= len(settled["unconfirmed"])


@pytest.mark.slow
def test_a_courier_started_by_hand_is_named_and_ended() -> None:
    """The old one again, from its own rendered file."""
    old = courier.OTHER[truth.on_disk()]
    argv = [str(config.VENV / "bin/podman-compose"), "-p", f"{config.PROJECT}-{old}", "-f",
            str(config.STATE / f"stacks/{old}/compose.yml"), "--in-pod=false", "--profile", "singleton",
            "up", "-d", "--no-deps", "ciam-kratos-courier"]  # fmt: skip
    subprocess.run(argv, env=release.environment(), check=True, capture_output=True)
    told = release.must("courier-status", "status", courier.WITH_JANITOR, quiet=True).out
    assert "ciam-kratos-courier runs 2 times" in " ".join(told.split())
    steps = courier.module("handed_over")["steps"]
    assert steps == [f"end {config.PROJECT}-{old}_ciam-kratos-courier_1 ciam-kratos-courier"]


@pytest.mark.slow
def test_a_stranger_on_the_same_database_is_named_and_nothing_is_started_beside_it() -> None:
    live = truth.on_disk()
    ours, strange = f"{config.PROJECT}-{live}_ciam-kratos-courier_1", f"{config.PROJECT}-stranger"
    dsn = podman.call(["inspect", ours, "--format", "{{range .Config.Env}}{{println .}}{{end}}"]).stdout
    (line,) = [one for one in dsn.splitlines() if one.startswith("DSN=")]
    podman.call(["rm", "-f", ours])
    # No label of ours makes it one of ours; it goes by itself should this test be killed.
    run = ["run", "-d", "--rm", "--name", strange, "-e", "DSN", "-e", "SQA_OPT_OUT=true", "--entrypoint", "sh",
           config.image("ciam-kratos", "v1.5.0"), "-c", "sleep 300", "courier", "watch"]  # fmt: skip
    subprocess.run(["podman", *run], env={**podman.environment(), "DSN": line[4:]}, check=True, capture_output=True)
    try:
        told = courier.module("handed_over")
        assert told["steps"] == [] and any(strange in message for message in told["messages"])
    finally:
        podman.call(["rm", "-f", "-t", "0", strange], check=False)
    assert courier.module("handed_over")["steps"] == [f"start ciam-kratos-courier {live}"]


CHILD = "import sys; from olympus_lab import courier; sys.stdout.write(str(courier.module('handed_over')['steps']))"


def child() -> subprocess.Popen[bytes]:
    env = {**os.environ, "LAB_SLOT": str(config.SLOT), "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    return subprocess.Popen([sys.executable, "-c", CHILD], env=env, stdout=subprocess.PIPE)


@pytest.mark.slow
def test_killed_anywhere_the_next_one_finds_the_right_place() -> None:
    """kill -9 at many moments of a handover, and the switch back meanwhile: never two, and one in the end."""
    for delay in (0.5, 1.0, 1.5, 2.0, 2.5, 3.0):
        courier.flip(courier.OTHER[truth.on_disk()])
        running = child()
        time.sleep(delay)
        running.send_signal(signal.SIGKILL)
        running.wait()
        courier.flip(courier.OTHER[truth.on_disk()])
        assert courier.places(courier.module("handed_over")) == {truth.on_disk()}
    assert courier.janitor()["overlaps"] == 0


@pytest.mark.slow
def test_two_handovers_at_once_and_a_rollback_in_the_middle() -> None:
    courier.flip(courier.OTHER[truth.on_disk()])
    both = [child(), child()]
    time.sleep(1.5)
    courier.flip(courier.OTHER[truth.on_disk()])
    assert [one.wait(timeout=120) for one in both] == [0, 0]
    assert courier.places(courier.module("read")) == {truth.on_disk()}
    assert courier.module("handed_over")["steps"] == []


@pytest.mark.slow
def test_where_podman_fails_nothing_is_started(tmp_path: Path) -> None:
    """An end that cannot be seen is no end."""

    class Deaf(SubprocessRunner):
        def run(self, argv: Any, **more: Any) -> Any:
            if argv[:3] == ["podman", "rm", "--force"]:
                return type(super().run(["true"]))(125, "", "podman is ill")
            return super().run(argv, **more)

    courier.flip(courier.OTHER[truth.on_disk()])
    with pytest.raises(BluegreenError, match="cannot be removed"):
        courier.module("handed_over", runner=Deaf())
    assert "," not in "".join(courier.places(courier.module("read")))
    assert courier.places(courier.module("handed_over")) == {truth.on_disk()}


def by_stages() -> None:
    """Two cutovers and two rollbacks as an operator types them."""
    idle = courier.OTHER[truth.on_disk()]
    version = {"blue": "v1.4.2", "green": "v1.5.0"}[idle]
    for turn in range(2):
        release.must(f"courier-cutover-{turn}", "cutover", {"version": version, **courier.WITH_JANITOR}, quiet=True)
        assert courier.places(courier.module("read")) == {idle} == {truth.on_disk()}
        release.must(f"courier-rollback-{turn}", "rollback", courier.WITH_JANITOR, quiet=True)
        assert courier.places(courier.module("read")) == {courier.OTHER[idle]} == {truth.on_disk()}


@pytest.mark.slow
def test_twenty_handovers_and_four_by_real_stages(tmp_path: Path) -> None:
    with mails(tmp_path / "usual", 2) as usual:
        time.sleep(30)
    with mails(tmp_path / "direct", 2) as seen:
        done = handovers(20)
    with mails(tmp_path / "stages", 2) as staged:
        by_stages()
    courier.write_bench({"no handover": usual, "20 handovers": seen, "2 cutovers, 2 rollbacks": staged}, done)
    judge(seen, done)
    assert (staged["mails_doubled"], staged["mails_lost"]) == (0, 0) and courier.janitor()["overlaps"] == 0
