# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What decides by a load balancer's fields: the plan touches only that, reaches the colour, and is then empty."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ansible_collections.olympus.bluegreen.plugins.module_utils._cloudflare import steering
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.names import OTHER

POOLS = {"blue": "b", "green": "g"}
FOREIGN = ("x", "y")
MAY = {"default_pools", "fallback_pool", "random_steering", *steering.MAPS}

WEIGHTS = st.integers(0, 100).map(lambda percent: percent / 100)
LISTED = st.lists(st.sampled_from(["b", "g", *FOREIGN]), unique=True, max_size=4)
FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "name": st.just("login.example.com"),
    "default_pools": LISTED,
    "fallback_pool": st.sampled_from(["b", "g", "x"]),
    "steering_policy": st.sampled_from(["", "off", "geo", *steering.WEIGHTED, *steering.NEAREST]),
}
OPTIONAL: dict[str, st.SearchStrategy[Any]] = {
    "enabled": st.booleans(),
    "session_affinity": st.sampled_from(["none", "cookie"]),
    "random_steering": st.fixed_dictionaries(
        {},
        optional={
            "default_weight": WEIGHTS,
            "pool_weights": st.dictionaries(st.sampled_from(["b", "g", *FOREIGN]), WEIGHTS),
        },
    ),
    **{name: st.dictionaries(st.sampled_from(["WEU", "ENAM"]), LISTED, max_size=2) for name in steering.MAPS},
    "rules": st.lists(
        st.fixed_dictionaries({"disabled": st.booleans(), "overrides": st.just({"default_pools": ["x"]})})
    ),
}
BALANCERS = st.fixed_dictionaries(FIELDS, optional=OPTIONAL)
# Those that can be flipped, mostly: one of ours first, and no rules.
OURS_FIRST = st.builds(
    lambda first, rest: [first, *(pool for pool in rest if pool != first)], st.sampled_from(["b", "g"]), LISTED
)
FIT = st.fixed_dictionaries(
    {**FIELDS, "default_pools": OURS_FIRST},
    optional={name: strategy for name, strategy in OPTIONAL.items() if name not in ("enabled", "rules")},
).filter(lambda lb: not steering.unfit(lb, POOLS))
COLOURS = st.sampled_from(["blue", "green"])


def written(lb: dict[str, Any], colour: str, weight: int = 100, failover: bool = True) -> dict[str, Any]:
    """As a PATCH leaves it: what was supplied is replaced whole."""
    return {**lb, **steering.changes(lb, POOLS, colour, weight, failover)}


@given(FIT, COLOURS, st.booleans())
def test_the_colour_is_reached_and_the_next_plan_is_empty(lb: dict[str, Any], colour: str, failover: bool) -> None:
    body = steering.changes(lb, POOLS, colour, failover=failover)
    after = {**lb, **body}
    assert steering.live(after, POOLS) == colour and steering.unfit(after, POOLS) == ""
    assert steering.changes(after, POOLS, colour, failover=failover) == {}
    assert set(body) <= MAY and all(lb.get(name) != value for name, value in body.items())
    back = written(after, OTHER[colour], failover=failover)
    assert (
        steering.live(back, POOLS) == OTHER[colour]
        and steering.changes(back, POOLS, OTHER[colour], failover=failover) == {}
    )


@given(FIT, COLOURS)
def test_what_is_not_ours_stays(lb: dict[str, Any], colour: str) -> None:
    after = written(lb, colour)

    def rest(listed: list[str]) -> list[str]:
        return [pool for pool in listed if pool in FOREIGN]

    assert rest(after["default_pools"]) == rest(lb["default_pools"])
    for name in steering.MAPS:
        before: dict[str, list[str]] = lb.get(name) or {}
        assert {key: rest(one) for key, one in before.items()} == {
            key: rest(one) for key, one in (after.get(name) or {}).items()
        }
    now, was = (one.get("random_steering") or {} for one in (after, lb))
    assert now.get("default_weight") == was.get("default_weight")
    for pool in FOREIGN:
        assert (now.get("pool_weights") or {}).get(pool) == (was.get("pool_weights") or {}).get(pool)
    if lb["fallback_pool"] in FOREIGN:
        assert after["fallback_pool"] == lb["fallback_pool"]


@given(FIT)
def test_who_is_there_already_is_left_alone(lb: dict[str, Any]) -> None:
    colour = steering.live(lb, POOLS)
    assume(colour and lb["fallback_pool"] != POOLS[OTHER[colour]])
    assert steering.changes(lb, POOLS, colour) == {}


@given(BALANCERS | FIT, COLOURS, st.integers(1, 99))
def test_a_weight_is_what_visitors_get_or_refused(lb: dict[str, Any], colour: str, weight: int) -> None:
    if steering.policy_of(lb) not in steering.WEIGHTED:
        assert steering.unfit(lb, POOLS, weight)
        return
    assume(not steering.unfit(lb, POOLS, weight))
    after = written(lb, colour, weight)
    assert (
        steering.share(after, POOLS, colour) == weight and steering.share(after, POOLS, OTHER[colour]) == 100 - weight
    )
    assert steering.changes(after, POOLS, colour, weight) == {} and after["fallback_pool"] == lb["fallback_pool"]
    assert all(0 <= one <= 1 and round(one, 2) == one for one in after["random_steering"]["pool_weights"].values())


@pytest.mark.parametrize(
    ("lb", "body"),
    [
        ({"default_pools": ["b"]}, {"default_pools": ["g", "b"]}),
        ({"default_pools": ["b", "x", "g"]}, {"default_pools": ["g", "x", "b"]}),
        ({"default_pools": ["g", "b"]}, {}),
        ({"default_pools": ["b"], "fallback_pool": "x"}, {"default_pools": ["g", "b"]}),
        ({"default_pools": ["b"], "fallback_pool": "b"}, {"default_pools": ["g", "b"], "fallback_pool": "g"}),
        # Weights mean nothing under off, and are not touched.
        (
            {"default_pools": ["b", "g"], "steering_policy": "off", "random_steering": {"pool_weights": {"b": 1}}},
            {"default_pools": ["g", "b"]},
        ),
        (
            {"default_pools": ["b", "g"], "steering_policy": "random", "random_steering": {"pool_weights": {"b": 0.4}}},
            {"random_steering": {"pool_weights": {"b": 0.0, "g": 1.0}}},
        ),
        # Maps mean nothing under off; under '' they make it geo.
        (
            {"default_pools": ["b"], "region_pools": {"WEU": ["b", "x"], "ENAM": ["x"]}, "steering_policy": ""},
            {"default_pools": ["g", "b"], "region_pools": {"WEU": ["g", "b", "x"], "ENAM": ["x"]}},
        ),
        (
            {"default_pools": ["b"], "region_pools": {"WEU": ["b"]}, "steering_policy": "off"},
            {"default_pools": ["g", "b"]},
        ),
        ({"default_pools": ["b", "g"], "steering_policy": "dynamic_latency"}, {"default_pools": ["g"]}),
    ],
)
def test_what_is_written_for_green(lb: dict[str, Any], body: dict[str, Any]) -> None:
    assert steering.changes(lb, POOLS, "green") == body


def test_without_failover_the_other_one_is_taken_off() -> None:
    assert steering.changes({"default_pools": ["b", "x"]}, POOLS, "green", failover=False) == {
        "default_pools": ["g", "x"]
    }


@pytest.mark.parametrize(
    ("lb", "weight", "said"),
    [
        ({"default_pools": ["b"], "enabled": False}, 100, "disabled"),
        ({"default_pools": ["x"]}, 100, "neither colour's pool"),
        ({"default_pools": []}, 100, "neither colour's pool"),
        ({"default_pools": ["x", "b"]}, 100, "pool x, which belongs to neither colour"),
        ({"default_pools": ["b", "x"], "steering_policy": "random"}, 100, "pool x"),
        ({"default_pools": ["b", "x"], "steering_policy": "proximity"}, 100, "pool x"),
        ({"default_pools": ["b", "g"], "steering_policy": "off"}, 10, "a weight counts only under"),
        ({"default_pools": ["b", "g"], "steering_policy": "geo"}, 10, "it has geo"),
        ({"default_pools": ["b"], "pool_sets": [{"name": "eu"}]}, 100, "pool sets"),
        ({"default_pools": ["b"], "rules": [{"overrides": {"steering_policy": "off"}}]}, 100, "rules"),
        ({"default_pools": ["b"], "rules": [{"overrides": {"ttl": 30}}]}, 100, ""),
        ({"default_pools": ["b"], "rules": [{"disabled": True, "overrides": {"default_pools": ["x"]}}]}, 100, ""),
    ],
)
def test_what_cannot_be_flipped(lb: dict[str, Any], weight: int, said: str) -> None:
    told = steering.unfit(lb, POOLS, weight)
    assert (said in told) if said else told == ""
