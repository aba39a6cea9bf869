# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which colours have to run: one rule for the adopt stage, the boot of the host and the status screen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .names import OTHER


def accepted(marks: Mapping[str, Any], flip: str) -> str:
    """The stable release, where its acceptance is of the flip in force (marks from before name none); else ''.

    A second cutover to it is another flip, which has to be watched and accepted itself.
    """
    known = str(marks.get("flip") or "")
    return str(marks.get("stable") or "") if not (known and flip and known != flip) else ""


def colours_to_run(live: str, return_to: str | None, stable: str, live_release: str) -> tuple[str, ...]:
    """The live colour first; then the one that a rollback goes back to, unless the live release was accepted."""
    idle = OTHER[live]
    warm = return_to == idle and not (stable and stable == live_release)
    return (live, idle) if warm else (live,)
