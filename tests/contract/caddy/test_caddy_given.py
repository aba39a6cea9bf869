# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A Caddy whose colours are named by ``upstreams``: no compose project, no container, no run that holds a lock."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from kit.caddy_native import ADDRESS, World, world

from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.options import given

CADDYFILE = """{
    admin localhost:%(admin)d
    http_port %(port)d
    auto_https off
}

http://site.test {
    reverse_proxy web {
        header_up X-Kept yes
    }
}

http://login.test {
    reverse_proxy 127.0.0.1:9001
}
""".replace("    ", "\t")


def named(one: World, number: int, dial: str) -> dict[str, Any]:
    return {"dial": dial, "ui": True, **{c: "%s:%d" % (ADDRESS[c] % number, one.backend_port) for c in ADDRESS}}


def test_it_goes_forward_back_and_forward_again_without_a_token(tmp_path: Path) -> None:
    with world(tmp_path, CADDYFILE) as one:
        one.upstreams = given([named(one, 1, "web:80"), named(one, 2, "localhost:9001")])
        free = {"project": "", "token": None, "services": {}}
        assert one.app(state="adopted", **free)["changed"] and not one.app(state="adopted", **free)["changed"]
        for state, colour in (("live", "green"), ("returned", "blue"), ("live", "green"), ("returned", "blue")):
            moved = one.app(state=state, colour=colour if state == "live" else None, **free)
            assert moved["live"] == colour and moved["changed"]
            assert not one.app(state=state, colour=colour if state == "live" else None, **free)["changed"]
            for host in ("site.test", "login.test"):
                assert json.loads(one.ask("/api", host=host).body) == {"colour": colour}
        read = one.app(state="read", **free)
        assert read["plain_names"] == [] and read["problems"] == []
        assert one.app(state="undone", **free)["changed"]
        assert one.edge.path.read_text() == CADDYFILE % {"admin": admin(one), "port": one.edge.options.port}


def admin(one: World) -> int:
    return int(one.edge.options.admin.rpartition(":")[2])


@pytest.mark.parametrize("dead", ["green"])
def test_a_colour_that_does_not_listen_is_named_by_what_the_caddyfile_says(tmp_path: Path, dead: str) -> None:
    with world(tmp_path, CADDYFILE) as one:
        one.upstreams = given([{**named(one, 1, "web:80"), dead: "127.0.0.1:1"}, named(one, 2, "localhost:9001")])
        one.app(state="adopted", token=None)
        with pytest.raises(Exception, match=r"green is not alive: no connection to web:80 \(127.0.0.1:1\)"):
            one.app(state="live", colour="green", token=None)
