# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the playbooks say by themselves, without any host."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from kit.typed import ROOT, play, typed

from ansible_collections.olympus.bluegreen.plugins.plugin_utils.settings import SETTINGS
from ansible_collections.olympus.bluegreen.plugins.plugin_utils.stage_result import REGISTERED


@pytest.mark.parametrize("tags", [[], ["--tags", "rollback"], ["--tags", "status"]])
def test_without_an_inventory_nothing_ends_well(tags: list[str]) -> None:
    rc, said = play(ROOT / "bluegreen.yml", *tags, version="v1.5.0")
    assert rc == 2 and "no host in group olympus_edge" in said and "ANSIBLE_INVENTORY" in said


@pytest.fixture
def inventory(tmp_path: Path) -> str:
    """One edge, this machine."""
    hosts = {"edge": {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}}
    path = tmp_path / "inventory.yml"
    path.write_text(yaml.safe_dump({"olympus_edge": {"hosts": hosts}}))
    return str(path)


@pytest.fixture
def guard(tmp_path: Path) -> Path:
    """Nothing but the guard, as every stage has it."""
    path = tmp_path / "guard.yml"
    path.write_text(yaml.safe_dump([{"import_playbook": "olympus.bluegreen.guard", "tags": ["always"]}]))
    return path


@pytest.mark.parametrize(
    ("tags", "given"),
    [
        ("rollback", {"version": ""}),
        ("rollback", {"version": " ", "bluegreen_force_rollback": ""}),
        ("watch", {"bluegreen_watch_do": "", "bluegreen_watch_extend": ""}),
        (
            "migrate",
            {"version": "v1.5.0", "bluegreen_watch_do": "", "bluegreen_watch_extend": "", "bluegreen_unlock": ""},
        ),
        ("rollback", {"version": None}),
        ("migrate", {"version": "v1.5.0", **{name: "" for name in SETTINGS if name != "bluegreen_state_dir"}}),
    ],
)
def test_a_blank_answer_of_a_survey_is_none(tags: str, given: dict[str, Any], guard: Path, inventory: str) -> None:
    # Recorded, so that no container of this machine is asked.
    record = {"v": 1, "values": {"services": {}}}
    guard.with_name("deployment.json").write_text(json.dumps(record))
    rc, said = play(guard, "-i", inventory, "--tags", tags, bluegreen_state_dir=str(guard.parent), **given)
    assert rc == 0, said


def test_a_blank_version_is_no_version_where_one_is_needed(inventory: str) -> None:
    rc, said = play(ROOT / "playbooks/guard.yml", "-i", inventory, version="")
    assert rc == 2 and "No version was given" in said


def test_several_complaints_are_a_line_each(inventory: str) -> None:
    given = {"bluegreen_bake": "x", "bluegreen_force_rollback": "perhaps", "version": "a b"}
    rc, said = typed(ROOT / "bluegreen.yml", "-i", inventory, "--tags", "cutover", **given)
    lines = [line.strip() for line in said.partition("msg:")[2].splitlines()]
    for name in ("version=a b ", "bluegreen_bake=", "bluegreen_force_rollback="):
        assert rc == 2 and sum(line.startswith(name) for line in lines) == 1, said


def test_a_run_that_had_nothing_to_do_ends_well_whatever_an_earlier_watch_said(inventory: str) -> None:
    """The release before was rolled back by its watch; its verdict is no word on this run (R3)."""
    decision = {
        "stage": "cutover",
        "proceed": False,
        "follow": "",
        "summary": "v1.4.2 is live on blue already: nothing to do",
    }
    run = {"watch_do": "", "hooks": {}}
    given = {"bluegreen_decision": decision, "bluegreen_state_dir": "/nowhere", "bluegreen_run": run}
    rc, said = play(ROOT / "playbooks/watch.yml", "-i", inventory, **given)
    assert rc == 0 and "nothing to do; no cutover to watch" in said, said
    assert re.search(r"Follow the watcher to its verdict\] \*+ skipping", said), said


@pytest.mark.parametrize(
    ("result", "words"),
    [
        ({"returned_to": "blue", "not_returned": ""}, "FAIL: 5xx Live again: blue Report: r"),
        (
            {"returned_to": "", "not_returned": "blue is not alive"},
            "FAIL: 5xx STILL LIVE, not rolled back: blue is not alive. "
            "Fix: run ansible-playbook bluegreen.yml --tags rollback",
        ),
    ],
)
def test_a_bad_verdict_says_who_is_live(result: dict[str, str], words: str, tmp_path: Path) -> None:
    (verdict,) = yaml.safe_load((ROOT / "playbooks/tasks/verdict.yml").read_text())
    (tmp_path / "play.yml").write_text(
        yaml.safe_dump([{"hosts": "localhost", "gather_facts": False, "tasks": [verdict]}])
    )
    seen = {"verdict": "FAIL", "reasons": ["5xx"], "report": "r", **result}
    rc, said = play(tmp_path / "play.yml", watch_result=seen, bluegreen_follows=True)
    assert rc == 2 and words in said, said


TARGETS = [{"name": name, "service": name.replace("_", "-")} for name in ("ciam_kratos", "ciam_hydra")]


def _spoken(task: dict[str, Any]) -> dict[str, Any]:
    """A stage's task with its condition; what it would include is told with the targets that it would be given."""
    said = "%s {{ bluegreen_migrates.schema_targets | map(attribute='name') | list }}"
    role = {"ansible.builtin.include_role", "ansible.builtin.import_role"} & set(task)
    whole = {"ansible.builtin.debug": {"msg": said % task["name"]}} if role else {}
    return {**{key: task[key] for key in ("name", "when", "ansible.builtin.debug") if key in task}, **whole}


def _migration() -> list[dict[str, Any]]:
    """The tasks of a migration in their order, those of its schemas with the condition of all of them."""
    tasks = yaml.safe_load((ROOT / "playbooks/tasks/migrate.yml").read_text())
    whole = next(task for task in tasks if task.get("ansible.builtin.include_tasks") == "schema.yml")
    schemas = yaml.safe_load((ROOT / "playbooks/tasks/schema.yml").read_text())
    both = [{**task, "when": [whole["when"], *_conditions(task)]} for task in schemas]
    return [_spoken(task) for task in [*tasks, *both] if "include_tasks" not in str(task)]


def _conditions(task: dict[str, Any]) -> list[str]:
    found = task.get("when", [])
    return [found] if isinstance(found, str) else found


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
    made = {"hosts": "localhost", "gather_facts": False, "vars": stage["vars"], "tasks": _migration()}
    (tmp_path / "play.yml").write_text(yaml.safe_dump([made]))
    rc, said = play(
        tmp_path / "play.yml",
        bluegreen_described={"schema_targets": TARGETS},
        bluegreen_run={"fix_forward": False},
        bluegreen_decision={"proceed": True},
        stack_result={"release": {"id": "r", **({} if same is None else {"same_schema": same})}},
        schema_result={"results": [{"pending": [1]}]},
    )
    assert rc == 0 and (told in said if told else "nothing to migrate" not in said), said
    steps = "List the pending migrations", "Apply the pending migrations", "Prove that the live colour still serves"
    for step in steps:
        assert ("%s %s" % (step, gated) in said) == bool(gated), said
    assert "Make the release" in said


@pytest.mark.parametrize(
    ("forward", "own", "against", "rc", "words"),
    [
        (False, [], [], 0, "stays="),
        (False, [], ["token"], 2, "blue is live and fails: token of k: x. green passes its own checks. Fix: ansible"),
        (True, ["login"], [], 0, "stays=blue itself fails: login of k: x"),
        # What its own checks don't show a comparison may.
        (True, [], ["silent"], 0, "stays=blue itself fails: silent of k: x"),
        (True, [], [], 2, "blue is live and passes its own checks"),
    ],
)
def test_a_cutover_knows_what_the_live_colour_fails(
    forward: bool, own: list[str], against: list[str], rc: int, words: str, tmp_path: Path
) -> None:
    """What the tasks of a cutover make of the answers of both gates."""
    stage = yaml.safe_load((ROOT / "playbooks/tasks/cutover.yml").read_text())
    kept = [task for task in stage if "ansible.builtin.assert" in task]
    start = next(task for task in stage if task["name"] == "Start the watcher")
    said = {"name": "Say", "ansible.builtin.debug": {"msg": "stays=" + start["vars"]["watch_stays"]}}
    (tmp_path / "play.yml").write_text(
        yaml.safe_dump([{"hosts": "localhost", "gather_facts": False, "tasks": [*kept, said]}])
    )
    fails = {
        key: [{"check": name, "service": "k", "detail": "x"} for name in names]
        for key, names in (("fails", own), ("against_fails", against))
    }
    done, told = play(
        tmp_path / "play.yml",
        bluegreen_decision={"live": "blue", "idle": "green", "live_fails": []},
        bluegreen_run={"fix_forward": forward},
        bluegreen_version="v1.5.0",
        bluegreen_stage="cutover",
        cutover_fails=fails["fails"] if forward else [],
        watch_result=fails,
    )
    assert (done, words in told) == (rc, True), told


@pytest.mark.parametrize(
    ("fails", "drift", "runs", "asks"),
    [([], [], True, False), (["x"], [], True, True), (["x"], [], False, False), ([], ["x"], True, True)],
)
def test_status_asks_the_idle_colour_only_where_the_live_one_is_not_well(
    fails: list[str], drift: list[str], runs: bool, asks: bool, tmp_path: Path
) -> None:
    stage = yaml.safe_load((ROOT / "playbooks/status.yml").read_text())[0]
    block = next(task for task in _tasks(stage) if task.get("name") == "Check the colours")
    asked = next(task for task in block["block"] if task["name"].startswith("Check the other colour"))
    said = {"name": "Say", "ansible.builtin.debug": {"msg": "asked {{ status_other }}"}, "when": asked["when"]}
    made = {"hosts": "localhost", "gather_facts": False, "vars": {**stage["vars"], **block["vars"]}, "tasks": [said]}
    (tmp_path / "play.yml").write_text(yaml.safe_dump([made]))
    colours = {"blue": {"running": True, "drift": drift}, "green": {"running": runs}}
    rc, told = play(
        tmp_path / "play.yml",
        preflight_result={"facts": {"edge": {"live": "blue"}, "compose": {"colours": colours}}},
        status_health={"blue": {"fails": fails}},
    )
    assert rc == 0 and ("asked green" in told) is asks, told


ENTRIES = [
    (path.parents[1].name, entry, name)
    for path in sorted((ROOT / "roles").glob("*/meta/argument_specs.yml"))
    for entry, spec in yaml.safe_load(path.read_text())["argument_specs"].items()
    for name, option in spec["options"].items()
    if name.endswith(("_colour", "_live")) and option.get("choices") == ["blue", "green"]
]


# Without a colour they look at none: a database that no colour has, a stack that is not adopted, a target of one
# address.
UNTOUCHED = {("schema", "main"), ("preflight", "main"), ("watch", "gate")}
# A colour of which only the log is read, or none.
READ = {("schema", "apply", "schema_live")}


def test_no_entry_point_takes_a_colour_that_nobody_named() -> None:
    """R11: green was the default, so a role without variables made green live."""
    assert {role for role, _entry, _name in ENTRIES} == {"traffic", "stack", "watch", "schema", "preflight"}
    assert len(ENTRIES) > 12
    for role, entry, name in ENTRIES:
        spec = yaml.safe_load((ROOT / "roles" / role / "meta/argument_specs.yml").read_text())["argument_specs"][entry]
        defaults = yaml.safe_load((ROOT / "roles" / role / "defaults/main.yml").read_text())
        option = spec["options"][name]
        needed = option.get("required") is True or (role, entry) in UNTOUCHED or (role, entry, name) in READ
        assert needed and "default" not in option and name not in defaults, (role, entry, name)


def test_a_role_without_a_colour_says_which_variable_it_needs(tmp_path: Path) -> None:
    """R11, played: nothing is asked of the host."""
    role = {"name": "olympus.bluegreen.traffic", "tasks_from": "switch"}
    given = {"traffic_deployment": {"name": "olympus"}}
    task = {"ansible.builtin.include_role": role, "vars": given}
    (tmp_path / "play.yml").write_text(yaml.safe_dump([{"hosts": "localhost", "gather_facts": False, "tasks": [task]}]))
    rc, said = play(tmp_path / "play.yml")
    assert rc == 2 and "missing required arguments: traffic_colour" in said and "Flip the switch" not in said


def _included(found: Any) -> list[tuple[str, str, dict[str, Any]]]:
    """(role, entry point, variables) of every role that a play includes or imports."""
    if isinstance(found, list):
        return [one for item in found for one in _included(item)]
    if not isinstance(found, dict):
        return []
    there = [found[key] for key in ("ansible.builtin.include_role", "ansible.builtin.import_role") if key in found]
    own = [(one["name"].rpartition(".")[2], one.get("tasks_from", "main"), found.get("vars") or {}) for one in there]
    return own + [one for item in found.values() for one in _included(item)]


def test_every_play_names_what_an_entry_point_needs() -> None:
    files = sorted((ROOT / "playbooks").rglob("*.yml"))
    included = [one for path in files for one in _included(yaml.safe_load(path.read_text()))]
    assert len(included) > 40
    for role, entry, given in included:
        spec = yaml.safe_load((ROOT / "roles" / role / "meta/argument_specs.yml").read_text())["argument_specs"][entry]
        needed = {name for name, option in spec["options"].items() if option.get("required")}
        assert needed <= set(given), (role, entry, needed - set(given))


def _tasks(found: Any) -> list[dict[str, Any]]:
    """Every task of a play or of a list, those in blocks too."""
    if isinstance(found, list):
        return [task for one in found for task in _tasks(one)]
    if not isinstance(found, dict):
        return []
    inner = [task for key in ("tasks", "block", "rescue", "always") for task in _tasks(found.get(key))]
    return [found, *inner]


def test_whatever_removes_containers_has_the_token_of_its_run() -> None:
    """REVIEW A3. An undo of the adoption has no switch any more."""
    for name in ("adopt", "start", "stop"):
        (task,) = [
            one["olympus.bluegreen.podman_compose_release"]
            for one in yaml.safe_load((ROOT / "roles/stack/tasks" / (name + ".yml")).read_text())
            if "olympus.bluegreen.podman_compose_release" in one
        ]
        assert task["token"] == "{{ stack_token }}"
    asked = [
        task
        for path in sorted((ROOT / "playbooks").rglob("*.yml"))
        for task in _tasks(yaml.safe_load(path.read_text()))
        for role in [task.get("ansible.builtin.include_role") or task.get("ansible.builtin.import_role") or {}]
        if role.get("name") == "olympus.bluegreen.stack" and role["tasks_from"] in ("adopt", "start", "stop")
    ]
    without = [task["name"] for task in asked if "preflight_result.token" not in str(task["vars"].get("stack_token"))]
    assert len(asked) == 8 and without == ["Remove the networks"]


def test_every_task_of_ours_registers_what_a_stage_says_at_its_end() -> None:
    """Else ``bluegreen_result`` of a stage that failed there has no reason."""
    # The plays use no main of a role.
    entries = [path for path in (ROOT / "roles").glob("*/tasks/*.yml") if path.name != "main.yml"]
    files = [*entries, *(ROOT / "playbooks").rglob("*.yml")]
    tasks = [one for path in files for one in _tasks(yaml.safe_load(path.read_text()))]
    last = ("olympus.bluegreen.release_end", "unlocked")
    ours = [
        one
        for one in tasks
        if any(key.startswith("olympus.bluegreen.") for key in one) and not any(word in str(one) for word in last)
    ]
    assert len(ours) > 30
    assert {str(one.get("register")) for one in ours} - {"guard_known"} <= set(REGISTERED)
    refusals = [one for one in tasks if {"ansible.builtin.assert", "ansible.builtin.fail"} & set(one)]
    unheard = {one["name"] for one in refusals if one.get("register") != "bluegreen_refused"}
    assert unheard == {"Check the input", "Refuse"}, "a refusal of a play registers bluegreen_refused"
