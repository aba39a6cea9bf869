# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From a stage's name to its decision."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from ansible_collections.olympus.bluegreen.plugins.plugin_utils.kept import rollback_decision
from ansible_collections.olympus.bluegreen.plugins.plugin_utils.stages import (
    cleanup_decision,
    cutover_decision,
    release_decision,
    repair_decision,
    undo_decision,
    world,
)


def stage_decision(
    facts: Mapping[str, Any],
    stage: str,
    version: str = "",
    bake: int = 3600,
    check_mode: bool = False,
    force: bool = False,
) -> dict[str, Any]:
    """The decision of a stage, as data for a playbook."""
    seen = world(facts)
    if stage == "adopt":
        return repair_decision(seen).data()
    if stage == "undo":
        return undo_decision(seen).data()
    if stage == "cutover":
        return cutover_decision(seen, version, check_mode).data()
    if stage == "cleanup":
        return cleanup_decision(seen, bake, time.time()).data()
    if stage == "rollback":
        return rollback_decision(seen, facts, version, force).data()
    return release_decision(seen, version).data()
