# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""inputs/walled_site: names that no anonymous visitor reaches can't confirm a flip, and that is known before it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from kit import caddy_native as native

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import BluegreenError, Refused
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.http import DirectHttp
from ansible_collections.olympus.bluegreen.plugins.module_utils._preflight import look_edge
from ansible_collections.olympus.bluegreen.plugins.module_utils._preflight.model import PreflightInputs

RELEASE = "v1.5.0-0123456789"
HEAD = """{
    admin localhost:%(admin)d
    http_port %(port)d
    auto_https off
}
"""
LOGIN = "http://login.test {\n    reverse_proxy hera:%(backend)d\n}\n"
# Site -> (what stands in front of its service, what an anonymous visitor gets at /).
WALLS = {
    "admin.test": ("forward_auth kratos:%(backend)d {\n        uri /whoami\n    }", "status 401"),
    "ops.test": (
        "basic_auth {\n        ops $2a$14$Zkx19XLiW6VYouLHR5NmfOFU0z2GTNmpkT/5qqR7hx4IjWJPDhjvG\n    }",
        "status 401",
    ),
    "lan.test": ("@out not remote_ip 10.0.0.0/8\n    abort @out", "status 0, RemoteDisconnected"),
    "waf.test": ("@bad header User-Agent *bluegreen*\n    respond @bad 403", "status 403"),
    "home.test": ("redir / /welcome 302", "status 302"),
}


def sites(*names: str) -> str:
    return "".join("http://%s {\n    %s\n    reverse_proxy site:%%(backend)d\n}\n" % (n, WALLS[n][0]) for n in names)


@contextmanager
def adopted(directory: Path, text: str) -> Iterator[native.World]:
    with native.world(directory, (HEAD + text).replace("    ", "\t")) as world:
        world.app(state="adopted")
        yield world


def hosts(result: Mapping[str, Any]) -> list[str]:
    return [one["host"] for one in result["observed"]]


def named(result: Mapping[str, Any]) -> None:
    """Each name that was left out has a warning of its own, with what it said."""
    assert sorted(one.partition("/")[0] for one in result["warnings"]) == sorted(WALLS)
    for warning in result["warnings"]:
        host = warning.partition("/")[0]
        assert warning.startswith("%s/ says no colour (%s" % (host, WALLS[host][1])) and "bluegreen_public" in warning


def test_they_are_left_out_and_named_and_the_others_confirm(tmp_path: Path) -> None:
    with adopted(tmp_path, LOGIN + sites(*WALLS)) as world:
        for state, colour in (("previewed", "blue"), ("live", "green"), ("returned", "blue")):
            result = world.app(state=state, colour="green", release=RELEASE)
            named(result)
            assert (hosts(result), result["live"]) == (["login.test"], colour)


def test_where_none_is_left_nothing_is_moved(tmp_path: Path) -> None:
    with adopted(tmp_path, sites(*WALLS)) as world:
        tree = world.tree()
        for state in ("previewed", "live"):
            with pytest.raises(Refused) as refused:
                world.app(state=state, colour="green", release=RELEASE)
            text = str(refused.value)
            assert "no public name can confirm a flip" in text
            assert all("%s/ says no colour (%s" % (host, said) in text for host, (_front, said) in WALLS.items())
            assert "Fix: list in bluegreen_public what an anonymous visitor reaches" in text
        assert world.tree() == tree and world.app(state="read")["live"] == "blue"


def test_preflight_knows_them(tmp_path: Path) -> None:
    with adopted(tmp_path, LOGIN + sites("ops.test")) as world:

        def looked(*public: str) -> dict[str, Any]:
            wanted = PreflightInputs(live="blue", public=[{"host": host, "path": "/"} for host in public])
            return look_edge.edge(world.edge, world.admin.config(), DirectHttp(), wanted)

        ops = {"host": "ops.test", "words": "ops.test/ says no colour (status 401)"}
        for public, confirm in (((), 1), (("ops.test", "login.test"), 1), (("ops.test",), 0)):
            seen = looked(*public)
            assert (seen["confirm"], seen["walled"]) == (confirm, [ops])
        world.app(state="undone")
        assert "walled" not in looked("ops.test")


def test_given_names_are_no_other(tmp_path: Path) -> None:
    ops, login = ({"host": host, "path": "/"} for host in ("ops.test", "login.test"))
    with adopted(tmp_path, LOGIN + sites("ops.test")) as world:
        with pytest.raises(Refused, match=r"ops\.test/ says no colour \(status 401\)"):
            world.app(state="live", colour="green", public=[ops])
        assert world.app(state="read")["live"] == "blue"
        result = world.app(state="live", colour="green", public=[ops, login])
        assert (hosts(result), result["live"], len(result["warnings"])) == (["login.test"], "green", 1)
        # The switch is back: that nobody can see it there is no failure of a rollback.
        back = world.app(state="returned", public=[ops])
        assert (back["live"], back["seen_at"], world.ask("/", host="login.test").headers["x-bluegreen-colour"]) == (
            "blue",
            None,
            "blue",
        )
        assert (
            "ops.test/ says no colour (status 401)" in back["warnings"][0] and "no public name" in back["warnings"][1]
        )


def test_another_path_of_the_same_name_will_do(tmp_path: Path) -> None:
    routes = "    reverse_proxy /app/* kratos:%(backend)d\n    reverse_proxy hera:%(backend)d\n"
    with adopted(tmp_path, "http://home.test {\n    redir / /app/x 302\n%s}\n" % routes) as world:
        result = world.app(state="live", colour="green")
        assert [(one["host"], one["path"], one["colour"]) for one in result["observed"]] == [
            ("home.test", "/app/", "green")
        ]
        assert result["warnings"] == []


def test_a_redirect_of_the_service_says_its_colour(tmp_path: Path) -> None:
    with adopted(tmp_path, LOGIN) as world:
        result = world.app(state="live", colour="green", public=[{"host": "login.test", "path": "/leave"}])
        assert [(one["status"], one["colour"]) for one in result["observed"]] == [(302, "green")]


def test_a_configuration_that_names_no_host_is_told(tmp_path: Path) -> None:
    with adopted(tmp_path, ":%(port)d {\n    reverse_proxy hera:%(backend)d\n}\n") as world:
        with pytest.raises(Refused, match="names no host"):
            world.app(state="live", colour="green")
        given = [{"host": "any.test", "path": "/"}]
        assert world.app(state="live", colour="green", public=given)["live"] == "green"
        assert "no public name can confirm it" in world.app(state="returned")["warnings"][0]


class HangsUp(native.Backend):
    def handle(self) -> None:
        pass


def ill(world: native.World, colour: str, service: str) -> None:
    """It takes connections and answers nothing: the edge says 502."""
    world.servers[colour][native.SERVICES.index(service)].RequestHandlerClass = HangsUp


def test_what_could_confirm_before_and_does_not_after_is_a_failure(tmp_path: Path) -> None:
    with adopted(tmp_path, LOGIN + sites("ops.test")) as world:
        ill(world, "green", "hera")
        with pytest.raises(BluegreenError, match=r"login\.test/ says no colour \(status 502\)"):
            world.app(state="live", colour="green", confirm_timeout=0.3)
        # Of a second run too, which moves nothing.
        with pytest.raises(BluegreenError, match=r"login\.test/ says no colour \(status 502\)"):
            world.app(state="live", colour="green", confirm_timeout=0.3)


def test_from_a_colour_that_is_ill_the_way_leads_to_a_well_one(tmp_path: Path) -> None:
    """A 5xx is no wall: what is asked is what answers after the flip."""
    with adopted(tmp_path, LOGIN + sites("ops.test")) as world:
        ill(world, "blue", "hera")
        result = world.app(state="live", colour="green")
        assert (hosts(result), result["live"]) == (["login.test"], "green")
        with pytest.raises(BluegreenError, match=r"the switch says blue, but login\.test/ says no colour"):
            world.app(state="returned", confirm_timeout=0.3)


def test_what_was_silent_before_and_after_is_told(tmp_path: Path) -> None:
    """Beside a name that confirms: nothing fails after a flip that was known before."""
    with adopted(tmp_path, LOGIN + "http://site.test {\n    reverse_proxy site:%(backend)d\n}\n") as world:
        ill(world, "blue", "site")
        ill(world, "green", "site")
        result = world.app(state="live", colour="green")
        assert result["live"] == "green" and result["warnings"] == ["site.test/ says no colour (status 502)"]
