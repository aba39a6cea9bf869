# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is wrong, as a sentence for people that carries its parts for programs, which never read the words."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .errors import BluegreenError, as_set


class Problem(str):
    """The sentence. ``code`` is its kind where something is decided by that, ``setting`` the operator's variable,
    ``said`` the sentence without what to do, ``fix`` what to do, ``repair`` the stage that puts it right ('' where
    none does)."""

    code: str
    setting: str
    said: str
    fix: str
    repair: str

    def __new__(
        cls, sentence: str, code: str = "", setting: str = "", said: str = "", fix: str = "", repair: str = ""
    ) -> Problem:
        made = super().__new__(cls, sentence)
        made.code, made.setting, made.said, made.fix, made.repair = code, setting, said or sentence, fix, repair
        return made

    def data(self) -> dict[str, str]:
        return {
            "sentence": str(self), "code": self.code, "setting": self.setting, "said": self.said, "fix": self.fix,
            "repair": self.repair,
        }  # fmt: skip


def to_adopt(said: str) -> Problem:
    """What the adopt stage repairs."""
    fix = "run the adopt stage"
    return Problem("%s. Fix: %s" % (said, fix), said=said, fix=fix, repair="adopt")


def wrong(said: str, fix: str, code: str = "", setting: str = "") -> Problem:
    """With what to do about it."""
    return Problem("%s. Fix: %s" % (said, fix), code, setting, said, fix)


def of_error(exc: BluegreenError) -> Problem:
    return Problem(str(exc), "", as_set(exc.option), exc.said, exc.fix)


def problem(one: str | dict[str, Any]) -> Problem:
    """From a sentence of whatever kind, or back from its data."""
    if isinstance(one, dict):
        return Problem(**{str(name): str(value) for name, value in one.items()})
    return one if isinstance(one, Problem) else Problem(one)


def as_data(problems: Iterable[str]) -> list[dict[str, str]]:
    """The parts of each, for a module's result."""
    return [problem(one).data() for one in problems]


def sentences(problems: Iterable[str]) -> list[str]:
    """As Ansible takes them: plain text."""
    return [str(one) for one in problems]
