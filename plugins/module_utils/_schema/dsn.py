# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The database address of a service, as its product writes it and as libpq takes it. Pure.

Ory takes pool settings and driver settings as query parameters; libpq refuses what it doesn't know, so only its own
are handed on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit, urlunsplit

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import BluegreenError

SCHEMES = ("postgres", "postgresql")
MEND = "write it as postgres://user:password@host:5432/name"
PASSED_ON = ("sslmode", "target_session_attrs", "options")
FILES = ("sslrootcert", "sslcert", "sslkey")


@dataclass(frozen=True)
class Dsn:
    """``url`` holds the password: never print it."""

    url: str = field(repr=False)
    host: str
    port: int
    database: str
    user: str
    password: str = field(repr=False)
    parameters: tuple[tuple[str, str], ...] = field(default=(), repr=False)


def parse(url: str) -> Dsn:
    try:
        parts = urlsplit(url)
        port = parts.port or 5432
    except ValueError as exc:
        raise BluegreenError("the DSN is not a URL", mend=MEND) from exc
    database = parts.path.lstrip("/")
    if parts.scheme not in SCHEMES or not parts.hostname or not database:
        raise BluegreenError("the DSN names no PostgreSQL database", mend=MEND)
    return Dsn(
        url,
        parts.hostname,
        port,
        unquote(database),
        unquote(parts.username or ""),
        unquote(parts.password or ""),
        tuple(parse_qsl(parts.query, keep_blank_values=True)),
    )


def with_parameters(dsn: Dsn, **extra: str) -> str:
    """The URL with these query parameters set (the driver sends unknown ones to the server as settings)."""
    kept = [(key, value) for key, value in dsn.parameters if key not in extra]
    return urlunsplit(urlsplit(dsn.url)._replace(query=urlencode(kept + sorted(extra.items()), quote_via=quote)))


def for_libpq(
    dsn: Dsn, application_name: str, hostaddr: str = "", on_host: Callable[[str], str] = str
) -> dict[str, str]:
    """Connection keywords. ``hostaddr`` is where to connect, the name stays for the certificate's sake.

    ``on_host`` turns a path inside the container into one of this host.
    """
    given = dict(dsn.parameters)
    found = {
        "host": dsn.host,
        "port": str(dsn.port),
        "dbname": dsn.database,
        "user": dsn.user,
        "password": dsn.password,
        "application_name": application_name,
        "connect_timeout": "5",
        **{key: given[key] for key in PASSED_ON if key in given},
        **{key: on_host(given[key]) for key in FILES if key in given},
    }
    if hostaddr:
        found["hostaddr"] = hostaddr
    return {key: value for key, value in found.items() if value}


def redact(text: str, dsn: Dsn) -> str:
    """``text`` without the DSN and its password."""
    for secret in (dsn.url, quote(dsn.password, safe=""), dsn.password):
        if secret:
            text = text.replace(secret, "***")
    return text
