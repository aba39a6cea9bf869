# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The edge, what it serves and how it reaches the colours, as modules document it."""

from __future__ import annotations

import json
from typing import Any

from ansible_collections.olympus.bluegreen.plugins.module_utils._deployment.edge import CADDY
from ansible_collections.olympus.bluegreen.plugins.module_utils._deployment.tree import BY_NAME, PUBLIC
from ansible_collections.olympus.bluegreen.plugins.plugin_utils.documented import documented

SHARED = ("edge", "public", "publish", "port_base", "project", "services", "shared", "network_range")
MORE: dict[str, dict[str, Any]] = {
    "edge": {"default": None, "suboptions": documented(CADDY)},
    "public": {"suboptions": documented(PUBLIC)},
    "publish": {
        "type": "raw",
        "description": [
            *BY_NAME["publish"].description,
            "A native edge needs V(loopback) or an address.",
            "C(blue) and C(green), each with an IPv4 address, where the colours are on hosts of their own. C(upstreams)"
            " of O(edge) says what the edge dials then. The stages know one host only.",
        ],
    },
    "project": {"default": None},
    "services": {"default": None},
}


class ModuleDocFragment:
    DOCUMENTATION = json.dumps({"options": documented(tuple(BY_NAME[name] for name in SHARED), MORE)})
