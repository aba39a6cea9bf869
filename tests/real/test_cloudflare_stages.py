# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The stages as typed where Cloudflare is the edge: real containers and playbooks, a router that follows the fake.

One deployment, and the tests are its life in order.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from kit.cloudflare_bench import DEPLOYMENT, HOSTS, PORT, Bench, OnWrites
from kit.cloudflare_fake import TOKEN, Fault
from kit.compose_bench import podman

from ansible_collections.olympus.bluegreen.plugins.module_utils._core import addresses

pytestmark = [pytest.mark.lab, pytest.mark.slow]
NEW: dict[str, Any] = {"version": "v1.5.0"}


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    made = Bench(tmp_path_factory.mktemp("cloudflare"))
    with made.up():
        yield made


@pytest.fixture(autouse=True)
def nothing_wrong(bench: Bench) -> None:
    bench.fake.fresh()
    bench.fake.delay, bench.said = 0.0, bench.said.__class__()


def test_adopt_makes_the_other_pool_and_writes_no_load_balancer(bench: Bench) -> None:
    bench.play("adopt", version="v1.4.2")
    assert [one.partition(" ")[0] for one in bench.writes()] == ["POST"]
    assert bench.serving() == ["blue"] * 3 and bench.switch.read().live == "blue"
    recorded = addresses.read(str(bench.state_dir))
    assert recorded and recorded.published == {"site": (PORT, 0)}
    bench.fake.fresh()
    bench.play("adopt", version="v1.4.2")
    bench.play("migrate,deploy,cutover,watch", "--check", **NEW)
    assert bench.writes() == []


def test_a_release_that_visitors_do_not_notice(bench: Bench) -> None:
    bench.fake.delay = 1.0
    with bench.visitors():
        out = bench.play("migrate,deploy,cutover,watch", **NEW)
    assert bench.verdict()["verdict"] == "PASS", bench.verdict()
    assert bench.serving() == ["green"] * 3 and len(bench.writes()) == 3
    assert len(bench.fake.log) == len(HOSTS) + 27, "docs/cloudflare.md lists the calls"
    assert {status for _colour, status in bench.said} == {200}, bench.said
    assert bench.said["blue", 200] and bench.said["green", 200]
    assert "answers, 0 errors" in out


def test_typed_again_it_writes_nothing_and_status_tells(bench: Bench) -> None:
    bench.play("cutover", **NEW)
    out = bench.play("status")
    assert len(bench.fake.log) == 6 + 6
    assert bench.writes() == [] and "live green" in out and "rollback to blue" in out and "PROBLEM" not in out


def test_a_rollback_through_429_5xx_and_lost_answers(bench: Bench) -> None:
    bench.fake.delay = 1.0
    bench.fake.faults = OnWrites(bench.fake, Fault("after"), Fault("500"), Fault("429", 1))
    with bench.visitors():
        out = bench.play("rollback")
    assert bench.fake.faults.left == [] and bench.serving() == ["blue"] * 3
    assert {status for _colour, status in bench.said} == {200}, bench.said
    assert "Lock and look" not in out
    bench.fake.fresh()
    bench.play("rollback")
    assert bench.writes() == [] and bench.switch.read().live == "blue" and len(bench.fake.log) == 3


def test_a_cutover_that_stops_half_way_is_named_and_gone_on_with(bench: Bench) -> None:
    """The first name is written, then Cloudflare answers no write any more: neither on nor back."""
    bench.fake.faults = OnWrites(bench.fake, Fault(""), *[Fault("500")] * 40)
    out = bench.play("cutover", rc=2, **NEW)
    assert "half way to green: www.example.com on green, docs.example.com on blue" in out
    bench.fake.fresh()
    told = bench.play("status")
    assert bench.writes() == []
    assert "the switch says green, the load balancers do not: docs.example.com, status.example.com" in told
    assert "--tags cutover -e version=v1.5.0" in told and "or --tags rollback" in told
    bench.fake.faults = OnWrites(bench.fake, Fault("500-after"))
    bench.play("cutover", **NEW)
    assert bench.serving() == ["green"] * 3
    bench.play("rollback")
    assert bench.serving() == ["blue"] * 3


def test_a_watcher_goes_back_by_itself(bench: Bench) -> None:
    """Through the API, with the token of the file, though Cloudflare says no at first."""
    bench.given(log=False, bluegreen_watch={"window": 600, "interval": 0.5})
    bench.play("cutover", **NEW)
    assert bench.serving() == ["green"] * 3
    bench.fake.fresh()
    bench.fake.faults = OnWrites(bench.fake, *[Fault("500")] * 5)
    podman("stop", "-t", "1", DEPLOYMENT + "-green_site_1")
    bench.until(lambda: bench.verdict().get("verdict"))
    rolled = bench.verdict()["rolled_back"]
    assert (bench.verdict()["verdict"], rolled["done"], rolled["to"]) == ("FAIL", True, "blue"), bench.verdict()
    assert all(bench.balancer(host)["default_pools"][0] == bench.blue for host in HOSTS)
    assert bench.serving() == ["blue"] * 3 and bench.fake.faults.left == []
    assert '"not_followed"' in bench.files() and TOKEN not in bench.files()


def test_a_release_that_is_accepted_is_drained_at_cloudflare(bench: Bench) -> None:
    bench.given()
    with bench.visitors():
        bench.play("migrate,deploy,cutover,watch", **NEW)
        bench.play("cleanup", bluegreen_bake=0)
    assert {status for _colour, status in bench.said} == {200}, bench.said
    assert bench.serving() == ["green"] * 3
    assert "blue" not in podman("ps", "--format", "{{.Names}}", "--filter", "label=olympus.bluegreen.deployment=bgcf")


@pytest.mark.parametrize(
    ("changes", "mode", "words"),
    [
        ({"bluegreen_publish": "network"}, 0o600, "bluegreen_publish=network: not reachable for Cloudflare. Fix:"),
        ({}, 0o640, "users other than its owner can read it (mode 0640). Fix: run chmod 600"),
        ({}, 0, "it cannot be read: No such file or directory. Fix: put the API token there"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_sentence(
    bench: Bench, changes: dict[str, Any], mode: int, words: str
) -> None:
    bench.given(**changes)
    if mode:
        bench.token_file.chmod(mode)
    else:
        bench.token_file.rename(bench.token_file.with_suffix(".away"))
    try:
        out = bench.play("cutover", rc=2, **NEW)
    finally:
        if not mode:
            bench.token_file.with_suffix(".away").rename(bench.token_file)
        bench.token_file.chmod(0o600)
    assert words in out and bench.writes() == []
