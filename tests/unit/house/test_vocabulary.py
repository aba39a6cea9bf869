# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The check of words finds what it has to find, and only where it has to look."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

PROGRAM = Path(__file__).resolve().parents[2] / "vocabulary.py"
PROJECT = """
[tool.vocabulary]
paths = ["*.md", "docs"]
pending = [%s]
allowed = ["the user nobody"]
first = "Its?|They"
[tool.vocabulary.instead]
"nobody" = "no process"
"mend(s|ed)?" = "fix"
"""


@pytest.fixture
def vocabulary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    spec = importlib.util.spec_from_file_location("vocabulary", PROGRAM)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "vocabulary", module)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "ROOT", tmp_path)
    (tmp_path / "pyproject.toml").write_text(PROJECT % "")
    (tmp_path / "docs").mkdir()
    return module


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("one\nNobody mends it", [2, 2]),
        ("an amendment by the user nobody", []),
        ("description: Its name", [1]),
        ("description:\n  - They are two", [2]),
        ('description: "It is one"', [1]),
        ("description: Items of it", []),
    ],
)
def test_what_is_wrong(vocabulary: ModuleType, text: str, lines: list[int]) -> None:
    words = vocabulary.Words({"nobody": "no process", "mend(s|ed)?": "fix"}, ["the user nobody"], "Its?|They")
    assert sorted(line for line, _what in words.wrong(text)) == lines


def test_it_fails_with_file_and_line(
    vocabulary: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "docs/one.md").write_text("well\nnobody\n")
    (tmp_path / "code.py").write_text("nobody\n")
    monkeypatch.setattr(vocabulary, "tracked", lambda: ["docs/one.md", "code.py"])
    assert vocabulary.main([]) == 1
    assert capsys.readouterr().out == "docs/one.md:2: 'nobody': no process\n"
    assert vocabulary.main(["code.py"]) == 0


def test_a_pending_path_is_counted_until_it_has_none(
    vocabulary: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "pyproject.toml").write_text(PROJECT % '"docs"')
    page = tmp_path / "docs/one.md"
    page.write_text("nobody\n")
    monkeypatch.setattr(vocabulary, "tracked", lambda: ["docs/one.md"])
    assert vocabulary.main([]) == 0
    assert "docs: 1 still to replace" in capsys.readouterr().out
    page.write_text("no process\n")
    assert vocabulary.main([]) == 1
    assert "take it out of `pending`" in capsys.readouterr().out
