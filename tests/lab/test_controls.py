# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, the olympus.bluegreen authors
"""Negative controls: each known mistake must turn the figures to FAIL, or the figures prove nothing.

Takes the machine's one lab. The tests stand in the order in which one lab can serve them: the first needs an edge that
was not adopted yet, the last leaves a green that nobody can use.
"""

from __future__ import annotations

import secrets
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.olympus.bluegreen.plugins.module_utils._switch.switch import ReturnTo, Switch
from olympus_lab import binaries, config, podman, release, stack, truth, web
from olympus_lab.load import Load, faults
from olympus_lab.progress import wait_for

pytestmark = pytest.mark.lab

JOURNEYS = (
    "hera_login code_flow client_credentials introspect refresh registration static old_login "
    "old_registration private session"
)
QUIET = dict.fromkeys(JOURNEYS.split(), 0.0)
VOLUME = {"rate": 250, "h1": 24, "h2": 2, "streams": 4, "fresh": 1}
SMALL: dict[str, Any] = {
    "identities": 2, "sessions": 0, "tokens": 0, "refresh_chains": 0, "websockets": 0, "streams": 0,
    "stream_seconds": 6, "form_age_s": [1, 6], "asset_age_s": 3, "max_seconds": 90, "volume": VOLUME, "rates": QUIET,
}  # fmt: skip
CADDYFILE = config.OPERATOR / "Caddyfile"


@pytest.fixture(scope="module", autouse=True)
def lab() -> Iterator[None]:
    binaries.build(["lab-load"])
    stack.up(fresh=True)
    yield
    stack.down()


@contextmanager
def loaded(where: Path, follow: bool = True, **settings: Any) -> Iterator[dict[str, Any]]:
    """Run the body under load; the figures are in the yielded dict afterwards, its Load under ``load``."""
    figures: dict[str, Any] = {}
    rates = {**QUIET, **settings.pop("rates", {})}
    load = Load(where / "load", {**SMALL, **settings, "rates": rates})
    figures["load"] = load
    watch = truth.FlipWatch(load)
    load.start()
    try:
        if follow:
            watch.start()
        yield figures
        figures.update(load.stop())
    finally:
        watch.stop()
        load.kill()
    print({name: figures[name] for name in ("requests", "lost", "lost_by_reason", "ws_closed", "wrong_colour")})


def flip(to: str) -> None:
    """The switch alone, without the stages around it."""
    switch = Switch(str(truth.switch_dir().parent))
    token = switch.claim(0)
    switch.prepare(ReturnTo(truth.on_disk(), "", secrets.token_hex(8), time.time()), token)
    switch.flip(to, token)


def live_is(colour: str) -> None:
    if truth.on_disk() != colour:
        flip(colour)
    wait_for(f"{colour} live", lambda: "" if set(truth.in_public().values()) == {colour} else "not yet", 10)


def reload_edge() -> None:
    podman.call(["exec", config.container("caddy"), "caddy", "reload", "--force", "--config", "/etc/caddy/Caddyfile"])


def dials_anew() -> str:
    """Caddy reads its nameservers now and then, and dials when no idle connection is left: a reload closes those."""
    reload_edge()
    colour = web.public(config.HOSTS["ciam"][0], "/health").headers.get("X-Olympus-Colour", "")
    return "" if colour == "green" else colour


def test_plain_aliases_on_greens_network_are_an_unannounced_cutover(tmp_path: Path) -> None:
    """The trap of the recipe: the edge joins a network on which green has the plain names."""
    net, name = f"{config.PROJECT}_control", f"{config.PROJECT}-control-hera"
    mine = ["--label", f"{config.OF_COLLECTION}"]
    podman.call(["network", "create", *mine, "--subnet", f"{config.PREFIX}8.0/24", net])
    run = [
        "run",
        "-d",
        *mine,
        "--name",
        name,
        "--network",
        net,
        "--network-alias",
        "ciam-hera",
        "-e",
        "BLUEGREEN_COLOUR=green",
    ]
    try:
        podman.call([*run, "-e", "DOMAIN=ciam", config.image("ciam-hera", "v1.5.0")])
        podman.call(["network", "connect", net, config.container("caddy")])
        wait_for("the edge dials green", dials_anew, 20)
        with loaded(tmp_path, follow=False) as seen:
            seen["load"].mark("live:blue")
            time.sleep(5)
    finally:
        podman.call(["network", "disconnect", net, config.container("caddy")], check=False)
        podman.call(["rm", "-f", "-t", "0", name], check=False)
        podman.call(["network", "rm", net], check=False)
    assert seen["wrong_colour"] > 0 and faults(seen)


def test_adopt_and_deploy() -> None:
    """What the controls below need; what is live stays blue."""
    release.must("control-adopt", "adopt", {"version": "v1.4.2"}, quiet=True)
    release.must("control-deploy", "migrate,deploy", {"version": "v1.5.0"}, quiet=True)
    assert set(truth.in_public().values()) == {"blue"}


def test_the_switch_loses_nothing(tmp_path: Path) -> None:
    """The positive control: without a mistake the same load and the same figures say PASS."""
    with loaded(tmp_path, websockets=4, streams=2, rates={"old_registration": 1, "static": 1}) as seen:
        for to in ("green", "blue") * 4:
            time.sleep(1.5)
            flip(to)
    assert faults(seen) == [] and len(seen["flips"]) == 8
    assert seen["by_colour"]["green"] > 500 and seen["by_colour"]["blue"] > 500


def test_a_cutover_by_reload_is_seen(tmp_path: Path) -> None:
    with loaded(tmp_path, websockets=4) as seen:
        for _reload in range(5):
            time.sleep(1)
            reload_edge()
    assert faults(seen) and seen["lost"] + seen["ws_closed"] > 0


def test_stopping_the_old_colour_without_drain_is_seen(tmp_path: Path) -> None:
    with loaded(tmp_path, streams=6) as seen:
        time.sleep(2)
        flip("green")
        podman.call(["kill", config.container("site")])
    podman.call(["start", config.container("site")])
    live_is("blue")
    assert seen["lost"] > 0 and faults(seen)


def test_a_missing_colour_cookie_is_seen(tmp_path: Path) -> None:
    """A form opened on one colour and posted to the other is refused by a build that doesn't know it."""
    live_is("blue")
    adopted = CADDYFILE.read_text()
    try:
        with_cookie = adopted.splitlines(keepends=True)
        rewrite("".join(line for line in with_cookie if "+Set-Cookie" not in line))
        with loaded(tmp_path, rates={"old_registration": 2}) as seen:
            time.sleep(5)
            flip("green")
            time.sleep(5)
    finally:
        rewrite(adopted)
    live_is("blue")
    assert seen["lost_by_reason"].get("form_refused_500", 0) > 0 and faults(seen)


def rewrite(text: str) -> None:
    """In place: the edge has this very inode mounted."""
    with CADDYFILE.open("r+") as file:
        file.write(text)
        file.truncate()
    reload_edge()


SLOW_CLAIM = """
CREATE OR REPLACE FUNCTION lab_slow() RETURNS trigger LANGUAGE plpgsql
  AS 'BEGIN PERFORM pg_sleep(0.3); RETURN NEW; END';
CREATE OR REPLACE TRIGGER lab_slow BEFORE UPDATE ON courier_messages FOR EACH ROW EXECUTE FUNCTION lab_slow();
"""


@pytest.mark.slow
def test_two_couriers_are_seen(tmp_path: Path) -> None:
    """Kratos claims a mail by reading and then updating it; a slow database makes that window wide."""
    stack.psql(SLOW_CLAIM, "ciam_kratos")
    compose = [str(config.VENV / "bin/podman-compose"), "-p", f"{config.PROJECT}-green", "-f",
               str(config.STATE / "stacks/green/compose.yml"), "--in-pod=false", "--profile", "singleton"]  # fmt: skip
    up = [*compose, "up", "-d", "--no-deps", "ciam-kratos-courier"]
    try:
        subprocess.run(up, env=release.environment(), check=True, capture_output=True)
        with loaded(tmp_path, rates={"registration": 3}) as seen:
            time.sleep(15)
    finally:
        stack.psql("DROP TRIGGER lab_slow ON courier_messages", "ciam_kratos")
        podman.call(["rm", "-f", "-t", "0", f"{config.PROJECT}-green_ciam-kratos-courier_1"], check=False)
    assert seen["mails_doubled"] > 0 and faults(seen)


def test_another_system_secret_on_green_is_refused_and_seen(tmp_path: Path) -> None:
    """The gate refuses such a green; flipped to all the same, tokens of blue are refused by it."""
    source = tmp_path / "operator"
    shutil.copytree(config.OPERATOR, source)
    env = source / ".env"
    lines = env.read_text().splitlines()
    name, other = "CIAM_HYDRA_SECRET_SYSTEM=", "x" * 32
    changed = [name + other if line.startswith(name) else line for line in lines]
    assert changed != lines
    env.write_text("\n".join(changed) + "\n")
    extra = {"version": "v1.5.0", "bluegreen_source": str(source)}
    refused = release.play("control-secret", "deploy", extra, quiet=True)
    assert refused.rc != 0 and "tokens" in refused.out and truth.on_disk() == "blue"
    assert other not in refused.out
    with loaded(tmp_path, tokens=4, sessions=2, rates={"introspect": 3, "session": 1}) as seen:
        time.sleep(3)
        flip("green")
        time.sleep(5)
        flip("blue")
    assert seen["tokens_kept"] < seen["tokens"] and faults(seen)
