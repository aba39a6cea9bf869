# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bridges: SQL of a release that lets the old colour write to the new schema, until a cleanup takes it out again.

A file ``bridges/<target>/NAME.sql`` of the release's source is one, ``NAME.down.sql`` beside it takes it out. Without
one, a bridge may make triggers and functions only: these are what we can drop by name.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace

from .._core.errors import BluegreenError, Refused
from .._core.postgres import Db, QueryError
from . import sql_text
from .catalog import objects
from .catalog.objects import Thing

FOLDER = "bridges"
UP, DOWN = ".sql", ".down.sql"
LOCK_SECONDS = 2.0
LOCKED = "55P03"
WAIT = "end the long transaction (pg_stat_activity shows it), then run the stage again"
BY_HAND = (
    "drop by hand what it made, then run the stage again; one that made no object by name also loses its entry in"
    " bridges/<target>.json of the state directory"
)
# What is dropped by the name that PostgreSQL gave it, triggers before their functions.
DROPS = {"trigger": "TRIGGER", "function": "ROUTINE", "procedure": "ROUTINE", "aggregate": "ROUTINE"}
# There: all of it. Gone: none. Part: some. Unknown: it made nothing that has a name, and its end was not recorded.
THERE, GONE, PART, UNKNOWN = "there", "gone", "part", "unknown"


@dataclass(frozen=True)
class Bridge:
    """``sha256`` is that of the file ``NAME.sql``; ``down`` is the text of ``NAME.down.sql``, '' without one."""

    name: str
    sql: str
    sha256: str
    down: str = ""


@dataclass(frozen=True)
class Installed:
    """A bridge and what it made. ``sure`` is false until its transaction is known to have ended well."""

    bridge: Bridge
    made: tuple[Thing, ...] = ()
    release: str = ""
    at: float = 0.0
    sure: bool = True

    def state(self, there: Iterable[Thing]) -> str:
        names = {(thing.kind, thing.name) for thing in there}
        found = sum((thing.kind, thing.name) in names for thing in self.made)
        if not self.made:
            return THERE if self.sure else UNKNOWN
        return GONE if not found else THERE if found == len(self.made) else PART


def read(directory: str, target: str, known: Sequence[str] = ()) -> tuple[Bridge, ...]:
    """The bridges of ``target`` in a release's source, in the order of their names. ``known``: all targets there are.

    Raises Refused for a file or a directory that can't be used; nothing is skipped silently.
    """
    home = os.path.join(directory, FOLDER)
    names = sorted(os.listdir(home)) if os.path.isdir(home) else []
    strange = [name for name in names if known and name not in known and _has_sql(os.path.join(home, name))]
    if strange:
        raise Refused(
            "%s/%s belongs to no schema target" % (FOLDER, strange[0]),
            fix="rename it; the schema targets are %s" % ", ".join(known),
        )
    where = os.path.join(home, target)
    files = sorted(os.listdir(where)) if os.path.isdir(where) else []
    texts = {name: _text(home, "%s/%s/%s" % (FOLDER, target, name), name) for name in files if name.endswith(UP)}
    for name in texts:
        if name.endswith(DOWN) and name[: -len(DOWN)] + UP not in texts:
            raise Refused(
                "%s/%s/%s removes a bridge that is not there" % (FOLDER, target, name),
                fix="add %s, or delete this file" % (name[: -len(DOWN)] + UP),
            )
    return tuple(
        Bridge(name[: -len(UP)], text, digest, texts.get(name[: -len(UP)] + DOWN, ("", ""))[0])
        for name, (text, digest) in texts.items()
        if not name.endswith(DOWN)
    )


def _has_sql(path: str) -> bool:
    """What holds no SQL is none of ours: the project may have a directory of that name already."""
    names = os.listdir(path) if os.path.isdir(path) else [path]
    return any(name.endswith(UP) for name in names)


def _text(home: str, shown: str, name: str) -> tuple[str, str]:
    """Text and SHA-256 of one file. A link may lead to another bridge, and nowhere else."""
    path = os.path.join(home, os.path.dirname(shown)[len(FOLDER) + 1 :], name)
    real = os.path.realpath(path)
    if os.path.commonpath([real, os.path.realpath(home)]) != os.path.realpath(home) or not os.path.isfile(real):
        raise Refused("%s is not a file of this directory" % shown, fix="put the file itself there")
    with open(real, "rb") as handle:
        data = handle.read()
    try:
        text = data.decode("utf-8-sig")
        if "\0" in text:
            raise ValueError("it has a NUL byte")
        sql_text.refuse_unfit(text)
    except UnicodeDecodeError as exc:
        raise Refused("%s is not UTF-8 (byte %d)" % (shown, exc.start), fix="save it as UTF-8") from exc
    except ValueError as exc:
        raise Refused(
            "%s: %s" % (shown, exc),
            fix="write plain SQL: at least one statement, and none that needs psql or a transaction of its own",
        ) from exc
    return text, hashlib.sha256(data).hexdigest()


def nothing(_made: tuple[Installed, ...]) -> None:
    """No record is kept, as in a throw-away database."""


def install(
    db: Db,
    bridges: Sequence[Bridge],
    lock_timeout: float = LOCK_SECONDS,
    instead_of: Sequence[Installed] = (),
    record: Callable[[tuple[Installed, ...]], None] = nothing,
) -> tuple[Installed, ...]:
    """All of them in one transaction, or none. ``instead_of`` are taken out first, in the same transaction.

    ``record`` is called right before the COMMIT: from then on the database holds nothing that is not written down.
    """
    found: list[Installed] = []
    with _transaction(db, lock_timeout):
        for old in reversed(instead_of):
            _take_out(db, old)
        before = objects.look(db)
        for bridge in bridges:
            _run(db, bridge.sql, "bridge %s" % bridge.name, "correct its file, then run the stage again")
            after = objects.look(db)
            found.append(Installed(bridge, _made(bridge, objects.difference(before, after)), sure=False))
            before = after
        record(tuple(found))
    return tuple(replace(one, sure=True) for one in found)


def _made(bridge: Bridge, seen: objects.Difference) -> tuple[Thing, ...]:
    """What the bridge made; refused where that can't be taken out again."""
    ours = tuple(thing for thing in seen.made if thing.kind in DROPS)
    others = ["makes %s" % thing for thing in seen.made if thing.kind not in DROPS]
    others += ["changes %s" % thing for thing in seen.changed] + ["drops %s" % thing for thing in seen.dropped]
    if bridge.down:
        return seen.made
    if others:
        raise Refused(
            "bridge %s %s, and only triggers and functions that it makes are dropped by name"
            % (bridge.name, ", ".join(others[:3])),
            fix="add %s%s with the SQL that takes it out" % (bridge.name, DOWN),
        )
    if not ours:
        raise Refused("bridge %s makes nothing" % bridge.name, fix="let it make a trigger, or delete the file")
    return ours


def remove(db: Db, noted: Sequence[Installed], lock_timeout: float = LOCK_SECONDS) -> None:
    """Take all of them out in one transaction, the last one first. What is gone already is no error."""
    with _transaction(db, lock_timeout):
        for one in reversed(noted):
            _take_out(db, one)
        names = {(thing.kind, thing.name) for thing in there(db)}
        left = [thing for one in noted for thing in one.made if (thing.kind, thing.name) in names]
        if left:
            raise BluegreenError(
                "%s is still there" % ", ".join(map(str, left[:3])),
                fix="drop it by hand, then run the stage again",
            )


def there(db: Db) -> frozenset[Thing]:
    """Every object of the database, for ``Installed.state``."""
    return frozenset(objects.look(db).values())


def _take_out(db: Db, one: Installed) -> None:
    what, fix = "the removal of bridge %s" % one.bridge.name, BY_HAND
    if one.bridge.down:
        if one.state(there(db)) != GONE:
            _run(db, one.bridge.down, what, fix)
            return
        # Its objects are gone, and a text without IF EXISTS must not stop every cleanup from here on.
        db.query("SAVEPOINT gone")
        try:
            _run(db, one.bridge.down, what, fix)
        except QueryError:
            db.query("ROLLBACK TO SAVEPOINT gone")
        return
    for thing in sorted(one.made, key=lambda thing: thing.kind != "trigger"):
        _run(db, "DROP %s IF EXISTS %s" % (DROPS[thing.kind], thing.name), what, fix)


@contextmanager
def _transaction(db: Db, lock_timeout: float) -> Iterator[None]:
    db.query("BEGIN ISOLATION LEVEL REPEATABLE READ")
    try:
        db.query("SET LOCAL lock_timeout = %d" % int(lock_timeout * 1000))
        db.query("SET LOCAL standard_conforming_strings = on")
        mine = db.query("SELECT txid_current()")
        yield
        if db.query("SELECT txid_current()") != mine:
            raise BluegreenError(
                "the SQL ended the transaction of the bridge", fix="remove COMMIT and the like from it"
            )
        db.query("COMMIT")
    except BaseException:
        # A connection that broke can't be asked; PostgreSQL rolls back by itself then.
        with suppress(BluegreenError):
            db.query("ROLLBACK")
        raise


def _run(db: Db, sql: str, what: str, fix: str) -> None:
    try:
        db.query(sql)
    except QueryError as exc:
        known = {LOCKED: WAIT, "42501": "grant the service's own role what it needs, then run the stage again"}
        told = "PostgreSQL refuses %s: %s (SQLSTATE %s)" % (what, exc.answer, exc.sqlstate or "none")
        error = QueryError(told, fix=known.get(exc.sqlstate, fix))
        error.answer, error.sqlstate = exc.answer, exc.sqlstate
        raise error from exc
