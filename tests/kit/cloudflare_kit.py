# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A deployment behind the fake Cloudflare: two pools, three public names, and the module's states on them."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.olympus.bluegreen.plugins.module_utils._cloudflare import states
from ansible_collections.olympus.bluegreen.plugins.module_utils._cloudflare.context import context_of
from ansible_collections.olympus.bluegreen.plugins.module_utils._cloudflare.options import OBSERVE, SPEC
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import BluegreenError
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.http import DirectHttp, Http, Response
from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.config.snippets import COLOUR_HEADER
from ansible_collections.olympus.bluegreen.plugins.module_utils._switch.switch import Switch
from kit.cloudflare_fake import ACCOUNT, TOKEN, ZONE, Cloudflare, Request
from kit.cloudflare_server import PREFIX, Server

HOSTS = ("login.example.com", "oauth.example.com", "www.example.com")
Result = dict[str, Any]


class FastClock:
    """The time of this machine, and no waiting: a sleep only moves it on. Both ends of the socket live by it."""

    def __init__(self) -> None:
        self.slept = 0.0

    def now(self) -> float:
        return time.time() + self.slept

    def monotonic(self) -> float:
        return time.monotonic() + self.slept

    def sleep(self, seconds: float) -> None:
        self.slept += seconds


class DyingHttp(DirectHttp):
    def __init__(self, index: int, die: Callable[[], None]) -> None:
        super().__init__()
        self._left = index
        self._die = die

    def request(self, *args: Any, **named: Any) -> Response:
        self._left -= 1
        if self._left < 0:
            self._die()
        return super().request(*args, **named)


class MemoryHttp:
    """The fake without a socket. ``pause`` is called at the API's request ``index``: before Cloudflare hears it, or
    ``after`` it has answered."""

    def __init__(
        self, fake: Cloudflare, index: int = -1, pause: Callable[[], None] = lambda: None, after: bool = False
    ) -> None:
        self._fake, self._index, self._pause, self._after = fake, index, pause, after

    def request(
        self, method: str, url: str, *, headers: Any = None, body: bytes | None = None, **_more: Any
    ) -> Response:
        parts = urlsplit(url)
        if not parts.path.startswith(PREFIX):
            status, told = self._fake.visit(parts.hostname or "", "")
            return Response(status, {name.lower(): value for name, value in told.items()})
        self._index -= 1
        if self._index == -1 and not self._after:
            self._pause()
        path = parts.path.removeprefix(PREFIX) + ("?" + parts.query if parts.query else "")
        request = Request(method, path, json.loads(body) if body else None)
        answer = self._fake.answer(request, headers["Authorization"].replace("Bearer ", ""))
        if self._index == -1 and self._after:
            self._pause()
        if answer is None:
            return Response(0, error="no answer")
        named = {name.lower(): value for name, value in answer[2].items()}
        return Response(answer[0], named, json.dumps(answer[1]).encode())


class Nowhere(AbstractContextManager["Nowhere"]):
    """The address of a fake that has no socket."""

    port, url = 1, "http://127.0.0.1:1" + PREFIX

    def __exit__(self, *exc: object) -> None:
        pass


class Deployment:
    """``blue`` is the operator's pool and live, ``green`` is to be ours. ``memory``: no socket is used."""

    def __init__(self, root: Path, memory: bool = False, **balancer: Any) -> None:
        self.root = root
        self.clock = FastClock()
        self.header, self.token = COLOUR_HEADER, TOKEN
        self.fake = Cloudflare(self.clock.now)
        self.monitor = self.fake.put("monitors", type="https", path="/health", expected_codes="200")
        self.blue = self.fake.put("pools", name="blue", monitor=self.monitor, origins=[origin("edge-1", "203.0.113.1")])
        self.ids: dict[str, str] = {}
        for host in HOSTS:
            fields = {"default_pools": [self.blue], "fallback_pool": self.blue, **balancer}
            self.ids[host] = self.fake.put("load_balancers", name=host, **fields)
        self.switch = Switch(str(root / "edge" / "olympus-bluegreen"))
        self.http: Http = MemoryHttp(self.fake) if memory else DirectHttp()
        self.server = Server(self.fake) if not memory else Nowhere()

    def __enter__(self) -> Deployment:
        self.server.__enter__()
        return self

    def __exit__(self, *exc: Any) -> None:
        self.server.__exit__(*exc)

    def params(self, **changes: Any) -> dict[str, Any]:
        """What the module gets from Ansible: every option, defaults filled in."""
        how = {name: one.get("default") for name, one in OBSERVE.items()}
        pool: dict[str, Any] = {"origins": [], "monitor": None, "minimum_origins": None, "check_regions": None}
        green = [{"name": "edge-2", "address": "203.0.113.2", "port": None, "weight": None, "host": None}]
        return {
            **{name: one.get("default") for name, one in SPEC.options.items()},
            "account_id": ACCOUNT,
            "zone_id": ZONE,
            "api": self.server.url,
            "api_token": TOKEN,
            "switch_dir": str(self.root / "edge"),
            "state_dir": str(self.root / "state"),
            "public": [{"host": host, "path": "/", "zone_id": ""} for host in HOSTS],
            "pools": {
                "blue": {**pool, "name": "blue"},
                "green": {**pool, "name": "green", "origins": green, "monitor": self.monitor},
            },
            "observe": {
                **how,
                "header": self.header,
                "address": "127.0.0.1",
                "port": self.server.port,
                "scheme": "http",
            },
            "token": self.switch.read().token if self.switch.exists() else 0,
            **changes,
        }

    def run(self, state: str, check: bool = False, **changes: Any) -> Result:
        world = context_of(self.params(state=state, **changes), self.http, self.http, self.clock, check)
        return states.run(world)

    def run_killed(self, state: str, index: int, die: Callable[[], None], **changes: Any) -> Result:
        """The run dies before its request ``index`` is sent."""
        world = context_of(
            self.params(state=state, colour="green", **changes), DyingHttp(index, die), DirectHttp(), self.clock, False
        )
        return states.run(world)

    def fails(self, state: str, **changes: Any) -> BluegreenError:
        try:
            done = self.run(state, **changes)
        except BluegreenError as exc:
            return exc
        raise AssertionError("went through: %s" % done)

    def claim(self) -> int:
        """A stage begins."""
        return self.switch.claim(0)

    def adopt(self) -> None:
        self.run("adopted")
        self.switch.claim(1)
        self.fake.fresh()

    @property
    def green(self) -> str:
        return next(str(one["id"]) for one in self.fake.state["pools"].values() if one["name"] == "green")

    def lb(self, host: str = HOSTS[0]) -> dict[str, Any]:
        return self.fake.state["load_balancers"][self.ids[host]]

    def pool(self, name: str) -> dict[str, Any]:
        return next(one for one in self.fake.state["pools"].values() if one["name"] == name)

    def serving(self, cookie: str = "", path: str = "/") -> list[str]:
        """What a new visitor of each public name gets."""
        return [self.fake.visit(host, cookie, path)[1].get("X-Bluegreen-Colour", "") for host in HOSTS]


def origin(name: str, address: str) -> dict[str, Any]:
    return {"name": name, "address": address, "enabled": True, "weight": 1}
