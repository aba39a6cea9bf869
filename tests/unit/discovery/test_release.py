# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A service that a release's compose file adds or renames is told with what it would be, and never passed over."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import BluegreenError
from ansible_collections.olympus.bluegreen.plugins.module_utils._discovery.release import refuse

COLOURED, KNOWN = ("ciam-kratos", "site"), ("postgres", "caddy")
# As podman-compose prints them.
FILE: dict[str, Any] = {
    "postgres": {"image": "docker.io/postgres:18"},
    "caddy": {"image": "x/caddy:1", "command": ["caddy", "run"]},
    "ciam-kratos": {"image": "oryd/kratos:1", "command": ["kratos", "serve"], "environment": {"DSN": "x"}},
    "ciam-kratos-migrate": {"image": "oryd/kratos:1", "command": ["kratos", "migrate", "sql"]},
    "site": {"image": "x/site:1", "environment": {"CART_URL": "http://cart:8080", "DB": "postgres://db:1/x"}},
    "pgadmin": {"image": "dpage/pgadmin4:9", "environment": ["X=http://site:3000"], "depends_on": {"site": {}}},
    "seed": {"image": "curlimages/curl:8", "environment": {"A": "http://ciam-kratos:5001"}},
    "worker": {"image": "x/worker:1", "environment": {"A": "http://ciam-kratos:5001"}},
}
SHIM = ["sh", "/check.sh", "us-kratos", "DSN", "--"]
US = {"image": "oryd/kratos:2", "entrypoint": SHIM, "command": "kratos serve -c /k.yml",
      "environment": ["SERVE_PUBLIC_PORT=6000", "SERVE_ADMIN_PORT=6001"]}  # fmt: skip
HERA = {"image": "x/hera:2", "environment": {"PORT": "4100"}, "healthcheck": {"test": "curl http://localhost:4100/up"}}


def test_what_is_known_is_well() -> None:
    refuse(FILE, COLOURED, KNOWN)


@pytest.mark.parametrize(
    ("added", "words"),
    [
        ({"us-kratos": US}, '{"us-kratos": {"kind": "kratos", "port": 6000, "admin_port": 6001}}'),
        ({"us-hera": HERA}, '{"us-hera": {"kind": "hera", "port": 4100, "ready": "/up", "ui": true}}'),
        # It is dialled by a coloured one and dials one.
        ({"cart": {"image": "x/cart:1", "expose": [8080], "environment": {"A": "http://site:3000"}}}, '"port": 8080'),
    ],
)
def test_a_new_one_is_asked_for_by_name(added: dict[str, Any], words: str) -> None:
    (name,) = added
    with pytest.raises(BluegreenError) as refused:
        refuse({**FILE, **added}, COLOURED, KNOWN)
    said = str(refused.value)
    assert said.startswith("bluegreen_services=['%s']: the compose file has services that no colour has yet" % name)
    assert "Coloured or shared? Fix: name each in bluegreen_services" in said and words in said
    # Either answer will do.
    refuse({**FILE, **added}, (*COLOURED, name), KNOWN)
    refuse({**FILE, **added}, COLOURED, (*KNOWN, name))


def test_a_renamed_one_is_a_new_one() -> None:
    file = {("customers" if name == "ciam-kratos" else name): one for name, one in FILE.items()}
    with pytest.raises(BluegreenError, match=r"customers \(image oryd/kratos:1\)"):
        refuse(file, ("site",), KNOWN)


def test_a_new_dependency_of_nobody_is_left_alone() -> None:
    refuse({**FILE, "metrics": {"image": "x/metrics:1"}, "redis": {"image": "redis:7"}}, COLOURED, KNOWN)
