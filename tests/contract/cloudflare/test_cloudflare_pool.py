# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""cloudflare_lb_pool against the fake API over sockets: what is written, what is not, and what is told."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from kit.cloudflare_fake import LB, POOLS, TOKEN, Fault, Token
from kit.cloudflare_kit import HOSTS, Deployment, origin

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import Fenced


@pytest.fixture
def edge(tmp_path: Path) -> Iterator[Deployment]:
    with Deployment(tmp_path) as deployment:
        deployment.adopt()
        yield deployment


def test_adopt_makes_our_pool_and_touches_no_other(tmp_path: Path) -> None:
    with Deployment(tmp_path) as edge:
        before = edge.pool("blue"), edge.lb()
        would = edge.run("adopted", check=True)
        assert would["changed"] and edge.fake.mutating == [] and not edge.switch.exists()
        done = edge.run("adopted")
        assert done["steps"] == would["steps"] and done["live"] == "blue"
        assert [(one.method, one.body["name"]) for one in edge.fake.mutating] == [("POST", "green")]
        assert (edge.pool("blue"), edge.lb()) == before
        edge.fake.fresh()
        assert not edge.run("adopted")["changed"] and edge.fake.mutating == []
        # One of ours follows what is configured; what else somebody set on it stays.
        edge.fake.put("pools", id=edge.green, latitude=52.0, origins=[origin("edge-2", "203.0.113.9")])
        edge.run("adopted")
        assert edge.pool("green")["origins"][0]["address"] == "203.0.113.2" and edge.pool("green")["latitude"] == 52.0


def test_a_pool_that_is_not_ours_is_never_written(tmp_path: Path) -> None:
    with Deployment(tmp_path) as edge:
        edge.fake.put("pools", name="green", origins=[origin("other", "203.0.113.77")])
        assert "not ours" in str(edge.fails("adopted"))
        pools = edge.params()["pools"]
        gone = {**pools, "green": {**pools["green"], "name": "gren", "origins": []}}
        assert "no such pool" in str(edge.fails("adopted", pools=gone))
        assert edge.fake.mutating == [] and not edge.switch.exists()


def test_every_name_is_flipped_and_back(edge: Deployment) -> None:
    would = edge.run("live", check=True, colour="green")
    assert would["changed"] and edge.fake.mutating == [] and edge.switch.read().live == "blue"
    edge.fake.fresh()
    done = edge.run("live", colour="green")
    assert done["steps"] == would["steps"] and edge.serving() == ["green"] * 3 and done["live"] == "green"
    assert [(one["live"], one["pools"], one["fallback"]) for one in done["hosts"]] == [
        ("green", ["green", "blue"], "green")
    ] * 3
    assert {one["colour"] for one in done["observed"]} == {"green"} and done["return_to"]["colour"] == "blue"
    assert len(edge.fake.mutating) == 3
    for again in ("live", "returned", "returned"):
        edge.fake.fresh()
        first = again == "returned" and edge.switch.read().live == "green"
        done = edge.run(again, colour="green")
        assert done["changed"] == first and len(edge.fake.mutating) == (3 if first else 0)
    assert edge.serving() == ["blue"] * 3 and edge.lb()["fallback_pool"] == edge.blue


def test_a_weight_counts_only_where_the_steering_has_weights(edge: Deployment) -> None:
    refused = edge.fails("live", colour="green", weight=10)
    assert "weight=10" in str(refused) and "off" in str(refused) and edge.fake.mutating == []
    for host in HOSTS:
        steering = {"default_weight": 0.5, "pool_weights": {}}
        edge.fake.put("load_balancers", id=edge.ids[host], steering_policy="random", random_steering=steering)
    shared = edge.run("live", colour="green", weight=10)
    assert [one["share"] for one in shared["hosts"]] == [{"blue": 90, "green": 10}] * 3 and shared["live"] == "blue"
    assert edge.lb()["random_steering"] == {"default_weight": 0.5, "pool_weights": {edge.green: 0.1, edge.blue: 0.9}}
    edge.fake.fresh()
    assert not edge.run("live", colour="green", weight=10)["changed"] and edge.fake.mutating == []
    assert edge.run("live", colour="green")["live"] == "green" and edge.serving() == ["green"] * 3
    assert edge.run("returned")["live"] == "blue" and edge.serving() == ["blue"] * 3


def test_a_pool_that_is_not_well_gets_nobody(edge: Deployment) -> None:
    for sick, said in ((False, "unhealthy in 1 of 1 places: Response code"), (None, "nothing is known")):
        edge.fake.sick[edge.green] = sick
        assert said in str(edge.fails("live", colour="green"))
    del edge.fake.sick[edge.green]
    edge.fake.put("pools", id=edge.green, monitor="")
    assert "has no monitor" in str(edge.fails("live", colour="green"))
    edge.fake.put("pools", id=edge.green, monitor=edge.monitor, minimum_origins=2)
    assert "1 of 1 origins enabled, 2 needed" in str(edge.fails("live", colour="green"))
    assert edge.fake.mutating == [] and edge.switch.read().live == "blue"


def test_who_names_no_token_acts_as_of_now(edge: Deployment) -> None:
    """R8: a rollback raises it."""
    edge.run("live", colour="green")
    edge.run("returned")
    assert edge.run("live", colour="green", token=None)["live"] == "green"
    assert isinstance(edge.fails("live", colour="blue", token=0), Fenced)


def test_rollback_to_a_dead_pool_is_refused_unless_forced(edge: Deployment) -> None:
    edge.run("live", colour="green")
    edge.fake.sick[edge.blue] = False
    refused = edge.fails("returned")
    assert "blue is not alive" in str(refused) and edge.switch.read().live == "green"
    edge.fake.put("pools", id=edge.green, name="green", enabled=True)
    del edge.fake.sick[edge.blue]
    edge.fake.fresh()
    edge.run("returned", force=True)
    assert not [one for one in edge.fake.log if one.path.endswith("/health")], "force asks nobody"


def test_pinned_sessions_are_told_and_end_with_a_rollback(tmp_path: Path) -> None:
    attributes = {"drain_duration": 120}
    with Deployment(tmp_path, session_affinity="cookie", session_affinity_attributes=attributes) as edge:
        edge.adopt()
        done = edge.run("live", colour="green")
        pinned = done["hosts"][0]["pins"]
        assert (pinned["affinity"], pinned["seconds"], pinned["drain"]) == ("cookie", 82800, 120)
        assert edge.serving("__cflb=" + edge.blue) == ["blue"] * 3, "who was there stays"
        assert edge.serving("__cflb=" + edge.green) == ["green"] * 3
        edge.run("returned")
        assert not edge.pool("green")["enabled"] and edge.serving("__cflb=" + edge.green) == ["blue"] * 3
        edge.fake.fresh()
        assert not edge.run("returned")["changed"] and edge.fake.mutating == []
        # The next cutover lets it serve again, before it is asked for its health.
        edge.switch.claim(9)
        assert "enable pool green" in edge.run("live", colour="green")["steps"] and edge.serving() == ["green"] * 3
        edge.run("returned", keep_sticky=True)
        assert edge.pool("green")["enabled"]


def test_draining_waits_for_the_drain_duration(tmp_path: Path) -> None:
    attributes = {"drain_duration": 50}
    with Deployment(tmp_path, session_affinity="cookie", session_affinity_attributes=attributes) as edge:
        edge.adopt()
        edge.run("live", colour="green")
        edge.run("returned", keep_sticky=True)
        assert "blue is live" in str(edge.fails("drained", colour="blue"))
        slept, at = edge.clock.slept, edge.clock.now()
        assert edge.run("drained", colour="green", deadline=20)["drained"] is False
        assert edge.run("drained", colour="green", deadline=60)["drained"] is True
        assert 49 < edge.clock.now() - at < 53 and edge.clock.slept - slept > 45
        assert [one["enabled"] for one in edge.pool("green")["origins"]] == [False]


@pytest.mark.parametrize(
    ("permissions", "said"),
    [
        ({LB + " Read", POOLS + " Write", "API Tokens Read"}, "lacks the permission 'Load Balancers Write'"),
        ({POOLS + " Write", "API Tokens Read"}, "the permission 'Load Balancers Read' for the zone"),
        ({LB + " Write", "API Tokens Read"}, "'Load Balancing: Monitors and Pools Read' for the account"),
        # It may not read itself: the first write tells, and nothing stays changed.
        ({LB + " Read", POOLS + " Read"}, "the permission 'Load Balancers Write' for the zone"),
    ],
)
def test_a_missing_permission_is_named_before_anything_changes(
    edge: Deployment, permissions: set[str], said: str
) -> None:
    edge.fake.tokens[TOKEN] = Token(frozenset(permissions))
    told = edge.fails("live", colour="green")
    assert said in str(told) and TOKEN not in str(told)
    assert edge.serving() == ["blue"] * 3 and edge.switch.read().live == "blue"


def test_a_token_that_is_none(edge: Deployment) -> None:
    edge.fake.tokens = {}
    assert "does not know the API token" in str(edge.fails("live", colour="green"))
    for wrong in (TOKEN + "\n\r\nX: y", "ä" * 20):
        assert wrong.strip() not in str(edge.fails("live", colour="green", api_token=wrong))
    assert "over https only" in str(edge.fails("read", api="http://api.example.com/client/v4"))


def test_what_says_a_colour_has_to_say_who_it_is(edge: Deployment) -> None:
    """Over the Internet a name is believed by its certificate alone."""
    observe = {**edge.params()["observe"], "address": ""}
    told = str(edge.fails("live", colour="green", observe=observe))
    assert "bluegreen_edge.observe.scheme=" in told and "any machine on the way can answer" in told
    assert edge.fake.log == [] and edge.switch.read().live == "blue"


def test_somebody_elses_edit_is_kept(edge: Deployment) -> None:
    sorry = edge.fake.put("pools", name="sorry", origins=[origin("s3", "203.0.113.50")])

    def edit(**fields: Any) -> None:
        edge.fake.put("load_balancers", id=edge.ids[HOSTS[1]], **fields)

    edge.run("live", check=True, colour="green")
    looks = len(edge.fake.log)
    edge.fake.fresh()
    # Between our first look and the one before we write; then right after our write, over it.
    edge.fake.meanwhile[looks - 1] = lambda: edit(default_pools=[edge.blue, sorry], session_affinity_ttl=7200)
    wrote = looks + 3 + 2
    edge.fake.meanwhile[wrote + 1] = lambda: edit(default_pools=[edge.blue, sorry], description="mine")
    done = edge.run("live", colour="green")
    lb = edge.lb(HOSTS[1])
    assert lb["default_pools"] == [edge.green, edge.blue, sorry] and edge.serving() == ["green"] * 3
    assert (lb["description"], lb["session_affinity_ttl"]) == ("mine", 7200) and done["changed"]


def test_who_keeps_writing_against_us_is_named(edge: Deployment) -> None:
    def fight() -> None:
        edge.fake.put(
            "load_balancers", id=edge.ids[HOSTS[1]], default_pools=[edge.blue, edge.green], ttl=len(edge.fake.log)
        )

    edge.fake.meanwhile = {index: fight for index in range(8, 40)}
    told = edge.fails("live", colour="green")
    assert "another program keeps changing the load balancer of %s" % HOSTS[1] in str(told)
    assert edge.serving() == ["blue"] * 3 and edge.switch.read().live == "blue" and told.partial["state"] == "restored"


def test_old_answers_are_waited_out(edge: Deployment) -> None:
    edge.clock.sleep(10)
    edge.fake.stale = 4
    done = edge.run("live", colour="green")
    assert edge.serving() == ["green"] * 3 and len(edge.fake.mutating) == 3 and done["hosts"][0]["live"] == "green"


def test_propagation_is_observed_at_the_public_names(edge: Deployment) -> None:
    edge.clock.sleep(60)
    edge.fake.delay = 20
    done = edge.run("live", colour="green")
    assert 20_000 <= done["ms"] < 23_000
    edge.clock.sleep(120)
    edge.fake.delay = 100
    told = edge.fails("returned", confirm_timeout=30)
    assert "Cloudflare was switched to blue, but login.example.com/ says green" in str(told)
    assert edge.switch.read().live == "blue"
    edge.fake.fresh()
    edge.clock.sleep(60)
    assert edge.run("returned", confirm_timeout=30)["seen_at"] and edge.fake.mutating == []


def test_the_budget_is_kept(edge: Deployment) -> None:
    told = edge.fails("live", colour="green", budget=12)
    assert "budget=12" in str(told) and edge.fake.mutating == []
    edge.fake.quota = len(edge.fake._sent) + 14
    told = edge.fails("live", colour="green")
    assert "are left of 1200 calls in 5 minutes" in str(told) and edge.fake.mutating == []


def test_the_calls_are_those_of_the_page(edge: Deployment) -> None:
    text = (Path(__file__).resolve().parents[3] / "docs" / "cloudflare.md").read_text()
    rows = re.findall(r"^\| (`.+) \| .+ \| (\d+) \| (\d+) \|$", text, re.MULTILINE)
    acts: dict[str, Callable[[], object]] = {
        "`read`": partial(edge.run, "read"),
        "`live` in check mode": partial(edge.run, "live", check=True, colour="green"),
        "`live`": partial(edge.run, "live", colour="green"),
        "`live`, again": partial(edge.run, "live", colour="green"),
        "`returned`": partial(edge.run, "returned"),
        "`returned`, again": partial(edge.run, "returned"),
    }
    measured = []
    for name, act in acts.items():
        edge.fake.fresh()
        act()
        measured.append((name, str(len(edge.fake.log)), str(len(edge.fake.mutating))))
    assert measured == rows


def test_a_load_balancer_that_cannot_be_flipped_is_refused(edge: Deployment) -> None:
    other = edge.fake.put("pools", name="other", origins=[origin("o", "203.0.113.60")])
    rule = {"name": "eu", "condition": "true", "overrides": {"default_pools": [other]}}
    for fields, said in (
        ({"enabled": False}, "disabled"),
        ({"rules": [rule]}, "rules that choose pools"),
        ({"default_pools": [other, edge.blue]}, "which belongs to neither colour, is served"),
    ):
        before = dict(edge.lb(HOSTS[2]))
        edge.fake.put("load_balancers", id=edge.ids[HOSTS[2]], **fields)
        assert said in str(edge.fails("live", colour="green"))
        assert any(said in one for one in edge.run("read")["problems"])
        edge.fake.state["load_balancers"][edge.ids[HOSTS[2]]] = before
    assert "no load balancer for other.example.com" in str(
        edge.fails("live", colour="green", public=[{"host": "other.example.com", "path": "/", "zone_id": ""}])
    )
    assert edge.fake.mutating == []


def test_read_tells_what_disagrees(edge: Deployment) -> None:
    sound = edge.run("read")
    assert sound["problems"] == [] and sound["adopted"] and {one["healthy"] for one in sound["pools"]} == {True}
    assert sound["permissions_known"]
    edge.fake.put("load_balancers", id=edge.ids[HOSTS[0]], default_pools=[edge.green])
    seen = edge.run("read")
    assert seen["problems"] == [
        "the switch says blue, the load balancer of login.example.com says green",
        "the switch says blue, login.example.com/ says green",
    ]
    assert [one["code"] for one in seen["findings"]] == ["behind", "public"]
    assert {type(one) for one in seen["problems"]} == {str}
    edge.fake.fresh()
    edge.fake.faults = {0: Fault("429", 999)}
    assert "refuses every call for 999 s more" in edge.run("read")["problems"][0]
