# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of podman_compose_release."""

from __future__ import annotations

from .._core.argspec import COLOURS, DEPLOYMENT, ArgumentSpec

STATES = ["read", "adopted", "rendered", "started", "handed_over", "absent", "pruned"]

GIT = {
    "repo": {"type": "str", "required": True},
    "ref": {"type": "str", "default": "{version}"},
    "path": {"type": "str", "default": "."},
    "overlay": {"type": "list", "elements": "str", "default": [".env"]},
}

RELEASE = ArgumentSpec(
    {
        "state": {"type": "str", "choices": STATES, "default": "read"},
        "undo": {"type": "bool", "default": False},
        "project": {"type": "str", "required": True},
        "source": {"type": "path", "required": True},
        "compose_files": {"type": "list", "elements": "str", "default": ["compose.yml"]},
        "colour": {"type": "str", "choices": list(COLOURS)},
        "live_colour": {"type": "str", "choices": list(COLOURS)},
        "wake": {"type": "list", "elements": "str", "choices": list(COLOURS), "default": []},
        "remove_unmanaged": {"type": "bool", "default": False},
        "version": {"type": "str", "default": ""},
        "release": {"type": "str", "default": ""},
        "images": {"type": "dict", "default": {}},
        "allow_mutable": {"type": "bool", "default": False},
        "git": {"type": "dict", "options": GIT},
        "keep": {"type": "int", "default": 3},
        "protect": {"type": "list", "elements": "str", "default": []},
        "services": {"type": "dict", "required": True},
        "shared": {"type": "list", "elements": "str", "default": []},
        "singletons": {"type": "dict", "default": {}},
        "edge_service": {"type": "str", "default": "caddy"},
        "edge": {"type": "dict", "default": {}},
        "token": {"type": "int", "default": 0, "no_log": False},
        "switch_dir": {"type": "path", "default": ""},
        "network_range": {"type": "str", "default": "10.231.16.0/20"},
        "publish": {"type": "str", "default": "network"},
        "port_base": {"type": "dict", "default": {}},
        "podman_compose": {"type": "str", "default": "podman-compose"},
        "dependents": {"type": "str", "choices": ["recreate", "keep"], "default": "recreate"},
    },
    required_if=(
        ("state", "rendered", ("colour",)),
        ("state", "started", ("colour", "live_colour")),
        ("state", "absent", ("colour", "live_colour")),
    ),
)

SPEC = DEPLOYMENT.merge(RELEASE)
