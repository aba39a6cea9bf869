# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""``make findings`` counts what a test said, and nothing else."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

TESTS = Path(__file__).resolve().parents[2]
CASE = '<testcase classname="tests.unit.test_x" name="test_y">%s</testcase>'
FAILED = (
    '<failure message="m">def test_y():\n&gt;   assert 1 == 2\nE   AssertionError: assert 1 == 2\nE   more</failure>'
)
NO_IMPORT = '<error message="collection failure">a.py:3: in &lt;module&gt;\nE   ImportError: no name x</error>'
NO_SETUP = '<error message="failed on setup with &quot;KeyError&quot;">E   KeyError: "registry"</error>'
NO_OPTION = "<error message=\"failed on setup\">E   TypeError: f() got an unexpected keyword argument 'x'</error>"
NO_FILE = '<error message="failed on setup">E   FileNotFoundError: parts.py</error>'
SKIP = '<skipped type="pytest.skip" message="no kratos: set OLYMPUS_LAB_KRATOS">where</skipped>'


@pytest.fixture(scope="module")
def findings() -> ModuleType:
    spec = importlib.util.spec_from_file_location("findings", TESTS / "findings.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["findings"] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("cases", "returned", "word", "why"),
    [
        (("",), 0, "green", ""),
        (("", SKIP), 0, "green", ""),
        ((SKIP, SKIP), 0, "skipped", "no kratos: set OLYMPUS_LAB_KRATOS"),
        (("", FAILED), 1, "red", "AssertionError: assert 1 == 2"),
        ((NO_IMPORT,), 2, "red (import)", "ImportError: no name x"),
        ((NO_SETUP,), 1, "not run", 'KeyError: "registry"'),
        ((NO_FILE,), 1, "red (import)", "FileNotFoundError: parts.py"),
        ((NO_OPTION,), 1, "red (import)", "TypeError: f() got an unexpected keyword argument 'x'"),
        ((), 5, "left out", ""),
    ],
)
def test_what_a_test_said(findings: ModuleType, cases: tuple[str, ...], returned: int, word: str, why: str) -> None:
    record = "<testsuites><testsuite>%s</testsuite></testsuites>" % "".join(CASE % one for one in cases)
    assert findings.judged(record, returned) == findings.Said(word, why)


def test_only_what_ran_on_both_sides_counts(findings: ModuleType) -> None:
    red, green, skipped, left = (findings.Said(word) for word in ("red", "green", "skipped", "left out"))
    imported = findings.Said("red (import)")
    assert findings.total([(red, green), (imported, green), (left, left)])[1]
    line, well = findings.total([(red, green), (skipped, green), (red, skipped), (left, left)])
    assert well and line.startswith("1 red, 1 green, 2 skipped") and "1 left out" in line
    for pair in ((green, green), (red, red), (findings.Said("not run"), green)):
        assert not findings.total([(red, green), pair])[1]
    assert not findings.total([(left, left)])[1], "nothing counted is nothing shown"
