# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Production's schema taken along and made again elsewhere, on two real servers: what comes along and what does not."""

from __future__ import annotations

import itertools
import re
import threading
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from kit import majors
from kit.shadow_native import CLIENTS, Native, Pair, Place, have_clients, program

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import BluegreenError
from ansible_collections.olympus.bluegreen.plugins.module_utils._proof.shadow import properties
from ansible_collections.olympus.bluegreen.plugins.module_utils._proof.shadow.export import export
from ansible_collections.olympus.bluegreen.plugins.module_utils._proof.shadow.exported import Export
from ansible_collections.olympus.bluegreen.plugins.module_utils._proof.shadow.restore import prepare, without_rows

pytestmark = pytest.mark.skipif(not have_clients(), reason="no pg_dump in %s" % CLIENTS)
ROLES = """
CREATE ROLE app LOGIN; CREATE ROLE "a group" NOLOGIN; GRANT "a group" TO app; CREATE ROLE reader LOGIN;
ALTER ROLE app SET statement_timeout TO '5min'; ALTER ROLE app PASSWORD 'of-production-alone'
"""
SCHEMA = """
CREATE SCHEMA extra AUTHORIZATION app;
SET ROLE app;
CREATE TABLE extra.schema_migration (version varchar(48) PRIMARY KEY);
INSERT INTO extra.schema_migration SELECT generate_series(1, 700)::text;
CREATE TABLE extra."done by us" (at text);
INSERT INTO extra."done by us" SELECT generate_series(1, 600)::text;
CREATE TABLE extra.networks (id int PRIMARY KEY);
INSERT INTO extra.networks VALUES (1), (2);
CREATE TABLE extra.people (id serial PRIMARY KEY, net int REFERENCES extra.networks, mail text UNIQUE);
INSERT INTO extra.people (net, mail) SELECT 1, 'person-' || n || '@example.com' FROM generate_series(1, 900) n;
CREATE TABLE extra.devices (id int PRIMARY KEY, person int REFERENCES extra.people);
INSERT INTO extra.devices SELECT n, n * 450 FROM generate_series(1, 2) n;
CREATE TABLE extra.secrets (id int PRIMARY KEY);
GRANT USAGE ON SCHEMA extra TO reader;
GRANT SELECT ON extra.people TO reader;
CREATE VIEW extra.mails AS SELECT mail FROM extra.people;
"""


class World:
    def __init__(self, production: majors.Server, place: Place, files: Path) -> None:
        self.production, self.shadow, self.place = production, place.server, place
        self._files, self._count = files, itertools.count()
        for statement in ROLES.split(";"):
            production.query("postgres", statement)

    def database(self, *more: str) -> str:
        name = "shop_%d" % next(self._count)
        for statement in ("CREATE DATABASE %s OWNER app", *more):
            self.production.query("postgres", statement % name)
        self.production.query(name, SCHEMA)
        return name

    def exported(self, name: str, data: str = "lookup", user: str = "app", **given: Any) -> Export:
        return export(Native(self.production, name, user), str(self._files / str(next(self._count))), data, **given)

    def prepared(self, exported: Export) -> str:
        """The template; of an earlier test's there is none left."""
        self.shadow.query("postgres", "DROP DATABASE IF EXISTS template_0")
        templates, why = prepare(self.place, {"shop": exported})
        assert why == {}
        return templates["shop"]

    def refused(self, exported: Export) -> str:
        self.shadow.query("postgres", "DROP DATABASE IF EXISTS template_0")
        templates, why = prepare(self.place, {"shop": exported})
        assert templates == {}
        return why["shop"]

    def counts(self) -> dict[str, int]:
        names = ("schema_migration", '"done by us"', "networks", "people", "devices")
        return {
            name: int(self.shadow.query("template_0", "SELECT count(*) FROM extra.%s" % name)[0][0]) for name in names
        }

    def backup(self, name: str, *how: str) -> str:
        path = self._files / ("backup-%d" % next(self._count))
        ended = program(["pg_dump", "-f", str(path), *how], self.production.where(name), str(self._files))
        assert ended.rc == 0, ended.log
        return str(path)


@pytest.fixture(scope="module")
def world(pair: Pair, tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(pair.production, pair.place, tmp_path_factory.mktemp("files"))


@pytest.fixture(scope="module")
def shop(world: World) -> str:
    """A database that no test changes."""
    return world.database()


@pytest.mark.parametrize(
    "data, migrations, people, devices", [("lookup", 700, 0, 0), ("schema", 700, 0, 0), ("sample", 700, 500, 1)]
)
def test_what_comes_along(world: World, shop: str, data: str, migrations: int, people: int, devices: int) -> None:
    """A sample's devices whose person is not in it are taken away."""
    exported = world.exported(shop, data)
    world.prepared(exported)
    other = 0 if data == "schema" else 2
    sampled = 500 if data == "sample" else 0
    assert world.counts() == {
        "schema_migration": migrations,
        '"done by us"': sampled,
        "networks": other,
        "people": people,
        "devices": devices,
    }
    # The sequence goes on where production's is.
    assert world.shadow.query("template_0", "SELECT last_value FROM extra.people_id_seq") == [(900,)]


def test_the_table_of_any_migrator_comes_along_by_the_question_that_reads_it(world: World, shop: str) -> None:
    exported = world.exported(shop, applied_query='SELECT max(at) FROM extra."done by us"')
    assert 'extra."done by us"' in exported.loaded
    world.prepared(exported)
    assert world.counts()['"done by us"'] == 600


def test_a_question_that_has_no_table_yet_is_no_error(world: World, shop: str) -> None:
    assert world.exported(shop, applied_query="SELECT v FROM not_there").loaded


def test_owners_rights_and_settings_are_production_s(world: World) -> None:
    name = world.database(
        'ALTER DATABASE %s SET search_path TO "$user", extra',
        "ALTER ROLE reader IN DATABASE %s SET default_transaction_read_only TO on",
        "REVOKE ALL ON DATABASE %s FROM PUBLIC",
        "GRANT CONNECT ON DATABASE %s TO reader",
    )
    world.prepared(world.exported(name))
    with closing(world.place.open("postgres")) as db:
        db.query("CREATE DATABASE copied TEMPLATE template_0")
        properties.copy(db, "copied", "template_0")
    for place in ("template_0", "copied"):
        assert world.shadow.query(place, "SHOW search_path") == [('"$user", extra',)]
        with closing(world.shadow.db(place, "reader")) as db:
            assert db.query("SHOW default_transaction_read_only") == [("on",)]
            assert db.query("SELECT count(*) FROM extra.people") == [(0,)]
            with pytest.raises(BluegreenError, match="permission denied for table networks"):
                db.query("SELECT FROM extra.networks")
        with closing(world.shadow.db(place, "app")) as db:
            assert db.query("SHOW statement_timeout") == [("15s",)] and db.query("SHOW is_superuser") == [("off",)]
            assert db.query("SELECT pg_has_role('a group', 'member')") == [(True,)]
        acl = "SELECT datdba::regrole::text, datacl::text FROM pg_database WHERE datname = current_database()"
        assert world.shadow.query(place, acl) == world.production.query(name, acl)
    world.shadow.query("postgres", "DROP DATABASE copied")


def test_production_is_only_read_and_locked_by_nothing_above_access_share(world: World, shop: str) -> None:
    """By its own log, and by its locks as pg_dump and our own session hold them."""
    seen = set()
    ended = threading.Event()

    def look() -> None:
        locks = (
            "SELECT mode, relation::regclass::text FROM pg_locks l JOIN pg_database d ON d.oid = l.database"
            " WHERE datname = '%s' AND locktype = 'relation' AND relation >= 16384"
            # The server's own autovacuum may be at work.
            " AND pid IN (SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend')" % shop
        )
        with closing(world.production.connection("postgres")) as connection:
            cursor = connection.cursor()
            while not ended.is_set():
                cursor.execute(locks)
                seen.update(cursor.fetchall())

    watching = threading.Thread(target=look)
    watching.start()
    begun = len(world.production.log())
    try:
        world.exported(shop, "sample")
    finally:
        ended.set()
        watching.join()
    assert {mode for mode, _table in seen} == {"AccessShareLock"}
    ran = re.findall(r"\|(?!.*pg_locks).*LOG:  (?:statement|execute [^:]*): +(.*)", world.production.log()[begun:])
    assert len(ran) > 50 and any("LOCK TABLE" in one for one in ran)
    reads = (
        r"(SELECT|WITH|SET|RESET|SHOW|BEGIN|COMMIT|ROLLBACK|SAVEPOINT|EXPLAIN|PREPARE|EXECUTE|DECLARE|FETCH|CLOSE|$)"
    )
    others = [one for one in ran if not re.match(reads, one, re.I)]
    shared = r"COPY .* TO |LOCK TABLE .* IN ACCESS SHARE MODE"
    assert [one for one in others if not re.match(shared, one, re.I)] == []


@pytest.mark.parametrize("table", ["networks", "people", "schema_migration"])
def test_a_table_that_is_locked_is_not_waited_for(world: World, shop: str, table: str) -> None:
    with closing(world.production.connection(shop)) as other:
        other.autocommit = False
        other.cursor().execute("LOCK TABLE extra.%s IN ACCESS EXCLUSIVE MODE" % table)
        with pytest.raises(BluegreenError, match=r"extra\.%s is locked by pid \d+.*Fix: " % table):
            world.exported(shop)
    assert world.production.query("postgres", "SELECT count(*) FROM pg_stat_activity WHERE datname = '%s'" % shop) == [
        (0,)
    ]


def test_a_role_that_may_not_read_it_all_is_told_which_may(world: World, shop: str) -> None:
    with pytest.raises(BluegreenError, match=r"role reader may not read table .*Fix: give bluegreen_rehearsal_dsn"):
        world.exported(shop, user="reader")


@pytest.mark.parametrize("how", [(), ("-Fc",)])
def test_a_backup_takes_the_place_of_the_rows(world: World, shop: str, how: tuple[str, ...]) -> None:
    world.prepared(world.exported(shop, world.backup(shop, *how)))
    assert world.counts()["people"] == 900


def test_a_backup_of_another_schema_is_said(world: World) -> None:
    name = world.database()
    path = world.backup(name, "-Fc")
    world.production.query(name, "ALTER TABLE extra.people ADD nick text")
    said = world.refused(world.exported(name, path))
    assert "the restored schema is not production's" in said and "extra.people.nick" in said


@pytest.mark.parametrize("content", [b"\x1f\x8b\x08\x00", None])
def test_what_is_no_backup_is_refused(world: World, shop: str, content: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "dump.gz"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(BluegreenError, match="rehearsal_data='%s': it is no backup" % path):
        world.exported(shop, str(path))


def test_rows_that_do_not_fit_are_said_without_a_value(world: World, shop: str) -> None:
    path = Path(world.backup(shop))
    path.write_text(path.read_text().replace("person-7@example.com", "person-8@example.com"))
    said = world.refused(world.exported(shop, str(path)))
    assert "can't be restored" in said and "person-" not in said


def test_another_major_or_a_missing_extension_is_refused_with_what_to_name(world: World, shop: str) -> None:
    exported = world.exported(shop)
    assert "production is 17. Fix: name an image of PostgreSQL 17" in world.refused(replace(exported, version=170001))
    assert "lacks production's extension hstorm" in world.refused(replace(exported, extensions=("hstorm",)))


def test_settings_of_a_role_do_not_make_another_schema(world: World) -> None:
    """A default is printed by the time zone of who asks; PostgreSQL's files may say another one than a role has."""
    name = world.database()
    world.production.query(name, "ALTER TABLE extra.people ADD seen timestamptz DEFAULT '2026-01-01 00:00:00+00'")
    world.production.query("postgres", "ALTER ROLE app IN DATABASE %s SET TimeZone TO 'Asia/Tokyo'" % name)
    world.production.query("postgres", "ALTER ROLE app IN DATABASE %s SET DateStyle TO 'SQL, DMY'" % name)
    world.prepared(world.exported(name))
    with closing(world.shadow.db("template_0", "app")) as db:
        assert db.query("SHOW TimeZone") == [("Asia/Tokyo",)]


def test_targets_of_one_database_share_a_template(world: World, shop: str) -> None:
    world.shadow.query("postgres", "DROP DATABASE IF EXISTS template_0")
    templates, why = prepare(world.place, {one: world.exported(shop) for one in ("shop", "desk")})
    assert templates == {"shop": "template_0", "desk": "template_0"} and why == {}


def test_no_password_of_production_comes_along(world: World, shop: str) -> None:
    world.prepared(world.exported(shop))
    with pytest.raises(psycopg2.Error):
        psycopg2.connect(**world.shadow.where("template_0", "not_there"))
    stored = "SELECT rolpassword FROM pg_authid WHERE rolname = 'app'"
    assert world.shadow.query("postgres", stored) != world.production.query("postgres", stored)


@pytest.mark.parametrize(
    "log, said",
    [
        (
            'pg_restore: error: COPY failed for table "people": ERROR:  duplicate key\nDETAIL: Key (m)=(a@b)',
            "of table people",
        ),
        ('ERROR:  could not create unique index "u"\nDETAIL:  Key (mail)=(a@b) is duplicated.', 'unique index "u"'),
        ("", "does not say why"),
    ],
)
def test_no_value_of_a_row_is_said(log: str, said: str) -> None:
    assert said in without_rows(log) and "a@b" not in without_rows(log)
