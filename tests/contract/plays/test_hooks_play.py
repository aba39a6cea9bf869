# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a job returns and where the operator's hooks run: whole playbooks, extra variables and artifacts, as in AWX."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from kit.caddy_played import ROOT, World, world

from ansible_collections.olympus.bluegreen.plugins.plugin_utils.stage_result import CUT_OFF

CANARY = "canary-4711"
SAID = "{{ bluegreen_hook | to_json }}"
SHOWN = {"ANSIBLE_SHOW_CUSTOM_STATS": "1", "ANSIBLE_CALLBACK_RESULT_FORMAT": "json"}


@pytest.fixture(autouse=True)
def _shown(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in SHOWN.items():
        monkeypatch.setenv(name, value)


@pytest.fixture(scope="module")
def played() -> Iterator[World]:
    with world() as running:
        yield running


def returned(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    """The run's artifact; AssertionError where it left none."""
    line = next((one for one in done.stdout.splitlines() if "RUN: " in one), None)
    assert line is not None, done.stdout + done.stderr
    return dict(json.loads(line.partition("RUN: ")[2])["bluegreen_result"])


def hook(directory: Path, name: str, *tasks: dict[str, Any]) -> str:
    """A task file that writes down what it sees, or does ``tasks``."""
    note = {"ansible.builtin.copy": {"content": SAID, "dest": str(directory / (name + ".json")), "mode": "0600"}}
    path = directory / (name + ".yml")
    path.write_text(yaml.safe_dump(list(tasks) or [note]))
    return str(path)


def vault(directory: Path, given: dict[str, Any]) -> str:
    (directory / "given.json").write_text(json.dumps(given))
    return str(directory / "given.json")


FAILS = {"ansible.builtin.fail": {"msg": "the logs are gone"}}


def test_a_rollback_leaves_its_result_and_runs_its_hook_behind_the_flip(played: World, tmp_path: Path) -> None:
    played.cut_over()
    secrets = {"password": CANARY, "ciam": {"client_secret": CANARY}}
    given = {"bluegreen_hooks": {"on_rollback": hook(tmp_path, "back")}, "bluegreen_probe_secrets": secrets}
    done = played.run(ROOT / "bluegreen.yml", "--tags", "rollback", "-vv", "-e", "@" + vault(tmp_path, given))
    made = returned(done)
    assert CANARY not in done.stdout + done.stderr
    assert done.returncode == 0 and (made["stage"], made["rc"], made["live"]) == ("rollback", 0, "blue"), done.stdout
    seen = json.loads((tmp_path / "back.json").read_text())
    assert seen == {"stage": "rollback", "live": "blue", "release": "", "version": ""}


def test_a_hook_that_fails_is_told_and_the_rollback_stands(played: World, tmp_path: Path) -> None:
    played.cut_over()
    hooks = json.dumps({"bluegreen_hooks": {"on_rollback": hook(tmp_path, "back", FAILS)}})
    done = played.run(ROOT / "bluegreen.yml", "--tags", "rollback", "-e", hooks)
    assert done.returncode == 0 and played.switch.read().live == "blue", done.stdout
    assert returned(done)["reasons"] == ["on_rollback failed: the logs are gone"]
    assert "on_rollback failed: the logs are gone" in done.stderr


def test_a_hook_that_is_not_there_stops_a_stage_and_no_rollback(played: World, tmp_path: Path) -> None:
    hooks = json.dumps({"bluegreen_hooks": {"before_migrate": "nowhere.yml"}, "version": "v1.5.0"})
    done = played.run(ROOT / "bluegreen.yml", "--tags", "migrate", "-e", hooks)
    said = returned(done)["reasons"][0]
    assert done.returncode == 2 and "bluegreen_hooks.before_migrate=nowhere.yml: no such file on the controller" in said
    assert "relative to %s" % ROOT in said
    played.cut_over()
    played.play(ROOT / "bluegreen.yml", "--tags", "rollback", "-e", json.dumps({**json.loads(hooks), "version": ""}))
    assert played.switch.read().live == "blue"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--tags", "deploy"), "No version was given"),
        (("--tags", "deploy", "-e", "version=v1", "-e", "bluegreen_bake=soon"), "bluegreen_bake='soon'"),
    ],
)
def test_what_was_refused_is_returned_too(played: World, options: tuple[str, ...], words: str) -> None:
    done = played.run(ROOT / "bluegreen.yml", *options)
    made = returned(done)
    assert done.returncode == 2 and (made["stage"], made["rc"]) == ("guard", 1), done.stdout
    assert any(words in one for one in made["reasons"]) and words in made["report_markdown"], made
    # AWX hands it to the next job of a workflow.
    again = played.run(ROOT / "bluegreen.yml", "--tags", "deploy", "-e", json.dumps({"bluegreen_result": made}))
    assert "bluegreen_result" not in "".join(returned(again)["reasons"])


def test_a_run_without_a_stage_did_not_end_one(played: World) -> None:
    done = played.run(ROOT / "playbooks/guard.yml", "-e", "version=v1")
    assert done.returncode == 0 and returned(done)["reasons"] == [CUT_OFF] and returned(done)["rc"] == 1


def test_a_stage_that_was_refused_says_why() -> None:
    with world() as one:
        done = one.run(ROOT / "bluegreen.yml", "--tags", "rollback")
    made = returned(done)
    assert done.returncode == 2 and (made["rc"], made["stage"], made["live"]) == (1, "rollback", ""), done.stdout
    assert made["reasons"][0].startswith("nothing to roll back: no cutover yet")


STAGES = ("adopt", "preflight", "migrate", "deploy", "cutover", "watch", "rollback", "cleanup", "status")


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_that_is_started_alone_says_what_to_start(stage: str, played: World) -> None:
    """AWX offers every playbook of a project."""
    done = played.run(ROOT / "playbooks" / (stage + ".yml"))
    made, words = returned(done), "Start bluegreen.yml --tags %s instead" % stage
    assert done.returncode == 2 and made["rc"] == 1 and words in made["reasons"][0], done.stdout


def staged(directory: Path, hooks: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """What stands around the work of a deploy, with one task for it."""
    begin = yaml.safe_load((ROOT / "playbooks/tasks/begin.yml").read_text())[-1]
    deploy = yaml.safe_load((ROOT / "playbooks/deploy.yml").read_text())[0]
    (block,) = deploy["tasks"]
    tasks = directory / "tasks"
    tasks.mkdir()
    for name in ("hook", "after", "end"):
        (tasks / (name + ".yml")).write_text((ROOT / "playbooks/tasks" / (name + ".yml")).read_text())
    (tasks / "begin.yml").write_text(yaml.safe_dump([begin]))
    (tasks / "deploy.yml").write_text(yaml.safe_dump([{"name": "WORK", "ansible.builtin.debug": {"msg": "x"}}]))
    given = {
        "preflight_result": {
            "decision": {"proceed": True, "misplaced": [], "live": "blue", "release": "", "summary": "green gets it"},
            "facts": {"edge": {"live": "blue", "return_to": None}},
        },
        "bluegreen_run": {"hooks": hooks},
        "bluegreen_version": "v1.5.0",
    }
    variables = {**given, "bluegreen_stage": "deploy", "bluegreen_decision": "{{ preflight_result.decision }}"}
    play = {"hosts": "localhost", "gather_facts": False, "vars": variables, "tasks": [block]}
    (directory / "play.yml").write_text(yaml.safe_dump([play]))
    argv = [str(Path(sys.executable).parent / "ansible-playbook"), str(directory / "play.yml")]
    env = {**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_NOCOLOR": "1"}
    return subprocess.run(argv, env=env, cwd=ROOT, capture_output=True, text=True, check=False)


def test_hooks_stand_around_the_work_of_a_stage(tmp_path: Path) -> None:
    names = ("before_deploy", "after_deploy")
    done = staged(tmp_path, {name: hook(tmp_path, name) for name in names})
    assert done.returncode == 0 and done.stdout.count("[WORK]") == 1, done.stdout
    for name in names:
        seen = json.loads((tmp_path / (name + ".json")).read_text())
        assert seen == {"stage": "deploy", "live": "blue", "release": "", "version": "v1.5.0"}
    assert returned(done)["next"]["extra"] == {"version": "v1.5.0"} and returned(done)["next"]["stage"] == "cutover"


def test_a_hook_before_a_stage_stops_it(tmp_path: Path) -> None:
    done = staged(tmp_path, {"before_deploy": hook(tmp_path, "before_deploy", FAILS)})
    assert done.returncode == 2 and "[WORK]" not in done.stdout and returned(done)["rc"] == 1


def test_one_behind_it_does_not(tmp_path: Path) -> None:
    done = staged(tmp_path, {"after_deploy": hook(tmp_path, "after_deploy", FAILS)})
    made = returned(done)
    assert done.returncode == 0 and (made["rc"], made["reasons"]) == (0, ["after_deploy failed: the logs are gone"])


def test_without_hooks_there_is_no_task_more(tmp_path: Path) -> None:
    done = staged(tmp_path, {})
    assert done.returncode == 0 and done.stdout.count("TASK [") == 4, done.stdout
