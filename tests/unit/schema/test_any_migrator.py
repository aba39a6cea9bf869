# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A target of any migrator: what is refused, what is pending, how long it may wait, what is never printed."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.olympus.bluegreen.plugins.module_utils._core import dsn, postgres
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import BluegreenError, Refused
from ansible_collections.olympus.bluegreen.plugins.module_utils._schema import any_migrator, versions
from ansible_collections.olympus.bluegreen.plugins.module_utils._schema.any_migrator import UNKNOWN, target_of
from ansible_collections.olympus.bluegreen.plugins.module_utils._schema.oneshot import Finished

SHOP: dict[str, Any] = {"name": "shop", "image": "shop:1", "command": ["up"], "status_command": ["status"]}
URL = "postgres://u:5ecret@db/shop"


def target(**given: Any) -> any_migrator.Target:
    return target_of({**SHOP, **given}, "")


@pytest.mark.parametrize(
    ("given", "compose_file", "says"),
    [
        ({"product": "kratos"}, "", "it has both"),
        ({"command": None}, "", "it has neither"),
        ({"command": None, "product": "kratos"}, "/c", "product kratos needs it"),
        ({"status_command": None}, "", "nothing says which migrations are pending or applied"),
        ({"image": None}, "", "nothing says which image"),
        ({"image": "x"}, "/compose.yml", "nothing says which image"),
        ({"status_pattern": "("}, "", "no regular expression"),
    ],
)
def test_what_says_no_program_or_nothing_to_judge_it_by_is_refused(
    given: dict[str, Any], compose_file: str, says: str
) -> None:
    with pytest.raises(Refused, match=says) as caught:
        target_of({**SHOP, **given}, compose_file)
    assert caught.value.fix and "shop" in str(caught.value)


def test_null_is_as_good_as_not_given_and_the_environment_is_in_no_repr() -> None:
    made = target(status_pattern=None, dsn_env=None, environment={"PGPASSWORD": "5ecret", "PGPORT": 5432})
    assert (made.status_pattern, made.dsn_env, made.environment["PGPORT"]) == (r"\S", "DSN", "5432")
    assert "5ecret" not in repr(made)


@pytest.mark.parametrize(
    ("given", "said", "pending"),
    [
        ({}, Finished(0, "001_a\n\n002_b\n", ""), ["001_a", "002_b"]),
        ({}, Finished(0, "\n", ""), []),
        ({"status_pattern": r"^pending (\S+)"}, Finished(0, "done 1\npending 2\n", ""), ["2"]),
        ({"status_pattern": ""}, Finished(0, "all is well", ""), []),
        ({"status_pattern": ""}, Finished(1, "", ""), [""]),
    ],
)
def test_what_is_pending(given: dict[str, Any], said: Finished, pending: list[str]) -> None:
    found = any_migrator.still_pending(target(**given), None, lambda _words: said, str)
    assert [one.version for one in found] == pending


def test_a_status_that_fails_is_no_answer() -> None:
    with pytest.raises(BluegreenError, match="ended with 1: no \\*\\*\\*"):
        any_migrator.still_pending(
            target(), None, lambda _words: Finished(1, "", "no 5ecret"), lambda text: text.replace("5ecret", "***")
        )


def test_by_applied_versions_alone_it_has_to_run() -> None:
    by_query = target(status_command=None, applied_query="SELECT v FROM t")

    def never(_words: tuple[str, ...]) -> Finished:
        raise AssertionError("there is nothing to ask")

    assert any_migrator.still_pending(by_query, None, never, str) == (UNKNOWN,)
    assert any_migrator.still_pending(by_query, Finished(1, "", ""), never, str) == (UNKNOWN,)
    assert any_migrator.still_pending(by_query, Finished(0, "", ""), never, str) == ()
    learnt = any_migrator.learn(by_query, frozenset({"1", "2"}), never, str)
    assert versions.compare(learnt.migrations, frozenset({"1", "2"})).pending == (UNKNOWN,)
    assert learnt.learned_by == "applied_query"


def test_what_is_applied_and_pending_is_one_list() -> None:
    learnt = any_migrator.learn(target(), frozenset({"1"}), lambda _words: Finished(0, "2\n", ""), str)
    found = versions.compare(learnt.migrations, frozenset({"1"}))
    assert [one.version for one in found.pending] == ["2"] and found.newer == found.unknown == ()


class Answers:
    def __init__(self, sqlstate: str) -> None:
        self.error = postgres.QueryError("refused", fix="")
        self.error.sqlstate, self.error.answer = sqlstate, "what PostgreSQL says"

    def query(self, sql: str, values: Any = ()) -> list[tuple[Any, ...]]:
        raise self.error

    def close(self) -> None: ...


def test_a_table_that_is_not_there_is_an_empty_list_and_any_other_refusal_is_none() -> None:
    by_query = target(applied_query="SELECT v FROM t")
    assert any_migrator.applied(Answers("42P01"), by_query) == frozenset()
    with pytest.raises(BluegreenError, match="what PostgreSQL says"):
        any_migrator.applied(Answers("42601"), by_query)


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "jdbc:postgresql", "postgresql+psycopg2"])
def test_every_address_of_its_environment_waits_for_a_bounded_time(scheme: str) -> None:
    given = {"DB": scheme + "://u:p@db/shop?sslmode=disable", "OTHER": "http://x/?a=b"}
    made = dsn.bounded(given, {"lock_timeout": "2000"})
    assert made["DB"].startswith(scheme + "://u:p@db/shop?") and made["OTHER"] == given["OTHER"]
    assert made["PGOPTIONS"] == "-c\tlock_timeout=2000"
    read = dsn.parse(dsn.plain(made["DB"]))
    assert read.keywords["options"] == "-c\tlock_timeout=2000" and read.sslmode == "disable"


def test_options_of_its_own_stay() -> None:
    made = dsn.bounded({"DSN": URL + "?options=-c%20search_path%3Da", "PGOPTIONS": "-c x=1"}, {"lock_timeout": "500"})
    assert dsn.parse(made["DSN"]).keywords["options"] == "-c search_path=a\t-c\tlock_timeout=500"
    assert made["PGOPTIONS"] == "-c x=1\t-c\tlock_timeout=500"


def test_libpq_s_own_variables_say_where_the_database_is() -> None:
    environment = {"PGHOST": "db", "PGDATABASE": "shop", "PGUSER": "shop", "PGPASSWORD": "5ecret"}
    service = any_migrator.service_of(target(environment=environment), "")
    assert (service.dsn.host, service.dsn.database, service.dsn.user) == ("db", "shop", "shop")
    assert any_migrator.redact("psql: 5ecret and shop", service) == "psql: *** and shop"
    other = any_migrator.service_of(target(dsn_env="DATABASE_URL"), "")
    with pytest.raises(BluegreenError, match="no environment variable DATABASE_URL"):
        print(other.dsn)
