# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The opening of docs/architecture.md is true: the rooms and their order, and where each thing is."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import tomllib
from generate import walk

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs" / "architecture.md").read_text()
WHERE = re.findall(r"^\| ([^|`]+) \| `((?:plugins|roles|playbooks)/[\w/.]+)` \| `(\w+)` \|$", PAGE, re.MULTILINE)
UTILS = ROOT / "plugins" / "module_utils"


def layers() -> list[list[str]]:
    """The rooms of module_utils from the top down, as import-linter holds them."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (found,) = [one["layers"] for one in contracts if one["containers"][0].endswith(".module_utils")]
    return [sorted(layer.split(" | ")) for layer in found]


def drawn() -> Iterator[list[str]]:
    """The rooms of each box of the picture, from the top down: within a frame by its arrows, then the next frame."""
    (picture,) = re.findall(r"```mermaid\n(.*?)```", PAGE, re.DOTALL)
    frames = re.findall(r"^  subgraph (\w+)\[.*?\]\n(.*?)^  end$", picture, re.MULTILINE | re.DOTALL)
    order = re.findall(r"^  (\w+) --> (\w+)$", picture, re.MULTILINE)
    assert [name for name, _frame in frames] == [order[0][0], *(after for _before, after in order)]
    for _name, frame in frames:
        boxes = re.findall(r"(\w+)\[\"(.*?)<br>", frame)
        arrows = re.findall(r"^    (\w+)(?:\[.*?\])? --> (\w+)\[", frame, re.MULTILINE)
        assert arrows == list(zip([box for box, _title in boxes], [box for box, _title in boxes[1:]]))
        for _box, title in boxes:
            yield sorted(re.findall(r"(?<!\w)_[a-z]+", title))


def test_the_picture_shows_the_layers_that_lint_holds() -> None:
    assert [rooms for rooms in drawn() if rooms] == layers()


def test_every_room_is_in_the_layers() -> None:
    rooms = {path.name for path in UTILS.iterdir() if (path / "__init__.py").exists()}
    assert rooms == {room for layer in layers() for room in layer}


def test_the_table_answers_twelve_questions_or_more() -> None:
    assert len(WHERE) >= 12


@pytest.mark.parametrize(("what", "path", "name"), WHERE)
def test_it_is_where_the_table_says(what: str, path: str, name: str) -> None:
    named = set()
    for node in ast.walk(ast.parse((ROOT / path).read_text())):
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            named.add(node.name)
        elif isinstance(node, ast.Assign):
            named |= {target.id for target in node.targets if isinstance(target, ast.Name)}
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            named.add(node.target.id)
    assert name in named, what


def test_the_way_of_version_is_that_of_the_code(capsys: pytest.CaptureFixture[str]) -> None:
    assert walk.main() == 0, capsys.readouterr().out
