# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Our own sessions in a real PostgreSQL with TLS: the DSN's proof of who answers, and its server, user and schema."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from kit.ports import free_port
from kit.postgres_tls import INSIDE, PASSWORD, PROJECT, Server, nobody, reload, serving

from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.singletons import stop
from ansible_collections.olympus.bluegreen.plugins.module_utils._core import dsn
from ansible_collections.olympus.bluegreen.plugins.module_utils._core import podman as core
from ansible_collections.olympus.bluegreen.plugins.module_utils._core import postgres as database
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.clock import SystemClock
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import BluegreenError
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.podman import Podman
from ansible_collections.olympus.bluegreen.plugins.module_utils._preflight import look_database
from ansible_collections.olympus.bluegreen.plugins.module_utils._preflight.model import PreflightInputs
from ansible_collections.olympus.bluegreen.plugins.module_utils._schema import any_migrator, db_session, migrate
from ansible_collections.olympus.bluegreen.plugins.module_utils._schema import service as release
from ansible_collections.olympus.bluegreen.plugins.module_utils._schema.service_files import View

USES_TLS = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("tls")) as found:
        yield found


def test_the_ca_is_found_through_the_mount_and_the_name_of_the_dsn_is_proven(server: Server) -> None:
    full = server.url(sslmode="verify-full", sslrootcert=INSIDE)
    assert server.asked(full, USES_TLS) is True
    assert server.asked(server.url(sslmode="verify-full", sslrootcert="pg-ca.crt"), USES_TLS) is True


@pytest.mark.parametrize("mode", ["require", "verify-ca", "verify-full"])
def test_a_wrong_ca_is_refused_in_one_sentence(server: Server, mode: str) -> None:
    said = server.refused(server.url(sslmode=mode, sslrootcert=INSIDE), server.view("stranger.crt"))
    assert said == (
        "ciam-kratos: can't connect to database kratos: PostgreSQL's certificate is not signed by the CA of the DSN."
        " Fix: let sslrootcert of the DSN (/etc/ssl/certs/pg-ca.crt in ciam-kratos) be the CA that signed the"
        " certificate that PostgreSQL shows"
    )


def kratos(server: Server, ca: str) -> dict[str, Any]:
    """The container of a Kratos, whose CA is a single file of this host bound into it."""
    url = server.url(sslmode="verify-full", sslrootcert=INSIDE)
    return {
        "Name": "prod_ciam-kratos_1",
        "State": {"Pid": os.getpid()},
        "Config": {"Env": ["DSN=" + url], "Labels": {**PROJECT, core.COMPOSE_SERVICE: "ciam-kratos"}},
        "Mounts": [{"Source": str(server.files / ca), "Destination": INSIDE}],
    }


def by_a_courier(server: Server, ca: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = SimpleNamespace(containers=lambda labels: [server.container("postgres")] if labels == PROJECT else [])
    context: Any = SimpleNamespace(podman=asked, wanted=SimpleNamespace(project="prod"))
    monkeypatch.setattr(db_session, "open_session", partial(db_session.open_session, enter=nobody))
    stop.open_mails(context, kratos(server, ca)).close()


def by_a_migration(server: Server, ca: str, _monkeypatch: pytest.MonkeyPatch) -> None:
    url = server.url(sslmode="verify-full", sslrootcert=INSIDE)
    service = release.Service("ciam-kratos", "i", {"DSN": url}, volumes=("%s:%s:ro" % (server.files / ca, INSIDE),))
    asked: Any = SimpleNamespace(one=lambda _kind, _name: server.container("postgres"))
    target = any_migrator.Target("ciam", "kratos", "ciam-kratos", "kratos")
    wanted = migrate.MigrationRequest("olympus", "/none", target, "/none", "net", database_container="prod_postgres_1")
    migrate.open_database(wanted, migrate.World(asked, SystemClock(), enter=nobody), service).close()


def by_preflight(server: Server, ca: str, _monkeypatch: pytest.MonkeyPatch) -> None:
    targets = ({"name": "ciam", "service": "ciam-kratos", "database": "kratos"},)
    wanted = PreflightInputs(project="prod", services={"ciam-kratos": {"kind": "kratos"}}, schema_targets=targets)
    postgres = {**server.container("postgres"), "Config": {"Labels": PROJECT}}
    unasked: Any = None
    seen = look_database.database(Podman(unasked), [postgres, kratos(server, ca)], wanted, nobody)
    assert (seen["host"], seen["user"], seen["sslmode"]) == ("postgres", "k", "verify-full")


@pytest.mark.parametrize("by", [by_a_courier, by_a_migration, by_preflight])
def test_every_way_of_ours_into_a_database_verifies_its_certificate(
    server: Server, monkeypatch: pytest.MonkeyPatch, by: Any
) -> None:
    by(server, "ca.crt", monkeypatch)
    with pytest.raises(BluegreenError, match=r"^ciam-kratos: .* is not signed by the CA of the DSN\. Fix: let"):
        by(server, "stranger.crt", monkeypatch)


def test_another_name_is_refused(server: Server) -> None:
    said = server.refused(server.url(host="db", sslmode="verify-full", sslrootcert=INSIDE), None, "db")
    assert "PostgreSQL's certificate is for postgres, and the DSN names the host db" in said


def test_a_ca_that_is_nowhere_is_named(server: Server) -> None:
    said = server.refused(server.url(sslmode="verify-full", sslrootcert="/run/ca.crt"))
    assert said.startswith("service ciam-kratos has no sslrootcert file /run/ca.crt (")


def test_a_ca_that_lies_in_the_image_is_copied_for_the_connection_alone(server: Server) -> None:
    copies: list[str] = []

    def copy(path: str, to: str) -> str:
        copies.extend([path, to])
        shutil.copy(server.files / "ca.crt", to)
        return ""

    view = View("ciam-kratos", copy=copy)
    assert server.asked(server.url(sslmode="verify-full", sslrootcert="/ca.crt"), USES_TLS, view) is True
    assert copies[0] == "/ca.crt" and not os.path.exists(os.path.dirname(copies[1]))


def test_without_a_ca_of_its_own_the_services_system_decides(server: Server) -> None:
    """As pgx does. A file in the home directory of the user that Ansible becomes, as libpq does, is another one's."""
    url = server.url(sslmode="verify-full")
    trusting = server.view(environment={"SSL_CERT_FILE": INSIDE})
    assert server.asked(url, USES_TLS, trusting) is True
    assert "not signed by the CA" in server.refused(
        url, server.view("stranger.crt", environment={"SSL_CERT_FILE": INSIDE})
    )
    assert "has no system's authorities" in server.refused(url)


@pytest.mark.parametrize(("libpq", "file"), [(150003, "authorities"), (160001, "")])
def test_the_word_system_is_kept_where_libpq_knows_it(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, libpq: int, file: str
) -> None:
    """An older libpq takes it for a file's name; there it is what pgx means by it in the service."""
    monkeypatch.setattr(database, "libpq_version", lambda: libpq)
    address = dsn.parse(server.url(sslmode="verify-full", sslrootcert="system"))
    view = server.view(environment={"SSL_CERT_FILE": INSIDE})
    keywords = db_session.files(address, view, str(tmp_path))
    assert keywords == {"sslrootcert": str(tmp_path / file) if file else "system"}


def test_a_clients_own_certificate(server: Server) -> None:
    """Its key may be readable for the container's user by any mode: libpq gets a copy that only we can read."""
    keys = tuple(
        {"Source": str(server.files / ("bearer" + end)), "Destination": "/run/bearer" + end} for end in (".crt", ".key")
    )
    (server.files / "bearer.key").chmod(0o644)
    view = server.view()
    both = View("ciam-kratos", (*view.mounts, *keys))
    proof = {"sslcert": "/run/bearer.crt", "sslkey": "/run/bearer.key"}
    url = server.url("bearer", sslmode="verify-full", sslrootcert=INSIDE, **proof)
    assert server.asked(url, "SELECT current_user", both) == "bearer"


@pytest.mark.parametrize("mode", ["", "prefer"])
def test_prefer_stays_with_tls_whatever_ca_is_named(server: Server, mode: str) -> None:
    """pgx verifies nothing then; libpq would take the CA, and go on in clear text where it does not fit."""
    parameters = {"sslmode": mode} if mode else {}
    url = server.url("plain", **parameters, sslrootcert=INSIDE)
    assert server.asked(url, USES_TLS, server.view("stranger.crt")) is True


@pytest.mark.parametrize("mode", ["require", "verify-full"])
def test_no_session_without_the_tls_that_the_dsn_demands(server: Server, mode: str) -> None:
    reload(server.postgres, "off")
    try:
        said = server.refused(server.url("plain", sslmode=mode, sslrootcert=INSIDE))
        assert "PostgreSQL has TLS switched off, and the sslmode of the DSN demands it. Fix: switch ssl on" in said
    finally:
        reload(server.postgres, "on")


def test_the_environment_of_the_user_that_ansible_becomes_says_nothing(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"PGSSLMODE": "disable", "PGHOSTADDR": "192.0.2.1", "PGOPTIONS": "-c search_path=x"}.items():
        monkeypatch.setenv(name, value)
    assert server.asked(server.url("plain"), USES_TLS) is True
    assert server.asked(server.url("plain"), "SHOW search_path") == '"$user", public'


def test_run_time_parameters_hold_and_pool_keys_do_not_disturb(server: Server) -> None:
    more = {"max_conns": "20", "max_conn_lifetime": "1h", "default_query_exec_mode": "exec", "lock_timeout": "1500"}
    url = server.url("plain", **more, search_path="a%2C+b", options="-c%20work_mem%3D5MB")
    assert server.asked(url, "SHOW search_path") == "a, b"
    assert server.asked(url, "SHOW lock_timeout") == "1500ms" and server.asked(url, "SHOW work_mem") == "5MB"


def test_a_parameter_that_nobody_knows_is_refused_by_name(server: Server) -> None:
    said = server.refused(server.url("plain", serch_path="a"))
    assert "the DSN has the parameter serch_path, which neither PostgreSQL nor its drivers know. Fix: remove it" in said
    said = server.refused(server.url("plain", ssl="on"))
    assert "the DSN has the parameter ssl, which PostgreSQL lets no session set" in said


def test_several_hosts_are_tried_in_order(server: Server) -> None:
    port = server.postgres.port
    url = "postgres://plain@127.0.0.2:%d,postgres:%d/kratos?target_session_attrs=read-write" % (
        free_port(),
        port,
    )
    assert server.asked(url, "SELECT current_database()") == "kratos"


def test_host_user_and_password_of_the_query_win(server: Server) -> None:
    query = "host=postgres&user=k&password=%s&sslmode=verify-full&sslrootcert=%s" % (PASSWORD, INSIDE)
    assert server.asked("postgres://nobody:wrong@192.0.2.1:%d/kratos?%s" % (server.postgres.port, query), USES_TLS)
