# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The strongest lock of each transaction on each table: from the trace, and by PostgreSQL's documentation for the
statements that have no event. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from ..evidence import Held
from ..shadow.sqllog import Statement
from .trace import MODES, Event, Relation, Trace, rank

TRACE, DOCUMENTED = "trace", "documented"
STRONGEST = MODES[-1]
# Up to here a lock is what any statement takes that reads or writes rows.
ORDINARY = rank("RowExclusiveLock")
# Clocks of the log have milliseconds.
TICK = 0.002
_PART = r'(?:"(?:[^"]|"")+"|[^\W\d][\w$]*)'
_NAME = r"(?:ONLY )?(%s(?: ?\. ?%s)?)(?: ?\*)?" % (_PART, _PART)
_NAMES = r"(%s(?: ?, ?%s)*)" % (_NAME, _NAME)
_OPTIONS = r"(?:\([^)]*\) ?)?"
# Statement (without values, on one line) -> mode on the tables of its first group; None: the second group says it.
STATEMENTS: tuple[tuple[str, str | None], ...] = (
    (r"TRUNCATE (?:TABLE )?%s" % _NAMES, "AccessExclusiveLock"),
    (r"VACUUM (?:FULL|\([^)]*\bFULL\b[^)]*\)) (?:FREEZE |VERBOSE |ANALYZE )*%s" % _NAMES, "AccessExclusiveLock"),
    (r"VACUUM %s(?:FREEZE |VERBOSE |ANALYZE )*%s" % (_OPTIONS, _NAMES), "ShareUpdateExclusiveLock"),
    (r"ANALY[SZ]E (?:VERBOSE )?%s%s" % (_OPTIONS, _NAMES), "ShareUpdateExclusiveLock"),
    (r"CLUSTER (?:VERBOSE )?%s%s" % (_OPTIONS, _NAMES), "AccessExclusiveLock"),
    (r"REINDEX (?:\([^)]*CONCURRENTLY[^)]*\) )(?:TABLE|INDEX) %s" % _NAMES, "ShareUpdateExclusiveLock"),
    (r"REINDEX %s(?:TABLE|INDEX) CONCURRENTLY %s" % (_OPTIONS, _NAMES), "ShareUpdateExclusiveLock"),
    (r"REINDEX %s(?:TABLE|INDEX) %s" % (_OPTIONS, _NAMES), "ShareLock"),
    (r"CREATE (?:UNIQUE )?INDEX CONCURRENTLY .*?\bON %s" % _NAMES, "ShareUpdateExclusiveLock"),
    (r"DROP INDEX CONCURRENTLY (?:IF EXISTS )?%s" % _NAMES, "ShareUpdateExclusiveLock"),
    (r"ALTER TABLE (?:IF EXISTS )?%s DETACH PARTITION .* CONCURRENTLY" % _NAMES, "ShareUpdateExclusiveLock"),
    (r"LOCK (?:TABLE )?%s(?: IN (?P<mode>[A-Z ]+) MODE)?" % _NAMES, None),
    (r"(?:WITH .*\) )?UPDATE %s" % _NAMES, "RowExclusiveLock"),
    (r"(?:WITH .*\) )?(?:INSERT INTO|DELETE FROM|MERGE INTO) %s" % _NAMES, "RowExclusiveLock"),
    (r"COPY %s.* FROM " % _NAMES, "RowExclusiveLock"),
)
PATTERNS = tuple((re.compile(pattern, re.IGNORECASE), mode) for pattern, mode in STATEMENTS)
# No row is read for these, but as the trace shows.
STRUCTURAL = re.compile(r"(ALTER|BEGIN|COMMENT|COMMIT|CREATE|DROP|GRANT|LOCK|REVOKE|SET|TRUNCATE)\b|$", re.IGNORECASE)
ENDS = re.compile(r"(COMMIT|END|ROLLBACK|ABORT)\b(?! (TO|WORK TO|TRANSACTION TO)\b)", re.IGNORECASE)


@dataclass(frozen=True)
class Lock:
    """``transaction``: the server's number, negative where only the log tells of it. ``begun``: of the statement that
    took it; ``worked``: the existing tables that the transaction rewrote, read from end
    to end, or named in what is no change of a structure."""

    transaction: int
    relation: Relation
    mode: str
    begun: float
    ended: float
    statement: str
    rewrite: bool = False
    source: str = TRACE
    worked: frozenset[str] = frozenset()

    @property
    def held(self) -> Held:
        seconds = max(0.0, self.ended - self.begun)
        return Held(self.relation.name, self.mode, seconds, self.statement, self.rewrite, None, self.source)


def taken(trace: Trace, statements: Sequence[Statement] = ()) -> list[Lock]:
    """In the order of their begins. Of an index only what is stronger than the lock on its table, and of what any
    program takes to read and write the longest alone."""
    found = _traced(trace)
    transactions = _transactions(trace, statements)
    for lock in _documented(trace, statements, transactions):
        known = found.get((lock.transaction, lock.relation.oid))
        if known is None or rank(lock.mode) > rank(known.mode):
            found[lock.transaction, lock.relation.oid] = replace(lock, rewrite=bool(known and known.rewrite))
    kept = _without_ordinary([lock for lock in found.values() if not _covered(lock, found)])
    work = _worked(trace, statements, transactions)
    whole = [replace(lock, worked=work.get(lock.transaction, lock.worked)) for lock in _refiled(trace, kept)]
    return sorted(whole, key=lambda lock: (lock.begun, lock.relation.name))


def held(trace: Trace, statements: Sequence[Statement] = ()) -> tuple[Held, ...]:
    return tuple(lock.held for lock in taken(trace, statements))


def _traced(trace: Trace) -> dict[tuple[int, int], Lock]:
    found: dict[tuple[int, int], Lock] = {}
    last: dict[int, Event] = {}
    rewritten = {(event.transaction, event.rewritten) for event in trace.events}
    for event in trace.events:
        before = last.get(event.transaction)
        begun = max(event.started, before.at if before else 0.0)
        last[event.transaction] = event
        for oid, mode in event.locks.items():
            key = (event.transaction, oid)
            if oid not in trace.existing or (key in found and rank(found[key].mode) >= rank(mode)):
                continue
            ended = event.at if event.ended is None else event.ended
            rewrite = key in rewritten
            found[key] = Lock(event.transaction, trace.existing[oid], mode, begun, ended, event.sql, rewrite)
    # Without the server's word a transaction lasts until its last event.
    return {key: replace(lock, ended=max(lock.ended, last[key[0]].at)) for key, lock in found.items()}


def _worked(trace: Trace, statements: Sequence[Statement], transactions: Sequence[int]) -> dict[int, frozenset[str]]:
    """Transaction -> existing tables that it may have touched row by row."""
    found: dict[int, set[str]] = {}
    for event in trace.events:
        names = {trace.existing[oid].name for oid in {*event.scanned, event.rewritten} & trace.existing.keys()}
        found.setdefault(event.transaction, set()).update(names)
    relations = _by_name(trace.existing.values())
    for one, transaction in zip(statements, transactions):
        for text in one.sql.split(";"):
            if not STRUCTURAL.match(text.strip()):
                mentioned = {_folded(part) for part in re.findall(_PART, text)} & relations.keys()
                found.setdefault(transaction, set()).update(relations[name].name for name in mentioned)
    return {transaction: frozenset(names) for transaction, names in found.items()}


def _transactions(trace: Trace, statements: Sequence[Statement]) -> list[int]:
    """The transaction that each statement was in; one of its own, negative, where the server gave it no number."""
    numbers = {(one.pid, one.virtual): one.transaction for one in statements if one.transaction}
    return [
        (numbers.get((one.pid, one.virtual), 0) if _open(one) else 0) or _inside(trace.events, one) or -1 - number
        for number, one in enumerate(statements)
    ]


def _documented(trace: Trace, statements: Sequence[Statement], transactions: Sequence[int]) -> Iterator[Lock]:
    relations = _by_name(trace.existing.values())
    for number, one in enumerate(statements):
        for text in one.sql.split(";"):
            for name, mode in named(text.strip()):
                relation = relations.get(name) or relations.get(name.rpartition(".")[2])
                if relation:
                    table = trace.existing.get(relation.base, relation)
                    ended = _end(number, statements)
                    yield Lock(transactions[number], table, mode, one.at, ended, one.sql, source=DOCUMENTED)


def named(statement: str) -> Iterator[tuple[str, str]]:
    """(table or index, mode) that a statement without an event locks; names as SQL folds them, unquoted."""
    for pattern, mode in PATTERNS:
        seen = pattern.match(statement)
        if seen:
            said = mode or "".join(word.capitalize() for word in (seen["mode"] or "ACCESS EXCLUSIVE").split()) + "Lock"
            for name in re.finditer(_NAME, seen.group(1), re.IGNORECASE):
                yield ".".join(_folded(part) for part in re.findall(_PART, name.group(1))), said
            return


def _folded(part: str) -> str:
    return part[1:-1].replace('""', '"') if part.startswith('"') else part.lower()


def _by_name(relations: Iterable[Relation]) -> dict[str, Relation]:
    """By qualified and by plain name, as SQL folds them; the schema public comes before others."""
    found: dict[str, Relation] = {}
    for relation in sorted(relations, key=lambda one: one.name.startswith("public.")):
        parts = [_folded(part) for part in re.findall(_PART, relation.name)]
        found[".".join(parts)] = found[parts[-1]] = relation
    return found


def _inside(events: Iterable[Event], statement: Statement) -> int:
    """The transaction of an event within the statement, 0 where there is none."""
    begun, ended = statement.at - TICK, statement.ended + TICK
    inside = (one for one in events if one.pid == statement.pid and begun <= one.at <= ended)
    return next((one.transaction for one in inside), 0)


def _open(statement: Statement) -> bool:
    """Whether its transaction was still there when it had ended."""
    return not statement.virtual.endswith("/0")


def _end(number: int, statements: Sequence[Statement]) -> float:
    """When the transaction of a statement ended: with it, or with the command of the session that says so."""
    first = last = statements[number]
    for one in statements[number + 1 :] if _open(first) else ():
        if one.pid == first.pid and ENDS.match(one.sql):
            return one.ended
        if one.pid == first.pid and one.virtual != first.virtual:
            break
        last = one if one.pid == first.pid else last
    return last.ended


def _covered(lock: Lock, found: Mapping[tuple[int, int], Lock]) -> bool:
    """An index that was dropped while no query could use it any more is in no query's way."""
    index = lock.relation
    table = found.get((lock.transaction, index.base)) if index.base else None
    return bool(index.base and index.gone) or (table is not None and rank(table.mode) >= rank(lock.mode))


def _without_ordinary(found: Sequence[Lock]) -> list[Lock]:
    longest: dict[tuple[int, str], Lock] = {}
    for lock in sorted(found, key=lambda lock: lock.held.seconds):
        longest[lock.relation.oid, lock.mode] = lock
    return [lock for lock in found if rank(lock.mode) > ORDINARY or longest[lock.relation.oid, lock.mode] is lock]


def _refiled(trace: Trace, found: Sequence[Lock]) -> Iterator[Lock]:
    """With the tables whose new file no event tells of: that needs the strongest lock, whatever the statement was."""
    told = {lock.relation.oid for lock in found if lock.rewrite}
    new = {oid for oid, one in trace.existing.items() if one.refiled and one.kind in ("r", "m")} - told
    for lock in found:
        strong = lock.relation.oid in new and lock.mode == STRONGEST
        yield replace(lock, rewrite=True) if strong else lock
        new -= {lock.relation.oid} if strong else set()
    for oid in sorted(new):
        yield Lock(-1, trace.existing[oid], STRONGEST, 0.0, 0.0, "", True, DOCUMENTED)
