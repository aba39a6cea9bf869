# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The command line of Kratos and Hydra: what runs it, where its own arguments begin, which files it reads. Pure."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass

# What takes a line of its own language by -c.
SHELLS = re.compile(r"(sh|[abdhz]ash|bash|rbash|zsh|yash|m?ksh(93)?|fish|nu|pwsh|python[0-9.]*)")
# These hand their -c on to a shell, and take other words before it.
LOGINS = ("su", "runuser")
# A file of -c; a line has blanks, or signs of a shell's language.
FILE = re.compile(r"[^\s;|&$<>(){}=\"'`\\]+")
PROGRAMS = ("kratos", "hydra")
# What may stand right behind the program's name, beside an option.
COMMANDS = ("serve", "courier", "migrate")
# Of a shell's options these take a value.
VALUED = re.compile(r"[-+][a-zA-Z]*[oO]$|--(rcfile|init-file)$")


@dataclass(frozen=True)
class Line:
    """How a service runs its program. ``entrypoint`` () is the image's own.

    ``before``: words behind the entrypoint that come before the program's own arguments: a shim executes a whole
    command, so the program's name is among them. ``arguments``: those of the server.
    """

    entrypoint: tuple[str, ...]
    before: tuple[str, ...]
    arguments: tuple[str, ...]

    def command(self, arguments: Sequence[str]) -> list[str]:
        """What to write behind the entrypoint so that the same program runs with other arguments."""
        return [*self.before, *arguments]


def line(entrypoint: Sequence[str], command: Sequence[str], program: str) -> Line:
    """``program``: kratos or hydra. Where its name is nowhere, the entrypoint is the program itself or a wrapper."""
    words = (*entrypoint, *command)
    at = next((n for n in range(len(words)) if _is_program(words, n, program)), -1)
    first = len(entrypoint)
    if at < 0:
        return Line(tuple(entrypoint), (), tuple(command))
    if at >= first:
        return Line(tuple(entrypoint), words[first : at + 1], words[at + 1 :])
    return Line(words[: at + 1], (), words[at + 1 :])


def _is_program(words: Sequence[str], at: int, program: str) -> bool:
    """Not the like-named first argument of a shim, and no directory that an option names."""
    if words[at].startswith("-") or os.path.basename(words[at]) != program:
        return False
    if at and words[at - 1] in ("-c", "--config"):
        return False
    following = words[at + 1] if at + 1 < len(words) else "-"
    return following in COMMANDS or (following.startswith("-") and following != "--")


def shell_line(words: Sequence[str]) -> bool:
    """Whether a shell is given a line of its language (``sh -c LINE``, ``bash -lc LINE``), not the file of a script.

    By the shell's name, or because what stands behind -c can be no file: a shell that is not known takes lines as well.
    """
    return any(_runs_line(words, at) for at in range(len(words))) or not all(map(FILE.fullmatch, _values(words)))


def _runs_line(words: Sequence[str], at: int) -> bool:
    name, rest = os.path.basename(words[at]), words[at + 1 :]
    if name in LOGINS:
        own = rest[: rest.index("--")] if "--" in rest else rest
        return any(re.match(r"-[a-zA-Z]*c|--(session-)?command", word) for word in own)
    return bool(SHELLS.fullmatch(name)) and _takes_line(rest)


def _takes_line(rest: Sequence[str]) -> bool:
    options = iter(rest)
    for word in options:
        if not word.startswith(("-", "+")) or word in ("-", "--"):
            return False
        if re.fullmatch(r"-[a-zA-Z]*c[a-zA-Z]*|--command(=.*)?", word, re.DOTALL):
            return True
        if VALUED.fullmatch(word):
            next(options, "")
    return False


def config_files(words: Sequence[str]) -> list[str]:
    """The values of -c and --config in their order, in every form that the flag takes (-c F, -c=F, -cF, --config=F,F).

    ``words``: the whole line or the program's arguments. Of a shell line nothing is known: its -c is the shell's.
    """
    if shell_line(words):
        return []
    at = next((n for n in range(len(words)) if any(_is_program(words, n, one) for one in PROGRAMS)), -1)
    return _values(words[at + 1 :])


def _values(words: Sequence[str]) -> list[str]:
    found: list[str] = []
    rest = iter(words)
    for word in rest:
        if word in ("-c", "--config"):
            found.append(next(rest, ""))
        elif word.startswith("--config="):
            found.append(word.partition("=")[2])
        elif word.startswith("-c") and not word.startswith("--"):
            found.append(word[2:].lstrip("="))
    return [path for value in found for path in value.split(",") if path]


def entrypoint_text(words: Sequence[str]) -> str:
    """As ``podman run --entrypoint`` takes several words; '' for the image's own."""
    return json.dumps(list(words)) if words else ""
