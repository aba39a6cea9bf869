# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A bluegreen_edge of kind cloudflare: what is missing or does not fit, in one sentence each."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.olympus.bluegreen.plugins.module_utils._cloudflare.options import SPEC, of_edge
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import BluegreenError
from ansible_collections.olympus.bluegreen.plugins.module_utils._deployment.edge import BEHIND_CLOUDFLARE
from ansible_collections.olympus.bluegreen.plugins.plugin_utils.setting_checks import wrong_settings

EDGE: dict[str, Any] = {
    "kind": "cloudflare",
    "account_id": "a",
    "zone_id": "z",
    "api_token_file": "/etc/token",
    "pools": {"blue": {"name": "one"}, "green": {"name": "two", "origins": []}},
}
PUBLIC = [{"host": "www.example.com", "path": "/"}]
GOOD: dict[str, Any] = {"bluegreen_edge": EDGE, "bluegreen_publish": "loopback", "bluegreen_public": PUBLIC}


def edge(**changes: Any) -> dict[str, Any]:
    return {"bluegreen_edge": {name: one for name, one in {**EDGE, **changes}.items() if one is not None}}


def test_a_whole_one_is_well_and_caddy_is_not_asked_for_any_of_it() -> None:
    assert wrong_settings(GOOD) == [] and wrong_settings({"bluegreen_edge": {"service": "caddy"}}) == []
    # All but the token is learned.
    assert wrong_settings({"bluegreen_edge": {"kind": "cloudflare", "api_token_file": "/etc/token"}}) == []


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (edge(kind="cloudfare"), "bluegreen_edge.kind='cloudfare': not a kind of edge. Fix: one of container, native"),
        (edge(api_token_file=None), "bluegreen_edge.api_token_file='': not given. Fix: name the file of mode 0600"),
        (edge(pools=["one"]), "bluegreen_edge.pools=list: not a dictionary. Fix: give a dictionary"),
        (edge(pools={"gren": {"name": "one"}}), "bluegreen_edge.pools.gren=unknown: not a known key. Fix: write green"),
        (edge(pools={"blue": "one"}), "bluegreen_edge.pools.blue='one': not a dictionary. Fix: write it as YAML"),
        (edge(api_token="canary-5ecret"), "bluegreen_edge.api_token=(hidden): not a place for a secret"),
        (edge(acount_id="a"), "bluegreen_edge.acount_id=unknown: not a known key. Fix: write acc"),
        ({"bluegreen_publish": "network"}, "bluegreen_publish=network: not reachable for Cloudflare. Fix: blue"),
    ],
)  # fmt: skip
def test_one_that_is_not(changes: dict[str, Any], sentence: str) -> None:
    found = wrong_settings({**GOOD, **changes})
    assert found and found[0]["level"] == "refuse" and found[0]["sentence"].startswith(sentence), found
    assert "canary" not in str(found)


def test_every_key_is_an_option_of_the_module_or_of_the_watch() -> None:
    assert {one.name for one in BEHIND_CLOUDFLARE} - {"service", "access_log"} <= {*SPEC.options}


def test_the_watcher_gets_all_options_and_no_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLOUDFLARE_API_TOKEN", "canary-5ecret")
    found = of_edge(EDGE, public=PUBLIC, deployment="d", state_dir="/s")
    assert set(found) == {*SPEC.options} and "canary" not in str(found)
    assert found["observe"]["port"] == 443 and found["public"][0]["zone_id"] == ""
    with pytest.raises(BluegreenError, match=r"edge.api_token_file=''.*Fix: put the token into a file of mode 0600"):
        of_edge({**EDGE, "api_token_file": ""}, public=PUBLIC)
    with pytest.raises(BluegreenError, match="account_id"):
        of_edge({**EDGE, "account_id": None}, public=PUBLIC)
