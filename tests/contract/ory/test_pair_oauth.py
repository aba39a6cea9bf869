# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The proof's own programs of Hydra's shape (tests/lab/pair), asked as the proof asks them: what each hop breaks.

v2-logout stands for Hydra 2.3 -> 25.4, v2-consent for 25.4 -> 26.2, v2-flight for 2.2 -> 2.3.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import pytest
from kit import ory_native

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.http import DirectHttp
from ansible_collections.olympus.bluegreen.plugins.module_utils._health.model import Endpoint
from ansible_collections.olympus.bluegreen.plugins.module_utils._health.session import Failed
from ansible_collections.olympus.bluegreen.plugins.module_utils._proof.replay.hydra import Hydra
from olympus_lab import binaries


@pytest.fixture(scope="module")
def server(processes: ory_native.Processes) -> Iterator[ory_native.Postgres]:
    binaries.build(["pair-hydra-%s" % version for version in binaries.PAIRS["hydra"]])
    made = ory_native.Postgres(processes)
    yield made
    processes.stop()
    made.remove()


def asked(side: Hydra) -> dict[str, str]:
    """Journey -> why it failed."""
    return failed(side.journeys, side.ask)


def crossed(side: Hydra, other: Hydra) -> dict[str, str]:
    """The same of what the other one made."""
    left = other.left()
    assert left is not None
    return failed(side.crossing, lambda name: side.cross(name, left))


def flown(begins: Hydra, ends: Hydra) -> dict[str, str]:
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
    """An old program that goes on through the migration of a new one, and the new one; what each can do was asked."""

    def __init__(self, processes: ory_native.Processes, server: ory_native.Postgres, version: str) -> None:
        self.processes, self.name = processes, "hop_" + version.replace("-", "_")
        self.dsn = server.create(self.name)
        at = self._serve("v1")
        before = Hydra(DirectHttp(), at)
        assert asked(before) == {}
        self.new = Hydra(DirectHttp(), self._serve(version))
        self.old = Hydra(DirectHttp(), at, before.made)
        self.broken = asked(self.old)
        assert asked(self.new) == {} and crossed(self.new, before) == {}

    def _serve(self, version: str) -> Endpoint:
        """Migrated and started."""
        program = str(binaries.path("pair-hydra-" + version))
        ports = ory_native.start_hydra(self.processes, "%s-%s" % (self.name, version), program, self.dsn)
        return Endpoint(version, ("127.0.0.1", ports[0]), ("127.0.0.1", ports[1]))


def test_the_old_program_takes_its_own_work_on_the_schema_of_one_that_changes_nothing(
    processes: ory_native.Processes, server: ory_native.Postgres
) -> None:
    hop = Hop(processes, server, "v2-plain")
    assert hop.broken == {}
    assert flown(hop.old, hop.new) == {} and flown(hop.new, hop.old) == {}
    assert crossed(hop.old, hop.new) == {}


def test_an_old_logout_that_reads_whole_rows_breaks(
    processes: ory_native.Processes, server: ory_native.Postgres
) -> None:
    hop = Hop(processes, server, "v2-logout")
    page = "/oauth2/sessions/logout: redirected with error server_error"
    assert hop.broken == {"sessions": "end of a login session: status 500, server_error", "logout": page}
    assert flown(hop.new, hop.old) == {"logout pending": page, "logout accepted": page}
    assert flown(hop.old, hop.new) == {}
    assert crossed(hop.old, hop.new) == {"logout": page}


def test_a_new_consent_is_not_remembered_by_an_old_program(
    processes: ory_native.Processes, server: ory_native.Postgres
) -> None:
    """Its own and those of before it goes on to know."""
    hop = Hop(processes, server, "v2-consent")
    assert hop.broken == {}
    again = "second login of the same browser: the remembered consent is asked again"
    assert crossed(hop.old, hop.new) == {"consent_memory": again}
    assert flown(hop.old, hop.new) == {} and flown(hop.new, hop.old) == {}


def test_a_flow_that_changes_sides_is_lost_where_it_is_sealed_otherwise(
    processes: ory_native.Processes, server: ory_native.Postgres
) -> None:
    hop = Hop(processes, server, "v2-flight")
    assert hop.broken == {} and crossed(hop.old, hop.new) == {}
    lost = flown(hop.old, hop.new)
    assert list(lost) == ["login pending", "login accepted", "consent pending", "consent accepted"]
    assert "status 404" in lost["login pending"] and "status 404" in lost["consent pending"]
    assert "redirected with error access_denied" in lost["login accepted"] and "no answer" in lost["consent accepted"]
    back = flown(hop.new, hop.old)
    assert {name: why for name, why in back.items() if name not in lost} == {
        "code minted without PKCE": "token (authorization_code) on v1: status 400, invalid_grant"
    }
    assert lost.keys() < back.keys()
