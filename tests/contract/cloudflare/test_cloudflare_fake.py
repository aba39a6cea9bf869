# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The fake Cloudflare, driven by Cloudflare's own SDK alone: what it keeps and answers is what the SDK means."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import cloudflare
import pytest
from kit import cloudflare_schema as schema
from kit.cloudflare_fake import ACCOUNT, TOKEN, ZONE, Cloudflare, Fault, Token, zone
from kit.cloudflare_server import Server


@pytest.fixture
def fake() -> Iterator[tuple[Cloudflare, cloudflare.Cloudflare]]:
    fake = Cloudflare()
    with Server(fake) as server, cloudflare.Cloudflare(
        api_token=TOKEN, base_url=server.url, max_retries=0, timeout=5
    ) as client:  # fmt: skip
        yield fake, client


def test_a_whole_life_by_the_sdk(fake: tuple[Cloudflare, cloudflare.Cloudflare]) -> None:
    _fake, sdk = fake
    lbs = sdk.load_balancers
    monitor = lbs.monitors.create(account_id=ACCOUNT, type="https", path="/health", load_balancer_monitor_timeout=3)
    assert monitor and monitor.timeout == 3 and monitor.interval == 60
    made = [
        lbs.pools.create(
            account_id=ACCOUNT, name=name, monitor=str(monitor.id), origins=[{"name": "one", "address": "203.0.113.1"}]
        )
        for name in ("blue", "green")
    ]
    blue, green = (str(pool.id) for pool in made if pool)
    balancer = lbs.create(
        zone_id=ZONE, name="login.example.com", default_pools=[blue], fallback_pool=blue,
        session_affinity_attributes={"drain_duration": 60, "samesite": "Lax"},
    )  # fmt: skip
    assert [one.name for one in lbs.list(zone_id=ZONE)] == ["login.example.com"]
    assert sorted(str(one.name) for one in lbs.pools.list(account_id=ACCOUNT)) == ["blue", "green"]
    edited = lbs.edit(str(balancer.id), zone_id=ZONE, default_pools=[green, blue])
    assert (edited.default_pools, edited.fallback_pool, edited.enabled) == ([green, blue], blue, True)
    # A nested object is replaced whole.
    edited = lbs.edit(str(balancer.id), zone_id=ZONE, session_affinity_attributes={"secure": "Auto"})
    assert edited.session_affinity_attributes and edited.session_affinity_attributes.drain_duration is None
    read = lbs.get(str(balancer.id), zone_id=ZONE)
    assert read.default_pools == [green, blue] and read.modified_on == edited.modified_on
    put = lbs.update(str(balancer.id), zone_id=ZONE, name="login.example.com", default_pools=[blue], fallback_pool=blue)
    assert put.session_affinity_attributes is None
    pool = lbs.pools.edit(green, account_id=ACCOUNT, origins=[{"name": "one", "address": "a", "enabled": False}])
    assert pool and pool.origins and pool.origins[0].disabled_at and pool.monitor == monitor.id
    health: Any = lbs.pools.health.get(blue, account_id=ACCOUNT)
    assert health.pool_id == blue
    verified = sdk.user.tokens.verify()
    assert verified and verified.status == "active"
    with pytest.raises(cloudflare.APIStatusError):
        lbs.pools.delete(blue, account_id=ACCOUNT)
    lbs.delete(str(balancer.id), zone_id=ZONE)
    lbs.pools.delete(blue, account_id=ACCOUNT)
    with pytest.raises(cloudflare.NotFoundError):
        lbs.pools.get(blue, account_id=ACCOUNT)
    assert [one.name for one in lbs.pools.list(account_id=ACCOUNT)] == ["green"]


def test_zones_by_name_by_the_sdk(fake: tuple[Cloudflare, cloudflare.Cloudflare]) -> None:
    kept, sdk = fake
    kept.zones["f" * 32] = zone("f" * 32, "example.net", "e" * 32, "pending")
    kept.put("load_balancers", name="www.example.com", default_pools=[], fallback_pool="")
    kept.put("load_balancers", name="www.example.net", default_pools=[], fallback_pool="")
    found = list(sdk.zones.list(name="example.net"))
    assert [(one.id, one.name, one.account.id, one.status) for one in found] == [
        ("f" * 32, "example.net", "e" * 32, "pending"),
    ]  # fmt: skip
    assert {one.name for one in sdk.zones.list(per_page=50)} == {"example.com", "example.net"}
    assert list(sdk.zones.list(name="www.example.com")) == []
    one = sdk.zones.get(zone_id=ZONE)
    assert one and one.account.id == ACCOUNT and one.created_on.year == 2026 and one.meta.step == 2
    assert [lb.name for lb in sdk.load_balancers.list(zone_id="f" * 32)] == ["www.example.net"]
    assert [lb.name for lb in sdk.load_balancers.list(zone_id=ZONE)] == ["www.example.com"]
    with pytest.raises(cloudflare.NotFoundError):
        sdk.zones.get(zone_id="0" * 32)
    with pytest.raises(cloudflare.NotFoundError):
        list(sdk.load_balancers.list(zone_id="0" * 32))
    with pytest.raises(cloudflare.BadRequestError, match="unknown hue"):
        sdk.zones.list(extra_query={"hue": "blue"})
    kept.tokens[TOKEN] = Token(frozenset(["Load Balancers Read"]))
    with pytest.raises(cloudflare.PermissionDeniedError):
        sdk.zones.list(name="example.com")


def test_what_it_refuses_and_what_goes_wrong(fake: tuple[Cloudflare, cloudflare.Cloudflare]) -> None:
    kept, sdk = fake
    pools = sdk.load_balancers.pools
    with pytest.raises(cloudflare.BadRequestError, match=r"origins\[0\].port"):
        wrong: Any = [{"name": "one", "address": "a", "port": "eighty"}]
        pools.create(account_id=ACCOUNT, name="blue", origins=wrong)
    kept.tokens[TOKEN] = Token(frozenset(["Load Balancing: Monitors and Pools Read"]))
    assert list(pools.list(account_id=ACCOUNT)) == []
    with pytest.raises(cloudflare.PermissionDeniedError):
        pools.create(account_id=ACCOUNT, name="blue", origins=[])
    kept.tokens[TOKEN] = Token()
    kept.fresh()
    kept.faults = {0: Fault("429", 7), 1: Fault("500"), 2: Fault("before"), 3: Fault("after")}
    kept.now = lambda: time.time() + 10 * len(kept.log)
    with pytest.raises(cloudflare.RateLimitError) as limited:
        pools.create(account_id=ACCOUNT, name="blue", origins=[])
    assert limited.value.response.headers["retry-after"] == "7"
    for kind in (cloudflare.InternalServerError, cloudflare.APIConnectionError, cloudflare.APIConnectionError):
        with pytest.raises(kind):
            pools.create(account_id=ACCOUNT, name="blue", origins=[])
    assert [one["name"] for one in kept.state["pools"].values()] == ["blue"], "only the lost answer had an effect"


@pytest.mark.parametrize(
    ("kind", "method", "body", "said"),
    [
        ("load_balancers", "PATCH", {"steering_policy": "off"}, ""),
        ("load_balancers", "PATCH", {"steering_policy": "first"}, "none of"),
        ("load_balancers", "PATCH", {"default_pools": "blue"}, "not a list"),
        (
            "load_balancers",
            "PATCH",
            {"random_steering": {"pool_weights": {"a": "1"}}},
            "pool_weights.a: '1' is no float",
        ),
        ("load_balancers", "PATCH", {"colour": "blue"}, "unknown colour"),
        ("load_balancers", "POST", {"name": "a", "default_pools": []}, "fallback_pool is missing"),
        ("pools", "PATCH", {"enabled": 1}, "is no bool"),
        ("pools", "PATCH", {"check_regions": None}, ""),
        ("monitors", "POST", {"timeout": 5}, ""),
    ],
)
def test_bodies_against_the_types_of_the_sdk(kind: str, method: str, body: Any, said: str) -> None:
    text = schema.wrong(kind, method, body)
    assert (said in text) if said else text == ""
