# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The mails of a courier that was ended, in a real PostgreSQL."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import psycopg2
import pytest
from kit import ory_native as native

from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.singletons import stop
from ansible_collections.olympus.bluegreen.plugins.module_utils._core import postgres as database

MAIL = "00000000-0000-0000-0000-000000000001"
# What of Kratos' tables is looked at: one mail, taken (3) and not yet begun.
TABLES = (
    "CREATE TABLE courier_messages (id uuid PRIMARY KEY, status int, send_count int);"
    "CREATE TABLE courier_message_dispatches (message_id uuid);"
    "INSERT INTO courier_messages VALUES ('%s', 3, 0)" % MAIL
)
BEGIN = "UPDATE courier_messages SET send_count = send_count + 1"
WAITING = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"


@pytest.fixture
def dsn(tmp_path: Path) -> Iterator[str]:
    processes = native.Processes(tmp_path)
    postgres = native.Postgres(processes)
    try:
        found = postgres.create("mails")
        postgres.execute("mails", TABLES)
        yield found
    finally:
        processes.stop()
        postgres.remove()


def test_a_mail_whose_count_was_under_way_when_its_courier_was_paused_is_not_unconfirmed(dsn: str) -> None:
    """It never heard of it, so it sent nothing; the next courier does."""
    ours, beside = database.connect({"dsn": dsn}), database.connect({"dsn": dsn})
    courier = psycopg2.connect(dsn)
    courier.cursor().execute(BEGIN)
    assert stop.being_sent(ours) == set()
    returned: list[int] = []
    giving = threading.Thread(target=lambda: returned.append(stop.give_back(ours, set())))
    giving.start()
    native.eventually("give_back waits for the row", lambda: beside.query(WAITING) == [(1,)])
    courier.commit()
    giving.join(10)
    assert returned == [1] and stop.being_sent(ours) == set()
    assert beside.query("SELECT status, send_count FROM courier_messages") == [(1, 0)]


def test_a_mail_that_was_being_sent_is_left_as_it_is(dsn: str) -> None:
    ours = database.connect({"dsn": dsn})
    ours.query(BEGIN)
    unconfirmed = stop.being_sent(ours)
    assert unconfirmed == {MAIL} and stop.give_back(ours, unconfirmed) == 0
    assert ours.query("SELECT status, send_count FROM courier_messages") == [(3, 1)]
