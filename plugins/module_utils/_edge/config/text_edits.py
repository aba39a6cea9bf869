# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Changes to one text that leave the rest of it byte for byte."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Edit:
    start: int
    end: int
    text: str


@dataclass
class Edits:
    """What is put in ends its lines as the text does."""

    text: str
    edits: list[Edit] = field(default_factory=list)

    def add(self, start: int, end: int, new: str) -> None:
        if self.text.count("\r\n") * 2 > self.text.count("\n"):
            new = new.replace("\r\n", "\n").replace("\n", "\r\n")
        self.edits.append(Edit(start, end, new))

    def _sorted(self) -> list[Edit]:
        # Stable: of two edits at one place the one that was found first comes first.
        return sorted(self.edits, key=lambda edit: edit.start)

    def applied(self) -> str:
        parts, at = [], 0
        for edit in self._sorted():
            parts += [self.text[at : edit.start], edit.text]
            at = edit.end
        return "".join(parts) + self.text[at:]

    def origin(self, line: int) -> int:
        """The line of the text that a line of the changed text comes from."""
        grown = 0
        for edit in self._sorted():
            first = self.text.count("\n", 0, edit.start) + 1 + grown
            more = edit.text.count("\n")
            if line < first:
                break
            if line <= first + more:
                return first - grown
            grown += more - self.text.count("\n", edit.start, edit.end)
        return line - grown
