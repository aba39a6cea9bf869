# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The database address of a service, as its product writes it and as libpq takes it.

libpq parses it. Before that the query is sorted as pgx, the services' own driver, sorts it: what belongs to Ory's pool
or to pgx alone is left out by name, what pgx sends to the server as a setting goes into ``options``. No message quotes
the DSN: a part of it is the password.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, quote, quote_plus, urlencode

from .errors import BluegreenError

try:
    import psycopg2
    from psycopg2.extensions import parse_dsn
except ImportError:
    PSYCOPG2_MISSING = True
else:
    PSYCOPG2_MISSING = False

NO_PSYCOPG2, INSTALL = "psycopg2 is missing on this host", "install python3-psycopg2"
SCHEME = re.compile(r"(postgres|postgresql)://")
# The same as other programs write it: jdbc:postgresql://, postgresql+psycopg2://.
ADDRESS = re.compile(r"(?:jdbc:)?postgres(?:ql)?(?:\+\w+)?://")
WRITE = "write it as postgres://user:password@host:5432/name, with %XX for any of @ : / ? # % in user or password"
# Of Ory's own pool, then of pgx: how it prepares statements, pools and gives up. None changes which server, user or
# schema is meant.
POOL = ("max_conns", "max_idle_conns", "max_conn_lifetime", "max_conn_idle_time")
PGX = (
    "connect_recover_timeout", "connect_timeout", "default_query_exec_mode", "description_cache_capacity",
    "max_protocol_version", "min_protocol_version", "min_read_buffer_size", "pool_health_check_period",
    "pool_max_conn_idle_time", "pool_max_conn_lifetime", "pool_max_conn_lifetime_jitter", "pool_max_conns",
    "pool_min_conns", "pool_min_idle_conns", "statement_cache_capacity", "statement_cache_mode",
)  # fmt: skip
# Both drivers read these from the service's own variables too (PGHOST, ...), where the DSN leaves them out.
OF_VARIABLES = (
    "dbname", "host", "options", "passfile", "password", "port", "sslcert", "sslkey", "sslmode", "sslpassword",
    "sslrootcert", "sslsni", "target_session_attrs", "user",
)  # fmt: skip
# What both drivers read of the address and of its proof.
SHARED = (*OF_VARIABLES, "application_name", "channel_binding", "krbsrvname", "require_auth", "sslnegotiation")
ELSEWHERE = ("service", "servicefile", "krbspn")
# libpq knows them and pgx does not: it hands them to PostgreSQL as settings, which refuses the connection.
LIBPQ = (
    "authtype", "fallback_application_name", "gssdelegation", "gssencmode", "gsslib", "hostaddr", "keepalives",
    "keepalives_count", "keepalives_idle", "keepalives_interval", "load_balance_hosts", "replication", "requirepeer",
    "requiressl", "scram_client_key", "scram_server_key", "sslcertmode", "sslcompression", "sslcrl",
    "sslcrldir", "sslkeylogfile", "tcp_user_timeout", "tty",
)  # fmt: skip
# Of Prisma, JDBC, lib/pq and node-postgres. The first three name a schema.
OF_OTHERS = (
    "schema", "currentschema", "current_schema", "applicationname", "binary_parameters", "connection_limit",
    "loginappname", "pgbouncer", "pool_timeout", "preparethreshold", "readonly", "socket_timeout", "sslaccept",
    "sslfactory", "sslidentity", "statement_cache_size", "targetservertype", "uselibpqcompat",
)  # fmt: skip
OTHER_DATABASES = re.compile(
    r"(cockroach(?:db)?|mysql|mariadb|sqlite3?|mssql|sqlserver|mongodb|oracle)(?=:)|memory$", re.I
)
FILES = ("sslrootcert", "sslcert", "sslkey", "passfile")
SETTING = re.compile(r"[A-Za-z_][A-Za-z0-9_$]*(\.[A-Za-z_][A-Za-z0-9_$]*)?")


@dataclass(frozen=True)
class Dsn:
    """``keywords`` as libpq takes them, files still by their names in the container. Both fields hold the password."""

    url: str = field(repr=False)
    keywords: Mapping[str, str] = field(repr=False)

    @property
    def hosts(self) -> tuple[str, ...]:
        """Names, addresses or socket directories, in the order in which the driver tries them."""
        return tuple(self.keywords["host"].split(","))

    @property
    def host(self) -> str:
        """All of them as one text."""
        return self.keywords["host"]

    @property
    def database(self) -> str:
        return self.keywords["dbname"]

    @property
    def user(self) -> str:
        return self.keywords["user"]

    @property
    def password(self) -> str:
        return self.keywords.get("password", "")

    @property
    def sslmode(self) -> str:
        """The DSN's own; both drivers mean prefer by none."""
        return self.keywords.get("sslmode", "prefer")


def plain(url: str) -> str:
    """Without what JDBC and SQLAlchemy write before or into the scheme; libpq takes the rest."""
    return ADDRESS.sub("postgresql://", url, count=1) if ADDRESS.match(url) else url


def parse(url: str, of: str = "", environment: Mapping[str, str] | None = None) -> Dsn:
    """``of`` names the service in messages, ``environment`` is the service's: pgx takes PGPORT and the like from it.

    Raises BluegreenError for what is no DSN, or one that can't be read.
    """
    whose = "the DSN of %s" % of if of else "the DSN"
    if not SCHEME.match(url):
        raise _no_postgresql(whose, url)
    if PSYCOPG2_MISSING:
        raise BluegreenError(NO_PSYCOPG2, fix=INSTALL)
    given, own = query(url), environment or {}
    _refuse(whose, given)
    shared = {key: value for key, value in given.items() if key in SHARED}
    try:
        found = dict(parse_dsn("%s?%s" % (_base(url), urlencode(shared, quote_via=quote))))
    except psycopg2.Error:
        # Without libpq's words: it quotes what it could not read. Nor as the cause: that would be printed too.
        raise _unreadable(whose, shared) from None
    _refuse(whose, [name[2:].lower() for name in own if name in ("PGSERVICE", "PGSERVICEFILE")])
    for key in OF_VARIABLES:
        name = "PGDATABASE" if key == "dbname" else "PG" + key.replace("_", "").upper()
        if own.get(name) and not found.get(key):
            found[key] = own[name]
    settings = {key: value for key, value in given.items() if key not in (*SHARED, *POOL, *PGX)}
    options = [found.pop("options", ""), *("-c %s=%s" % (key, _escaped(settings[key])) for key in sorted(settings))]
    if any(options):
        found["options"] = " ".join(option for option in options if option)
    _complete(whose, found)
    if "," in found["host"] and found.get("port"):
        found["port"] = _ports(found)
    return Dsn(url, found)


def _no_postgresql(whose: str, url: str) -> BluegreenError:
    other = OTHER_DATABASES.match(url.strip())
    if other is None:
        return BluegreenError("%s names no PostgreSQL database" % whose, fix=WRITE)
    return BluegreenError(
        "%s names no PostgreSQL database: it is one of %s" % (whose, other.group(0).lower()),
        fix="leave its service out of bluegreen_schema_targets: the collection migrates PostgreSQL only",
    )


def _ports(found: Mapping[str, str]) -> str:
    """One a host. pgx takes the first port for a host without one of its own, libpq takes 5432."""
    ports = [port for port in found["port"].split(",") if port] or ["5432"]
    count = found["host"].count(",") + 1
    return ",".join((ports + ports[:1] * count)[:count])


def query(url: str) -> dict[str, str]:
    """The parameters as pgx reads them: the first of a name counts, and dbname has a second name."""
    found: dict[str, str] = {}
    for key, value in parse_qsl(url.partition("#")[0].partition("?")[2], keep_blank_values=True):
        found.setdefault("dbname" if key == "database" else key, value)
    return found


def _base(url: str) -> str:
    """Without query and fragment. A bare @ in user or password is part of it for pgx, and ends it for libpq."""
    scheme, _sign, rest = url.partition("#")[0].partition("?")[0].partition("://")
    authority, slash, path = rest.partition("/")
    userinfo, at, hosts = authority.rpartition("@")
    return "%s://%s%s%s%s%s" % (scheme, userinfo.replace("@", "%40"), at, hosts, slash, path.lstrip("/"))


def _refuse(whose: str, given: Iterable[str]) -> None:
    for key in given:
        why, fix = "", "remove it from the DSN"
        if key in ELSEWHERE:
            why, fix = (
                "whose meaning lies outside of it",
                "write host, user, database and TLS files into the DSN itself",
            )
        elif key in LIBPQ:
            why = "which only libpq knows: the service's driver hands it to PostgreSQL, which refuses it"
        elif key.lower() in OF_OTHERS:
            why = "which belongs to another driver"
            fix = "name the schema by search_path=NAME" if key.lower() in OF_OTHERS[:3] else fix
        elif not SETTING.fullmatch(key):
            # Not quoted: after a bare ? in the password it is a part of that.
            raise BluegreenError("%s has a parameter with an invalid name" % whose, fix=WRITE)
        if why:
            raise BluegreenError("%s has the parameter %s, %s" % (whose, key, why), fix=fix)


def _unreadable(whose: str, shared: Mapping[str, str]) -> BluegreenError:
    for key in shared:
        try:
            parse_dsn("%s=x" % key)
        except psycopg2.Error:
            return BluegreenError(
                "%s has the parameter %s, which this host's libpq does not know" % (whose, key),
                fix="install a newer libpq5 (python3-psycopg2 uses it) on this host",
            )
    return BluegreenError("%s can't be read by libpq" % whose, fix=WRITE)


def _complete(whose: str, found: Mapping[str, str]) -> None:
    """What libpq would fill in by itself is another server's, or the name of the user that Ansible becomes."""
    for key, name in (("host", "host"), ("dbname", "PostgreSQL database"), ("user", "user")):
        if not found.get(key):
            raise BluegreenError("%s names no %s" % (whose, name), fix=WRITE)
    if not all(port.isdigit() or not port for port in found.get("port", "").split(",")):
        raise BluegreenError("%s has a port that is no number" % whose, fix=WRITE)


def _escaped(value: str) -> str:
    return re.sub(r"([\\\s])", r"\\\1", value)


def bounded(environment: Mapping[str, str], settings: Mapping[str, str]) -> dict[str, str]:
    """The variables of a program, with these settings in every PostgreSQL address among them and in libpq's own
    variable. As ``options``, which libpq, pgx, JDBC and the drivers of Python and Node all hand to the server.

    Tabs part them: Ory writes the query again with + for a blank, and pgx from 5.12 on reads that as a plus."""
    words = "\t".join("-c\t%s=%s" % (name, _escaped(value)) for name, value in settings.items())
    own, found = environment.get("PGOPTIONS", ""), dict(environment)
    for name, value in environment.items():
        if ADDRESS.match(value):
            base, _sign, text = value.partition("#")[0].partition("?")
            given = parse_qsl(text, keep_blank_values=True)
            # What stands there by its own name would win over ``options``.
            kept = [(key, one) for key, one in given if key not in ("options", *settings)]
            options = ("%s\t%s" % (dict(given).get("options", own), words)).strip()
            found[name] = "%s?%s" % (base, urlencode([*kept, ("options", options)], quote_via=quote))
    found["PGOPTIONS"] = ("%s\t%s" % (own, words)).strip()
    return found


def redact(text: str, dsn: Dsn) -> str:
    """``text`` without the DSN and its password, in whatever way either is written."""
    base, _sign, asked = dsn.url.partition("#")[0].partition("?")
    userinfo, at, _hosts = base.partition("://")[2].partition("/")[0].rpartition("@")
    written = [userinfo.partition(":")[2] if at else ""]
    written += [word.partition("=")[2] for word in asked.split("&") if word.startswith("password=")]
    word = dsn.password
    for secret in (dsn.url, *written, quote(word, safe=""), quote(word), quote_plus(word), word):
        if secret:
            text = text.replace(secret, "***")
    return text
