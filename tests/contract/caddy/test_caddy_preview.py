# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The idle colour at the public names, for who knows the secret of its release and for nobody else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kit import caddy_native as native

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import BluegreenError, Fenced, Refused
from ansible_collections.olympus.bluegreen.plugins.module_utils._watch.accesslog import parse

HEADER = "X-Bluegreen-Preview"
RELEASE = "v1.5.0-0123456789"
# What its own backend answers says what it heard.
HEARD = "/headers"


@pytest.fixture(params=native.CADDIES_IN_TURN)
def world(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[native.World]:
    with native.world(tmp_path, caddy=request.param) as running:
        running.app(state="adopted")
        yield running


def previewed(world: native.World, **params: Any) -> dict[str, Any]:
    return world.app(state="previewed", release=RELEASE, **params)


def secret(world: native.World) -> str:
    file = world.edge.directory / "state" / "releases" / RELEASE / "preview"
    assert file.stat().st_mode & 0o777 == 0o600
    name, said = file.read_text().strip().split(": ")
    assert name == HEADER
    return said


def asked(world: native.World, value: str, path: str = "/", **more: str) -> str:
    return world.ask(path, **{HEADER: value, **more}).headers["x-bluegreen-colour"]


def test_it_reaches_the_idle_colour_whichever_that_is(world: native.World) -> None:
    reloads, result = world.edge.reloads(), previewed(world)
    assert result["changed"] and world.edge.reloads() == reloads
    assert {(one["host"], one["colour"]) for one in result["observed"]} == {
        ("login.test", "green"),
        ("site.test", "green"),
    }
    said = secret(world)
    assert said not in json.dumps(result) and "%s/" % RELEASE in json.dumps(result["preview"])
    assert (asked(world, said), world.ask("/").headers["x-bluegreen-colour"]) == ("green", "blue")
    world.app(state="live", colour="green")
    assert (asked(world, said), world.ask("/").headers["x-bluegreen-colour"]) == ("blue", "green")
    tree = world.tree()
    assert not previewed(world, check_mode=True)["changed"] and world.tree() == tree


def test_a_second_time_changes_nothing_and_check_mode_neither(world: native.World) -> None:
    tree = world.tree()
    assert previewed(world, check_mode=True)["changed"] and world.tree() == tree
    previewed(world)
    tree = world.tree()
    assert not previewed(world)["changed"] and world.tree() == tree
    stack = world.edge.directory / "state" / "stacks" / "green"
    stack.mkdir(parents=True)
    (stack / "services.json").write_text(json.dumps({"release": RELEASE}))
    read = world.app(state="read")
    assert read["preview"]["commands"] == [
        "curl -H @%s http://%s/" % (read["preview"]["file"], host) for host in ("login.test", "site.test")
    ]
    assert secret(world) not in json.dumps(read)


def test_whoever_does_not_know_it_gets_what_everybody_gets(world: native.World) -> None:
    previewed(world)
    said = secret(world)
    others = [
        "", "*", "?" * 32, "[0-9a-f]*", ".", "..", "../switch/ready", "../preview/" + said, "./" + said, said + "/",
        said.upper(), said[:-1], said + "0", "{env.HOME}", "f" * 32, "%2e%2e/" + said, "0" * 6000,
    ]  # fmt: skip
    for one in others:
        assert asked(world, one) == "blue", one
        assert HEADER.lower() not in world.ask("/", **{HEADER: one}).headers


def test_a_cookie_does_not_pin_it_and_the_colour_does_not_hear_it(world: native.World) -> None:
    previewed(world)
    said = secret(world)
    for colour in native.ADDRESS:
        (world.marker / ("warm-" + colour)).touch()
        cookie = {"Cookie": "bluegreen=blue", HEADER: said}
        assert world.ask("/login", method="POST", body="green", **cookie).body == b"green took green"
    heard = json.loads(world.ask(HEARD, **{HEADER: said}).body)
    assert heard["colour"] == "green" and HEADER not in heard
    assert HEADER not in json.loads(world.ask(HEARD, **{HEADER: "wrong"}).body)


def test_the_log_says_that_it_was_one_and_not_the_secret(world: native.World) -> None:
    previewed(world)
    said = secret(world)
    assert asked(world, said) == "green" and asked(world, "f" * 32) == "blue"
    text = (Path(world.edge.place().directory) / "log" / "access.log").read_text()
    lines = [line for line in text.splitlines() if "python" not in line and "olympus" not in line]
    assert said not in text and "f" * 32 not in text
    (preview, visitor) = (parse(line) for line in lines[-2:])
    assert preview and visitor and (preview.ours, preview.colour) == (True, "green")
    assert (visitor.ours, visitor.colour) == (False, "blue")


def test_what_does_not_answer_with_the_idle_colour_is_an_error(world: native.World) -> None:
    for server in world.servers["green"][1:2]:
        server.shutdown()
        server.server_close()
    with pytest.raises(BluegreenError, match=r"login\.test/ says") as caught:
        previewed(world, confirm_timeout=0.5)
    assert secret(world) not in str(caught.value.msg) + json.dumps(caught.value.partial)


def test_it_ends_with_the_colour_and_another_release_has_another(world: native.World) -> None:
    previewed(world)
    first = secret(world)
    world.app(state="previewed", release="v1.6.0-abcdef0123")
    assert asked(world, first) == "blue"
    previewed(world)
    assert asked(world, secret(world)) == "green"
    world.app(state="drained", colour="green")
    assert asked(world, secret(world)) == "blue"
    assert world.app(state="read")["preview"] == {}


def test_it_needs_a_release_and_a_token_that_is_not_old(world: native.World) -> None:
    with pytest.raises(Refused, match="no release"):
        world.app(state="previewed", release="")
    world.app(state="live", colour="green", token=9)
    with pytest.raises(Fenced):
        previewed(world, token=3)
