# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the playbooks say by themselves, without any host."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]


def play(path: Path, *options: str, **variables: Any) -> tuple[int, str]:
    """Its rc and what it printed, folded."""
    env = {**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_NOCOLOR": "1"}
    env.pop("ANSIBLE_INVENTORY", None)
    argv = [str(Path(sys.executable).parent / "ansible-playbook"), str(path), *options, "-e", json.dumps(variables)]
    done = subprocess.run(argv, env=env, cwd=ROOT, capture_output=True, text=True, check=False)
    return done.returncode, " ".join((done.stdout + done.stderr).split())


@pytest.mark.parametrize("tags", [[], ["--tags", "rollback"], ["--tags", "status"]])
def test_without_an_inventory_nothing_ends_well(tags: list[str]) -> None:
    rc, said = play(ROOT / "bluegreen.yml", *tags, version="v1.5.0")
    assert rc == 2 and "no host in group olympus_edge" in said and "ANSIBLE_INVENTORY" in said


@pytest.mark.parametrize(
    ("result", "words"),
    [
        ({"returned_to": "blue", "not_returned": ""}, "FAIL: 5xx Live again: blue Report: r"),
        (
            {"returned_to": "", "not_returned": "blue is not alive"},
            "FAIL: 5xx STILL LIVE, not rolled back: blue is not alive. "
            "Type: ansible-playbook bluegreen.yml --tags rollback",
        ),
    ],
)
def test_a_bad_verdict_says_who_is_live(result: dict[str, str], words: str, tmp_path: Path) -> None:
    tasks = yaml.safe_load((ROOT / "playbooks/watch.yml").read_text())[0]["tasks"]
    verdict = next(task for task in tasks if task["name"] == "The verdict")
    (tmp_path / "play.yml").write_text(
        yaml.safe_dump([{"hosts": "localhost", "gather_facts": False, "tasks": [verdict]}])
    )
    seen = {"verdict": "FAIL", "reasons": ["5xx"], "report": "r", **result}
    rc, said = play(tmp_path / "play.yml", watch_result=seen, bluegreen_watch_order="")
    assert rc == 2 and words in said, said


TARGETS = [{"name": name, "service": name.replace("_", "-")} for name in ("ciam_kratos", "ciam_hydra")]


def _spoken(task: dict[str, Any]) -> dict[str, Any]:
    """A stage's task with its condition; what it would include is told with the targets that it would be given."""
    said = "%s {{ bluegreen_migrates.schema_targets | map(attribute='name') | list }}"
    whole = {"ansible.builtin.debug": {"msg": said % task["name"]}} if "ansible.builtin.include_role" in task else {}
    return {**{key: task[key] for key in ("name", "when", "ansible.builtin.debug") if key in task}, **whole}


@pytest.mark.parametrize(
    ("same", "told", "gated"),
    [
        (["ciam-hydra", "ciam-kratos", "site"], "nothing to migrate in ciam_kratos, ciam_hydra", []),
        (["ciam-hydra"], "nothing to migrate in ciam_hydra:", ["ciam_kratos"]),
        ([], "", ["ciam_kratos", "ciam_hydra"]),
        (None, "", ["ciam_kratos", "ciam_hydra"]),
    ],
)
def test_a_target_whose_image_is_live_costs_neither_a_question_nor_a_gate(
    same: list[str] | None, told: str, gated: list[str], tmp_path: Path
) -> None:
    stage = yaml.safe_load((ROOT / "playbooks/migrate.yml").read_text())[0]
    tasks = [_spoken(task) for task in stage["tasks"][0]["block"] if "include_tasks" not in str(task)]
    made = {"hosts": "localhost", "gather_facts": False, "vars": stage["vars"], "tasks": tasks}
    (tmp_path / "play.yml").write_text(yaml.safe_dump([made]))
    rc, said = play(
        tmp_path / "play.yml",
        bluegreen_described={"schema_targets": TARGETS},
        bluegreen_decision={"go": True},
        stack_result={"release": {"id": "r", **({} if same is None else {"same_schema": same})}},
        schema_result={"results": [{"pending": [1]}]},
    )
    assert rc == 0 and (told in said if told else "nothing to migrate" not in said), said
    for step in ("List what is pending", "Apply it", "Prove that the live colour still serves"):
        assert ("%s %s" % (step, gated) in said) == bool(gated), said
    assert "Make the release" in said
