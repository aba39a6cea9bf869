# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of release_boot: what podman_compose_release says of a deployment, and where units and commands lie."""

from __future__ import annotations

from ansible_collections.olympus.bluegreen.plugins.module_utils._boot import unit
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.argspec import DEPLOYMENT, ArgumentSpec
from ansible_collections.olympus.bluegreen.plugins.module_utils._switch import rollback_script

STATES = ["read", "installed", "absent"]
SPEC = DEPLOYMENT.merge(
    ArgumentSpec(
        {
            "state": {"type": "str", "choices": STATES, "default": "read"},
            "unit_dir": {"type": "path", "default": unit.DIRECTORY},
            "bin_dir": {"type": "path", "default": rollback_script.DIRECTORY},
            "project": {"type": "str", "required": True},
            "source": {"type": "path", "default": ""},
            "compose_files": {"type": "list", "elements": "str", "default": ["compose.yml"]},
            "edge": {"type": "dict", "default": {}},
            "services": {"type": "dict", "default": {}},
            "singletons": {"type": "dict", "default": {}},
            "shared": {"type": "list", "elements": "str", "default": []},
            "network_range": {"type": "str", "default": "10.231.16.0/20"},
            "publish": {"type": "str", "default": "network"},
            "port_base": {"type": "dict", "default": {}},
            "podman_compose": {"type": "str", "default": "podman-compose"},
        }
    )
)
