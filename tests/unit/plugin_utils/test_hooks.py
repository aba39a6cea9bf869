# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operator's task files, what is about one run, and the secrets that come from the environment."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.olympus.bluegreen.plugins.module_utils._discovery.answers import with_environment
from ansible_collections.olympus.bluegreen.plugins.plugin_utils.deployment import Asked, run_settings
from ansible_collections.olympus.bluegreen.plugins.plugin_utils.hooks import Hooks, steps, steps_before
from ansible_collections.olympus.bluegreen.plugins.plugin_utils.setting_checks import wrong_settings
from ansible_collections.olympus.bluegreen.plugins.plugin_utils.settings import SETTINGS


def test_a_path_is_absolute_or_relative_to_where_the_run_was_started(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text("[]")
    found = Hooks.find(
        {"before_deploy": "a.yml", "on_rollback": str(tmp_path / "a.yml"), "after_watch": " "}, str(tmp_path)
    )
    assert found == Hooks({"before_deploy": str(tmp_path / "a.yml"), "on_rollback": str(tmp_path / "a.yml")})


def test_one_that_is_missing_stops_what_changes_something_and_no_rollback(tmp_path: Path) -> None:
    given = {"bluegreen_hooks": {"before_deploy": "b.yml"}}
    (missing,) = Asked.of(["deploy"], given, str(tmp_path)).hooks.missing
    assert missing.setting == "bluegreen_hooks.before_deploy" and "Fix: give its path from /" in missing
    assert Asked.of(["rollback"], given, str(tmp_path)).run["hooks"] == {}


def test_a_moment_that_is_unknown_is_refused() -> None:
    (found,) = wrong_settings({"bluegreen_hooks": {"before_rollback": "x.yml"}})
    assert found["level"] == "refuse" and "bluegreen_hooks.before_rollback" in found["sentence"]


ALL = {"before_deploy": "/b", "after_deploy": "/a", "on_rollback": "/r", "before_preflight": "/p"}


@pytest.mark.parametrize(
    ("stage", "proceed", "back", "misplaced", "wanted"),
    [
        ("deploy", True, "green", [], ["before_deploy"]),
        ("deploy", False, "green", [], []),
        # The containers that were rolled back from are replaced now.
        ("deploy", True, "blue", [], ["on_rollback", "before_deploy"]),
        ("rollback", True, "green", [], ["on_rollback"]),
        ("migrate", True, "green", ["courier"], ["singletons.yml"]),
        ("cutover", True, "green", ["courier"], []),
        ("preflight", False, "green", [], ["before_preflight"]),
    ],
)
def test_what_runs_before_a_stage(stage: str, proceed: bool, back: str, misplaced: Any, wanted: list[str]) -> None:
    edge = {"live": "blue", "return_to": {"colour": back}}
    begun = {"decision": {"proceed": proceed, "misplaced": misplaced}, "facts": {"edge": edge}}
    assert [one["hook"] or one["file"] for one in steps_before(begun, ALL, stage)] == wanted
    assert [one for one in steps_before(begun, {}, stage) if one["hook"]] == []


def test_a_hook_costs_nothing_where_there_is_none() -> None:
    assert steps(["tasks/x.yml"], {}, "before_x", "after_x") == [{"file": "tasks/x.yml", "hook": ""}]
    assert [one["file"] for one in steps(["x"], {"before_x": "", "after_x": ""}, "before_x", "after_x")] == [
        "tasks/hook.yml", "x", "tasks/after.yml",
    ]  # fmt: skip


@pytest.mark.parametrize("name", sorted(SETTINGS))
def test_a_blank_answer_is_the_default(name: str) -> None:
    assert wrong_settings({name: ""}) == [] and wrong_settings({name: "  "}) == []
    blank, none = Asked.of([], {name: " "}, "/"), Asked.of([], {}, "/")
    assert (blank.run, blank.told, blank.name, blank.state_dir) == (none.run, none.told, none.name, none.state_dir)


def test_an_answer_is_of_its_type_and_a_wrong_one_is_none() -> None:
    run = run_settings({"bluegreen_bake": "60", "bluegreen_undo": "yes", "bluegreen_drain_deadline": "1.5"})
    assert (run["bake"], run["undo"], run["drain_deadline"], run["dependents"]) == (60, True, 1.5, "recreate")
    assert "keep_sticky" not in run and "probe_secrets" not in run and run["accept"] == []
    assert run_settings({"bluegreen_bake": "soon", "bluegreen_keep_sticky": "perhaps"})["bake"] == 3600


def test_a_secret_that_is_not_given_comes_from_the_environment() -> None:
    environment = {"BLUEGREEN_PROBE_PASSWORD": "all", "BLUEGREEN_PROBE_PASSWORD_CIAM": "one", "HOME": "/"}
    probes: dict[str, Any] = {"ciam": {}, "iam": {}}
    assert with_environment({}, probes, environment) == {"ciam": {"password": "one"}, "iam": {"password": "all"}}
    given = {"password": "", "ciam": {"password": "given"}}
    found = with_environment(given, probes, environment)
    assert found == {"ciam": {"password": "given"}, "iam": {"password": "all"}}
    assert with_environment({}, {}, environment) == {} and given["ciam"] == {"password": "given"}
