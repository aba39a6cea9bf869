# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a module is about to do, as data: check mode, diff and ``changed`` all come from it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Step:
    """One mutating act: ``action`` is a verb that the area's ``apply`` knows, ``target`` what it acts on."""

    action: str
    target: str
    detail: str = ""

    def __str__(self) -> str:
        return " ".join(part for part in (self.action, self.target, self.detail) if part)


@dataclass(frozen=True)
class Plan:
    """``before`` and ``after`` are printable states without secrets; no steps means nothing to do."""

    before: Mapping[str, object] = field(default_factory=dict)
    after: Mapping[str, object] = field(default_factory=dict)
    steps: tuple[Step, ...] = ()

    @property
    def changed(self) -> bool:
        return bool(self.steps)

    def result(self) -> dict[str, object]:
        """The part of a module's return value that every module has."""
        return {"changed": self.changed, "steps": [str(step) for step in self.steps]}

    def diff(self) -> dict[str, str]:
        return {"before": _pretty(self.before), "after": _pretty(self.after)}


def _pretty(state: Mapping[str, object]) -> str:
    return json.dumps(state, indent=2, sort_keys=True, default=str) + "\n"
