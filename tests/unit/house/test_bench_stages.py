# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, the olympus.bluegreen authors
"""What the bench of the stages computes with."""

from __future__ import annotations

from pathlib import Path

import stages
import yaml


def test_every_stage_is_in_a_life_and_the_ratio_is_by_pairs() -> None:
    assert {stage for stage, _tags, _extra in stages.LIFE} == {
        "preflight", "adopt", "migrate", "deploy", "cutover", "watch", "rollback", "cleanup", "status",
    }  # fmt: skip
    same = {"stage": "status", "tasks": 15, "modules": 4, "base_cpu_s": 1.0}
    rows = [{**same, "wall_s": wall, "cpu_s": 2.0, "base_wall_s": base} for wall, base in ((2, 1), (9, 3), (8, 2))]
    (found,) = stages.summed(rows)
    assert (found["runs"], found["wall_s"], found["wall_ratio"], found["cpu_ratio"]) == (3, 8, 3.0, 2.0)
    assert "| abc | status | 3 | 15 | 4 | 8.0 | 2.0 | 3.00 | 2.0 | 1.0 | 2.00 |" in stages.markdown(
        {"commits": {"abc": [found]}}
    )


def test_the_trivial_playbook_has_as_many_tasks_and_modules(tmp_path: Path) -> None:
    life = object.__new__(stages.Life)
    life.root = tmp_path
    guard, play = yaml.safe_load(life._trivial(15, 4).read_text())
    assert guard["tags"] == ["always"] and len(play["tasks"]) == 15 - stages.GUARD
    assert sum("ansible.builtin.command" in task for task in play["tasks"]) == 4
