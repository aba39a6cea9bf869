# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The proof's own programs (tests/lab/pair), asked as the proof asks them: what each hop breaks, and nothing else.

Kratos: v2 stands for 25.4 -> 26.2, v2-race for the same with much data, v2-list for 1.3.1 -> 25.4.
Hydra: v2-logout stands for 2.3 -> 25.4, v2-consent for 25.4 -> 26.2, v2-flight for 2.2 -> 2.3.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import psycopg2
import pytest
from kit import ory_native
from kit.ports import free_port

from ansible_collections.olympus.bluegreen.plugins.module_utils._core import dsn
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.http import DirectHttp
from ansible_collections.olympus.bluegreen.plugins.module_utils._health.model import Endpoint
from ansible_collections.olympus.bluegreen.plugins.module_utils._health.session import Failed
from ansible_collections.olympus.bluegreen.plugins.module_utils._proof.replay.hydra import Hydra
from ansible_collections.olympus.bluegreen.plugins.module_utils._proof.replay.kratos import Kratos
from ansible_collections.olympus.bluegreen.plugins.module_utils._proof.replay.side import Side
from ansible_collections.olympus.bluegreen.plugins.module_utils._schema import bounds
from olympus_lab import binaries, golang, lock

SIDES: dict[str, type[Side[Any]]] = {"kratos": Kratos, "hydra": Hydra}


@pytest.fixture(scope="module")
def server(processes: ory_native.Processes) -> Iterator[ory_native.Postgres]:
    if golang.find() is None:
        pytest.skip("no Go that could build tests/lab/pair")
    made = ory_native.Postgres(processes)
    yield made
    processes.stop()
    made.remove()


def asked(side: Side[Any]) -> dict[str, str]:
    """Journey -> why it failed."""
    return failed(side.journeys, side.ask)


def crossed(side: Side[Any], other: Side[Any]) -> dict[str, str]:
    """The same of what the other one made."""
    left = other.left()
    assert left is not None
    return failed(side.crossing, lambda name: side.cross(name, left))


def flown(begins: Side[Any], ends: Side[Any]) -> dict[str, str]:
    """Step of a flow that begins on one and ends on the other -> why it failed."""
    return failed(begins.flights, lambda step: ends.finish(step, begins.begin(step)))


def failed(names: Iterable[str], act: Callable[[str], str]) -> dict[str, str]:
    found = {}
    for name in names:
        try:
            act(name)
        except Failed as exc:
            found[name] = str(exc)
    return found


class Hop:
    """An old program with all of its journeys behind it, on a database of its own."""

    def __init__(self, processes: ory_native.Processes, server: ory_native.Postgres, product: str, new: str) -> None:
        self.processes, self.product, self.version = processes, product, new
        with lock.held(lock.MACHINE):
            binaries.build(["pair-%s-%s" % (product, version) for version in ("v1", new)])
        self.name = "%s_%s" % (product, new.replace("-", "_"))
        self.env = {
            "DSN": server.create(self.name),
            "SECRETS_SYSTEM": ory_native.SECRETS["SECRETS_SYSTEM"],
            "SERVE_PUBLIC_BASE_URL": "https://" + ory_native.LOGIN,
            "URLS_SELF_ISSUER": "https://" + ory_native.OAUTH,
            **{"URLS_" + page.upper(): "https://login.example.com/" + page for page in ("login", "consent", "logout")},
        }
        assert self.migrate("v1").wait(30) == 0
        self.at = self._serve("v1")
        self.before = self.side(self.at)
        assert asked(self.before) == {}

    def side(self, at: Endpoint, known: Any = None) -> Side[Any]:
        return SIDES[self.product](DirectHttp(), at, known)

    def _program(self, version: str) -> str:
        return str(binaries.path("pair-%s-%s" % (self.product, version)))

    def migrate(self, version: str) -> subprocess.Popen[str]:
        words = [self._program(version), "migrate", "sql", "up", "-e", "--yes"]
        # As it is bounded on production: this pgx reads no + as a blank, and Ory's way with a DSN writes one for it.
        env = {**os.environ, **dsn.bounded(self.env, bounds.settings(bounds.application("migrate", self.name), 5.0))}
        return subprocess.Popen(words, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def _serve(self, version: str) -> Endpoint:
        ports = free_port(), free_port()
        env = {**self.env, "SERVE_PUBLIC_PORT": str(ports[0]), "SERVE_ADMIN_PORT": str(ports[1])}
        self.processes.start("%s-%s" % (self.name, version), [self._program(version), "serve"], env)
        ready = "http://127.0.0.1:%d/health/ready" % ports[0]
        ory_native.eventually(version, lambda: ory_native.answers(ready))
        return Endpoint(version, ("127.0.0.1", ports[0]), ("127.0.0.1", ports[1]))

    def go(self) -> dict[str, str]:
        """The new one beside it on the schema that it makes; what the old one can't do there any more."""
        assert self.migrate(self.version).wait(30) == 0
        self.new = self.side(self._serve(self.version))
        self.old = self.side(self.at, self.before.made)
        broken = asked(self.old)
        assert asked(self.new) == {} and crossed(self.new, self.before) == {}
        return broken

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        connection = psycopg2.connect(self.env["DSN"])
        try:
            connection.autocommit = True
            cursor = connection.cursor()
            cursor.execute(sql)
            return list(cursor.fetchall())
        finally:
            connection.close()


Make = Callable[[str, str], Hop]


@pytest.fixture
def hop(processes: ory_native.Processes, server: ory_native.Postgres) -> Make:
    return lambda product, new: Hop(processes, server, product, new)


@pytest.mark.parametrize("product", sorted(SIDES))
def test_the_old_program_takes_its_own_work_where_nothing_is_in_its_way(hop: Make, product: str) -> None:
    pair = hop(product, "v2-plain")
    assert pair.go() == {} and crossed(pair.old, pair.new) == {}
    assert flown(pair.old, pair.new) == {} and flown(pair.new, pair.old) == {}


def test_a_login_that_leaves_a_new_column_empty_breaks(hop: Make) -> None:
    pair = hop("kratos", "v2")
    broken = pair.go()
    assert sorted(broken) == ["browser_login", "login", "logout", "recovery", "session", "settings"]
    assert "status 400, the body holds code 500" in broken["login"]
    assert "redirected to the error page" in broken["browser_login"]


def test_an_old_list_that_reads_whole_rows_breaks(hop: Make) -> None:
    """And a plan that was prepared on a narrower column fails once; then it goes on."""
    pair = hop("kratos", "v2-list")
    broken = pair.go()
    assert {"list"} <= set(broken) <= {"list", "recovery"} and "status 500" in broken["list"]
    assert pair.old.ask("recovery") == "redeemed by code"


def test_a_backfill_that_old_writes_race_fails_for_ever(hop: Make) -> None:
    pair = hop("kratos", "v2-race")
    migration = pair.migrate("v2-race")
    while migration.poll() is None:
        pair.before.ask("login")
    assert migration.returncode == 1 and "23502" in migration.communicate()[1]
    again = pair.migrate("v2-race")
    assert "identity_id_not_null" in again.communicate()[1] and again.returncode == 1
    # As an operator fills it by hand.
    fill = (
        "UPDATE session_devices d SET identity_id = s.identity_id FROM sessions s WHERE s.id = d.session_id RETURNING 1"
    )
    assert pair.query(fill) and pair.migrate("v2-race").wait(30) == 0
    assert pair.query("SELECT count(*) FROM schema_migration") == [(7,)]


def test_an_old_logout_that_reads_whole_rows_breaks(hop: Make) -> None:
    pair = hop("hydra", "v2-logout")
    page = "/oauth2/sessions/logout: redirected with error server_error"
    assert pair.go() == {"sessions": "end of a login session: status 500, server_error", "logout": page}
    assert flown(pair.new, pair.old) == {"logout pending": page, "logout accepted": page}
    assert flown(pair.old, pair.new) == {}
    assert crossed(pair.old, pair.new) == {"logout": page}


def test_a_new_consent_is_not_remembered_by_an_old_program(hop: Make) -> None:
    """Its own and those of before it goes on to know."""
    pair = hop("hydra", "v2-consent")
    assert pair.go() == {}
    again = "second login of the same browser: the remembered consent is asked again"
    assert crossed(pair.old, pair.new) == {"consent_memory": again}
    assert flown(pair.old, pair.new) == {} and flown(pair.new, pair.old) == {}


def test_a_flow_that_changes_sides_is_lost_where_it_is_sealed_otherwise(hop: Make) -> None:
    pair = hop("hydra", "v2-flight")
    assert pair.go() == {} and crossed(pair.old, pair.new) == {}
    lost = flown(pair.old, pair.new)
    assert list(lost) == ["login pending", "login accepted", "consent pending", "consent accepted"]
    assert "status 404" in lost["login pending"] and "status 404" in lost["consent pending"]
    assert "redirected with error access_denied" in lost["login accepted"] and "no answer" in lost["consent accepted"]
    back = flown(pair.new, pair.old)
    assert {name: why for name, why in back.items() if name not in lost} == {
        "code minted without PKCE": "token (authorization_code) on v1: status 400, invalid_grant"
    }
    assert lost.keys() < back.keys()
