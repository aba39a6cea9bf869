# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""As what the migrator logs in: the service's role with bounds in its DSN, or a role of its own behind a pooler.

A pooler may refuse or drop what a DSN says of settings. A migration without a lock_timeout can stop the live colour for
as long as any reader likes, so none is started before a session by the same DSN has shown the bound.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from .._core import postgres
from .._core.errors import BluegreenError, Refused
from . import bounds, migrate
from . import service as release
from .migrate import MigrationRequest, World

SHOWN = "SELECT setting::int FROM pg_settings WHERE name = 'lock_timeout'"
OWNED = """
SELECT count(*) FROM pg_shdepend d JOIN pg_database b ON b.oid = d.dbid AND b.datname = current_database()
WHERE d.refclassid = 'pg_authid'::regclass AND d.deptype = 'o' AND d.refobjid = quote_ident(session_user)::regrole
"""
FIX = (
    "let the DSN lead to PostgreSQL itself. Or make a role for migrations that is a member of %s (ALTER ROLE <role> SET"
    " lock_timeout = '%gs'), and name the service's variable with its DSN in migrator_dsn_env of the target"
)


@dataclass(frozen=True)
class Role:
    """As what the migrator logs in: the service's own role, or one of its own (``own``: its name)."""

    service: release.Service
    environment: Mapping[str, str] = field(repr=False)
    own: str = ""


def choose(wanted: MigrationRequest, world: World, service: release.Service, db: postgres.Db) -> Role:
    """Raises Refused where no session of the migrator would have the bound."""
    environment = migrate.bounded_environment(wanted, service, "migrate", postgres.version(db))
    why = _unbounded(wanted, world, replace(service, environment=environment))
    if not why:
        return Role(service, environment)
    if not wanted.target.migrator_dsn_env:
        raise Refused(
            "the migrator would have no lock_timeout: %s" % why, fix=FIX % (service.dsn.user, wanted.lock_timeout)
        )
    environment = migrate.own_environment(wanted, service)
    own = replace(service, environment=environment)
    why = _unbounded(wanted, world, own)
    if why:
        raise Refused(
            "the migrator's own role has no lock_timeout: %s" % why,
            option="target.migrator_dsn_env",
            value=wanted.target.migrator_dsn_env,
            fix="ALTER ROLE %s SET lock_timeout = '%gs'" % (own.dsn.user, wanted.lock_timeout),
        )
    return Role(own, environment, own.dsn.user)


def _unbounded(wanted: MigrationRequest, world: World, service: release.Service) -> str:
    """Why a session of this service would wait for longer than it may, '' where it would not."""
    try:
        db = migrate.open_database(wanted, world, service)
    except BluegreenError as exc:
        return exc.msg
    try:
        found = int(db.query(SHOWN)[0][0])
    finally:
        db.close()
    if 0 < found <= max(1, int(wanted.lock_timeout * 1000)):
        return ""
    return "a session by its DSN has lock_timeout = %d ms" % found


def give_back(role: Role, wanted: MigrationRequest, world: World, service: release.Service) -> None:
    """What a role of its own made belongs to the service's role, which has to write it. Its sessions are over: only it
    may end one of them."""
    if not role.own:
        return
    db = migrate.open_database(wanted, world, role.service)
    try:
        postgres.end_sessions(db, bounds.application("migrate", wanted.target.name))
        if _owned(db):
            db.query("REASSIGN OWNED BY SESSION_USER TO %s" % _quoted(service.dsn.user))
        left = _owned(db)
    except postgres.QueryError as exc:
        raise BluegreenError(
            "what role %s made can't be given to %s: %s" % (role.own, service.dsn.user, exc.answer),
            fix="GRANT %s TO %s, then run the stage again" % (service.dsn.user, role.own),
        ) from exc
    finally:
        db.close()
    if left:
        raise BluegreenError(
            "%d objects belong to role %s" % (left, role.own), fix="give them to %s" % service.dsn.user
        )


def _owned(db: postgres.Db) -> int:
    return int(db.query(OWNED)[0][0])


def _quoted(name: str) -> str:
    return '"%s"' % name.replace('"', '""')
