# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings go over what was learned entry by entry; what contradicts the running stack is refused with both values."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kit.stacks import published

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import BluegreenError
from ansible_collections.olympus.bluegreen.plugins.module_utils._discovery import answers
from ansible_collections.olympus.bluegreen.plugins.module_utils._discovery.learn import learn
from ansible_collections.olympus.bluegreen.plugins.plugin_utils.deployment import Asked, Known, deployment
from ansible_collections.olympus.bluegreen.plugins.plugin_utils.setting_checks import wrong_settings

LEARNED = learn(published().looked(), {}).data()
NAMES = st.sampled_from(["ciam-kratos", "site", "shop", "worker"])
ENTRY = st.dictionaries(
    st.sampled_from(["port", "kind", "ready", "alike"]), st.integers() | st.text(max_size=3), max_size=3
)
SERVICES = st.dictionaries(NAMES, ENTRY, max_size=4)
HOSTS = st.lists(
    st.fixed_dictionaries({"host": st.sampled_from(["a.test", "b.test", "c.test"])}, optional={"path": st.text()}),
    max_size=3, unique_by=lambda one: one["host"],
)  # fmt: skip


def merged(settings: dict[str, Any]) -> dict[str, Any]:
    return answers.described(LEARNED["values"], answers.from_settings(settings))


@given(learned=SERVICES, said=SERVICES)
def test_services_merge_key_by_key(learned: dict[str, Any], said: dict[str, Any]) -> None:
    found = answers.described({"services": learned}, {"services": said})["services"]
    assert set(found) == {*learned, *said}
    for name, one in found.items():
        assert one == {**learned.get(name, {}), **said.get(name, {})}
    # Those that are there stay where they were: addresses are given in this order.
    assert list(found)[: len(learned)] == list(learned)


@given(learned=HOSTS, said=HOSTS)
def test_public_names_merge_by_host(learned: list[dict[str, Any]], said: list[dict[str, Any]]) -> None:
    found = {one["host"]: one for one in answers.described({"public": learned}, {"public": said})["public"]}
    over = {one["host"]: one for one in said}
    assert set(found) == {one["host"] for one in [*learned, *said]}
    for one in learned:
        assert found[one["host"]] == {**one, **over.get(one["host"], {})}


def test_a_public_name_may_be_said_either_way() -> None:
    learned = {"public": [{"host": "bücher.test", "path": "/"}, {"host": "Login.Example.test", "path": "/up"}]}
    said = {"public": [{"host": "xn--bcher-kva.test", "path": "/größe"}, {"host": "login.example.test"}]}
    assert answers.described(learned, said)["public"] == [
        {"host": "xn--bcher-kva.test", "path": "/größe"},
        {"host": "login.example.test", "path": "/up"},
    ]


@given(SERVICES)
def test_nothing_told_changes_nothing(services: dict[str, Any]) -> None:
    assert answers.described({"services": services}, {})["services"] == services
    assert answers.described({}, {"services": services})["services"] == services


def test_one_key_of_one_entry_is_enough() -> None:
    found = merged({
        "bluegreen_services": {"site": {"ready": "/up"}},
        "bluegreen_edge": {"port": 8443},
        "bluegreen_shared": ["redis"],
        "bluegreen_schema_targets": [{"name": "ciam_kratos", "database": "other"}],
        "bluegreen_watch": {"window": 60},
        "bluegreen_source": {"repo": "git@example.com:x", "directory": "/opt/x/"},
    })  # fmt: skip
    assert found["services"]["site"] == {"kind": "site", "port": 3000, "ready": "/up", "ui": True}
    assert found["services"]["iam-hera"]["port"] == 4000
    assert (found["edge"]["port"], found["edge"]["service"]) == (8443, "caddy")
    assert found["shared"] == ["postgres", "mail", "redis"]
    assert [one["database"] for one in found["schema_targets"]] == ["other", "ciam_hydra", "iam_kratos", "iam_hydra"]
    assert found["watch"] == {"window": 60, "interval": 1, "min_events": 300}
    assert (found["source"], found["git"]) == ("/opt/x", {"repo": "git@example.com:x"})


def test_without_schema_targets_there_are_none() -> None:
    assert merged({"bluegreen_schema_targets": []})["schema_targets"] == []


def test_what_is_said_to_be_shared_is_not_coloured() -> None:
    found = merged({"bluegreen_shared": ["site"]})
    assert "site" not in found["services"] and "site" in found["shared"]


def test_a_probe_needs_only_who_it_is() -> None:
    flat = {"identifier": "p@example.com", "client_id": "probe", "redirect_uri": "https://x/cb"}
    found = merged({"bluegreen_probes": flat})["probes"]
    assert set(found) == {"ciam", "iam"}
    assert found["iam"] == {
        **flat, "kratos": "iam-kratos", "hydra": "iam-hydra", "hera": "iam-hera",
        "login_host": "iam.login.test", "oauth_host": "iam.oauth.test",
    }  # fmt: skip
    one = merged({"bluegreen_probes": {"ciam": {**flat, "client_id": "other"}}})["probes"]
    assert set(one) == {"ciam"} and one["ciam"]["client_id"] == "other" and one["ciam"]["hera"] == "ciam-hera"
    assert merged({})["probes"] == {}


def test_secrets_of_all_domains_or_of_one() -> None:
    asked: dict[str, Any] = {"ciam": {}, "iam": {}}
    assert answers.secrets({"password": "x"}, asked) == {"ciam": {"password": "x"}, "iam": {"password": "x"}}
    assert answers.secrets({"password": "x", "iam": {"password": "y"}}, asked)["iam"] == {"password": "y"}
    assert answers.secrets({"iam": {"password": "y"}}, asked) == {"iam": {"password": "y"}}
    assert answers.secrets({}, asked) == {}


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (
            {"bluegreen_services": {"iam-hera": {"port": 3000}}},
            ("bluegreen_services.iam-hera.port=3000: its container listens on 4000.", "Fix: say 4000, or nothing"),
        ),
        (
            {"bluegreen_services": {"ciam-kratos": {"admin_port": 4434}}},
            ("bluegreen_services.ciam-kratos.admin_port=4434: its container listens on 5000, 5001.", "say 5001"),
        ),
        (
            {"bluegreen_services": {"site": {"kind": "hera"}}},
            ("bluegreen_services.site.kind='hera': its image is ghcr.io/olympusoss/site:latest", "say site"),
        ),
        (
            {"bluegreen_services": {"stie": {"port": 1}}},
            ("bluegreen_services.stie", "no container of project prod is this service; coloured are ciam-kratos"),
        ),
        ({"bluegreen_shared": ["redis"]}, ("bluegreen_shared='redis'", "there are caddy, ciam-athena")),
        ({"bluegreen_project": "olympus"}, ("bluegreen_project='olympus': the running edge is of prod", "say prod")),
        ({"bluegreen_edge": {"service": "front"}}, ("bluegreen_edge.service='front'", "caddy")),
        ({"bluegreen_database": "pg"}, ("bluegreen_database='pg'", "the DSNs lead to postgres")),
    ],
)  # fmt: skip
def test_a_contradiction_has_both_values(settings: dict[str, Any], words: tuple[str, ...]) -> None:
    (said,) = answers.contradictions(LEARNED, answers.from_settings(settings))
    assert all(word in said for word in words) and "Fix: " in said, said


def test_a_port_is_held_against_what_was_learned_where_nobody_could_look() -> None:
    facts = {name: {**one, "listens": []} for name, one in LEARNED["facts"].items()}
    (said,) = answers.contradictions({**LEARNED, "facts": facts}, {"services": {"site": {"port": 8080}}})
    assert said.startswith("bluegreen_services.site.port=8080: the running stack says 3000")


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"bluegreen_services": {"site": {"port": "3000", "kind": "site"}, "iam-hera": {"kind": "other"}}},
        {"bluegreen_project": "prod", "bluegreen_edge": {"service": "caddy"}, "bluegreen_database": "postgres"},
        {"bluegreen_shared": ["pgadmin"]},
    ],
)
def test_what_agrees_is_well(settings: dict[str, Any]) -> None:
    assert answers.contradictions(LEARNED, answers.from_settings(settings)) == []


def test_once_adopted_a_later_release_may_bring_a_service() -> None:
    said = {"services": {"shop": {"kind": "other", "port": 80}}, "shared": ["redis"]}
    assert answers.contradictions(LEARNED, said, adopting=False) == [] != answers.contradictions(LEARNED, said)


def test_a_fresh_look_keeps_what_is_gone() -> None:
    """Adopt as the repair: a deploy of other hands removed every container but the database's."""
    stack = published()
    for name in stack.services:
        stack.services[name]["container"] = name in ("postgres", "caddy")
    fresh = learn(stack.looked(), {}).data()
    assert fresh["values"]["services"] == {} and fresh["problems"]
    found = answers.refreshed(LEARNED, fresh)
    assert found["values"]["services"] == LEARNED["values"]["services"] and found["problems"] == []
    assert found["values"]["public"] == LEARNED["values"]["public"]
    assert answers.refreshed(LEARNED, LEARNED) == LEARNED


def test_one_that_is_no_more() -> None:
    said = {"bluegreen_services": {"site": False}}
    assert "site" not in merged(said)["services"] and len(merged(said)["services"]) == 8
    assert answers.contradictions(LEARNED, answers.from_settings(said)) == []
    assert wrong_settings(said) == []
    assert "site" not in learn(published().looked(), answers.from_settings(said)).values["services"]


def test_the_filter_describes_validates_and_fills() -> None:
    made = deployment({"bluegreen_services": {"site": {"ready": "/up"}}, "other": 1}, LEARNED["values"])
    assert made["services"]["site"]["ready"] == "/up" and made["services"]["site"]["port"] == 3000
    assert deployment({})["network_range"] == "10.231.16.0/20" and deployment({})["name"] == "olympus"
    with pytest.raises(BluegreenError, match=r"bluegreen_services.site.port='x': not a port"):
        deployment({"bluegreen_services": {"site": {"port": "x"}}})


@pytest.mark.parametrize("name", ["cache_ttl", "images", "schema_targets", "edge"])
def test_a_rollback_goes_by_the_record_where_a_setting_is_refused(name: str) -> None:
    """No module may refuse for its option ``deployment`` what the guard let pass."""
    wrong: Any = {"caddyfil": "/x"} if name == "edge" else "x"
    asked = Asked(("rollback",), False, {"bluegreen_" + name: wrong, "bluegreen_publish": "loopback"})
    made = Known(LEARNED, recorded=True).described(asked)
    assert made["publish"] == "loopback" and made[name] == answers.described(LEARNED["values"], {})[name]
