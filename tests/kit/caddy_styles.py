# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Caddyfiles in other people's styles, the files that they import, and the environment that they expect."""

from __future__ import annotations

import glob
from collections.abc import Mapping
from pathlib import Path

from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.config.upstream import Upstream

HERE = Path(__file__).resolve().parents[1] / "unit" / "edge" / "caddyfiles"
STYLES = sorted(HERE.glob("*.caddyfile"))
SERVICES = [
    *(domain + kind for domain in ("ciam-", "iam-") for kind in ("kratos", "hydra", "hera", "athena")),
    "site",
]
UPSTREAMS = tuple(
    Upstream(
        name, "10.0.0.%d" % (16 + index), "10.0.1.%d" % (16 + index), ui="a" in name.split("-")[-1] or name == "site"
    )
    for index, name in enumerate(SERVICES)
)
ENVIRON = {
    "LOGIN_HOST": "in.test",
    "KRATOS_UPSTREAM": "ciam-kratos:4433",
    "ATHENA_UPSTREAM": "ciam-athena:3000",
    "SITE_PORT": "3001",
    "KRATOS_PATH": "/auth",
}


def text_of(path: Path) -> str:
    """What an editor of Windows would write gets its byte order mark and newlines here: no checkout keeps them."""
    text = path.read_text(encoding="utf-8")
    return "\ufeff" + text.replace("\n", "\r\n") if path.name == "windows.caddyfile" else text


def read(pattern: str) -> Mapping[str, str]:
    return {name: text_of(Path(name)) for name in sorted(glob.glob(pattern))}
