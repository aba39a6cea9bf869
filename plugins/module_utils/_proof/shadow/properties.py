# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a database has besides its objects: owner, rights and settings. A copy by CREATE DATABASE has none of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..._core.postgres import Db
from .exported import Grant, Setting

OF_TEMPLATE = """
SELECT CASE s.setrole WHEN 0 THEN '' ELSE pg_get_userbyid(s.setrole)::text END, unnest(s.setconfig)
FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase WHERE d.datname = %s
"""
ABOUT = "SELECT pg_get_userbyid(datdba)::text, datacl IS NOT NULL FROM pg_database WHERE datname = %s"
RIGHTS = """
SELECT CASE a.grantee WHEN 0 THEN '' ELSE pg_get_userbyid(a.grantee)::text END, a.privilege_type, a.is_grantable
FROM pg_database d, LATERAL aclexplode(d.datacl) a WHERE d.datname = %s
"""
# A list of names, each quoted by itself: as one text it would be one name.
LISTS = ("search_path", "temp_tablespaces")


def quoted(name: str) -> str:
    # The driver takes % for a place of a value.
    return '"%s"' % name.replace('"', '""')


def copy(db: Db, name: str, template: str) -> None:
    """``name`` gets what ``template`` has."""
    owner, granted = db.query(ABOUT, [template])[0]
    pairs = [(str(role), str(pair).partition("=")) for role, pair in db.query(OF_TEMPLATE, [template])]
    give(
        db,
        name,
        str(owner),
        [Grant(*row) for row in db.query(RIGHTS, [template])] if granted else None,
        [Setting(role, key, value) for role, (key, _sign, value) in pairs],
    )


def give(db: Db, name: str, owner: str, grants: Sequence[Grant] | None, settings: Iterable[Setting]) -> None:
    """``grants``: None where the database has the rights that every new one has."""
    db.query("ALTER DATABASE %s OWNER TO %s" % (quoted(name), quoted(owner)))
    if grants is not None:
        db.query("REVOKE ALL ON DATABASE %s FROM PUBLIC" % quoted(name))
        for one in grants:
            to = quoted(one.role) if one.role else "PUBLIC"
            option = " WITH GRANT OPTION" if one.grantable else ""
            db.query("GRANT %s ON DATABASE %s TO %s%s" % (one.privilege, quoted(name), to, option))
    for setting in settings:
        _set(db, name, setting)


def _set(db: Db, name: str, setting: Setting) -> None:
    where = "DATABASE %s" % quoted(name)
    if setting.role:
        where = "ROLE %s IN DATABASE %s" % (quoted(setting.role), quoted(name))
    if setting.name in LISTS:
        db.query("BEGIN")
        db.query("SELECT set_config(%s, %s, true)", [setting.name, setting.value])
        db.query("ALTER %s SET %s FROM CURRENT" % (where, setting.name))
        db.query("COMMIT")
    else:
        key = ".".join(quoted(part) for part in setting.name.split("."))
        db.query("ALTER %s SET %s TO %%s" % (where.replace("%", "%%"), key.replace("%", "%%")), [setting.value])
