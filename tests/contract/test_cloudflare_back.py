# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a rollback at Cloudflare must not go, whose switch it must not touch, and how long a drain is waited for."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from cloudflare_kit import Deployment

from ansible_collections.olympus.bluegreen.plugins.module_utils._ledger.state import StateDir


@pytest.fixture
def edge(tmp_path: Path) -> Iterator[Deployment]:
    with Deployment(tmp_path) as deployment:
        deployment.adopt()
        yield deployment


def test_rollback_to_a_colour_that_holds_something_else_is_refused_unless_forced(edge: Deployment) -> None:
    """What no gate has let through yet, or nothing any more."""
    place = edge.root / "state" / "stacks" / "blue"
    place.mkdir(parents=True)
    (place / "services.json").write_text(json.dumps({"release": "v1.4.2-0123456789"}))
    edge.run("live", colour="green")
    (place / "services.json").write_text(json.dumps({"release": "v1.6.0-0123456789"}))
    said = edge.fails("returned")
    assert "blue holds v1.6.0-0123456789 by now, not v1.4.2-0123456789" in str(said)
    assert "--tags rollback -e version=v1.4.2 brings it back" in str(said) and edge.serving() == ["green"] * 3
    (place / "services.json").write_text(json.dumps({"release": "v1.4.2-0123456789"}))
    edge.switch.withdraw("blue")
    StateDir(str(edge.root / "state")).mark(cleaned="blue")
    assert "blue was cleaned up" in str(edge.fails("returned")) and edge.serving() == ["green"] * 3
    edge.run("returned", force=True)
    assert edge.serving() == ["blue"] * 3


def test_two_deployments_never_share_a_switch(edge: Deployment) -> None:
    for state in ("adopted", "live", "returned", "undone"):
        said = edge.fails(state, colour="green", deployment="another")
        assert "the switch there is that of the deployment olympus" in str(said)
        assert "give another a directory (or a volume) of its own" in str(said)


def test_nobody_who_is_pinned_meets_a_container_that_is_gone(tmp_path: Path) -> None:
    """Without a drain_duration Cloudflare ends sessions at once, but not everywhere at once."""
    with Deployment(tmp_path, session_affinity="cookie") as edge:
        edge.adopt()
        edge.run("live", colour="green")
        edge.run("returned", keep_pinned=True)
        slept = edge.clock.slept
        assert edge.run("drained", colour="green")["drained"] is True
        assert 29 <= edge.clock.slept - slept < 60
