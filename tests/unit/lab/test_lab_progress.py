# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, the olympus.bluegreen authors
"""What goes on is said, and no more than that."""

from __future__ import annotations

import re
import threading

import pytest

from olympus_lab import progress


@pytest.mark.parametrize("terminal", [True, False])
def test_a_step_is_one_line_of_a_terminal_and_few_of_a_log(
    terminal: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A build of five minutes is no reason for sixty lines."""
    assert progress.INTERVAL >= 30
    monkeypatch.setattr("sys.stdout.isatty", lambda: terminal)
    monkeypatch.setattr(progress, "TICK" if terminal else "INTERVAL", 0.01)
    with progress.step("compile x"):
        threading.Event().wait(0.3)
    out = capsys.readouterr().out
    assert out.startswith("lab: compile x") and re.search(r"lab: compile x: done in [\d.]+ s\n\Z", out)
    assert " ... 0 s" in out and (out.count("\n") == 1) is terminal
