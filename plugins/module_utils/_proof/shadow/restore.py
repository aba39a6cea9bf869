# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An export made a database of the shadow again: the same schema, owners and rights, with passwords of our own."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Protocol

from ..._core.errors import BluegreenError, CommandError
from ..._core.postgres import Db, QueryError
from ..._schema.catalog import snapshot
from ..._schema.oneshot import Finished
from . import properties
from .export import FIX_IMAGE
from .exported import Export, Locale
from .guard import Guard
from .production_catalog import ATTRIBUTES, attributes
from .properties import quoted

HAVE = "SELECT rolname::text, %s FROM pg_roles" % ", ".join("rol" + name for name in ATTRIBUTES)
RESTORE = ("pg_restore", "--exit-on-error", "--no-tablespaces", "--no-subscriptions", "--no-security-labels", "-w")
PSQL = ("psql", "-X", "-q", "-w", "-v", "ON_ERROR_STOP=1")
# Preloading is the server's affair: what is missing there would end every session.
LEFT_OUT = re.compile(r"_preload_libraries$")
# Databases that are restored at one time.
BESIDE = 2
# One round takes away what leans on what the round before took; that many levels has no schema.
ROUNDS = 50


class Place(Protocol):
    """The shadow's server. ``role_password`` is that of every role of production there; ``open`` proves where it is."""

    @property
    def guard(self) -> Guard: ...

    @property
    def role_password(self) -> str: ...

    def open(self, name: str) -> Db:
        """As its superuser."""

    def program(self, words: Sequence[str], name: str, directory: str) -> Finished:
        """One of PostgreSQL's own with database ``name``, as its superuser."""


def prepare(place: Place, exports: Mapping[str, Export]) -> tuple[dict[str, str], dict[str, str]]:
    """Target -> its template, and target -> why it has none. Targets of one database share a template."""
    for export in exports.values():
        place.guard.forbid(export.server)
    distinct = {export.same: export for export in exports.values()}
    names = {same: "template_%d" % number for number, same in enumerate(distinct)}
    # Roles belong to the server: two at a time would make the same one.
    why = {same: _why_not(partial(_fit, place, export)) for same, export in distinct.items()}
    with ThreadPoolExecutor(BESIDE) as pool:
        running = {
            same: pool.submit(_why_not, partial(restore, place, export, names[same]))
            for same, export in distinct.items()
            if not why[same]
        }
        why.update({same: future.result() for same, future in running.items()})
    templates = {target: names[one.same] for target, one in exports.items() if not why[one.same]}
    return templates, {target: why[one.same] for target, one in exports.items() if why[one.same]}


def _why_not(act: Callable[[], None]) -> str:
    try:
        act()
    except BluegreenError as exc:
        return str(exc)
    return ""


def _fit(place: Place, export: Export) -> None:
    """The server can have it, and has its roles."""
    db = quiet(place, "postgres")
    try:
        _refuse_unfit(db, export)
        _roles(db, export, place.role_password)
    finally:
        db.close()


def restore(place: Place, export: Export, name: str) -> None:
    """Make database ``name``. Raises BluegreenError where it does not become the same as production's."""
    db = quiet(place, "postgres")
    try:
        _database(db, name, export.locale)
        _load(place, export, name)
        place.guard.check(db)
        kept = [one for one in export.settings if not LEFT_OUT.search(one.name)]
        properties.give(db, name, export.owner, export.grants, kept)
    finally:
        db.close()
    _compare(place, export, name)


def quiet(place: Place, name: str) -> Db:
    """A session that takes its time and tells the server's log nothing: neither a password nor what it loads."""
    db = place.open(name)
    for setting in ("statement_timeout = 0", "log_statement = 'none'", "log_min_duration_statement = -1"):
        db.query("SET " + setting)
    return db


def _refuse_unfit(db: Db, export: Export) -> None:
    major = int(db.query("SHOW server_version_num")[0][0]) // 10000
    if major != export.major:
        what = "the throw-away server is PostgreSQL %d, production is %d" % (major, export.major)
        raise BluegreenError(what, fix=FIX_IMAGE % export.major)
    there = {str(row[0]) for row in db.query("SELECT name::text FROM pg_available_extensions")}
    lacking = [one for one in export.extensions if one not in there]
    if lacking:
        raise BluegreenError(
            "the throw-away server lacks production's extension %s" % ", ".join(lacking),
            fix="name an image of PostgreSQL %d in bluegreen_rehearsal_image that has it" % major,
        )


def _roles(db: Db, export: Export, password: str) -> None:
    there = {str(name): attributes(has) for name, *has in db.query(HAVE)}
    for one in export.roles:
        if one.name not in there:
            words = (quoted(one.name).replace("%", "%%"), " ".join(one.attributes))
            db.query("CREATE ROLE %s %s PASSWORD %%s" % words, [password])
        elif there[one.name] != one.attributes:
            raise BluegreenError(
                "two servers of production have a role %s with other attributes" % one.name,
                fix="let their targets be proven in two releases",
            )
    for one in export.roles:
        for role, options in one.member_of:
            db.query("GRANT %s TO %s %s" % (quoted(role), quoted(one.name), options))


def _database(db: Db, name: str, locale: Locale) -> None:
    words, values = ["ENCODING %s", "LC_COLLATE %s", "LC_CTYPE %s"], [locale.encoding, locale.collate, locale.ctype]
    if locale.provider == "i":
        words += ["LOCALE_PROVIDER icu", "ICU_LOCALE %s"]
        values.append(locale.name)
        if locale.rules:
            words.append("ICU_RULES %s")
            values.append(locale.rules)
    elif locale.provider == "b":
        words += ["LOCALE_PROVIDER builtin", "BUILTIN_LOCALE %s"]
        values.append(locale.name)
    try:
        db.query("CREATE DATABASE %s TEMPLATE template0 %s" % (quoted(name), " ".join(words)), values)
    except QueryError as exc:
        raise BluegreenError(
            "the throw-away server can't have production's locale: %s" % exc.answer,
            fix="name production's own image in bluegreen_rehearsal_image",
        ) from exc


def _load(place: Place, export: Export, name: str) -> None:
    """The rows of a sample come before the keys, so that those without a parent can be taken away first."""
    if export.plain:
        _ran(place, [*PSQL, "-f", export.dump], name, export.directory)
    elif export.samples:
        _ran(
            place,
            [*RESTORE, "--dbname=" + name, "--section=pre-data", "--section=data", export.dump],
            name,
            export.directory,
        )
        lines = ["\\copy %s (%s) FROM '%s'" % (one.table, ", ".join(one.columns), one.file) for one in export.samples]
        _ran(place, [*PSQL, *(word for line in lines for word in ("-c", line))], name, export.directory)
        _without_orphans(place, export, name)
        _ran(place, [*RESTORE, "--dbname=" + name, "--section=post-data", export.dump], name, export.directory)
    else:
        _ran(place, [*RESTORE, "--dbname=" + name, export.dump], name, export.directory)


def _ran(place: Place, words: Sequence[str], name: str, directory: str) -> None:
    place.open(name).close()
    ended = place.program(words, name, directory)
    if ended.rc != 0:
        raise CommandError(
            "production's schema can't be restored into the throw-away server: %s" % without_rows(ended.log),
            fix="name production's own image in bluegreen_rehearsal_image",
        )


def without_rows(log: str) -> str:
    """What a restore says of its failure, without a value of a row."""
    copied = re.search(r'(?:COPY failed for table|COPY) "?([^",\s]+)"?(?:,|:)', log)
    if copied:
        return "the rows of table %s are not accepted" % copied.group(1)
    found = re.search(r"(?:ERROR|FATAL|error):\s+(.*)", log)
    return found.group(1)[:300] if found else "it does not say why"


def _without_orphans(place: Place, export: Export, name: str) -> None:
    db = quiet(place, name)
    try:
        for _round in range(ROUNDS):
            gone = 0
            for one in export.links:
                fits = " AND ".join("p.%s = c.%s" % pair for pair in zip(one.keys, one.columns))
                given = " AND ".join("c.%s IS NOT NULL" % column for column in one.columns)
                where = "%s AND NOT EXISTS (SELECT FROM %s p WHERE %s)" % (given, one.parent, fits)
                deleted = "WITH gone AS (DELETE FROM %s c WHERE %s RETURNING 1) SELECT count(*) FROM gone"
                gone += int(db.query(deleted % (one.child, where))[0][0])
            if not gone:
                return
    finally:
        db.close()


def _compare(place: Place, export: Export, name: str) -> None:
    db = place.open(name)
    try:
        found = snapshot.take(db)
    finally:
        db.close()
    if snapshot.digest(found) != export.digest:
        what = "the restored schema is not production's: %s" % "; ".join(snapshot.differences(export.schema, found)[:3])
        raise BluegreenError(
            what,
            fix="a backup must be of the schema that production has now; else run the stage again, as production may"
            " have changed meanwhile",
        )
