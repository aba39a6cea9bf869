# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, the olympus.bluegreen authors
"""The stages on a whole Olympus behind Cloudflare, under a small load that meets each flip a second late."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from cloudflare_edge import SWITCH, CloudflareEdge
from kit.cloudflare_fake import TOKEN
from lab_story import Story, standing, under_load, verdict

from olympus_lab import config, truth

pytestmark = [pytest.mark.lab, pytest.mark.slow]
# Without session affinity at Cloudflare a page of one colour may ask the other for its assets and post it its forms.
OF_THE_OTHER_BUILD = {"asset_404", "form_refused_500"}
# The first seconds after a flip are theirs; a verdict that tells them from a bad release needs more than those.
WATCH = {"window": 45, "interval": 0.5}


@pytest.fixture
def edge() -> Iterator[CloudflareEdge]:
    with CloudflareEdge() as made, standing(made):
        yield made


def written() -> str:
    files = [path for path in config.STATE.rglob("*") if path.is_file()]
    return "".join(path.read_text(errors="replace") for path in files)


def test_release_and_rollback_and_both_again(edge: CloudflareEdge) -> None:
    story, told = (
        Story(edge, SWITCH / "olympus-bluegreen" / "switch", {**edge.settings(), "bluegreen_watch": WATCH}),
        [],
    )

    def stage(*args: Any, **named: Any) -> str:
        edge.fake.fresh()
        out = story.stage(*args, **named).out
        told.append(out)
        return out

    with under_load() as load:
        stage("adopt", "blue", "adopt", version="v1.4.2")
        stage("upgrade", "green", version="v1.5.0")
        assert len(edge.fake.mutating) == len(truth.HOSTS) and verdict("v1.5.0")["verdict"] == "PASS"
        stage("again", "green", "cutover", version="v1.5.0")
        assert not edge.fake.mutating
        stage("rollback", "blue", "rollback")
        assert len(edge.fake.mutating) == len(truth.HOSTS)
        stage("rollback-again", "blue", "rollback")
        assert not edge.fake.mutating
        assert "PROBLEM" not in stage("status", "blue", "status")
        figures = load.stop()
    print(f"cloudflare: {figures['requests']} requests, {figures['lost']} lost by {figures['lost_by_reason']}")
    assert set(figures["lost_by_reason"]) <= OF_THE_OTHER_BUILD and figures["requests"] > 2_000
    assert figures["sessions_kept"] == figures["sessions"] and figures["tokens_kept"] == figures["tokens"]
    assert TOKEN not in "".join(told) + written()
