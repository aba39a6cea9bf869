# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which module an edge has, and that it knows every option it is handed."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.olympus.bluegreen.plugins.action.edge_switch import ARGUMENTS
from ansible_collections.olympus.bluegreen.plugins.module_utils._cloudflare import options as cloudflare
from ansible_collections.olympus.bluegreen.plugins.module_utils._deployment.inputs import flat
from ansible_collections.olympus.bluegreen.plugins.module_utils._edge import options as caddy
from ansible_collections.olympus.bluegreen.plugins.plugin_utils.edge_modules import (
    ASKED,
    CADDY,
    CLOUDFLARE,
    chosen,
    contradiction,
)

SPECS = {CADDY: caddy.SPEC, CLOUDFLARE: cloudflare.SPEC}
DEPLOYMENT: dict[str, Any] = {
    "name": "olympus", "project": "prod", "state_dir": "/s", "services": {}, "public": [], "images": {"a": "b"},
}  # fmt: skip


@pytest.mark.parametrize("edge", [{"kind": "native", "port": 443}, {"service": "caddy"}, {}])
def test_a_caddy_is_handed_its_edge_whole(edge: dict[str, Any]) -> None:
    deployment = {**DEPLOYMENT, "edge": edge}
    module, options = chosen({"state": "returned", "deployment": deployment, "force": False})
    kept = {name: DEPLOYMENT[name] for name in ("project", "state_dir", "services", "public")}
    assert module == CADDY
    assert flat(caddy.SPEC, options) == {
        "deployment": "olympus", **kept, "edge": edge, "state": "returned", "force": False,
    }  # fmt: skip


def test_cloudflare_is_handed_what_its_edge_says() -> None:
    edge = {"kind": "cloudflare", "account_id": "a", "pools": {}, "service": "", "mount": "/config"}
    module, options = chosen(
        {"state": "live", "deployment": {**DEPLOYMENT, "edge": edge}, "assume_live": "", "token": 7}
    )
    assert module == CLOUDFLARE
    assert flat(cloudflare.SPEC, options) == {
        "deployment": "olympus", "state_dir": "/s", "public": [], "account_id": "a", "pools": {}, "state": "live",
        "token": 7,
    }  # fmt: skip


@pytest.mark.parametrize("module", [CADDY, CLOUDFLARE])
def test_every_option_is_one_of_the_module(module: str) -> None:
    assert set(ASKED[module]) <= set(SPECS[module].options) and set(ASKED[module]) <= set(ARGUMENTS)


FLAT: dict[str, Any] = {"name": "shop", "upstreams": [{"dial": "web:80"}], "edge": {"caddyfile": "/c"}}


def test_options_of_a_caddy_do_without_a_deployment() -> None:
    module, options = chosen({"state": "live", "colour": "green", "kind": "native", "options": FLAT})
    edge = {"kind": "native", "caddyfile": "/c"}
    assert module == CADDY
    assert options == {"name": "shop", "upstreams": FLAT["upstreams"], "edge": edge, "state": "live", "colour": "green"}


def test_options_of_cloudflare_do_without_a_deployment_and_have_no_edge() -> None:
    module, options = chosen({"state": "read", "kind": "cloudflare", "options": {"account_id": "a", "edge": {}}})
    assert module == CLOUDFLARE and options == {"account_id": "a", "state": "read"}


@pytest.mark.parametrize(
    "kind, told, sentence",
    [
        ("native", "native", ""),
        ("native", "", ""),
        (None, "native", ""),
        ("native", "cloudflare", "kind='native' differs"),
    ],
)
def test_two_kinds_are_refused(kind: str | None, told: str, sentence: str) -> None:
    said = contradiction({"kind": kind, "deployment": {"edge": {"kind": told}}})
    assert said.startswith(sentence) and bool(said) == bool(sentence)
