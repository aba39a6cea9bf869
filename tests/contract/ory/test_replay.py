# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the proof asks of real programs: every journey, each side with the other's work, and flows that change sides."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.http import DirectHttp
from ansible_collections.olympus.bluegreen.plugins.module_utils._health.model import Domain, Endpoint
from ansible_collections.olympus.bluegreen.plugins.module_utils._proof.replay.hydra import Hydra
from ansible_collections.olympus.bluegreen.plugins.module_utils._proof.replay.kratos import Kratos
from ansible_collections.olympus.bluegreen.plugins.module_utils._proof.replay.side import Side

KINDS: dict[str, type[Side[Any]]] = {"kratos": Kratos, "hydra": Hydra}


def side(kind: str, at: Endpoint) -> Side[Any]:
    """With all of its journeys behind it. None of them fails."""
    made = KINDS[kind](DirectHttp(), at)
    told = {name: made.ask(name) for name in made.journeys}
    assert "not offered" not in told.values()
    return made


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_each_takes_the_others_work_and_flows_change_sides(kind: str, colours: tuple[Domain, Domain]) -> None:
    old, new = (side(kind, getattr(domain, kind)) for domain in colours)
    for one, other in ((old, new), (new, old)):
        for step in one.flights:
            assert other.finish(step, one.begin(step)) == "finished", step
    for one, other in ((old, new), (new, old)):
        left = other.left()
        assert left is not None and [one.cross(name, left) for name in (*one.lasting, *one.crossing)]
