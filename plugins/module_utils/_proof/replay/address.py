# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A program's variables with another database in place of production's, however they name it. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from ..._core.dsn import ADDRESS, Dsn

# Parts of an address that say where the server is, who comes and how it is proven: those of the other one count.
PLACE = re.compile(r"(ssl|host|port|user|password|dbname|database|service|channel_binding|gss|target_session)", re.I)
# What libpq reads: the other server's, or nothing.
LIBPQ = {"PGHOST": "host", "PGPORT": "port", "PGUSER": "user", "PGPASSWORD": "password", "PGDATABASE": "database"}
LIBPQ_OTHER = re.compile(r"PG(HOSTADDR|SSL|PASSFILE|SERVICE|CHANNELBINDING|GSS|TARGETSESSION|REQUIRE)")
OF_DATABASE = re.compile(
    r"(^|_)(DB|DATABASE|PG|POSTGRES|POSTGRESQL|SQL)\w*_?(?P<part>PORT|USER\w*|NAME|SSL\w*|TLS\w*)$"
)
# A key of the program's own may be the same text.
PASSWORD = re.compile(r"PASS|PWD|PW$", re.I)
NAMES_IT = re.compile(r"(^|_)(DB|DATABASE|POSTGRES_DB|POSTGRES_DATABASE|DB_DATABASE)$")


def moved(given: Mapping[str, str], production: Dsn | None, shadow: str) -> dict[str, str]:
    """``shadow``: the URL of the other database."""
    parts = urlsplit(shadow)
    new = {
        "host": parts.hostname or "",
        "port": str(parts.port or 5432),
        "user": unquote(parts.username or ""),
        "password": unquote(parts.password or ""),
        "database": parts.path.lstrip("/"),
    }
    found = {}
    for key, value in given.items():
        if key in LIBPQ:
            found[key] = new[LIBPQ[key]]
        elif not LIBPQ_OTHER.match(key):
            found[key] = _moved(key, value, production, shadow, new) if production else value
    if any(key in LIBPQ for key in given):
        found["PGSSLMODE"] = "disable"
    return found


def _moved(key: str, value: str, production: Dsn, shadow: str, new: Mapping[str, str]) -> str:
    if ADDRESS.match(value):
        return _address(value, production, shadow, new)
    if production.url and production.url in value:
        return value.replace(production.url, shadow)
    if value and value == production.password and PASSWORD.search(key):
        return new["password"]
    for host, port in zip(production.hosts, production.keywords.get("port", "").split(",") * len(production.hosts)):
        if value == host:
            return new["host"]
        if value == "%s:%s" % (host, port or "5432"):
            return "%s:%s" % (new["host"], new["port"])
    if value == production.database and NAMES_IT.search(key):
        return new["database"]
    return _part(key, value, production, new)


def _part(key: str, value: str, production: Dsn, new: Mapping[str, str]) -> str:
    """Of an address that is spread over several variables."""
    seen = OF_DATABASE.search(key)
    part = seen.group("part") if seen else ""
    if part == "PORT":
        return new["port"]
    if part.startswith("USER") and value == production.user:
        return new["user"]
    if part == "NAME" and value == production.database:
        return new["database"]
    if part.startswith(("SSL", "TLS")):
        return "disable" if value.startswith(("require", "verify", "prefer")) else "false" if value == "true" else value
    return value


def _address(value: str, production: Dsn, shadow: str, new: Mapping[str, str]) -> str:
    """In the same form and with its own parameters; one of another database stays, where nothing can reach it."""
    base, _sign, query = value.partition("?")
    if unquote(base.rpartition("/")[2]) != production.database:
        return value
    scheme = value[: value.index("://") + 3]
    own = [(key, one) for key, one in parse_qsl(query, keep_blank_values=True) if not PLACE.match(key)]
    there, _sign, asked = shadow.partition("?")
    place = there.partition("://")[2]
    if scheme.startswith("jdbc:"):
        # Its driver reads no user before the host; without one here the program has it elsewhere.
        place = place.rpartition("@")[2]
        if re.search(r"[?&]user=", value):
            own = [*own, ("user", new["user"]), ("password", new["password"])]
    given = dict([*own, *(pair for pair in parse_qsl(asked) if pair[0] == "sslmode")])
    return "%s%s?%s" % (scheme, place, urlencode(given, quote_via=quote))
