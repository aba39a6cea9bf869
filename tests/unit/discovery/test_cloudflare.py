# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Cloudflare's answers mean for a deployment: public names, zones, which pool is which colour. No socket."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from kit.stacks import Stack, another, published

from ansible_collections.olympus.bluegreen.plugins.module_utils._cloudflare.zones import Held, suffixes
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import BluegreenError
from ansible_collections.olympus.bluegreen.plugins.module_utils._discovery import answers, cloudflare
from ansible_collections.olympus.bluegreen.plugins.module_utils._discovery.learn import Learned, Looked, learn

EDGE = {"kind": ("cloudflare", "bluegreen_edge"), "service": ("", "it is not on this host")}
ZONE, ACCOUNT = {"id": "z1", "name": "example.com", "account": {"id": "a1"}}, "a1"
HOSTS = ("login.example.com", "www.example.com")
TOLD: dict[str, Any] = {"edge": {"kind": "cloudflare", "api_token_file": "/t"}}


def behind(stack: Stack) -> Looked:
    return replace(stack.looked(), config=None, edge_service="", edge=EDGE)


def pool(name: str, origin: str = "front", about: str = "", **more: Any) -> dict[str, Any]:
    return {
        "id": "id-" + name,
        "name": name,
        "description": about,
        "origins": [{"name": origin, "address": "a"}],
        **more,
    }


def found(*hosts: str) -> dict[str, Any]:
    public = [{"host": host, "path": "/"} for host in hosts]
    values = {"services": {}, "edge": {"kind": "cloudflare", "service": ""}, "public": public}
    return Learned(values, {"public." + host: "URLS_LOGIN of hydra" for host in hosts}).data()


def held(*pools: dict[str, Any], uses: Mapping[str, Any] | None = None, **changes: Any) -> Held:
    """Every name has a load balancer that sends to the first pool."""
    fields = uses or {"default_pools": [pools[0]["id"]], "fallback_pool": pools[0]["id"]}
    given = {
        "zones": {"z1": ZONE}, "zone_of": dict.fromkeys(HOSTS, "z1"), "accounts": [ACCOUNT], "pools": pools,
        "balancers": {host: {"name": host, **fields} for host in HOSTS}, **changes,
    }  # fmt: skip
    return Held(**given)


def learned(answer: Held, given: Mapping[str, Any] | None = None, *hosts: str) -> dict[str, Any]:
    return cloudflare.learned(found(*(hosts or HOSTS)), given or TOLD, "olympus", lambda _hosts, _account: answer)


def with_pools(**pools: Any) -> dict[str, Any]:
    return {"edge": {**TOLD["edge"], "pools": pools}}


def test_names_by_the_services_own_words() -> None:
    stack = published()
    stack.services["site"]["env"]["NEXT_PUBLIC_APP_URL"] = "https://olympus.test"
    stack.services["ciam-athena"]["env"]["NEXT_PUBLIC_APP_URL"] = "http://localhost:3001"
    stack.services["seed"]["env"].update(
        IAM_ATHENA_PUBLIC_URL="https://iam.admin.test:443/x", PGADMIN_PUBLIC_URL="https://pgadmin.test"
    )
    data = learn(behind(stack), {}).data()
    assert data["problems"] == []
    assert {one["host"]: one["path"] for one in data["values"]["public"]} == {
        "ciam.oauth.test": "/.well-known/jwks.json", "iam.oauth.test": "/.well-known/jwks.json",
        "ciam.login.test": "/health", "iam.login.test": "/health", "olympus.test": "/", "iam.admin.test": "/api/health",
    }  # fmt: skip
    assert data["found"]["public.iam.login.test"] == "URLS_LOGIN of iam-hydra"
    assert data["found"]["public.iam.admin.test"] == "IAM_ATHENA_PUBLIC_URL of seed"
    assert data["values"]["domains"]["iam"]["login_host"] == "iam.login.test"
    # With a Caddy that can be read its routes say the names, and nothing else does.
    assert "public.iam.admin.test" not in learn(replace(published().looked(), config={"apps": {}}), {}).data()["found"]


def test_a_login_page_that_nobody_is_known_to_answer() -> None:
    data = learn(behind(another()), {}).data()
    assert [one for one in data["problems"] if one.startswith("sso.example.net is a public name (URLS_LOGIN of oauth")]
    for given in ({"public": [{"host": "sso.example.net"}]}, {"services": {"signin": {"kind": "hera", "port": 8080}}}):
        assert not [one for one in learn(behind(another()), given).data()["problems"] if "sso.example.net" in one]


def test_suffixes() -> None:
    assert suffixes("a.b.example.com") == ["a.b.example.com", "b.example.com", "example.com"]
    assert suffixes("localhost") == ["localhost"]


@pytest.mark.parametrize(
    ("pools", "uses", "given", "wanted"),
    [
        ([pool("olympus-blue"), pool("olympus-green")], ["olympus-blue", "olympus-green"], {},
         ("olympus-blue", "olympus-green")),
        # The other is in no load balancer yet.
        ([pool("olympus-blue"), pool("green"), pool("olympus-green")], ["olympus-blue"], {},
         ("olympus-blue", "olympus-green")),
        ([pool("one", "edge-Blue"), pool("two", "edge-green")], ["two", "one"], {}, ("one", "two")),
        ([pool("olympus"), pool("second", about="[olympus.bluegreen:olympus:green]")], ["second", "olympus"],
         {"blue": {"name": "olympus"}}, ("olympus", "second")),
        # Our mark before a name; that of another deployment is none.
        ([pool("blue-x", about="[olympus.bluegreen:olympus:green]"), pool("blue-y")], ["blue-x", "blue-y"], {},
         ("blue-y", "blue-x")),
        ([pool("x", about="[olympus.bluegreen:other:green]"), pool("y-blue"), pool("y-green")], ["y-blue", "x"], {},
         ("y-blue", "y-green")),
        # What is told goes first, and says what the only other one is.
        ([pool("blue"), pool("green")], ["blue", "green"], {"green": {"name": "blue"}, "blue": {"name": "green"}},
         ("green", "blue")),
        ([pool("olympus")], ["olympus"], {"green": {"name": "next", "origins": [{}]}}, ("olympus", "next")),
        ([pool("olympus"), pool("next")], ["olympus"], {"green": {"name": "next"}}, ("olympus", "next")),
        # Ours, to be made: named like the other.
        ([pool("olympus-blue")], ["olympus-blue"], {"green": {"origins": [{}]}}, ("olympus-blue", "olympus-green")),
        ([pool("olympus")], ["olympus"], {"blue": {"name": "olympus"}, "green": {"origins": [{}]}},
         ("olympus", "olympus-green")),
    ],
)  # fmt: skip
def test_which_pool_is_which_colour(
    pools: list[dict[str, Any]], uses: list[str], given: dict[str, Any], wanted: tuple[str, str]
) -> None:
    listed = ["id-" + name for name in uses]
    fields = {"default_pools": listed[:1], "region_pools": {"WEU": listed}, "fallback_pool": listed[0]}
    data = learned(held(*pools, uses=fields), with_pools(**given))
    assert data["problems"] == []
    chosen = data["values"]["edge"]["pools"]
    assert (chosen["blue"]["name"], chosen["green"]["name"]) == wanted


@pytest.mark.parametrize(
    ("pools", "uses", "given", "words"),
    [
        (["olympus"], ["olympus"], {}, "bluegreen_edge.pools.blue.name='': nothing says which pool is blue; the load"
         " balancers send to: olympus. Fix: say it, as in bluegreen_edge: {pools: {blue: {name: olympus}}}."),
        (["olympus", "spare"], ["olympus", "spare"], {"blue": {"name": "olympus"}},
         "nothing says which pool is green; the load balancers send to: olympus, spare. Fix: say it, as in"
         " bluegreen_edge: {pools: {green: {name: spare}}}"),
        (["a-blue", "b-blue"], ["a-blue", "b-blue"], {},
         "which pool is blue; several of the load balancers' pools may be it: a-blue, b-blue. Fix: say it"),
        (["bluegreen"], ["bluegreen"], {}, "nothing says which pool is blue"),
        (["blue", "green"], ["blue"], {"green": {"name": "grren"}},
         "bluegreen_edge.pools.green.name='grren': the account has no such pool; there are blue, green. Fix: correct"),
    ],
)  # fmt: skip
def test_a_colour_that_nothing_says(pools: list[str], uses: list[str], given: dict[str, Any], words: str) -> None:
    answer = held(*map(pool, pools), uses={"default_pools": ["id-" + name for name in uses], "fallback_pool": None})
    assert any(words in one for one in learned(answer, with_pools(**given))["problems"])


def test_the_monitor_of_a_pool_that_is_to_be_ours() -> None:
    answer = held(pool("blue", monitor="m1"), pool("green", monitor="m2"))
    made = {"green": {"name": "third", "origins": [{}]}}
    assert learned(answer, with_pools(**made))["values"]["edge"]["pools"]["green"] == {"name": "third", "monitor": "m1"}
    made = {"green": {"origins": [{}]}}
    assert learned(answer, with_pools(**made))["values"]["edge"]["pools"]["green"]["monitor"] == "m2"
    assert "monitor" not in learned(answer)["values"]["edge"]["pools"]["green"]


def test_rules_and_pop_pools_count_as_used() -> None:
    rules = [{"overrides": {"default_pools": ["r"], "country_pools": {"DE": ["c"]}}}, {"disabled": True, "overrides": {
        "fallback_pool": "no"}}]  # fmt: skip
    lb = {"default_pools": ["a"], "pop_pools": {"AMS": ["p"]}, "fallback_pool": "f", "rules": rules}
    assert cloudflare.used_by(lb) == ["a", "p", "f", "r", "c"]


PAIR = (pool("blue"), pool("green"))


def test_names_without_a_load_balancer_or_a_zone() -> None:
    one: dict[str, Any] = {"balancers": {HOSTS[1]: {"name": HOSTS[1], "default_pools": ["id-blue"]}}}
    said = learned(held(*PAIR, **one))["problems"]
    assert said == [
        "bluegreen_public='login.example.com': zone example.com has no load balancer of this name (URLS_LOGIN of"
        " hydra). Fix: make it in Cloudflare with the live colour's pool, or list the names that have one in"
        " bluegreen_public"
    ]
    # Where the operator lists names, one that was learned beside them is left out and said.
    data = learned(held(*PAIR, **one), {**TOLD, "public": [{"host": HOSTS[1]}]})
    assert data["problems"] == [] and [name["host"] for name in data["values"]["public"]] == [HOSTS[1]]
    assert "login.example.com is not flipped: no load balancer has this name" in cloudflare.lines(
        data["values"]["edge"], data["found"]
    )
    said = learned(
        held(*PAIR, **one, zone_of={HOSTS[0]: "", HOSTS[1]: "z1"}), {**TOLD, "public": [{"host": HOSTS[0]}]}
    )["problems"]
    assert said[0].startswith(
        "bluegreen_public='login.example.com': no zone that the API token may see holds this name (asked:"
        " login.example.com, example.com). Fix: let the token see the zone, or take the name out"
    )


def test_no_name_at_all_and_no_answer() -> None:
    def refuses(_hosts: Mapping[str, str], _account: str) -> Held:
        raise BluegreenError("GET /zones: status 500")

    assert learned(Held())["problems"][0].startswith("bluegreen_public='login.example.com': no zone")
    none = cloudflare.learned(found(), TOLD, "olympus", refuses)
    assert "nothing says a public name" in none["problems"][0] and "Fix: name them in bluegreen_public" in str(none)
    said = cloudflare.learned(found(*HOSTS), TOLD, "olympus", refuses)["problems"]
    assert said == ["Cloudflare could not be asked for the public names: GET /zones: status 500"]


def test_another_load_balancer_of_a_colour() -> None:
    beside = [{"name": "pgadmin.example.com", "default_pools": ["id-blue"]}]
    said = learned(held(*PAIR, others=beside))["problems"]
    assert len(said) == 1 and said[0].startswith("the load balancer of pgadmin.example.com sends to a colour's pool")
    for other in ({"default_pools": ["id-else"]}, {"default_pools": ["id-blue"], "enabled": False}):
        assert learned(held(*PAIR, others=[{"name": "x", **other}]))["problems"] == []


def test_before_the_first_adopt_what_serves_is_blue() -> None:
    green = held(*reversed(PAIR))

    def said(first: bool, answer: Held = green, given: Mapping[str, Any] | None = None) -> list[str]:
        data = cloudflare.learned(found(*HOSTS), given or TOLD, "olympus", lambda _hosts, _account: answer, first)
        return list(data["problems"])

    assert said(False) == [] and said(True, held(*PAIR)) == []
    assert len(said(True)) == 1 and "pools.green.name='green': the load balancers send to it, and what" in said(True)[0]
    assert said(True, given=with_pools(green={"name": "green"})) == []
    # A record that was lost: our mark is as sure.
    marked = pool("green", about="[olympus.bluegreen:olympus:green]")
    assert said(True, held(marked, pool("blue"))) == []


def test_told_and_learned_that_contradict_each_other() -> None:
    given: dict[str, Any] = {"edge": {**TOLD["edge"], "zone_id": "z9", "account_id": "a9"}}
    data = learned(held(*PAIR), given)
    assert answers.contradictions(data, given) == [
        "bluegreen_edge.account_id='a9': the zone is of account a1. Fix: say a1, or nothing: it is learned",
        "bluegreen_edge.zone_id='z9': the public names are in zone z1. Fix: say z1, or nothing: it is learned",
    ]
    assert data["problems"] == []
    given = {**TOLD, "public": [{"host": HOSTS[0], "zone_id": "z9"}]}
    assert learned(held(*PAIR), given)["problems"] == [
        "bluegreen_public[login.example.com].zone_id='z9': login.example.com is in zone example.com, which is z1."
        " Fix: say z1, or nothing: it is learned"
    ]


def test_two_zones_and_two_accounts() -> None:
    zones = {"z1": ZONE, "z2": {"id": "z2", "name": "example.net"}}
    both = held(*PAIR, zones=zones, zone_of={HOSTS[0]: "z1", HOSTS[1]: "z2"})
    data = learned(both)
    made = answers.described(data["values"], TOLD)
    assert made["edge"]["zone_id"] == "z1" and "zones" not in made["edge"]
    assert [one.get("zone_id") for one in made["public"]] == [None, "z2"]
    # A name that only the operator says gets its zone too.
    given = {**TOLD, "public": [{"host": HOSTS[1], "path": "/up"}]}
    made = answers.described(learned(both, given, HOSTS[0])["values"], given)
    zones_of = {one["host"]: (one["path"], one.get("zone_id") or made["edge"]["zone_id"]) for one in made["public"]}
    assert zones_of == {HOSTS[0]: ("/", "z1"), HOSTS[1]: ("/up", "z2")}
    many = learned(replace(both, accounts=["a1", "a2"]))["problems"]
    assert many and "belong to several accounts: a1, a2" in many[0]


def test_told_pools_go_over_learned_ones_key_by_key_and_a_record_without_them_is_said() -> None:
    data = learned(held(pool("blue", monitor="m1"), pool("green")))
    given = with_pools(green={"monitor": "m7"})
    made = answers.described(data["values"], given)["edge"]
    assert made["pools"] == {"blue": {"name": "blue"}, "green": {"name": "green", "monitor": "m7"}}
    assert answers.contradictions(data, given, False) == []
    bare = answers.contradictions(found(), TOLD, False)
    assert bare == [
        "bluegreen_edge.kind='cloudflare': its account and pools are not recorded. Fix: run --tags adopt, which"
        " learns them"
    ]
    assert answers.contradictions(found(), TOLD) == []
