# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rows as lines of text: aligned, at most 120 columns, each row that is not well with its fix below it."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

WIDTH = 120
# Columns of verdict, check, found and wanted.
VERDICT, CHECK, FOUND, WANTED = 6, 29, 47, 35


def lines(rows: Sequence[Mapping[str, Any]], everything: bool = True) -> list[str]:
    """``everything`` False leaves out what is well. No line where there is then no row."""
    shown = [one for one in rows if everything or not one["ok"]]
    if not shown:
        return []
    text = _cells("", "check", "found", "wanted")
    for one in shown:
        verdict = ("info" if one["level"] == "info" else "ok") if one["ok"] else str(one["level"]).upper()
        text += _cells(verdict, str(one["check"]), str(one["found"]), str(one["wanted"]))
        if not one["ok"] and one["fix"]:
            indent = " " * (VERDICT + 1)
            text += textwrap.wrap("fix: %s" % one["fix"], WIDTH, initial_indent=indent, subsequent_indent=indent + "  ")
    return text


def _cells(*cells: str) -> list[str]:
    """One row; a cell that is too long goes on in the next line of its column."""
    widths = (VERDICT, CHECK, FOUND, WANTED)
    wrapped = [textwrap.wrap(cell, width, break_on_hyphens=False) or [""] for cell, width in zip(cells, widths)]
    height = max(len(column) for column in wrapped)
    padded = [column + [""] * (height - len(column)) for column in wrapped]
    return [" ".join("%-*s" % pair for pair in zip(widths, parts)).rstrip() for parts in zip(*padded)]
