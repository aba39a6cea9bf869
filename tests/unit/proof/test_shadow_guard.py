# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Production in the guise of the shadow, in every way that an address can be written: each is refused."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from kit import majors
from kit.ports import free_port
from kit.shadow_native import SHADOW, Pair, Place

from ansible_collections.olympus.bluegreen.plugins.module_utils._core import dsn, postgres
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import Refused
from ansible_collections.olympus.bluegreen.plugins.module_utils._proof.shadow import guard


class Forwarder:
    """A pooler, seen from outside: a port of its own, and every byte of it goes on to another one."""

    def __init__(self, port: int) -> None:
        self._to = port
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listening.getsockname()[1])
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                client, _from = self._listening.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", self._to))
            for pair in ((client, server), (server, client)):
                threading.Thread(target=self._copy, args=pair, daemon=True).start()

    @staticmethod
    def _copy(one: socket.socket, other: socket.socket) -> None:
        try:
            while data := one.recv(65536):
                other.sendall(data)
            other.shutdown(socket.SHUT_WR)
        except OSError:
            other.close()

    def close(self) -> None:
        self._listening.close()


class World:
    def __init__(self, production: majors.Server, place: Place, files: Path) -> None:
        self.production, self.place = production, place
        self.forwarder, self.files = Forwarder(production.port), files
        # As after a restore of the one over the other: the name of our user and the marker are there too.
        production.query("postgres", "CREATE ROLE %s SUPERUSER LOGIN" % SHADOW)
        production.query("postgres", "COMMENT ON ROLE %s IS '%s'" % (SHADOW, self.place.guard.marker))
        production.query("postgres", "CREATE DATABASE other")
        with closing(production.db("postgres")) as db:
            self.seen = guard.identity(db)
        address = dsn.parse("postgres://lab@db.example.com:5432/postgres")
        self.known = guard.production(self.seen, address)

    def at(self, port: int, address: str = "127.0.0.1") -> guard.Guard:
        """A guard that takes what answers there for the shadow."""
        return guard.Guard(SHADOW, self.place.guard.marker, address, port, [self.known])

    def connect(self, **given: Any) -> postgres.Db:
        keywords = {"user": SHADOW, "dbname": "postgres", "port": self.production.port, "connect_timeout": 5, **given}
        connection = psycopg2.connect(**keywords)
        connection.autocommit = True
        return postgres.PsycopgDb(connection)


@pytest.fixture(scope="module")
def world(pair: Pair, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = World(pair.production, pair.place, tmp_path_factory.mktemp("files"))
    yield made
    made.forwarder.close()


def of_hosts_file() -> str:
    """A name that this machine's own hosts file gives to its loopback."""
    for line in Path("/etc/hosts").read_text().splitlines():
        address, *names = line.partition("#")[0].split() or [""]
        if address.startswith("127.0.0.") or address == "::1":
            for name in names:
                if name != "localhost":
                    return name
    pytest.skip("no other name of the loopback in /etc/hosts")


def ipv6() -> str:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("this machine has no ::1")
    return "::1"


def by_service_file(world: World, monkeypatch: pytest.MonkeyPatch) -> postgres.Db:
    path = world.files / "pg_service.conf"
    path.write_text(
        "[rehearsal]\nhost=127.0.0.1\nport=%d\ndbname=postgres\nuser=%s\n" % (world.production.port, SHADOW)
    )
    monkeypatch.setenv("PGSERVICEFILE", str(path))
    connection = psycopg2.connect("service=rehearsal")
    connection.autocommit = True
    return postgres.PsycopgDb(connection)


def by_url(world: World, host: str) -> postgres.Db:
    return world.connect(dsn="postgres://%s@%s:%d/postgres" % (SHADOW, host, world.production.port))


DISGUISES: dict[str, Callable[[World], postgres.Db]] = {
    "its own address": lambda it: it.connect(host="127.0.0.1"),
    "localhost": lambda it: it.connect(host="localhost"),
    "in capitals": lambda it: it.connect(host="LOCALHOST"),
    "IPv6": lambda it: it.connect(host=ipv6()),
    "IPv4 within IPv6": lambda it: it.connect(host="::ffff:127.0.0.1"),
    "another address of it": lambda it: it.connect(host="127.0.0.2"),
    "the short form": lambda it: it.connect(host="127.1"),
    "as one number": lambda it: it.connect(host="2130706433"),
    "in hexadecimal": lambda it: it.connect(host="0x7f000001"),
    "percent-encoded": lambda it: by_url(it, "127%2E0%2E0%2E1"),
    "percent-encoded socket": lambda it: by_url(it, it.production.home.replace("/", "%2F")),
    "a unix socket": lambda it: it.connect(host=it.production.home),
    "hostaddr under another name": lambda it: it.connect(host="shadow.invalid", hostaddr="127.0.0.1"),
    "a name of the hosts file": lambda it: it.connect(host=of_hosts_file()),
    "the second of two hosts": lambda it: it.connect(
        host="127.0.0.1,127.0.0.1", port="%d,%d" % (free_port(), it.production.port)
    ),
    "a pooler": lambda it: it.connect(host="127.0.0.1", port=it.forwarder.port),
    "another database of it": lambda it: it.connect(host="127.0.0.1", dbname="other"),
}


@pytest.mark.parametrize("disguise", DISGUISES)
def test_production_is_refused_in_every_disguise(world: World, disguise: str) -> None:
    """Even where it has our user and our marker, and sits where the shadow should."""
    with closing(DISGUISES[disguise](world)) as db:
        seen = guard.identity(db)
        with pytest.raises(Refused, match="production's system identifier"):
            world.at(seen.port, seen.address).check(db)
        with pytest.raises(Refused, match="listens elsewhere"):
            world.place.guard.check(db)


def test_production_is_refused_by_a_service_file(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(by_service_file(world, monkeypatch)) as db, pytest.raises(Refused, match="production's system"):
        world.at(world.production.port).check(db)


def test_where_the_system_identifier_may_not_be_read_the_moment_of_its_start_tells(world: World) -> None:
    world.production.query("postgres", "CREATE ROLE plain LOGIN")
    world.production.query("postgres", "REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC")
    with closing(world.connect(host="127.0.0.1", user="plain")) as db:
        assert guard.identity(db).system == ""
        with pytest.raises(Refused, match="same microsecond"):
            world.at(world.production.port).check(db)


@pytest.mark.parametrize("lacks", ["user", "marker", "address"])
def test_without_one_of_its_own_marks_no_server_is_the_shadow(world: World, lacks: str) -> None:
    mine = world.place.guard
    given = {"user": mine.user, "marker": mine.marker, "address": mine.address}
    given[lacks] = {"user": "lab", "marker": "another", "address": "127.0.0.9"}[lacks]
    with closing(world.place.open("postgres")) as db, pytest.raises(Refused):
        guard.Guard(given["user"], given["marker"], given["address"], mine.port, [world.known]).check(db)


def test_the_shadow_itself_passes_in_every_database(world: World) -> None:
    world.place.guard.forbid(world.known)
    with closing(world.place.open("postgres")) as db:
        world.place.guard.check(db)
        db.query("CREATE DATABASE clone")
    with closing(world.place.open("clone")) as db:
        world.place.guard.check(db)


@pytest.mark.parametrize("host", ["10.9.0.4", "DB.example.com.,10.9.0.4", "[10.9.0.4]"])
def test_an_address_of_production_s_dsn_is_no_place_for_the_shadow(world: World, host: str) -> None:
    known = guard.production(world.seen, dsn.parse("postgres://lab@%s:5432/postgres" % host))
    with pytest.raises(Refused, match="that of production"):
        guard.Guard(SHADOW, "m", "10.9.0.4").forbid(known)
