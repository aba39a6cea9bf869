# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The operator's own task files: where they are, and at which moments of a stage they run."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.finding import Problem, wrong

ROLLBACK = "on_rollback"
Step = dict[str, str]


@dataclass(frozen=True)
class Hooks:
    """``paths``: absolute, by moment. ``missing``: a sentence for each that is no file of the controller."""

    paths: Mapping[str, str] = field(default_factory=dict)
    missing: tuple[Problem, ...] = ()

    @classmethod
    def find(cls, given: Mapping[str, Any], directory: str) -> Hooks:
        paths, missing = {}, []
        for name, said in given.items():
            path = os.path.join(directory, os.path.expanduser(str(said).strip()))
            if not str(said).strip():
                continue
            if os.path.isfile(path):
                paths[str(name)] = path
            else:
                setting = "bluegreen_hooks.%s" % name
                fix = "give its path from /, or relative to %s" % directory
                missing.append(wrong("%s=%s: no such file on the controller" % (setting, said), fix, setting=setting))
        return cls(paths, tuple(missing))


def steps_before(begun: Mapping[str, Any], hooks: Mapping[str, str], stage: str) -> list[Step]:
    """What runs before a stage's own work. ``begun``: the result of M(olympus.bluegreen.release_stage)."""
    decision = begun["decision"]
    edge = (begun.get("facts") or {}).get("edge") or {}
    left = (edge.get("return_to") or {}).get("colour") == edge.get("live")
    # An earlier run that died, or a watcher that could not move them, left them where they were. A cutover moves them
    # after its flip: nothing stands in the way of that.
    moves = decision["misplaced"] and stage not in ("adopt", "cutover")
    found = [{"file": "singletons.yml", "hook": ""}] if moves else []
    # The last moment at which the containers that were rolled back from are there.
    if ROLLBACK in hooks and decision["proceed"] and (stage == "rollback" or (stage == "deploy" and left)):
        found.append({"file": "after.yml", "hook": ROLLBACK})
    name = "before_" + stage
    if name in hooks and (decision["proceed"] or stage == "preflight"):
        found.append({"file": "hook.yml", "hook": name})
    return found


def steps(work: list[str], hooks: Mapping[str, str], before: str, after: str) -> list[Step]:
    """The files of a stage's ``work`` between these two hooks, where they are given."""

    def hook(name: str) -> list[Step]:
        file = "tasks/hook.yml" if name.startswith("before_") else "tasks/after.yml"
        return [{"file": file, "hook": name}] if name in hooks else []

    return [*hook(before), *({"file": one, "hook": ""} for one in work), *hook(after)]
