# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, the olympus.bluegreen authors
"""The published way to change the colour in a Caddy. ``old`` and ``new`` are how the addresses of a colour begin."""

from __future__ import annotations

from kit.caddy_native import NativeEdge

from olympus_lab.progress import LabError


def recipe(edge: NativeEdge, old: str, new: str) -> None:
    """As published: edit the file, ``caddy reload``."""
    edge.path.write_text(edge.path.read_text().replace(old, new))
    config = ("--config", str(edge.path), "--adapter", "caddyfile")
    result = edge.caddy("reload", *config, "--address", edge.options.admin)
    if result.rc != 0:
        raise LabError("caddy reload: %s" % result.last_words())
