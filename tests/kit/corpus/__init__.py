# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Single changes of a schema, and an old program that lives through each: what the verdicts are held against.

production.sql is what was there before; application.sql the old program's statements; changes/*.sql the cases.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
PRODUCTION = (HERE / "production.sql").read_text()
OLD = "old_app"


@dataclass(frozen=True)
class Case:
    """``alone``: each statement is a transaction of its own; the others share one. ``locks``: what the documentation
    says where the server can't be asked. ``new``: what the new program writes afterwards. ``undo``: for what does not
    go with the database. ``since``: the first major that has it. ``refused``: production's rows contradict it."""

    name: str
    file: str
    sql: tuple[str, ...]
    alone: bool = False
    since: int = 14
    new: tuple[str, ...] = ()
    undo: tuple[str, ...] = ()
    locks: tuple[tuple[str, str], ...] = ()
    refused: bool = False


@dataclass(frozen=True)
class Statement:
    """Of the old program. ``prepared``: before the change. ``strict``: an unknown column fails, ``full``: a NULL."""

    name: str
    sql: str
    prepared: bool = False
    strict: bool = False
    full: bool = False


def _blocks(path: Path, word: str) -> Iterator[tuple[str, list[str], list[tuple[str, str]], str]]:
    """Name, words, remarks and text of each ``-- word: name words`` in the file."""
    _head, *parts = re.split(r"(?m)^-- %s: " % word, path.read_text())
    for part in parts:
        title, _line, rest = part.partition("\n")
        name, *words = title.split()
        remarks: list[tuple[str, str]] = re.findall(r"(?m)^-- (\w+): (.*)$", rest)
        yield name, words, remarks, re.sub(r"(?m)^--.*\n?", "", rest).strip()


def _split(text: str) -> tuple[str, ...]:
    """Statements end at the end of a line."""
    return tuple(part.strip() for part in re.split(r";\s*(?:\n|$)", text) if part.strip())


def cases() -> tuple[Case, ...]:
    found = []
    for path in sorted((HERE / "changes").glob("*.sql")):
        for name, words, remarks, text in _blocks(path, "case"):
            given = {kind: tuple(said for key, said in remarks if key == kind) for kind in ("new", "undo", "lock")}
            since = next((int(word[6:]) for word in words if word.startswith("since=")), 14)
            locks = tuple((table, mode) for table, mode in (said.split() for said in given["lock"]))
            sql, alone = _split(text), "alone" in words
            known = (name, path.stem, sql, alone, since, given["new"], given["undo"], locks)
            found.append(Case(*known, refused="refused" in words))
    return tuple(found)


def application() -> tuple[Statement, ...]:
    return tuple(
        Statement(name, _split(text)[0], "prepared" in words, "strict" in words, "full" in words)
        for name, words, _remarks, text in _blocks(HERE / "application.sql", "statement")
    )
