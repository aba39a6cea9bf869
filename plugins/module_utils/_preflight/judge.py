# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From what was seen to the rows, what is wrong first, and from the rows to the lines of a table. Pure."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from . import environment, host, intent, look_probe
from .model import LEVELS, WARN, Observed, PreflightInputs, Row, failed

Judge = Callable[[Observed, PreflightInputs], Iterable[Row]]
JUDGES: tuple[Judge, ...] = (
    intent.settings,
    intent.told,
    intent.source,
    intent.secrets,
    intent.images,
    intent.schema,
    intent.state_dir,
    intent.publish,
    intent.published,
    host.connections,
    host.memory,
    host.disks,
    host.versions,
    host.python_modules,
    host.clock,
    host.setup,
    host.network_range,
    host.auto_update,
    host.boot,
    environment.names,
    environment.routes,
    environment.certificates,
    environment.services,
    environment.database,
    environment.login_limit,
    environment.hydra,
    look_probe.rows,
    host.dependents,
)
# Sections whose failure is a row of its own check.
OWN_ROW = ("source", "database", "probe")
WIDTH = 120
# Columns of verdict, check, found and wanted.
VERDICT, CHECK, FOUND, WANTED = 6, 29, 47, 35


def rows(seen: Observed, wanted: PreflightInputs) -> list[Row]:
    """Every row: refused ones first, then warnings, then what is well, each in the order of the judges."""
    found = [one for judge in JUDGES for one in judge(seen, wanted)]
    found += [
        failed("probe_failed", WARN, why, "an answer", about=section)
        for section, why in sorted(seen.errors.items())
        if section not in OWN_ROW
    ]
    return sorted(found, key=lambda one: (one.ok, LEVELS.index(one.level) if not one.ok else 0))


def refusals(found: Iterable[Row]) -> list[str]:
    """One sentence for each row that stops a stage."""
    return [
        "%s: %s. Fix: %s" % (one.check, one.found, one.fix) for one in found if not one.ok and one.level == "refuse"
    ]


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
