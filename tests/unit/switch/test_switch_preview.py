# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The preview secret in the switch: what is taken, from whom, and that it ends."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import BluegreenError, Fenced
from ansible_collections.olympus.bluegreen.plugins.module_utils._switch.switch import Switch

SECRET = "0123456789abcdef" * 2


def test_a_preview_secret_that_the_edge_would_not_take_is_refused(tmp_path: Path) -> None:
    switch = Switch(str(tmp_path / "s"))
    switch.install("blue", (os.getuid(), os.getgid()))
    for wrong in ("", "*", "../x", SECRET.upper(), SECRET + "0", SECRET + "\n"):
        with pytest.raises(BluegreenError, match="32 hex digits"):
            switch.preview(wrong, 7)
    assert switch.preview(SECRET, 7) and not switch.preview(SECRET, 7) and switch.previews(SECRET)
    assert (tmp_path / "s" / "preview").stat().st_mode & 0o777 == 0o711
    switch.claim(9)
    with pytest.raises(Fenced):
        switch.preview(SECRET[::-1], 7)


def test_no_step_says_the_secret_and_it_ends_with_the_colour(tmp_path: Path) -> None:
    said: list[str] = []
    switch = Switch(str(tmp_path / "s"), said.append)
    switch.install("blue", (os.getuid(), os.getgid()))
    switch.preview(SECRET, 7)
    switch.preview(SECRET[::-1], 7)
    assert not switch.previews(SECRET) and switch.previews(SECRET[::-1])
    assert switch.unpin("green") and not switch.previews(SECRET[::-1]) and not switch.unpin("green")
    assert not [one for one in said if SECRET in one or SECRET[::-1] in one]
