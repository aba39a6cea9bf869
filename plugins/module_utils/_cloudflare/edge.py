# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where the switch of an edge is on this host, whatever kind of edge it is."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from .._core.runner import Runner
from .._edge.config.snippets import DIRECTORY
from .._edge.running.base import CLOUDFLARE, NATIVE_SWITCH, Place
from .._edge.running.find import edge_of, edge_options

Edge = Mapping[str, Any]


def is_cloudflare(edge: Edge) -> bool:
    return edge.get("kind") == CLOUDFLARE


def switch_path(switch_dir: str) -> str:
    """A directory of its own below: what is removed with an undo."""
    return os.path.join(switch_dir, DIRECTORY)


def place(edge: Edge) -> Place:
    """Nothing of a Cloudflare edge is on this host but the switch."""
    return Place(CLOUDFLARE, 0, switch_path(str(edge.get("switch_dir") or NATIVE_SWITCH)), (0, 0))


def place_of(runner: Runner, project: str, edge: Mapping[str, Any]) -> Place:
    """The running edge of a compose project, and its switch directory on this host."""
    if is_cloudflare(edge):
        return place(edge)
    return edge_of(runner, project, edge_options(edge)).place()
