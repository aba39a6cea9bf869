# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From whom a running Hydra takes plain HTTP, by its environment and its configuration files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.olympus.bluegreen.plugins.module_utils._compose import yamlio
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.ory import config_files

# In order: what is said of the public endpoint wins over what is said of both, the environment over the files.
PREFIXES = ("SERVE_PUBLIC_TLS_", "SERVE_TLS_")


def termination(env: Mapping[str, str], command: Sequence[str], pid: int) -> dict[str, Any]:
    """{tls, ranges} of a process that may be gone (then its environment alone is asked)."""
    serve = [(_file("/proc/%d/root%s" % (pid, path)) or {}).get("serve") or {} for path in config_files(command)]
    blocks = [(one.get("public") or {}).get("tls") or {} for one in serve] + [one.get("tls") or {} for one in serve]
    ranges = next(
        (split(env[one + "ALLOW_TERMINATION_FROM"]) for one in PREFIXES if one + "ALLOW_TERMINATION_FROM" in env), None
    )
    if ranges is None:
        ranges = next((one["allow_termination_from"] for one in blocks if one.get("allow_termination_from")), [])
    enabled = next((env[one + "ENABLED"].lower() for one in PREFIXES if one + "ENABLED" in env), "")
    tls = enabled in ("1", "true") if enabled else any(one.get("enabled") for one in blocks)
    return {"tls": bool(tls), "ranges": [str(item) for item in ranges]}


def split(value: str) -> list[str]:
    return [part.strip() for part in value.split(",") if part.strip()]


def _file(path: str) -> dict[str, Any]:
    try:
        with open(path, encoding="utf-8") as handle:
            found = yamlio.load(handle.read(), path)
    except OSError:
        return {}
    return found if isinstance(found, dict) else {}
