# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an export of production consists of, so that the same schema, roles and settings can be made elsewhere."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..._schema.catalog.snapshot import Snapshot, digest
from .guard import Production

# What ``rehearsal_data`` may be, besides the path of a backup.
LOOKUP, SCHEMA, SAMPLE = "lookup", "schema", "sample"
DUMP, ROWS = "dump", "rows"


@dataclass(frozen=True)
class Role:
    """``attributes`` as CREATE ROLE takes them; ``member_of``: (role, options of GRANT)."""

    name: str
    attributes: tuple[str, ...]
    member_of: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Setting:
    """Of the database, for the sessions of one role ('' is all of them)."""

    role: str
    name: str
    value: str


@dataclass(frozen=True)
class Grant:
    """A right to the database itself; ``role`` '' is PUBLIC."""

    role: str
    privilege: str
    grantable: bool


@dataclass(frozen=True)
class Locale:
    """Of the database; ``provider`` is c, i or b as pg_database has it."""

    encoding: str
    collate: str
    ctype: str
    provider: str = "c"
    name: str = ""
    rules: str = ""


@dataclass(frozen=True)
class Sample:
    """Rows of one table in a file of the export. Both names are quoted as SQL takes them."""

    table: str
    columns: tuple[str, ...]
    file: str


@dataclass(frozen=True)
class Link:
    """A foreign key: rows of ``child`` without their ``parent`` are deleted where rows are a sample."""

    child: str
    parent: str
    columns: tuple[str, ...]
    keys: tuple[str, ...]


@dataclass(frozen=True)
class Export:
    """``directory`` holds the dump (``dump``, of the format ``plain`` or not). ``schema`` tells each table's size too.

    ``loaded``: the tables whose rows are in it. ``grants`` is None where the database has the rights of every new one.
    """

    database: str
    directory: str
    server: Production
    version: int
    owner: str
    role: str
    locale: Locale
    schema: Snapshot = field(repr=False)
    dump: str = DUMP
    plain: bool = False
    roles: tuple[Role, ...] = ()
    settings: tuple[Setting, ...] = ()
    grants: tuple[Grant, ...] | None = None
    extensions: tuple[str, ...] = ()
    loaded: tuple[str, ...] = ()
    samples: tuple[Sample, ...] = ()
    links: tuple[Link, ...] = ()

    @property
    def major(self) -> int:
        return self.version // 10000

    @property
    def digest(self) -> str:
        return digest(self.schema)

    @property
    def same(self) -> tuple[str, str, str, str]:
        """Exports that agree in it are of one database in one state."""
        return (self.server.identity.system, self.server.identity.started, self.database, self.digest)
