# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Caddy's admin endpoint while somebody reloads: its server is a new one each time, and the old one hangs up."""

from __future__ import annotations

import itertools
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from kit import caddy_kinds as kinds
from kit import caddy_native as native
from kit.caddy_kinds import Kind, Running

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import BluegreenError
from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.adopt.formats import syntax_of
from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.adopt.reload_method import reload
from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.running.admin import Admin

RELOADS = 40


def changed(edge: Running, word: str) -> Any:
    return json.loads(edge.path.read_text().replace("teapot", word))


@pytest.mark.parametrize("caddy", native.CADDIES_IN_TURN)
@pytest.mark.parametrize("socket", [False, True], ids=["tcp", "socket"])
def test_who_asks_or_tells_beside_a_reload_is_answered(caddy: str, socket: bool) -> None:
    """Every question and every load of six is answered, while each load hangs up on those before the old server."""
    with kinds.running(Kind("json", named=True, socket=socket), caddy) as edge:

        def loading(who: int) -> None:
            for at in range(RELOADS):
                Admin(edge.edge).load(changed(edge, "tea-%d-%d" % (who, at)))

        with ThreadPoolExecutor(6) as pool:
            loaders = [pool.submit(loading, who) for who in range(2)]

            def asking() -> int:
                asked = 0
                while not all(one.done() for one in loaders):
                    assert Admin(edge.edge).config()["apps"]
                    asked += 1
                return asked

            askers = [pool.submit(asking) for _one in range(4)]
            for one in loaders:
                one.result()
            assert sum(one.result() for one in askers) > RELOADS


def test_a_dead_endpoint_is_named() -> None:
    with kinds.running(Kind("json", named=True), "current") as edge:
        edge.stop()
        with pytest.raises(BluegreenError, match="does not answer: ConnectionRefused"):
            edge.config()


@pytest.mark.slow
@pytest.mark.parametrize("caddy", native.CADDIES_IN_TURN)
def test_caddys_own_reload_beside_others(caddy: str) -> None:
    """The published recipe's command, while the admin endpoint is made a new one up to thirty times a second."""
    with kinds.running(Kind("json"), caddy) as edge:
        done = threading.Event()

        def loading() -> None:
            for at in itertools.count():
                Admin(edge.edge).load(changed(edge, "tea-%d" % at))
                if done.wait(0.03):
                    return

        with ThreadPoolExecutor(1) as pool:
            other = pool.submit(loading)
            try:
                for _one in range(RELOADS):
                    reload(edge.edge, Admin(edge.edge), syntax_of(edge.edge, edge.upstreams), None)
            finally:
                done.set()
            other.result()


def test_a_caddy_that_is_another_process_now_is_found() -> None:
    with kinds.running(Kind("json"), "current") as edge:
        seen = edge.edge
        first = seen.place().pid
        edge.stop()
        assert (seen.place().pid, seen.place().owner) == (0, (0, 0))
        edge.start()
        assert seen.place().pid not in (0, first)
