# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From a stage's name to its decision."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.olympus.bluegreen.plugins.plugin_utils.kept_release import rollback_decision
from ansible_collections.olympus.bluegreen.plugins.plugin_utils.stages import (
    Decision,
    World,
    cleanup_decision,
    cutover_decision,
    release_decision,
    repair_decision,
    undo_decision,
    watch_decision,
    world,
)


def stage_decision(
    facts: Mapping[str, Any],
    stage: str,
    version: str = "",
    bake: int = 3600,
    check_mode: bool = False,
    ignore_fence: bool = False,
    fix_forward: bool = False,
) -> dict[str, Any]:
    """The decision of a stage, as data for a playbook; with the stage's name, as a later one may ask whose it is."""
    seen = world(facts)
    if stage == "cleanup":
        found = cleanup_decision(seen, bake)
    elif stage == "rollback":
        found = rollback_decision(seen, facts, version, ignore_fence, fix_forward)
    else:
        found = _decision(seen, stage, version, check_mode, fix_forward)
    return {"stage": stage, **found.data()}


def _decision(seen: World, stage: str, version: str, check_mode: bool, fix_forward: bool) -> Decision:
    if stage == "adopt":
        return repair_decision(seen)
    if stage == "undo":
        return undo_decision(seen)
    if stage == "cutover":
        return cutover_decision(seen, version, check_mode, fix_forward)
    if stage == "watch":
        return watch_decision(seen)
    if stage == "preflight" and not seen.adopted:
        # The table is what was asked for, and it comes before adopt as well.
        return Decision(summary="not adopted yet. Next: ansible-playbook bluegreen.yml --tags adopt")
    return release_decision(seen, version, fix_forward)
