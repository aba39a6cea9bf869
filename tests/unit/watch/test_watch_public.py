# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A public name that hangs up on every stranger says nothing for or against a colour."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.clock import SystemClock
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.http import Response
from ansible_collections.olympus.bluegreen.plugins.module_utils._watch.observer import Observer, Public

NAMES = [{"host": host, "path": "/"} for host in ("lan.test", "login.test")]
CLOSED = Response(0, error="RemoteDisconnected: closed")


class Edge:
    def __init__(self) -> None:
        self.says = {"lan.test": CLOSED, "login.test": Response(200, {"x-bluegreen-colour": "green"})}

    def request(self, method: str, url: str, **given: Any) -> Response:
        return self.says[str(urlsplit(url).hostname)]


def test_after_a_rollback_nobody_waits_for_it() -> None:
    edge = Edge()
    public = Public(edge, NAMES, None)
    assert public.others("green") == [] and public.others("blue") == ["login.test: green"]
    edge.says["login.test"] = CLOSED
    assert public.others("blue") == ["login.test: RemoteDisconnected: closed"]


def test_it_is_no_disagreement_of_the_watch() -> None:
    edge = Edge()
    config: Any = SimpleNamespace(old="green")
    podman: Any = None
    observer = Observer(config, podman, Public(edge, NAMES, None), SystemClock())
    observer._ask_public(0)
    observer._ask_public(1)
    assert [(one["agrees"], one["detail"]) for one in observer.events()] == [(True, "login.test: green")]
    edge.says["login.test"] = CLOSED
    observer._ask_public(1)
    assert [one["agrees"] for one in observer.events()] == [False]
