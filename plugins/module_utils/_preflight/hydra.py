# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From whom a running Hydra takes plain HTTP, by its environment and its configuration files."""

from __future__ import annotations

from typing import Any

from ansible_collections.olympus.bluegreen.plugins.module_utils._health.container_settings import Settings

# What is said of the public endpoint wins over what is said of both.
PREFIXES = ("serve.public.tls.", "serve.tls.")


def termination(settings: Settings) -> dict[str, Any]:
    """{tls, ranges, unknown}: ``unknown`` is '' or why the rest is no more than what its environment says."""
    ranges = _first(settings, "allow_termination_from")
    enabled = _first(settings, "enabled")
    return {
        "tls": str(enabled).strip().lower() in ("1", "t", "true"),
        "ranges": split(ranges) if isinstance(ranges, str) else [str(item) for item in ranges or ()],
        "unknown": settings.unknown,
    }


def _first(settings: Settings, name: str) -> Any:
    found = (settings.get(prefix + name) for prefix in PREFIXES)
    return next((one for one in found if one is not None), None)


def split(value: str) -> list[str]:
    return [part for part in (one.strip(" []\"'") for one in value.split(",")) if part]
