# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a rollback at Cloudflare must not go, whose switch it must not touch, and how long a drain is waited for."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kit.cloudflare_kit import HOSTS, Deployment

from ansible_collections.olympus.bluegreen.plugins.module_utils._state.directory import StateDir


@pytest.fixture
def edge(tmp_path: Path) -> Iterator[Deployment]:
    with Deployment(tmp_path) as deployment:
        deployment.adopt()
        yield deployment


def test_rollback_to_a_colour_that_holds_something_else_is_refused_unless_forced(edge: Deployment) -> None:
    """What no gate has let through yet, or nothing any more."""
    place = edge.root / "state" / "stacks" / "blue"
    place.mkdir(parents=True)
    (place / "services.json").write_text(json.dumps({"release": "v1.4.2-0123456789"}))
    edge.run("live", colour="green")
    (place / "services.json").write_text(json.dumps({"release": "v1.6.0-0123456789"}))
    said = edge.fails("returned")
    assert "blue now holds v1.6.0-0123456789 instead of v1.4.2-0123456789" in str(said)
    assert "--tags rollback -e version=v1.4.2, which brings it back" in str(said) and edge.serving() == ["green"] * 3
    (place / "services.json").write_text(json.dumps({"release": "v1.4.2-0123456789"}))
    edge.switch.block_rollback("blue")
    StateDir(str(edge.root / "state")).mark(cleaned="blue")
    assert "blue was cleaned up" in str(edge.fails("returned")) and edge.serving() == ["green"] * 3
    edge.run("returned", force=True)
    assert edge.serving() == ["blue"] * 3


def test_two_deployments_never_share_a_switch(edge: Deployment) -> None:
    for state in ("adopted", "live", "returned", "undone"):
        said = edge.fails(state, colour="green", deployment="another")
        assert "that switch belongs to the deployment olympus" in str(said)
        assert "give another a directory (or a volume) of its own" in str(said)


def test_nobody_who_is_pinned_meets_a_container_that_is_gone(tmp_path: Path) -> None:
    """Without a drain_duration Cloudflare ends sessions at once, but not everywhere at once."""
    with Deployment(tmp_path, session_affinity="cookie") as edge:
        edge.adopt()
        edge.run("live", colour="green")
        edge.run("returned", keep_sticky=True)
        slept = edge.clock.slept
        assert edge.run("drained", colour="green")["drained"] is True
        assert 29 <= edge.clock.slept - slept < 60


RULED = json.loads((Path(__file__).resolve().parents[2] / "kit" / "data" / "cloudflare_rule_affinity.json").read_text())


def test_sessions_that_a_rule_pins_are_told_ended_and_waited_for(tmp_path: Path) -> None:
    """The load balancer itself pins no visitor."""
    with Deployment(tmp_path, session_affinity=RULED["session_affinity"], rules=RULED["rules"]) as edge:
        edge.adopt()
        told = edge.run("live", colour="green")["hosts"][0]["pins"]
        assert (told["affinity"], told["seconds"], told["drain"]) == ("cookie", 7200, 60)
        assert 'sessions (cookie, by rule "sticky app") stay on their colour for up to 7200 s' in told["text"]
        pinned = "__cflb=" + edge.green
        steps = edge.run("returned", check=True)["steps"]
        assert steps[-1] == "disable pool of the colour left behind, which ends its sessions"
        edge.run("returned", keep_sticky=True)
        assert edge.serving(pinned, "/app") == ["green"] * 3 and edge.serving(pinned) == ["blue"] * 3
        at = edge.clock.now()
        assert edge.run("drained", colour="green", deadline=50)["drained"] is False
        assert edge.run("drained", colour="green", deadline=50)["drained"] is True
        assert 59 < edge.clock.now() - at < 75 and edge.serving(pinned, "/app") == ["blue"] * 3
        edge.switch.claim(20)
        edge.run("live", colour="green", token=20)
        edge.run("returned")
        assert not edge.pool("green")["enabled"] and edge.serving(pinned, "/app") == ["blue"] * 3


@pytest.mark.parametrize(
    ("rule", "why", "cure"),
    [
        ({"name": "eu", "overrides": {"default_pools": ["{blue}"]}},
         'rules that choose pools by themselves: rule "eu" (default_pools)',
         'disable rule "eu" in Cloudflare, or take default_pools out of its overrides'),
        ({"overrides": {"fallback_pool": "{blue}", "ttl": 30}}, "rule number 1 (fallback_pool)",
         "disable rule number 1 in Cloudflare"),
        # The new way to say it, and whatever comes after that.
        ({"name": "new", "overrides": {"pools": ["{blue}"], "pool_weights": {"{blue}": 1.0}}},
         'rule "new" (pools, pool_weights)', "take pools, pool_weights out"),
        ({"name": "closed", "condition": "", "fixed_response": {"status_code": 503}},
         'rule "closed" answers every visitor itself (fixed_response)', 'disable rule "closed" in Cloudflare'),
    ],
)  # fmt: skip
def test_a_rule_that_decides_by_itself_is_refused_by_its_name(
    tmp_path: Path, rule: dict[str, Any], why: str, cure: str
) -> None:
    with Deployment(tmp_path) as edge:
        made = json.loads(json.dumps(rule).replace("{blue}", edge.blue))
        harmless = {"name": "sticky", "overrides": {"session_affinity": "cookie"}, "terminates": True}
        before = edge.lb(HOSTS[1])
        edge.fake.put("load_balancers", id=edge.ids[HOSTS[1]], rules=[made, harmless])
        said = str(edge.fails("adopted"))
        assert HOSTS[1] in said and why in said and cure in said and "sticky" not in said
        off = {**made, "disabled": True}
        edge.fake.put("load_balancers", id=edge.ids[HOSTS[1]], rules=[off, harmless])
        edge.adopt()
        edge.fake.put("load_balancers", id=edge.ids[HOSTS[1]], rules=[made, harmless])
        said = str(edge.fails("live", colour="green"))
        assert HOSTS[1] in said and why in said and cure in said
        assert edge.fake.mutating == [] and edge.lb(HOSTS[1])["default_pools"] == before["default_pools"]
