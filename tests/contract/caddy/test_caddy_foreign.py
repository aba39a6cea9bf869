# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Caddyfiles in other people's styles: what the rewrite makes of them, as Caddy's own adapter understands it."""

from __future__ import annotations

from pathlib import Path

import pytest
from kit import caddy_native as native
from kit.caddy_styles import ENVIRON, STYLES, UPSTREAMS, read, text_of

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import CommandError
from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.config import equivalence, query
from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.config.caddyfile_rewrite import Rewritten, rewrite
from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.running.base import adapt, has_named_logs

SWITCH = "/config/olympus-bluegreen/switch"
# Debian's Caddy takes a range of ports for the name of one.
BROKEN_THERE = {"2.6.2": ("ranges",)}
LAB = native.ROOT / "tests" / "lab" / "operator" / "Caddyfile"


@pytest.fixture
def resting(tmp_path: Path, caddy: str) -> native.NativeEdge:
    edge = native.NativeEdge(tmp_path, "", 80, 2019, caddy)
    edge.env.update(ENVIRON)
    return edge


def rewritten(path: Path, edge: native.NativeEdge) -> Rewritten:
    done = rewrite(
        text_of(path), UPSTREAMS, "/config", str(path), named_log=has_named_logs(edge), read=read, environ=ENVIRON
    )
    try:
        adapt(edge, done.before)
    except CommandError as exc:
        pytest.skip("not for this Caddy: %s" % exc.msg)
    return done


def difference(done: Rewritten, after: str, edge: native.NativeEdge) -> str:
    before = adapt(edge, done.before)
    return equivalence.first_difference(before, adapt(edge, after), UPSTREAMS, SWITCH, has_named_logs(edge), ENVIRON)


@pytest.mark.parametrize("path", [*STYLES, LAB], ids=lambda path: path.stem)
def test_the_rewrite_means_the_same_outside_of_our_routes(path: Path, resting: native.NativeEdge, caddy: str) -> None:
    done = rewritten(path, resting)
    if path.stem in BROKEN_THERE.get(caddy, ()):
        assert difference(done, done.after, resting)
        return
    assert difference(done, done.after, resting) == ""
    before, after = adapt(resting, done.before), adapt(resting, done.after)
    assert not query.plain_names(after, UPSTREAMS, SWITCH)
    assert query.has_switch(after, SWITCH) and not query.has_switch(before, SWITCH)
