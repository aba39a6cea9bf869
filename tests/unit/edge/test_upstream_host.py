# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The names that an upstream hears, written out where an address is dialled, and taken for the same again."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.config.upstream_host import (
    pin_upstream_names,
    unpin_upstream_names,
)

SAID = "app.internal:3100"
DIAL: dict[str, Any] = {"handler": "reverse_proxy", "upstreams": [{"dial": SAID}]}
TLS: dict[str, Any] = {**DIAL, "transport": {"protocol": "http", "tls": {}}}
ROWS: list[tuple[dict[str, Any], dict[str, Any]]] = [
    (DIAL, DIAL),
    (
        TLS,
        {
            **TLS,
            "transport": {"protocol": "http", "tls": {"server_name": "app.internal"}},
            "headers": {"request": {"set": {"Host": [SAID]}}},
        },
    ),
    (
        {**DIAL, "health_checks": {"active": {"uri": "/health"}}},
        {**DIAL, "health_checks": {"active": {"uri": "/health", "headers": {"Host": [SAID]}}}},
    ),
    (
        {**DIAL, "health_checks": {"active": {"uri": "/health", "port": 9000}, "passive": {"max_fails": 1}}},
        {
            **DIAL,
            "health_checks": {
                "active": {"uri": "/health", "port": 9000, "headers": {"Host": ["app.internal:9000"]}},
                "passive": {"max_fails": 1},
            },
        },
    ),
]


@pytest.mark.parametrize(("handler", "wanted"), ROWS)
def test_names_are_written_out_and_mean_the_same(handler: dict[str, Any], wanted: dict[str, Any]) -> None:
    whole = pin_upstream_names(handler, SAID, sets_host=True)
    # As Caddy reads health checks, headers are lists.
    active = (whole.get("health_checks") or {}).get("active") or {}
    assert all(isinstance(value, list) for value in active.get("headers", {}).values())
    assert whole == wanted
    assert unpin_upstream_names(whole, SAID).get("upstreams") == handler["upstreams"]
    assert pin_upstream_names(unpin_upstream_names(whole, SAID), SAID, sets_host=True) == whole


def test_what_the_operator_says_stays() -> None:
    own = {
        **TLS,
        "transport": {"protocol": "http", "tls": {"server_name": "own.test"}},
        "headers": {"request": {"add": {"host": ["own.test"]}}},
        "health_checks": {"active": {"uri": "/", "headers": {"host": ["own.test"]}}},
    }
    assert pin_upstream_names(own, SAID, sets_host=True) == own and unpin_upstream_names(own, SAID) == own
    assert pin_upstream_names({**TLS}, SAID, sets_host=False)["transport"]["tls"] == {"server_name": "app.internal"}
    elsewhere = {**DIAL, "health_checks": {"active": {"uri": "/", "upstream": "10.0.0.1:80"}}}
    assert pin_upstream_names(elsewhere, SAID, sets_host=True) == elsewhere
