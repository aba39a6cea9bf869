# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The proof's own programs of Hydra's shape (tests/lab/pair), asked as the proof asks them: what each hop breaks.

v2-logout stands for Hydra 2.3 -> 25.4, v2-consent for 25.4 -> 26.2, v2-flight for 2.2 -> 2.3.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from kit import ory_native

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.http import DirectHttp
from ansible_collections.olympus.bluegreen.plugins.module_utils._health.model import Endpoint
from ansible_collections.olympus.bluegreen.plugins.module_utils._health.session import Failed
from ansible_collections.olympus.bluegreen.plugins.module_utils._proof.replay.hydra import Hydra
from olympus_lab import binaries

NEW = ("v2-logout", "v2-consent", "v2-flight", "v2-plain")


@pytest.fixture(scope="module")
def server(processes: ory_native.Processes) -> Iterator[ory_native.Postgres]:
    binaries.build(["pair-hydra-%s" % version for version in binaries.PAIRS["hydra"]])
    made = ory_native.Postgres(processes)
    yield made
    processes.stop()
    made.remove()


def asked(side: Hydra) -> dict[str, str]:
    """Journey -> why it failed."""
    return _failed({name: (lambda name=name: side.ask(name)) for name in side.journeys})


def crossed(side: Hydra, other: Hydra) -> dict[str, str]:
    left = other.left()
    assert left is not None
    return _failed({name: (lambda name=name: side.cross(name, left)) for name in side.crossing})


def _failed(acts) -> dict[str, str]:
    found = {}
    for name, act in acts.items():
        try:
            act()
        except Failed as exc:
            found[name] = str(exc)
    return found


@dataclass
class Hop:
    processes: ory_native.Processes
    server: ory_native.Postgres
    name: str

    def serve(self, version: str) -> Endpoint:
        """Migrated and started."""
        program = str(binaries.path("pair-hydra-" + version))
        dsn = self.processes.dsns.get(self.name) or self.server.create(self.name)
        ports = ory_native.start_hydra(self.processes, "%s-%s" % (self.name, version), program, dsn)
        return Endpoint(version, ("127.0.0.1", ports[0]), ("127.0.0.1", ports[1]))

    def side(self, at: Endpoint, known: Hydra | None = None) -> Hydra:
        return Hydra(DirectHttp(), at, known.made if known else None)


@pytest.mark.parametrize("version", ["v1", *NEW])
def test_a_program_can_do_all_that_is_asked(processes, server, version: str) -> None:
    hop = Hop(processes, server, "alone_" + version.replace("-", "_"))
    at = hop.serve(version)
    one, two = hop.side(at), hop.side(at)
    assert asked(one) == {} and asked(two) == {}
    assert crossed(one, two) == {}
