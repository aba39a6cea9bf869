# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.olympus.bluegreen.plugins.module_utils._discovery.answers import with_environment
from ansible_collections.olympus.bluegreen.plugins.plugin_utils.decide import stage_decision
from ansible_collections.olympus.bluegreen.plugins.plugin_utils.deployment import deployment
from ansible_collections.olympus.bluegreen.plugins.plugin_utils.forward import forward_refused, forward_stays
from ansible_collections.olympus.bluegreen.plugins.plugin_utils.hooks import steps, steps_before
from ansible_collections.olympus.bluegreen.plugins.plugin_utils.screen import status_data, status_screen
from ansible_collections.olympus.bluegreen.plugins.plugin_utils.setting_checks import wrong_settings


def probe_secrets(given: Mapping[str, Any], probes: Mapping[str, Any]) -> dict[str, Any]:
    """On the controller, where AWX puts the variables of a credential."""
    return with_environment(given, probes, os.environ)


class FilterModule:
    """Filters of the stage playbooks."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {
            "deployment": deployment,
            "forward_refused": forward_refused,
            "forward_stays": forward_stays,
            "probe_secrets": probe_secrets,
            "stage_decision": stage_decision,
            "status_data": status_data,
            "status_screen": status_screen,
            "steps": steps,
            "steps_before": steps_before,
            "wrong_settings": wrong_settings,
        }
