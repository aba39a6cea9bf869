# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What production's catalog says of the things that a dump leaves out: roles, settings, rights, locale, sizes.

Every question is read in the one snapshot of the export. PostgreSQL 14 to 18.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..._core.postgres import Db
from .exported import Grant, Link, Locale, Role, Setting

# A column that a major does not have is asked of the row as JSON.
DATABASE = """
SELECT current_setting('server_version_num')::int, pg_get_userbyid(d.datdba)::text, session_user::text, d.oid::bigint,
       pg_encoding_to_char(d.encoding)::text, d.datcollate::text, d.datctype::text,
       coalesce(to_jsonb(d) ->> 'datlocprovider', 'c'),
       coalesce(to_jsonb(d) ->> 'datlocale', to_jsonb(d) ->> 'daticulocale', ''),
       coalesce(to_jsonb(d) ->> 'daticurules', ''), d.datacl IS NOT NULL
FROM pg_database d WHERE datname = current_database()
"""
# Who owns something or is granted something here, the database's own first user (which no such row names), and the
# roles that these are members of.
USED = """
WITH RECURSIVE used(id) AS (
  SELECT refobjid FROM pg_shdepend s JOIN pg_database d ON d.datname = current_database()
  WHERE refclassid = 'pg_authid'::regclass
    AND (s.dbid = d.oid OR s.dbid = 0 AND s.classid = 'pg_database'::regclass AND s.objid = d.oid)
  UNION SELECT 10::oid
  UNION SELECT datdba FROM pg_database WHERE datname = current_database()
  UNION SELECT oid FROM pg_roles WHERE rolname = session_user
  UNION SELECT m.roleid FROM pg_auth_members m JOIN used u ON m.member = u.id
)
"""
ATTRIBUTES = ("super", "inherit", "createrole", "createdb", "canlogin", "replication", "bypassrls")
WORDS = {"super": "SUPERUSER", "canlogin": "LOGIN"}
ROLES = USED + "SELECT rolname::text, %s FROM used JOIN pg_roles r ON r.oid = id ORDER BY 1" % ", ".join(
    "rol" + name for name in ATTRIBUTES
)
MEMBERS = (
    USED
    + """
SELECT pg_get_userbyid(m.member)::text, pg_get_userbyid(m.roleid)::text,
       m.admin_option, to_jsonb(m) ->> 'inherit_option', to_jsonb(m) ->> 'set_option'
FROM pg_auth_members m JOIN used u ON u.id = m.member ORDER BY 1, 2
"""
)
# The weaker first: of all databases, then of this one; of all roles, then of one.
SETTINGS = (
    USED
    + """
SELECT CASE s.setrole WHEN 0 THEN '' ELSE pg_get_userbyid(s.setrole)::text END, unnest(s.setconfig)
FROM pg_db_role_setting s JOIN pg_database d ON d.datname = current_database()
WHERE s.setdatabase IN (0, d.oid) AND (s.setrole = 0 OR s.setrole IN (SELECT id FROM used))
ORDER BY s.setdatabase, s.setrole
"""
)
# What the server's own files say, and decides what a value means or whether a change rewrites a table.
MEANING = """
SELECT name, setting FROM pg_settings WHERE source IN ('configuration file', 'environment variable', 'command line')
  AND name IN ('TimeZone', 'DateStyle', 'IntervalStyle', 'search_path', 'default_transaction_isolation', 'bytea_output',
    'standard_conforming_strings', 'xmloption', 'default_toast_compression')
"""
GRANTS = """
SELECT CASE a.grantee WHEN 0 THEN '' ELSE pg_get_userbyid(a.grantee)::text END, a.privilege_type, a.is_grantable
FROM pg_database d, LATERAL aclexplode(d.datacl) a WHERE datname = current_database()
"""
EXTENSIONS = "SELECT extname::text FROM pg_extension ORDER BY 1"
OURS = "n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'"
TABLES = (
    """
SELECT c.oid::bigint, n.nspname::text, c.relname::text, format('%%I.%%I', n.nspname, c.relname), c.relkind::text,
       has_table_privilege(c.oid, 'SELECT')
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND c.relpersistence <> 't' AND %s AND NOT EXISTS (
  SELECT FROM pg_depend e WHERE e.classid = 'pg_class'::regclass AND e.objid = c.oid AND e.deptype = 'e')
ORDER BY 2, 3
"""
    % OURS
)
COLUMNS = """
SELECT quote_ident(attname) FROM pg_attribute
WHERE attrelid = %s AND attnum > 0 AND NOT attisdropped AND attgenerated = '' ORDER BY attnum
"""
LINKS = """
SELECT c.conrelid::bigint, c.confrelid::bigint, c.conparentid = 0,
  ARRAY(SELECT quote_ident(attname) FROM unnest(c.conkey) WITH ORDINALITY k(n, i)
    JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = k.n ORDER BY k.i),
  ARRAY(SELECT quote_ident(attname) FROM unnest(c.confkey) WITH ORDINALITY k(n, i)
    JOIN pg_attribute a ON a.attrelid = c.confrelid AND a.attnum = k.n ORDER BY k.i)
FROM pg_constraint c WHERE c.contype = 'f'
"""


@dataclass(frozen=True)
class Table:
    """``name`` is qualified and quoted as SQL takes it; ``plain`` is without quotes, for a pattern of pg_dump."""

    oid: int
    schema: str
    plain: str
    name: str
    kind: str
    readable: bool

    @property
    def pattern(self) -> str:
        return ".".join('"%s"' % part.replace('"', '""') for part in (self.schema, self.plain))


@dataclass(frozen=True)
class Reference:
    """A foreign key by the oids of its tables. ``whole``: it is no part of one of a partitioned table."""

    child: int
    parent: int
    whole: bool
    link: Link


@dataclass(frozen=True)
class Described:
    version: int
    owner: str
    role: str
    locale: Locale
    roles: tuple[Role, ...]
    settings: tuple[Setting, ...]
    grants: tuple[Grant, ...] | None
    extensions: tuple[str, ...]
    tables: tuple[Table, ...]
    links: tuple[Reference, ...]


def describe(db: Db) -> Described:
    version, owner, role, _oid, encoding, collate, ctype, provider, name, rules, granted = db.query(DATABASE)[0]
    tables = tuple(Table(*row) for row in db.query(TABLES))
    return Described(
        version=int(version),
        owner=str(owner),
        role=str(role),
        locale=Locale(encoding, collate, ctype, provider, name, rules),
        roles=roles(db),
        settings=settings(db),
        grants=tuple(Grant(*row) for row in db.query(GRANTS)) if granted else None,
        extensions=tuple(str(row[0]) for row in db.query(EXTENSIONS)),
        tables=tables,
        links=_links(db, {one.oid: one.name for one in tables}),
    )


def roles(db: Db) -> tuple[Role, ...]:
    """Without those that every server of the major has. Nothing of a password is asked."""
    above: dict[str, list[tuple[str, str]]] = {}
    for member, role, *options in db.query(MEMBERS):
        above.setdefault(str(member), []).append((str(role), _options(*options)))
    return tuple(
        Role(str(name), attributes(has), tuple(above.get(str(name), ())))
        for name, *has in db.query(ROLES)
        if not str(name).startswith("pg_")
    )


def attributes(has: list[Any]) -> tuple[str, ...]:
    return tuple(
        ("" if yes else "NO") + WORDS.get(attribute, attribute.upper()) for attribute, yes in zip(ATTRIBUTES, has)
    )


def _options(admin: bool, inherit: str | None, switch: str | None) -> str:
    """Of a GRANT of membership; the last two are of 16 and later."""
    if inherit is None or switch is None:
        return "WITH ADMIN OPTION" if admin else ""
    given = {"ADMIN": admin, "INHERIT": inherit == "true", "SET": switch == "true"}
    return "WITH " + ", ".join("%s %s" % (name, str(value).upper()) for name, value in given.items())


def settings(db: Db) -> tuple[Setting, ...]:
    """As this database's own: which of several holds is decided here, so that no other database can meet them."""
    found = {("", str(name)): str(value) for name, value in db.query(MEANING)}
    for role, pair in db.query(SETTINGS):
        name, _sign, value = str(pair).partition("=")
        found[(str(role), name)] = value
    return tuple(Setting(role, name, value) for (role, name), value in found.items())


def _links(db: Db, names: dict[int, str]) -> tuple[Reference, ...]:
    return tuple(
        Reference(child, parent, whole, Link(names[child], names[parent], tuple(columns), tuple(keys)))
        for child, parent, whole, columns, keys in db.query(LINKS)
        if child in names and parent in names
    )


def lookups(described: Described, small: Callable[[Table], bool]) -> set[int]:
    """The small tables that stand by themselves: none of their rows needs one of a table that is not among them."""
    found = {one.oid for one in described.tables if one.kind == "r" and one.readable and small(one)}
    while True:
        leaning = {one.child for one in described.links if one.child in found and one.parent not in found}
        if not leaning:
            return found
        found -= leaning
