# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which tables and columns a program's statements touched. Pure.

PostgreSQL parses SQL; this only finds names. What it can't tell for sure counts as not touched: a name that two tables
of the statement have, a ``*`` of a joined query of which a part is a query itself, what a function reads inside.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ..._core.postgres import Db
from ..._schema import sql_text
from ..evidence import Touched

ALL = "*"
NAME, SIGN, VALUE = "name", "sign", "value"
# A table follows these; the others that begin with FROM take no table.
SOURCES = ("FROM", "JOIN", "INTO", "UPDATE", "USING")
# No table's second name.
ENDS = frozenset((
    "ON", "USING", "WHERE", "SET", "VALUES", "DEFAULT", "SELECT", "JOIN", "LEFT", "RIGHT", "FULL", "INNER", "CROSS",
    "NATURAL", "GROUP", "ORDER", "HAVING", "LIMIT", "OFFSET", "FETCH", "FOR", "UNION", "EXCEPT", "INTERSECT",
    "WINDOW", "RETURNING", "AS", "OVERRIDING", "WITH", "TABLESAMPLE", "WHEN", "FROM",
))  # fmt: skip
# Behind these an unquoted name is a part of the language.
LANGUAGE = ("AS", "NULLS", "FETCH", "FOR", "NO", "SKIP", "AT", "CONSTRAINT")
# Before a text these are the text's type.
TYPES = ("DATE", "TIME", "TIMESTAMP", "TIMESTAMPTZ", "INTERVAL")

Tables = Mapping[str, Sequence[str]]
TABLES = """
SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname), array_agg(a.attname::text)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' GROUP BY 1
"""


@dataclass(frozen=True)
class Word:
    """``text`` of a name is as the catalog has it, ``upper`` is '' for a quoted one; ``scope``: the innermost open
    parenthesis."""

    kind: str
    text: str
    upper: str = ""
    scope: int = -1


@dataclass(frozen=True)
class Source:
    """A table of the statement; ``table`` is '' for what is none, ``into``: an INSERT's own."""

    alias: str
    table: str
    scope: int
    into: bool = False


def tables(db: Db) -> dict[str, list[str]]:
    """Those of a database with their columns."""
    return {str(table): [str(one) for one in columns] for table, columns in db.query(TABLES)}


def touched(statements: Iterable[str], tables: Tables) -> Touched:
    """``tables``: those of the migrated schema with their columns, by the names that are in the answer."""
    catalog = _Catalog(tables)
    read: dict[str, set[str]] = {}
    written: dict[str, set[str]] = {}
    inserted: set[str] = set()
    named: set[str] = set()
    ran = list(statements)
    for text in dict.fromkeys(ran):
        for words in _split(text):
            one = _Statement(words, catalog)
            one.look()
            for part, into in ((one.read, read), (one.written, written)):
                for table, columns in part.items():
                    into.setdefault(table, set()).update(columns)
            inserted |= one.inserted
            named |= one.named
    return Touched(_frozen(read), _frozen(written), frozenset(named), len(ran), frozenset(inserted))


def _frozen(found: Mapping[str, set[str]]) -> dict[str, frozenset[str]]:
    return {table: frozenset(columns) for table, columns in found.items()}


def _split(text: str) -> Iterator[list[Word]]:
    """The words of each statement; nothing of a text that can't be read to its end."""
    words: list[Word] = []
    opened: list[int] = []
    try:
        for kind, token in sql_text.tokens(text):
            if kind in ("space", "block"):
                continue
            if token == ";" and not opened:
                yield words
                words = []
                continue
            if token == ")" and opened:
                opened.pop()
            if token in ("'", '"'):
                return
            words.append(_word(kind, token, opened[-1] if opened else -1))
            if token == "(":
                opened.append(len(words) - 1)
    except sql_text.SqlError:
        return
    yield words


def _word(kind: str, token: str, scope: int) -> Word:
    if kind == "word":
        return Word(NAME, token.lower(), token.upper(), scope)
    if kind == "quoted" and token.startswith('"'):
        return Word(NAME, token[1:-1].replace('""', '"'), "", scope)
    return Word(SIGN if kind == "other" else VALUE, token, token if kind == "other" else "", scope)


class _Catalog:
    """Tables by their bare and by their qualified names."""

    def __init__(self, tables: Tables) -> None:
        self.columns = {table: {_bare(one): one for one in columns} for table, columns in tables.items()}
        self._names: dict[tuple[str, ...], list[str]] = {}
        for table in tables:
            parts = tuple(_bare(part) for part in _parts(table))
            for name in dict.fromkeys((parts, parts[-1:])):
                self._names.setdefault(name, []).append(table)

    def table(self, name: tuple[str, ...]) -> str:
        """'' for what is unknown, or in several schemas of which none is public."""
        found = self._names.get(name, [])
        if len(found) > 1:
            found = [one for one in found if one.startswith("public.")]
        return found[0] if len(found) == 1 else ""


def _parts(name: str) -> list[str]:
    parts, quoted = [""], False
    for sign in name:
        quoted = quoted != (sign == '"')
        if sign == "." and not quoted:
            parts.append("")
        else:
            parts[-1] += sign
    return parts


def _bare(name: str) -> str:
    return name[1:-1].replace('""', '"') if name.startswith('"') and name.endswith('"') else name


@dataclass
class _Statement:
    words: Sequence[Word]
    catalog: _Catalog
    sources: list[Source] = field(default_factory=list)
    read: dict[str, set[str]] = field(default_factory=dict)
    written: dict[str, set[str]] = field(default_factory=dict)
    inserted: set[str] = field(default_factory=set)
    named: set[str] = field(default_factory=set)
    # Words that are explained: tables, their second names, columns that are written.
    taken: set[int] = field(default_factory=set)

    def look(self) -> None:
        given = [place for place, _word in enumerate(self.words) if self._is_with(place)]
        self.queries = {self.words[place].text for place in given}
        self.aliases = {
            self.words[place + 1].text
            for place, word in enumerate(self.words[:-1])
            if word.upper == "AS" and self.words[place + 1].kind == NAME
        }
        self.taken |= set(given)
        for place, word in enumerate(self.words):
            if word.upper in SOURCES and self._opens_tables(place):
                self._tables(place)
        for place in range(len(self.words)):
            self._writes(place)
        place = 0
        while place < len(self.words):
            place = self._reads(place)

    def _at(self, place: int) -> Word:
        return self.words[place] if 0 <= place < len(self.words) else Word(SIGN, "")

    def _is_with(self, place: int) -> bool:
        """A query that WITH names; its list of columns may stand between."""
        if self._at(place).kind != NAME or self._at(0).upper != "WITH":
            return False
        next_ = place + 1
        if self._at(next_).text == "(":
            next_ = self._closed(next_)
        if self._at(next_).upper != "AS":
            return False
        while self._at(next_ + 1).upper in ("NOT", "MATERIALIZED"):
            next_ += 1
        return self._at(next_ + 1).text == "("

    def _closed(self, place: int) -> int:
        """Behind the parenthesis that opens here."""
        depth = 0
        for there in range(place, len(self.words)):
            depth += {"(": 1, ")": -1}.get(self.words[there].upper, 0)
            if depth == 0:
                return there + 1
        return len(self.words)

    def _opens_tables(self, place: int) -> bool:
        word, before = self._at(place), self._at(place - 1)
        if word.upper == "FROM" and before.upper == "DISTINCT":
            return self._at(place - 2).upper not in ("IS", "NOT")
        if word.upper == "UPDATE":
            return before.upper not in ("DO", "FOR", "KEY", "ON", "THEN")
        return word.upper != "USING" or self._at(place + 1).text != "("

    def _tables(self, place: int) -> None:
        """Those of a list that begins behind ``place``, with what each is called here."""
        scope, into = self._at(place).scope, self._at(place).upper == "INTO"
        while True:
            place += 1
            while self._at(place).upper in ("ONLY", "LATERAL", "TABLE"):
                place += 1
            name, there = self._chain(place)
            found = ""
            if name and (into or self._at(there).text != "("):
                self.taken.update(range(place, there))
                found = "" if name[-1] in self.queries and len(name) == 1 else self.catalog.table(name)
            elif self._at(there).text == "(":
                there = self._closed(there)
            if name or there > place:
                there = self._called(there, Source(name[-1] if name else "", found, scope, into))
            if self._at(there).text != ",":
                return
            place = there

    def _called(self, place: int, source: Source) -> int:
        """Note a table with its second name, where it has one. Where it ends."""
        if self._at(place).upper == "AS":
            place += 1
        word = self._at(place)
        if word.kind == NAME and word.upper not in ENDS:
            self.taken.add(place)
            source, place = replace(source, alias=word.text), place + 1
        self.sources.append(source)
        return place

    def _chain(self, place: int) -> tuple[tuple[str, ...], int]:
        """Names with dots between them, and where they end; a star may be the last."""
        found: list[str] = []
        while self._at(place).kind == NAME or (found and self._at(place).text == "*"):
            found.append(self._at(place).text)
            place += 1
            if self._at(place).text != "." or found[-1] == "*":
                break
            place += 1
        return tuple(found), place

    def _writes(self, place: int) -> None:
        word, before = self._at(place), self._at(place - 1)
        if word.upper == "INTO" and before.upper == "INSERT":
            self._inserts(place)
        elif word.upper == "FROM" and before.upper == "DELETE":
            table = self._target(place)
            if table:
                self.written.setdefault(table, set())
        elif word.upper == "SET":
            self._sets(place)

    def _target(self, place: int) -> str:
        place += 2 if self._at(place + 1).upper == "ONLY" else 1
        return self.catalog.table(self._chain(place)[0])

    def _inserts(self, place: int) -> None:
        table = self._target(place)
        _name, there = self._chain(place + 1)
        if self._at(there).upper == "AS":
            there += 2
        if not table:
            return
        self.inserted.add(table)
        listed = self._at(there).text == "(" and self._at(there + 1).upper not in ("SELECT", "WITH", "VALUES")
        columns = range(there + 1, self._closed(there) - 1) if listed else range(0)
        self._note(self.written, table, *(self._at(one).text for one in columns if self._at(one).kind == NAME))
        if not listed:
            self._note(self.written, table, ALL)
        self.taken.update(columns)

    def _sets(self, place: int) -> None:
        """Of an UPDATE, or of an INSERT that meets a row that is there."""
        scope, table = self._at(place).scope, self._set_table(place)
        there, first = place + 1, True
        while there < len(self.words) and not (
            self._at(there).scope == scope and self._at(there).upper in ("WHERE", "FROM", "RETURNING", ")")
        ):
            word = self._at(there)
            if word.scope == scope and (first or self._at(there - 1).text == ","):
                end = self._closed(there) if word.text == "(" else there + 1
                columns = [one for one in range(there, end) if self._at(one).kind == NAME]
                if table:
                    self._note(self.written, table, *(self._at(one).text for one in columns))
                self.taken.update(columns)
            there, first = there + 1, False

    def _set_table(self, place: int) -> str:
        scope = self._at(place).scope
        for there in range(place - 1, -1, -1):
            word = self._at(there)
            if word.scope == scope and word.upper in ("UPDATE", "INTO") and self._opens_tables(there):
                return self._target(there)
        return ""

    def _reads(self, place: int) -> int:
        """Look at the name that begins here; where the next one may."""
        word = self._at(place)
        if word.text == "*" and word.kind == SIGN:
            if self._at(place - 1).upper in ("SELECT", "DISTINCT", "ALL", ",", "RETURNING"):
                self._star(word.scope, self._at(place - 1).upper == "RETURNING")
            return place + 1
        if word.kind != NAME:
            return place + 1
        name, there = self._chain(place)
        if place in self.taken:
            return place + 1
        if self._at(there).text == "(" or self._at(place - 1).text == ":":
            self.named |= {name[-1], ".".join(name)}
        elif len(name) == 1:
            self._alone(place)
        else:
            self._qualified(name)
        return there

    def _star(self, scope: int, returned: bool) -> None:
        """Of the tables of its own query, which must be the only one there."""
        queries = [word for word in self.words if word.scope == scope and word.upper == "SELECT"]
        here = [one for one in self.sources if one.scope == scope and one.table]
        meant = [one for one in here if one.into == returned] or (here if returned else [])
        for one in meant if len(queries) <= 1 else ():
            self._note(self.read, one.table, ALL)

    def _alone(self, place: int) -> None:
        word, before = self._at(place), self._at(place - 1)
        if word.upper and (before.upper in LANGUAGE or (word.upper in TYPES and self._at(place + 1).kind == VALUE)):
            return
        tables = {one.table for one in self.sources if one.table and word.text in self.catalog.columns[one.table]}
        if len(tables) == 1 and word.text not in self.aliases:
            self._note(self.read, tables.pop(), word.text)

    def _qualified(self, name: tuple[str, ...]) -> None:
        tables = {one.table for one in self.sources if one.alias == name[-2] and len(name) == 2}
        if len(name) > 2:
            tables = {self.catalog.table(name[:-1])} & {one.table for one in self.sources}
        if len(tables) == 1 and "" not in tables:
            self._note(self.read, tables.pop(), name[-1])

    def _note(self, into: dict[str, set[str]], table: str, *names: str) -> None:
        columns = self.catalog.columns[table]
        into.setdefault(table, set()).update(columns.get(one, one) for one in names if one == ALL or one in columns)
