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
    monkeypatch.setattr(module, "environment", lambda slot=0: {"PATH": "/usr/bin:/bin", "LAB_SLOT": str(slot)})
    return module


def test_one_that_fails_hides_no_other(parts: ModuleType, capfd: pytest.CaptureFixture[str]) -> None:
    part = parts.Part
    wanted = [part("first", FAILS), part("second", PASSES), part("third", PASSES, "first"), part("none", ["/no/such"])]
    assert parts.run_all(wanted) == 1
    lines = capfd.readouterr().out.splitlines()
    told = dict(re.split(r"\s{2,}", line.strip())[:2] for line in lines[lines.index("Parts:") + 1 : -2])
    assert told == {"first": "failed", "second": "passed", "third": "not run", "none": "failed"}
    assert re.fullmatch(r"  all of them +[\d.]+ s in [\d.]+ s, 2 at a time", lines[-2])
    assert lines[-1].startswith("=== 3 failed, 1 passed in ")
    assert parts.run_all([part("second", PASSES)]) == 0


def until(path: Path) -> str:
    return "import pathlib, time\nwhile not pathlib.Path(%r).exists(): time.sleep(0.02)\n" % str(path)


def test_two_run_at_a_time_and_each_is_shown_in_one_piece(
    parts: ModuleType, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there, heard, seen = (tmp_path / name for name in ("here", "there", "heard", "seen"))
    waits = "open(%r, 'w')\nprint('waits', flush=True)\n%sopen(%r, 'w')\nprint('waited')"
    waits %= str(here), until(heard), str(seen)
    makes = "open(%r, 'w')\nprint('made')\n%s" % (str(there), until(seen))
    monkeypatch.setattr(parts, "BEAT", 0.05)
    beat = parts.Lanes.beat

    def with_both(lanes: object) -> None:
        """Both run until a line has said so."""
        both = here.exists() and there.exists()
        beat(lanes)
        if both:
            heard.touch()

    monkeypatch.setattr(parts.Lanes, "beat", with_both)
    wanted = [parts.Part(name, [sys.executable, "-c", code]) for name, code in (("one", waits), ("two", makes))]
    assert parts.run_all([*wanted, parts.Part("last", FAILS, "one")]) == 1
    out = capfd.readouterr().out
    assert re.search(r"^\.\.\. one \(\d+ s\), two \(\d+ s\)$", out, re.M)
    assert "waits\nwaited\n" in out and out.index("== one: passed") < out.index("== last begins")
    assert "=== 1 failed, 2 passed in" in out


def test_the_stacks_of_two_parts_never_meet(parts: ModuleType, tmp_path: Path) -> None:
    """One that is alone has the operator's slot and no other beside it; two others have a slot each."""
    note = "import os, pathlib, sys, time\npathlib.Path(sys.argv[1]).write_text(os.environ['LAB_SLOT'])\n"
    beside = [tmp_path / "a", tmp_path / "b"]

    def part(name: str, code: str = "", **given: bool) -> object:
        return parts.Part(name, [sys.executable, "-c", note + code, str(tmp_path / name)], lab=True, **given)

    # Neither ends before the other has begun: so they ran beside one another. "alone" sees whether one did beside it.
    both = [part(path.name, until(other)) for path, other in zip(beside, reversed(beside))]
    seen = "time.sleep(0.3)\npathlib.Path(sys.argv[1] + '-met').write_text(str(%s))" % (
        "[pathlib.Path(p).exists() for p in %r]" % [str(path) for path in beside]
    )
    assert parts.run_all([part("alone", seen, alone=True), *both]) == 0
    assert (tmp_path / "alone-met").read_text() == "[False, False]" and (tmp_path / "alone").read_text() == "0"
    assert {path.read_text() for path in beside} == {"1", "2"}


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
