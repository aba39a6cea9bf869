# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who writes while the migration runs: the first round is no part of it, and the worst of each journey is kept."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.clock import SystemClock
from ansible_collections.olympus.bluegreen.plugins.module_utils._proof.evidence import WAITED, Outcome
from ansible_collections.olympus.bluegreen.plugins.module_utils._proof.replay.writer import Writer


class Rounds:
    """Each round as it is given, then the last one for ever; ``seen`` says that all were asked."""

    def __init__(self, *rounds: Outcome) -> None:
        self.rounds, self.seen, self.count = list(rounds), threading.Event(), 0

    def __call__(self) -> Iterator[Outcome]:
        yield self.rounds[min(self.count, len(self.rounds) - 1)]
        self.count += 1
        if self.count > len(self.rounds):
            self.seen.set()


GOOD = Outcome("login", True, "")
WAIT = Outcome("login", False, "no answer", WAITED)
BAD = Outcome("login", False, "status 500", "SQLSTATE 23502, t.c")


@pytest.mark.parametrize(
    ("rounds", "worst"),
    [
        ((BAD, GOOD), GOOD),
        ((GOOD, GOOD, BAD, GOOD), BAD),
        ((GOOD, WAIT, GOOD), WAIT),
        ((GOOD, WAIT, BAD, WAIT), BAD),
    ],
)
def test_the_worst_that_a_migration_was_met_with(rounds: tuple[Outcome, ...], worst: Outcome) -> None:
    asked, gate = Rounds(*rounds), threading.Event()

    def once() -> Iterator[Outcome]:
        # The migration begins behind the first round.
        if asked.count:
            gate.wait(10)
        yield from asked()

    with Writer(once, SystemClock()) as writer:
        writer.first()
        gate.set()
        assert asked.seen.wait(10)
    assert writer.worst() == {"login": worst}


def test_what_stops_the_writer_is_told_where_it_ends() -> None:
    over = threading.Event()

    def once() -> Iterator[Outcome]:
        if not over.is_set():
            raise ValueError("no namespace")
        yield GOOD

    with pytest.raises(ValueError, match="no namespace"), Writer(once, SystemClock()) as writer:
        writer.first()
