# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, the olympus.bluegreen authors
"""The other ways to change the colour in a Caddy, each the whole act. ``old`` and ``new`` are how the addresses of a
colour begin."""

from __future__ import annotations

import json

from caddy_native import NativeEdge

from ansible_collections.olympus.bluegreen.plugins.module_utils._caddy.admin import Admin
from olympus_lab.progress import LabError


def admin(edge: NativeEdge, old: str, new: str) -> None:
    """One write to the admin endpoint, refused where somebody else wrote meanwhile."""
    endpoint = Admin(edge)
    config, tag = endpoint.tagged()
    endpoint.replace(json.loads(json.dumps(config).replace(old, new)), tag)


def caddyfile(edge: NativeEdge, old: str, new: str) -> None:
    """Edit in place, validate, reload."""
    _edit(edge, old, new)
    _caddy(edge, "validate", "--config", str(edge.path), "--adapter", "caddyfile")
    _reload(edge)


def recipe(edge: NativeEdge, old: str, new: str) -> None:
    """As published: edit the file, ``caddy reload``."""
    _edit(edge, old, new)
    _reload(edge)


def _edit(edge: NativeEdge, old: str, new: str) -> None:
    edge.path.write_text(edge.path.read_text().replace(old, new))


def _reload(edge: NativeEdge) -> None:
    config = ("--config", str(edge.path), "--adapter", "caddyfile")
    _caddy(edge, "reload", *config, "--address", edge.options.admin)


def _caddy(edge: NativeEdge, *args: str) -> None:
    result = edge.caddy(*args)
    if result.rc != 0:
        raise LabError("caddy %s: %s" % (args[0], result.last_words()))
