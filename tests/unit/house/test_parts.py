# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""``make test`` tells the result of every part, and no test counts what is another's (R27)."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

TESTS = Path(__file__).resolve().parents[2]
PASSES, FAILS = [sys.executable, "-c", ""], [sys.executable, "-c", "raise SystemExit(3)"]


@pytest.fixture
def parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    spec = importlib.util.spec_from_file_location("parts", TESTS / "parts.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "parts", module)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "RECORDS", tmp_path / "records")
    monkeypatch.setattr(module, "environment", lambda: {"PATH": "/usr/bin:/bin"})
    return module


def test_one_that_fails_hides_no_other(parts: ModuleType, capfd: pytest.CaptureFixture[str]) -> None:
    part = parts.Part
    wanted = [part("first", FAILS), part("second", PASSES), part("third", PASSES, "first"), part("none", ["/no/such"])]
    assert parts.run_all(wanted) == 1
    lines = capfd.readouterr().out.splitlines()
    told = [tuple(re.split(r"\s{2,}", line.strip())[:2]) for line in lines[lines.index("Parts:") + 1 : -1]]
    assert told == [("first", "failed"), ("second", "passed"), ("third", "not run"), ("none", "failed")]
    assert lines[-1].startswith("=== 3 failed, 1 passed in ")
    assert parts.run_all([part("second", PASSES)]) == 0


def test_what_runs_aside_is_shown_after_what_it_ran_beside(
    parts: ModuleType, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    part, there = parts.Part, tmp_path / "there"
    waits = "import pathlib, time\nwhile not pathlib.Path(%r).exists(): time.sleep(0.05)\nprint('waited')" % str(there)
    aside = part("aside", [sys.executable, "-c", waits], aside=True)
    beside = part("beside", [sys.executable, "-c", "open(%r, 'w'); print('made')" % str(there)])
    assert parts.run_all([aside, part("bad", FAILS, aside=True), beside, part("last", PASSES)]) == 1
    out = capfd.readouterr().out
    assert 0 < out.index("made") < out.index("waited") < out.index("== last")
    assert re.search(r"bad +failed", out) and "=== 1 failed, 3 passed in" in out
    assert parts.run_all([part("aside", PASSES, aside=True)]) == 0


def test_the_last_line_counts_the_tests_of_every_part(
    parts: ModuleType, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    body = "import pytest\ndef test_a(): pass\ndef test_b(): assert 0\n@pytest.mark.skip\ndef test_c(): pass\n"
    (tmp_path / "test_it.py").write_text(body)
    pytest_of_ours = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "no:cacheprovider",
        "--rootdir",
        str(tmp_path),
        str(tmp_path),
    ]
    assert parts.run_all([parts.Part("tests", pytest_of_ours), parts.Part("lint", PASSES)]) == 1
    out = capfd.readouterr().out
    assert "1 failed, 1 passed, 1 skipped in" in out.replace("=", "")
    assert re.fullmatch(r"=== 1 failed, 2 passed, 1 skipped in [\d.]+s \(\S+\) ===", out.splitlines()[-1])


def test_a_lab_that_still_stands_is_taken_down_and_that_is_said(
    parts: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[str] = []

    def run(argv: list[str], **_options: object) -> subprocess.CompletedProcess[str]:
        asked.append(argv[-1])
        return subprocess.CompletedProcess(argv, 0, '{"containers": [{"name": "caddy"}]}', "")

    monkeypatch.setattr(parts.subprocess, "run", run)
    parts.standing_lab_goes()
    assert asked == ["--json", "down"] and "A lab still stands" in capsys.readouterr().out


def test_every_test_of_the_lab_belongs_to_a_part(parts: ModuleType) -> None:
    run = {word for part in parts.parts() for word in part.argv if word.startswith("tests/")}
    assert all("tests/lab/" + path.name in run for path in (TESTS / "lab").glob("test_*.py"))
    assert parts.main(["no such part"]) == 2


def test_no_test_on_real_parts_counts_what_is_another_deployments() -> None:
    """The colour alone is no name: a lab of `make demo`, or another test, has a green of its own."""
    for path in [*(TESTS / "real").glob("*.py"), *(TESTS / "lab").rglob("*.py")]:
        text = path.read_text()
        for found in re.finditer(r"label=olympus\.bluegreen\.colour", text):
            around = text[max(0, found.start() - 300) : found.end() + 300]
            assert "label=olympus.bluegreen.deployment=" in around, path.name
        assert 'podman("network", "ls", "--format", "{{.Name}}")' not in text or "startswith(" in text, path.name
