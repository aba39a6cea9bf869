# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A public name and its load balancer are the same name in whichever of its spellings each is written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from kit.cloudflare_fake import ZONE, zone
from kit.cloudflare_kit import Deployment

from ansible_collections.olympus.bluegreen.plugins.module_utils._cloudflare.api import Api
from ansible_collections.olympus.bluegreen.plugins.module_utils._cloudflare.zones import Zones
from ansible_collections.olympus.bluegreen.plugins.module_utils._discovery import cloudflare
from ansible_collections.olympus.bluegreen.plugins.module_utils._discovery.answers import described
from ansible_collections.olympus.bluegreen.plugins.module_utils._discovery.learn import Learned

BUECHER = "xn--bcher-kva.test"
SPELLED = [
    ("b\u00fccher.test", BUECHER),
    (BUECHER, "b\u00fccher.test"),
    ("b\u00fccher.test", "B\u00dcCHER.test."),
    (BUECHER, "XN--BCHER-KVA.TEST"),
    ("xn--e1afmkfd.test", "\u043f\u0440\u0438\u043c\u0435\u0440.test"),
    ("login.example.test", "Login.Example.test"),
    ("login.example.test", "login.example.test."),
    ("Login.Example.test", "login.example.test"),
]


def asking(edge: Deployment) -> cloudflare.Ask:
    api = Api(edge.http, edge.clock, edge.server.url, edge.token, budget=99, patience=1.0)
    return lambda hosts, account: Zones(api, hosts).ask(account)


def named(host: str) -> list[dict[str, Any]]:
    return [{"host": host, "path": "/", "zone_id": ""}]


@pytest.mark.parametrize(("there", "told"), SPELLED)
def test_a_load_balancer_is_flipped_whichever_way_it_is_named(tmp_path: Path, there: str, told: str) -> None:
    edge = Deployment(tmp_path, memory=True)
    made = edge.fake.put("load_balancers", name=there, default_pools=[edge.blue], fallback_pool=edge.blue)
    edge.fake.put("load_balancers", name="*.other.test", default_pools=[edge.blue], fallback_pool=edge.blue)
    public = named(told)
    edge.run("adopted", public=public)
    assert edge.run("read", public=public)["problems"] == []
    for state, colour in (("live", "green"), ("returned", "blue")):
        done = edge.run(state, colour="green", public=public)
        (row,) = done["observed"]
        assert row["colour"] == colour and row["host"].isascii() and row["host"] == done["hosts"][0]["host"]
        pool = edge.fake.state["load_balancers"][made]["default_pools"][0]
        assert pool == edge.pool(colour)["id"]


def test_a_name_twice_and_a_name_that_is_none_are_refused(tmp_path: Path) -> None:
    edge = Deployment(tmp_path, memory=True)
    twice = [*named("b\u00fccher.test"), *named(BUECHER)]
    assert "list each public name once" in str(edge.fails("adopted", public=twice))
    said = str(edge.fails("adopted", public=named("b\u00fc\ufffdcher.test")))
    assert said.startswith("bluegreen_public=") and "not a host name" in said and "Fix: write the name" in said
    assert edge.fake.log == []


@pytest.mark.parametrize(("zoned", "there", "told"), [
    ("b\u00fccher.test", "login.b\u00fccher.test", "Login.XN--bcher-kva.test."),
    (BUECHER, "login." + BUECHER, "login.b\u00fccher.test"),
    ("b\u00fccher.test", "login." + BUECHER, "login.b\u00fccher.test"),
])  # fmt: skip
def test_adopt_finds_the_zone_of_a_name_whichever_way_it_is_named(
    tmp_path: Path, zoned: str, there: str, told: str
) -> None:
    edge = Deployment(tmp_path, memory=True)
    edge.fake.put("pools", name="green", origins=[{"name": "b", "address": "203.0.113.2"}])
    edge.fake.zones["f" * 32] = zone("f" * 32, zoned)
    edge.fake.put("load_balancers", name=there, default_pools=[edge.blue], fallback_pool=edge.blue)
    for said in ({}, {"public": [{"host": told}]}):
        # A service writes the name as it likes, too.
        values = {"services": {}, "edge": {}, "public": [{"host": "LOGIN." + zoned, "path": "/health"}]}
        given = {"edge": {"kind": "cloudflare"}, **said}
        found = cloudflare.learned(Learned(values).data(), given, "olympus", asking(edge))
        assert found["problems"] == [] and found["values"]["edge"]["zone_id"] == "f" * 32 != ZONE
        assert described(found["values"], given)["public"] == [{"host": "login." + BUECHER, "path": "/health"}]
