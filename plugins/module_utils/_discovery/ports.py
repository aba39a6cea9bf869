# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where a service listens, and what it answers when it is ready. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from .kinds import ORY
from .observed import Seen, urls

# Ory's own, where neither environment nor configuration says another.
DEFAULTS = {"kratos": (4433, 4434), "hydra": (4444, 4445)}
READY = {"hera": "/health", "athena": "/api/health", "site": "/", "other": "/"}
HERE = ("localhost", "127.0.0.1", "0.0.0.0", "::1", "::")
Said = tuple[int, str]


def health(seen: Seen) -> tuple[int, str]:
    """(port, path) of the URL that its health check asks at itself; (0, '') where it asks none."""
    for scheme, host, port, path in urls(seen.health):
        if scheme in ("http", "https") and host in (*HERE, seen.service):
            return port or (443 if scheme == "https" else 80), path
    return 0, ""


def _number(value: Any) -> int:
    text = str(value if value is not None else "")
    return int(text) if text.isdigit() and 0 < int(text[:9]) <= 65535 else 0


def _configured(config: Mapping[str, Any], side: str) -> int:
    serve = config.get("serve") or {}
    one = serve.get(side) if isinstance(serve, Mapping) else {}
    return _number((one or {}).get("port")) if isinstance(one, Mapping) else 0


def _said(seen: Seen, kind: str, side: str, dialled: Iterable[int]) -> Iterator[Said]:
    if kind in ORY:
        name = "SERVE_%s_PORT" % side.upper()
        yield _number(seen.env.get(name)), "environment %s" % name
        yield _configured(seen.config, side), "its configuration, serve.%s.port" % side
        yield DEFAULTS[kind][side == "admin"], "%s's own default" % kind.capitalize()
    if side == "admin":
        return
    if kind not in ORY:
        yield _number(seen.env.get("PORT")), "environment PORT"
    yield health(seen)[0], "its health check"
    for port in dialled:
        yield port, "what the edge dials"
    if len(seen.exposed) == 1:
        yield seen.exposed[0], "what it exposes"


def port(seen: Seen, kind: str, side: str = "public", dialled: Iterable[int] = ()) -> Said:
    """(port, what says so); (0, '') where nothing says one. One at which it listens is believed before others."""
    said = [one for one in _said(seen, kind, side, dialled) if one[0]]
    open_ = [one for one in said if one[0] in seen.listens]
    return ((open_ if seen.listens else []) or said or [(0, "")])[0]


def ready(seen: Seen, kind: str, at: int) -> tuple[str, str]:
    """(path, what says so). Kratos and Hydra have their own, which is always asked: ''."""
    if kind in ORY:
        return "", ""
    asked, path = health(seen)
    if path and asked == at:
        return path, "its health check"
    return READY[kind], "kind %s" % kind


def answer_path(kind: str, path: str) -> str:
    """A path of the service that answers 200 at its public name."""
    return {"hydra": "/.well-known/jwks.json", "kratos": "/health/ready"}.get(kind, path or "/")
