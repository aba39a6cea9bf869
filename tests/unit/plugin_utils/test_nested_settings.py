# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong inside of a setting is refused by the guard: with its name, its value and what to write."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.olympus.bluegreen.plugins.plugin_utils.setting_checks import wrong_settings


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        (
            "services",
            {"k": {"knid": "kratos", "port": 1}},
            "bluegreen_services.k.knid=unknown: not a known key",
        ),
        ("services", {"k": {"knid": "kratos", "port": 1}}, "Fix: write kind"),
        ("services", {"k": {"kind": "cratos", "port": 1}}, "k.kind='cratos': not one of kratos, hydra, hera"),
        ("services", {"k": {"kind": "site", "port": None}}, "k.port=None: not a port"),
        ("services", {"k": {"kind": "site", "port": "http"}}, "k.port='http': not a port"),
        ("services", {"k": {"kind": "site", "port": 80, "admin_port": 99999}}, "k.admin_port=99999: not a port"),
        ("services", {"k": {"kind": "site", "port": 80, "ui": "false"}}, "k.ui='false': not true or false"),
        ("services", {"k": None}, "bluegreen_services.k=None: not a dictionary"),
        ("services", {"k": {3: 1, "zz": 2, "port": 1}}, "bluegreen_services.k.3=unknown"),
        ("services", {"k": {"port": 80, "host": "http://a.test"}}, "k.host='http://a.test': not a host name"),
        (
            "checks",
            {"skip": ["code_flows"]},
            "bluegreen_checks.skip='code_flows': not one of secrets, ready",
        ),
        ("checks", {"skip": "login"}, "bluegreen_checks.skip='login': not a list"),
        ("probes", {"ciam": "x"}, "bluegreen_probes.ciam='x': not a dictionary"),
        ("public", ["login.test"], "bluegreen_public[0]='login.test': not a dictionary. Fix: write {host:"),
        ("public", [None], "bluegreen_public[0]=None: not a dictionary"),
        ("public", [{"host": "https://a.test/"}], "bluegreen_public[0].host='https://a.test/': not a host name"),
        ("public", [{"host": "a..b"}], "not a host name"),
        ("public", [{"host": "bücher..test"}], "not a host name"),
        ("public", [{"host": "bücher.test/"}], "not a host name"),
        ("public", [{"hots": "a.test"}], "host=None: not a host name"),
        ("public", [{"host": "a.test", "path": "auth"}], "path='auth': not a path"),
        ("watch", {"window": "30m"}, "bluegreen_watch.window='30m': not a whole number"),
        ("watch", {"interval": 3600}, "bluegreen_watch.interval=3600: not seconds between two looks"),
        ("watch", {"interval": 0}, "not seconds between two looks"),
        ("watch", {"interval": float("nan")}, "not seconds between two looks"),
        ("compose_files", [], "bluegreen_compose_files=[]: not a list of files"),
        ("state_dir", "state", "bluegreen_state_dir='state': not an absolute path"),
        ("state_dir", " /var/lib/x", "not an absolute path"),
        ("keep_releases", 0, "bluegreen_keep_releases=0: not 1 or more"),
        ("assume_live", "purple", "bluegreen_assume_live='purple': not one of blue, green"),
        ("port_base", {"blue": 1, "gren": 2}, "bluegreen_port_base.gren=unknown: not a known key"),
        ("shared", ["postgres", "postgres"], "bluegreen_shared='postgres': not named once"),
        ("probes", {"identifier": 7}, "bluegreen_probes.identifier=7: not a text"),
        ("checks", {"skip": "code_flow"}, "bluegreen_checks.skip='code_flow': not a list"),
        ("bake", int("9" * 400), "not a whole number"),
    ],
)
def test_one_that_is_wrong_inside(name: str, value: Any, words: str) -> None:
    rows = wrong_settings({"bluegreen_" + name: value})
    assert words in " ".join(row["sentence"] for row in rows) and {row["level"] for row in rows} == {"refuse"}


def test_a_secret_is_not_shown() -> None:
    (row,) = wrong_settings({"bluegreen_probe_secrets": {"ciam": "canary-7a"}})
    assert "bluegreen_probe_secrets.ciam=str: not a dictionary" in row["sentence"] and "canary" not in str(row)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("services", {"site": {"kind": "site", "port": "3000", "ui": True, "domain": "d", "ready": "/", "alike": {}}}),
        ("services", {"worker": {"edge": False}}),
        ("services", {"site": {"host": "räksmörgås.se"}}),
        ("services", {"site": {"kind": "site"}}),
        ("probes", {"identifier": "probe@example.com", "client_id": "probe", "iam": {"client_id": "other"}}),
        ("probe_secrets", {"password": "x", "client_secret": "y"}),
        (
            "public",
            [
                {"host": "login.example.com", "path": "/a?b=c"},
                {"host": "xn--rksmrgs-5wao1o.se"},
                {"host": "räksmörgås.se", "path": "/größe"},
            ],
        ),
        ("watch", {"window": "1800", "interval": 0.5, "min_events": 300}),
        ("assume_live", ""),
        ("checks", {"skip": ["code_flow", "silent"]}),
        ("services", {"web": {"kind": "other", "port": 8000, "ready": "/health", "host": "app.example.com"}}),
        ("shared", ["postgres"]),
    ],
)
def test_one_that_is_right(name: str, value: Any) -> None:
    assert wrong_settings({"bluegreen_" + name: value}) == []


def test_an_edge_that_is_no_container_may_have_any_name_beside_it() -> None:
    assert wrong_settings({"bluegreen_shared": ["caddy"], "bluegreen_edge": {"kind": "native"}}) == []
    (row,) = wrong_settings({"bluegreen_shared": ["db", "front"], "bluegreen_edge": {"service": "front"}})
    assert "bluegreen_shared='front': not a service that both colours use" in row["sentence"]
    assert wrong_settings({"bluegreen_shared": ["front"], "bluegreen_edge": {"service": "front"}})


def test_a_cloudflare_edge_and_names_that_are_none() -> None:
    given = {"bluegreen_edge": {"kind": "cloudflare", 3: 1, "zz": 2}, "bluegreen_public": ["a.test"]}
    assert "bluegreen_public[0]" in " ".join(row["sentence"] for row in wrong_settings(given))
    assert wrong_settings({"bluegreen_edge": {"kind": "cloudflare", 3: 1, "zz": 2}})
