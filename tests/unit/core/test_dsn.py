# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pure: DSNs as libpq reads them, the way to their server, and the files that they name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, quote_plus, urlencode, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.olympus.bluegreen.plugins.module_utils._core import dsn, postgres
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import BluegreenError
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.podman import Podman
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.runner import Result
from ansible_collections.olympus.bluegreen.plugins.module_utils._schema import (
    db_session,
    service_files,
)
from ansible_collections.olympus.bluegreen.plugins.module_utils._schema import (
    service as release,
)

URL = (
    "postgres://ory:p%40ss%2Fw@postgres:6432/ciam"
    "?sslmode=verify-full&sslrootcert=/etc/ssl/ca.crt&max_conns=20&lock_timeout=9"
)


def test_dsn_for_libpq() -> None:
    parsed = dsn.parse(URL)
    assert dict(parsed.keywords) == {
        "host": "postgres",
        "port": "6432",
        "dbname": "ciam",
        "user": "ory",
        "password": "p@ss/w",
        "sslmode": "verify-full",
        "sslrootcert": "/etc/ssl/ca.crt",
        "options": "-c lock_timeout=9",
    }
    assert "p@ss" not in repr(parsed) and "p%40" not in repr(parsed)


# inputs/dsn_forms, and what pgx reads otherwise than libpq does: a bare @, a plus, a name given twice.
FORMS = [
    (
        "postgres://k:pw@pg1:5432,pg2:5432/kratos?target_session_attrs=read-write",
        {"host": "pg1,pg2", "port": "5432,5432", "target_session_attrs": "read-write", "password": "pw", "user": "k"},
    ),
    ("postgres://k:pw@/kratos?host=/var/run/postgresql", {"host": "/var/run/postgresql", "user": "k"}),
    ("postgres://k:pw@localhost/kratos?host=/cloudsql/project:region:db", {"host": "/cloudsql/project:region:db"}),
    ("postgres://db:5432/kratos?user=k&password=pw", {"host": "db", "user": "k", "password": "pw"}),
    ("postgres://k:p@ss@db/kratos", {"host": "db", "password": "p@ss"}),
    ("postgres://k@db/kratos?password=p%2Bss", {"password": "p+ss"}),
    ("postgres://k@db/kratos?options=-c+search_path%3Da", {"options": "-c search_path=a"}),
    ("postgres://k@db/kratos?search_path=a,%20b%5C&options=-csearch_path=z", {
        "options": "-csearch_path=z -c search_path=a,\\ b\\\\"
    }),
    ("postgres://k@db/?database=kratos", {"dbname": "kratos"}),
    ("postgres://k@db/kratos?port=1&port=2", {"port": "1"}),
    ("postgresql://k@[fd00::1]:1/kratos", {"host": "fd00::1", "port": "1"}),
    ("postgres://k@db/kratos?sslmode=disable#x", {"sslmode": "disable"}),
    # pgx takes the first port for a host without one; libpq would ask another server at 5432.
    ("postgres://k@pg1,pg2:6432/kratos", {"host": "pg1,pg2", "port": "6432,6432"}),
    ("postgres://k@pg1:1,pg2:2,[::1]:3/kratos", {"host": "pg1,pg2,::1", "port": "1,2,3"}),
    ("postgres://k@pg1,pg2/kratos?port=7", {"port": "7,7"}),
    ("postgres://k@db/kratos", {"port": None}),
    ("postgres://k@db/kratos?timezone=UTC&statement_timeout=5s&application_name=x&pool_max_conns=4&max_conns=5"
     "&default_query_exec_mode=exec&statement_cache_capacity=0&description_cache_capacity=0",
     {"options": "-c statement_timeout=5s -c timezone=UTC", "application_name": "x", "pool_max_conns": None}),
    ("postgres://k@db/kratos?sslmode=verify-ca&sslcert=/c&sslkey=/k&sslrootcert=/ca", {
        "sslcert": "/c", "sslkey": "/k", "sslrootcert": "/ca", "sslmode": "verify-ca"
    }),
]  # fmt: skip


@pytest.mark.parametrize(("url", "expected"), FORMS)
def test_forms_of_a_dsn(url: str, expected: dict[str, str]) -> None:
    found = dsn.parse(url).keywords
    assert {key: found.get(key) for key in expected} == expected
    assert found["dbname"] == "kratos"


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("postgres://k:canary@/kratos", "the DSN of svc names no host"),
        ("postgres://k:canary@db", "names no PostgreSQL database"),
        ("postgres://db/kratos?password=canary", "names no user"),
        ("postgres://k:can?ary@db/kratos", "a parameter with an invalid name"),
        ("postgres://k:can/ary@db/kratos", "names no user"),
        ("postgres://k:can/ary?user=k", "port that is no number"),
        ("postgres://k:canary%zz@db/kratos", "can't be read by libpq"),
        ("postgres://k:canary@db/kratos?service=x", "parameter service, whose meaning lies outside of it"),
        ("postgres://k:canary@db/kratos?a b=x", "a parameter with an invalid name"),
        ("host=db user=k password=canary", "names no PostgreSQL database"),
    ],
)
def test_a_dsn_that_leads_nowhere_is_refused_without_its_password(url: str, said: str) -> None:
    with pytest.raises(BluegreenError) as caught:
        dsn.parse(url, "svc")
    text = str(caught.value)
    assert said in text and "Fix: write" in text and "can" not in text.replace("can't", "")
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("postgres://k:canary@db/d?hostaddr=10.0.0.1", "the parameter hostaddr, which only libpq knows"),
        ("postgres://k:canary@db/d?gssencmode=disable", "the parameter gssencmode, which only libpq knows"),
        ("postgres://k:canary@db/d?schema=hydra", "schema, which belongs to another driver. Fix: name the schema by"),
        ("postgres://k:canary@db/d?currentSchema=hydra", "Fix: name the schema by search_path=NAME"),
        ("postgres://k:canary@db/d?pgbouncer=true", "the parameter pgbouncer, which belongs to another driver"),
        ("mysql://k:canary@tcp(db:3306)/d", "it is one of mysql. Fix: leave its service out"),
        ("cockroach://k:canary@db:26257/d", "it is one of cockroach"),
        ("sqlite:///canary.db", "it is one of sqlite"),
        ("memory", "it is one of memory"),
        ("canary://k@db/d", "names no PostgreSQL database. Fix: write it as"),
    ],
)
def test_the_rest_is_refused_by_its_name(url: str, said: str) -> None:
    with pytest.raises(BluegreenError) as caught:
        dsn.parse(url, "svc")
    assert said in str(caught.value) and "canary" not in str(caught.value)


def test_the_service_s_own_variables_fill_in_what_the_dsn_leaves_out() -> None:
    """As pgx does: without them our session would ask another server than the service."""
    own = {"PGPORT": "6432", "PGSSLMODE": "require", "PGUSER": "other", "PGPASSWORD": "canary", "PGDATA": "/x"}
    found = dsn.parse("postgres://k@db/kratos", "svc", own)
    assert (found.keywords["port"], found.sslmode, found.user, found.password) == ("6432", "require", "k", "canary")
    assert dsn.parse("postgres:///kratos", "svc", {"PGHOST": "/run/pg", "PGUSER": "k"}).hosts == ("/run/pg",)
    with pytest.raises(BluegreenError, match="parameter service, whose meaning lies outside"):
        dsn.parse("postgres://k@db/kratos", "svc", {"PGSERVICE": "x"})
    service = release.parse(
        {"services": {"svc": {"image": "i", "environment": {**own, "DSN": "postgres://k@db/d"}}}}, "svc"
    )
    assert service.dsn.keywords["port"] == "6432"


# A word that no message has, with everything that means something in a URL around it.
SIGNS = "@:/?#%&=+ '\"\\[]{}$"
PASSWORDS = st.tuples(st.text(max_size=4), st.text(SIGNS, max_size=4)).map(lambda two: "%scanary%s" % two)
PLACES = (
    "postgres://k:%s@db/d",
    "postgres://%s@db/d",
    "postgres://db/d?user=k&password=%s",
    "postgres://k@db/d?password=%s",
    "postgres://k:%s@db/d?service=x",
    "postgres://k:%s@[::1/d",
    "postgres://k:%s@db:x/d",
    "mysql://k:%s@db/d",
)


@given(PASSWORDS, st.sampled_from(PLACES), st.sampled_from([str, quote, quote_plus, lambda word: quote(word, safe="")]))
def test_no_message_and_no_repr_holds_the_password(password: str, place: str, written: Callable[[str], str]) -> None:
    url = place % written(password)
    try:
        found = dsn.parse(url, "svc")
    except BluegreenError as exc:
        assert "canary" not in "%s %r %s" % (exc, exc, exc.fix)
        return
    assert "canary" not in repr(found)
    if found.password:
        # A password in the wrong place is a user's name to everybody: PostgreSQL itself says it.
        said = 'can\'t connect with "%s", %s, %s' % (url, found.password, quote(found.password, safe=""))
        assert "canary" not in dsn.redact(said, found)
        with pytest.raises(BluegreenError) as caught:
            db_session.open_session(found, "test", service_files.View("svc"), (), lambda *_: refuse(said))
        assert "canary" not in str(caught.value)


def refuse(said: str) -> postgres.Db:
    raise BluegreenError(said)


@given(
    user=st.text(min_size=1),
    password=st.text(min_size=1),
    settings=st.dictionaries(st.from_regex(r"x[a-z_]{0,8}", fullmatch=True), st.text(), max_size=3),
)
def test_whatever_is_written_comes_back(user: str, password: str, settings: dict[str, str]) -> None:
    given_ = {key: value.replace("\0", "") for key, value in settings.items()}
    user, password = user.replace("\0", "0"), password.replace("\0", "0")
    url = "postgres://%s:%s@db/kratos?%s" % (quote(user, safe=""), quote(password, safe=""), urlencode(given_))
    found = dsn.parse(url)
    assert (found.user, found.password, found.host) == (user, password, "db")
    assert ("options" in found.keywords) == bool(given_)
    assert dsn.parse(bounded(found, lock_timeout="1")).password == password


def bounded(found: dsn.Dsn, **settings: str) -> str:
    return dsn.bounded({"DSN": found.url}, settings)["DSN"]


def server(name: str, ip: str = "10.9.0.2", pid: int = 7, aliases: tuple[str, ...] = ()) -> dict[str, Any]:
    member = {"IPAddress": ip, "Aliases": list(aliases)}
    return {"Name": name, "State": {"Pid": pid}, "NetworkSettings": {"Networks": {"prod": member}}}


WAYS = [
    ("pg", [server("prod_pg_1", aliases=("pg",))], (), db_session.Way(7, "10.9.0.2")),
    ("PG.", [server("pg")], (), db_session.Way(7, "10.9.0.2")),
    ("10.9.0.2", [server("pg")], (), db_session.Way(7, "10.9.0.2")),
    # Another server is never asked: the database container is entered only where the DSN names it.
    ("rds.example", [server("pg")], (), db_session.Way()),
    ("rds.example", [server("pg")], ("rds.example:10.1.1.1",), db_session.Way(0, "10.1.1.1")),
    # A colour knows it by an address of ours, which this host has no route to.
    ("rds.example", [server("pg")], ("rds.example:10.9.0.2",), db_session.Way(7, "10.9.0.2")),
    ("rds.example", [], ("rds.example:host-gateway",), db_session.Way()),
    ("pg1,elsewhere,pg2", [server("pg2", "10.9.0.3", 8), server("pg1")], (), db_session.Way(7, "10.9.0.2,,10.9.0.3")),
    ("pg", [{"Name": "pg", "State": {"Pid": 7}}], (), db_session.Way(7, "127.0.0.1")),
]


@pytest.mark.parametrize(("hosts", "servers", "extra", "expected"), WAYS)
def test_the_way_to_a_server(hosts: str, servers: list[Any], extra: tuple[str, ...], expected: db_session.Way) -> None:
    view = service_files.View("svc", extra_hosts=extra)
    assert db_session.way(dsn.parse("postgres://k@%s/d" % hosts), servers, view) == expected


def test_a_socket_is_reached_through_its_mount_or_refused() -> None:
    address = dsn.parse("postgres://k@/d?host=/var/run/postgresql")
    view = service_files.View("svc", ({"Source": "/srv/run", "Destination": "/var/run/postgresql"},))
    assert db_session.way(address, [], view) == db_session.Way(host="/srv/run")
    with pytest.raises(BluegreenError, match="leads to a socket in /var/run/postgresql, which is no mount of it"):
        db_session.way(address, [], service_files.View("svc"))


def test_a_server_that_does_not_run_is_said() -> None:
    with pytest.raises(BluegreenError, match="container pg does not run"):
        db_session.way(dsn.parse("postgres://k@pg/d"), [server("pg", pid=0)], service_files.View("svc"))


class Copying:
    """Podman that makes a container, copies out of it and takes it away."""

    def __init__(self, text: str) -> None:
        self.text, self.seen = text, list[Sequence[str]]()

    def run(self, argv: Sequence[str], **_more: Any) -> Result:
        self.seen.append(argv)
        if argv[1] == "cp":
            Path(argv[3]).write_text(self.text)
        return Result(0, "[]" if "inspect" in argv else "", "")


def test_a_ca_that_only_the_new_image_has_comes_from_a_container_that_is_never_started(tmp_path: Path) -> None:
    runner = Copying("a certificate")
    service = release.Service("svc", "image:1", {}, volumes=("certs:/certs", "/srv/x:/x:ro"), working_dir="/certs")
    view = service_files.of_release(Podman(runner), service, {"l": "olympus"})
    assert view.on_host("/x/ca.crt") == "/srv/x/ca.crt" and view.on_host("ca.crt") == ""
    view.read("ca.crt", str(tmp_path / "copy"), "sslrootcert file")
    assert (tmp_path / "copy").read_text() == "a certificate" and (tmp_path / "copy").stat().st_mode & 0o777 == 0o600
    verbs = [argv[1] for argv in runner.seen if argv[1] in ("create", "cp", "rm", "start", "run")]
    assert verbs == ["create", "cp", "rm"]
    assert next(argv for argv in runner.seen if argv[1] == "cp")[2] == "olympus-files:/certs/ca.crt"
    assert "certs:/certs" in next(argv for argv in runner.seen if argv[1] == "create")


def test_lock_timeout_is_set_for_the_one_shot_alone() -> None:
    changed = bounded(dsn.parse(URL), lock_timeout="2000", application_name="olympus-bluegreen")
    query = parse_qs(urlsplit(changed).query)
    options = "-c\tlock_timeout=2000\t-c\tapplication_name=olympus-bluegreen"
    assert query["options"] == [options] and query["max_conns"] == ["20"]
    assert changed.startswith(URL.partition("?")[0])


def test_redaction() -> None:
    parsed = dsn.parse(URL)
    assert dsn.redact("a %s b p@ss/w c p%%40ss%%2Fw" % URL, parsed) == "a *** b *** c ***"
    lower = dsn.parse(URL.replace("%2F", "%2f"))
    assert dsn.redact(bounded(lower, lock_timeout="1"), lower).startswith("postgres://ory:***@postgres")


def test_what_this_hosts_libpq_does_not_know_is_named_and_never_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    """A demand such as require_auth, of a newer libpq: without it the proof would be a weaker one."""
    monkeypatch.setattr(dsn, "SHARED", (*dsn.SHARED, "sslwhatever"))
    with pytest.raises(BluegreenError, match="parameter sslwhatever, which this host's libpq does not know"):
        dsn.parse("postgres://k@db/kratos?sslwhatever=1")


@pytest.mark.parametrize("url", ["", "mysql://a@b/c", "postgres://a@b", "postgres://a@b:x/c", "memory"])
def test_other_databases_are_refused(url: str) -> None:
    with pytest.raises(BluegreenError, match="DSN"):
        dsn.parse(url)
