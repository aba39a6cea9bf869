# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the collection says to each case: its rehearsal on a clone, and its judge with and without the old program."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.olympus.bluegreen.plugins.module_utils._core import postgres
from ansible_collections.olympus.bluegreen.plugins.module_utils._proof import evidence, judge
from ansible_collections.olympus.bluegreen.plugins.module_utils._proof.rehearsal import rehearse
from ansible_collections.olympus.bluegreen.plugins.module_utils._proof.replay import coverage
from ansible_collections.olympus.bluegreen.plugins.module_utils._proof.shadow import sqllog
from ansible_collections.olympus.bluegreen.plugins.module_utils._schema.catalog import probes
from kit.corpus import Case, Statement
from kit.corpus.oracle import MODES, Answer, Applied, Corpus, Truth
from kit.majors import Server

PROBE_SECONDS = 5.0
PROGRAMS = judge.Programs("the old program", "the new program")
COLUMNS = (
    "SELECT format('%I.%I', c.relnamespace::regnamespace, c.relname), array_agg(quote_ident(a.attname)) FROM pg_class c"
    " JOIN pg_attribute a ON a.attrelid = c.oid WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN"
    " ('r', 'p', 'v', 'm') AND c.relnamespace::regnamespace::text !~ '^(pg_|information_schema)' GROUP BY 1"
)


@dataclass(frozen=True)
class Ours:
    """``alone``: the verdict where no old program was tried; ``verdict``: with what it did. ``locks``: the strongest of
    each table that was there before."""

    rehearsed: evidence.Rehearsed
    alone: judge.Verdict
    verdict: judge.Verdict
    locks: Mapping[str, str]
    rewritten: frozenset[str]
    asked: Sequence[evidence.Asked] = ()

    def contradicted(self) -> list[str]:
        """Changes that production's rows can't take; what the migration itself writes there is not known before."""
        written = self.rehearsed.rows
        found = [one.change for one in self.asked if one.answer == probes.VIOLATED]
        return [str(one) for one in found if one.table not in written]

    @property
    def classes(self) -> tuple[str, ...]:
        """What must be the same on every major."""
        return tuple(
            sorted("%s %s %s %s" % (one.rating, one.what, one.kind, one.name) for one in self.rehearsed.changes)
        )


class Clone:
    """A database of the template; its lines of the server's log begin when this is made."""

    def __init__(self, server: Server, name: str, template: str = "production") -> None:
        self.server, self.name, self.template = server, name, template
        self._from = Path(server.home, "log").stat().st_size

    def open(self) -> postgres.Db:
        return postgres.connect({**self.server.where(self.name), "application_name": sqllog.OURS + " corpus"})

    def log(self, since: float) -> Sequence[str]:
        with open(self.server.home + "/log", "rb") as log:
            log.seek(self._from)
            lines = log.read().decode(errors="replace").split("\n")
        return [line for line in lines if line.startswith("\t") or line[:10] >= "%010d" % since]

    def again(self, suffix: str) -> Clone:
        made = Clone(self.server, self.name + suffix, self.template)
        self.server.query("postgres", "CREATE DATABASE %s TEMPLATE %s" % (made.name, made.template))
        return made


def tried(corpus: Corpus, case: Case) -> tuple[Truth, Ours]:
    """The server's own answer and ours, of one run of the change; of one that production's rows refuse, ours is that on
    the schema without rows."""
    found: list[evidence.Rehearsed] = []
    tables: dict[str, Sequence[str]] = {}

    def around(name: str, run: Callable[[], str]) -> None:
        found.append(rehearse.rehearse(Clone(corpus.server, name), lambda _where: run()))
        tables.update(corpus.server.query(name, COLUMNS))

    truth = corpus.truth(case) if case.refused else corpus.truth(case, around)
    if case.refused:
        with corpus.clone("refused", "empty") as name:
            around(name, Applied(case, corpus.server, name).run)
    return truth, _ours(corpus, found[0], seen(truth, corpus.statements, tables))


def _ours(corpus: Corpus, rehearsed: evidence.Rehearsed, replayed: evidence.Seen) -> Ours:
    held: dict[str, str] = {}
    for one in rehearsed.locks:
        held[one.table] = max(held.get(one.table, MODES[0]), one.mode, key=MODES.index)
    db = corpus.server.db("asked")
    try:
        asked = tuple(evidence.Asked(*one) for one in probes.ask(db, rehearsed.changes, PROBE_SECONDS))
    finally:
        db.close()
    alone = judge.judge(evidence.Evidence(rehearsed, asked), PROGRAMS)
    with_old = judge.judge(evidence.Evidence(rehearsed, asked, replayed), PROGRAMS)
    locks = {table: mode for table, mode in held.items() if table in corpus.tables and mode != MODES[0]}
    rewritten = frozenset(one.table for one in rehearsed.locks if one.rewrite)
    return Ours(rehearsed, alone, with_old, locks, rewritten & corpus.tables, asked)


def seen(truth: Truth, statements: Sequence[Statement], tables: Mapping[str, Sequence[str]]) -> evidence.Seen:
    """The old program's answers as a replay's, with what its statements touched."""
    known = {one for one, answer in truth.control.items() if answer.ok}
    ran = [one.sql for one in statements if one.name in known and truth.after[one.name].ok]
    crossed = {"the old program does not take what the new one wrote": _outcomes(truth.crossed, known)}
    return evidence.Seen(
        control=_outcomes(truth.control, known),
        after=_outcomes(truth.after, known),
        crossed=crossed if truth.crossed else {},
        touched=coverage.touched(ran, tables),
    )


def _outcomes(answers: Mapping[str, Answer], known: set[str]) -> dict[str, evidence.Outcome]:
    return {
        name: evidence.Outcome(name, one.ok, one.detail, one.cause) for name, one in answers.items() if name in known
    }
