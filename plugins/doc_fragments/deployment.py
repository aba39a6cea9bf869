# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The description of a deployment, which every module takes in place of options of its own."""

from __future__ import annotations

import json

from ansible_collections.olympus.bluegreen.plugins.plugin_utils.documented import deployment_option


class ModuleDocFragment:
    DOCUMENTATION = json.dumps({"options": deployment_option()})
