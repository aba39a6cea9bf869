# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A command as data: the stage and its extra variables. It becomes text here and nowhere else. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

PLAY = "ansible-playbook bluegreen.yml"
# What stands for a version that only the operator can name.
NEW, RUNNING = "<new version>", "<running version>"
FORWARD = ("bluegreen_fix_forward", "true")


@dataclass(frozen=True)
class Command:
    """``stage`` '' is the whole release. ``note`` is said behind it, in brackets."""

    stage: str = ""
    extra: tuple[tuple[str, str], ...] = ()
    note: str = ""

    def __str__(self) -> str:
        """What follows the name of the playbook."""
        words = ["--tags " + self.stage] if self.stage else []
        return " ".join(words + ["-e %s=%s" % pair for pair in self.extra])

    @property
    def line(self) -> str:
        return "%s %s" % (PLAY, self)

    def data(self) -> dict[str, Any]:
        return {"stage": self.stage, "extra": dict(self.extra)}


def command(stage: str, note: str = "", **extra: str) -> Command:
    return Command(stage, tuple(extra.items()), note)


def release(version: str, ahead: bool = False, note: str = "") -> Command:
    """The whole release; ``ahead``: away from a live colour that does not serve."""
    return Command("", (("version", version), *((FORWARD,) if ahead else ())), note)


def forward(version: str, stage: str = "cutover") -> Command:
    """To a colour that passes its own checks, away from a live one that does not."""
    return Command(stage, (("version", version), FORWARD))


@dataclass(frozen=True)
class Step:
    """What comes next: what a person does first (``by_hand``), then a command, or ``other`` in its place.

    Without a command there is nothing to type now; ``at`` is when there will be (epoch seconds), ``later`` what.
    """

    command: Command | None = None
    by_hand: str = ""
    other: Command | None = None
    at: float = 0.0
    later: Command | None = None

    def __str__(self) -> str:
        """As a finding says it: without the name of the playbook."""
        return self._text(str(self.command) if self.command else "", " (%s)")

    @property
    def line(self) -> str:
        """As the screen says it: the first command in full, where nothing comes before it."""
        if self.by_hand or not self.command:
            return str(self)
        return self._text(self.command.line, "   (%s)")

    def _text(self, typed: str, aside: str) -> str:
        note = self.command.note if self.command else ""
        other = "or %s" % self.other if self.other else ""
        if self.other and self.other.note:
            other += ": " + self.other.note
        if note and typed:
            typed += aside % note
        elif other and typed and not self.by_hand:
            typed, other = typed + aside % other, ""
        said = ", then ".join(part for part in (self.by_hand, typed) if part)
        return ", ".join(part for part in (said, other) if part)

    def data(self) -> Mapping[str, Any]:
        """For a program: ``stage`` and ``extra`` of what can be typed now (null: nothing), the rest as it is said."""
        now = self.command.data() if self.command else {"stage": None, "extra": {}}
        later = {"at": self.at, **self.later.data()} if self.later else {}
        other = self.other.data() if self.other else {}
        return {**now, "by_hand": self.by_hand, "other": other, "later": later}


ADOPT = command("adopt")
STATUS, WATCH = command("status"), command("watch")


def adopt(note: str = "") -> Step:
    return Step(command("adopt", note))
