# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The access log of ours in a configuration that is JSON: pure.

A server without access log gets one that only our log takes. Where the operator has one, our log takes the same
entries too, and nothing of his changes: so there is a whole log in old releases as well, which know one name a host.
"""

from __future__ import annotations

import copy
from typing import Any

from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.config import json_rewrite

NAME = "bluegreen"
ACCESS = "http.log.access"


def with_log(config: Any, adapted: Any, root: str) -> tuple[Any, tuple[str, ...]]:
    """``config`` with our log for every server that has the switch, and warnings. ``adapted``: the template's."""
    wanted = copy.deepcopy(config)
    include: set[str] = set()
    warnings = []
    for name, server in _servers(wanted).items():
        if not any(json_rewrite.ours(value) for _path, value in json_rewrite.places(server)):
            continue
        logs = server.setdefault("logs", {"default_logger_name": NAME})
        include.update(_entries(logs))
        if logs.get("skip_hosts"):
            warnings.append("server %s does not log %s: no watch sees them" % (name, ", ".join(logs["skip_hosts"])))
    if not include:
        return config, ()
    logging = wanted.setdefault("logging", {}).setdefault("logs", {})
    logging[NAME] = {**_log(adapted, root), "include": sorted(include)}
    if "%s.%s" % (ACCESS, NAME) in include:
        excluded = logging.setdefault("default", {}).setdefault("exclude", [])
        if "%s.%s" % (ACCESS, NAME) not in excluded:
            excluded.append("%s.%s" % (ACCESS, NAME))
    return wanted, tuple(warnings)


def without_log(config: Any) -> Any:
    """``config`` without it, and without what is empty then."""
    wanted = copy.deepcopy(config)
    for server in _servers(wanted).values():
        if server.get("logs") == {"default_logger_name": NAME}:
            del server["logs"]
    logs = wanted.get("logging", {}).get("logs", {})
    logs.pop(NAME, None)
    default = logs.get("default", {})
    default["exclude"] = [one for one in default.get("exclude", []) if one != "%s.%s" % (ACCESS, NAME)]
    if not default["exclude"]:
        del default["exclude"]
    if not logs.get("default", True):
        del logs["default"]
    for holder, name in ((wanted.get("logging", {}), "logs"), (wanted, "logging")):
        if holder.get(name) == {}:
            del holder[name]
    return wanted


def _servers(config: Any) -> dict[str, Any]:
    found: dict[str, Any] = (config.get("apps") or {}).get("http", {}).get("servers") or {}
    return found


def _entries(logs: dict[str, Any]) -> set[str]:
    """The loggers that a server's access log entries come by."""
    names = [logs["default_logger_name"]] if logs.get("default_logger_name") else [""]
    for given in (logs.get("logger_names") or {}).values():
        names += [given] if isinstance(given, str) else given
    return {"%s.%s" % (ACCESS, name) if name else ACCESS for name in names}


def _log(adapted: Any, root: str) -> dict[str, Any]:
    """Writer and encoder of ours, as the edge's adapter says them."""
    file = root.rpartition("/")[0] + "/log/access.log"
    for log in adapted["logging"]["logs"].values():
        if log.get("writer", {}).get("filename") == file:
            return {"writer": log["writer"], "encoder": log["encoder"]}
    raise KeyError(file)
