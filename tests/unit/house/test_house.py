# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules of the house that a machine can check."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
MAX_FILE, MAX_FUNCTION = 400, 40


def tracked(*suffixes: str) -> list[Path]:
    names = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    paths = [ROOT / name for name in names.stdout.split("\0") if name.endswith(suffixes)]
    return sorted(path for path in paths if path.is_file() and "collections" not in path.relative_to(ROOT).parts[:1])


def functions(path: Path) -> Iterator[tuple[str, int]]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node.name, (node.end_lineno or node.lineno) - node.lineno + 1


def test_files_are_short() -> None:
    sources = tracked(".py", ".go", ".sh", ".yml", ".yaml", ".j2", ".mk")
    long = {
        str(path.relative_to(ROOT)): count
        for path in sources
        if (count := len(path.read_text().splitlines())) > MAX_FILE
    }
    assert sources and not long


def test_functions_are_short() -> None:
    long = [
        "%s:%s %d lines" % (path.relative_to(ROOT), name, length)
        for path in tracked(".py")
        for name, length in functions(path)
        if length > MAX_FUNCTION
    ]
    assert not long


def test_only_main_fails() -> None:
    """Helpers raise; a fail_json deep inside can't be composed or tested. Options are refused as AnsibleModule does."""
    blamed = [
        str(path.relative_to(ROOT))
        for path in tracked(".py")
        if "module_utils" in path.parts
        and re.search(r"\bfail_json\(", path.read_text())
        and path.parts[-2:] != ("_deployment", "inputs.py")
    ]
    assert not blamed


@pytest.mark.parametrize("role", sorted(path.name for path in (ROOT / "roles").iterdir()))
def test_role_defaults_are_its_interface(role: str) -> None:
    """Every default is a documented option with the same default, and every variable has the role's prefix."""
    base = ROOT / "roles" / role
    specs = yaml.safe_load((base / "meta/argument_specs.yml").read_text())["argument_specs"]
    documented = {name: option for entry in specs.values() for name, option in entry.get("options", {}).items()}
    defaults = yaml.safe_load((base / "defaults/main.yml").read_text()) or {}
    assert set(defaults) <= set(documented)
    assert {name for name in documented if not name.startswith(role + "_")} == set()
    assert {n: v for n, v in defaults.items() if "default" in documented[n] and documented[n]["default"] != v} == {}


@pytest.mark.parametrize("role", sorted(path.name for path in (ROOT / "roles").iterdir()))
def test_every_entry_point_is_specified(role: str) -> None:
    base = ROOT / "roles" / role
    specs = yaml.safe_load((base / "meta/argument_specs.yml").read_text())["argument_specs"]
    assert set(specs) == {path.stem for path in (base / "tasks").glob("*.yml")}
    assert (base / "README.md").is_file()


def test_stage_playbooks_include_roles_only() -> None:
    """A statically imported role is validated on every run, and a bare tagged include does nothing (ANCHORS 0.1)."""
    for path in (ROOT / "playbooks").glob("*.yml"):
        text = path.read_text()
        assert "import_role" not in text and not re.search(r"^\s+roles:", text, re.M), path
    plays = yaml.safe_load((ROOT / "playbooks/bluegreen.yml").read_text())
    known = next(
        task["vars"]["guard_known_tags"]
        for task in yaml.safe_load((ROOT / "playbooks/guard.yml").read_text())
        if "guard_known_tags" in task.get("vars", {})
    )
    used = {tag for play in plays for tag in play["tags"]} - {"never"}
    assert used <= set(known)
    asked_for = {name for play in plays if "never" in play["tags"] for name in play["tags"]}
    assert {"rollback", "cleanup", "adopt", "status"} <= asked_for


def test_action_group_names_every_module() -> None:
    runtime = yaml.safe_load((ROOT / "meta/runtime.yml").read_text())
    modules = {path.stem for path in (ROOT / "plugins/modules").glob("*.py")}
    assert set(runtime["action_groups"]["bluegreen"]) == modules


def test_no_machine_path_is_named() -> None:
    pattern = re.compile(r"(?<![\w.$}{])/(work|root|tmp/brief)/")
    blamed = [
        str(p.relative_to(ROOT))
        for p in tracked(".py", ".sh", ".yml", ".md", ".go", ".mk")
        if pattern.search(p.read_text())
    ]
    assert blamed == [] or blamed == ["tests/unit/house/test_house.py"]
