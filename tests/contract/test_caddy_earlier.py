# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""An edge that the form before adopted, in which every proxy asked the disk: adopt brings it to that of today."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import caddy_kinds as kinds
import caddy_native as native
import pytest
from ports import one_listens

from ansible_collections.olympus.bluegreen.plugins.module_utils._caddy import jsonconfig
from ansible_collections.olympus.bluegreen.plugins.module_utils._caddy.admin import Admin
from ansible_collections.olympus.bluegreen.plugins.module_utils._caddy.journal import Journal
from ansible_collections.olympus.bluegreen.plugins.module_utils._caddy.remembered import decides

EARLIER = Path(__file__).with_name("caddy_earlier.caddyfile").read_text()
NEW = "http://new.test {\n\treverse_proxy site:%d\n}\n"


@pytest.fixture(params=native.CADDIES_IN_TURN)
def world(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[native.World]:
    """Green is live, and the edge runs the earlier form."""
    with native.world(tmp_path, caddy=request.param) as running:
        operators = running.edge.path.read_bytes()
        running.app(state="adopted")
        running.app(state="live", colour="green")
        running.earlier = earlier(running, request.param)
        Journal(running.edge.place().directory).write(operators, operators, running.earlier.encode(), {})
        load(running, running.earlier)
        assert running.ask("/").body == b"page of green"
        yield running


def earlier(world: native.World, caddy: str) -> str:
    options = world.edge.options
    admin = int(options.admin.rpartition(":")[2])
    places = {"admin": admin, "port": options.port, "backend": world.backend_port, "mount": options.mount}
    text = EARLIER % places
    return text if caddy == "current" else text.replace("{args[0]}", "{args.0}").replace("log bluegreen {", "log {")


def load(world: native.World, text: str) -> None:
    world.edge.path.write_text(text)
    done = world.edge.caddy("adapt", "--config", str(world.edge.path), "--adapter", "caddyfile")
    assert done.rc == 0, done.err
    world.admin.load(json.loads(done.out))
    one_listens(world.edge.options.port)


def test_one_reload_brings_the_form_of_today_and_undo_the_operators_bytes(world: native.World) -> None:
    reloads, operators = world.edge.reloads(), Journal(world.edge.place().directory).before
    first = world.app(state="adopted")
    assert first["changed"] and world.edge.reloads() == reloads + 1
    assert "bluegreen_decide" in world.edge.path.read_text()
    assert world.ask("/").body == b"page of green"
    assert not world.app(state="adopted")["changed"]
    world.app(state="live", colour="blue")
    world.app(state="undone")
    assert world.edge.path.read_bytes() == operators


def test_one_that_was_edited_since_goes_by_one_form(world: native.World) -> None:
    load(world, world.earlier)
    world.edge.path.write_text(world.edge.path.read_text() + NEW % world.backend_port)
    assert world.app(state="adopted")["changed"]
    for colour in ("green", "blue"):
        world.app(state="live", colour=colour)
        seen = {
            world.ask("/", host=host).headers["x-bluegreen-colour"] for host in ("site.test", "login.test", "new.test")
        }
        assert seen == {colour}
        assert world.ask("/internal/x", host="login.test").status == 404
        posted = world.ask("/login", method="POST", body="green", Cookie="bluegreen=green")
        assert posted.body == b"green took green"
    assert not world.app(state="adopted")["changed"]
    (world.marker / "ready").unlink()
    for host in ("site.test", "login.test", "new.test"):
        answer = world.ask("/", host=host)
        assert (answer.status, answer.headers["x-bluegreen-reason"]) == (503, "no switch")


def older(config: Any) -> Any:
    """As another form would have it: our routes without what decides, which then nobody can reach."""
    if jsonconfig.ours(config):
        return {**config, "routes": [one for one in config["routes"] if decides(one["handle"][0]) is None]}
    if isinstance(config, list):
        return [older(one) for one in config]
    return {name: older(one) for name, one in config.items()} if isinstance(config, dict) else config


def ours(config: Any) -> dict[str, Any]:
    return {jsonconfig.ours(value): value for _path, value in jsonconfig.places(config) if jsonconfig.ours(value)}


@pytest.fixture(params=native.CADDIES_IN_TURN)
def api(request: pytest.FixtureRequest) -> Iterator[kinds.Running]:
    """An edge that knows only its API, adopted."""
    with kinds.running(kinds.Kind("api", named=True), request.param) as edge:
        edge.operators = edge.config()
        edge.app(state="adopted")
        yield edge


def test_an_edge_that_knows_only_its_api_is_brought_up_too(api: kinds.Running) -> None:
    now, file = api.config(), Path(api.edge.place().directory) / "journal" / "api.json"
    Admin(api.edge).load(older(now))
    journal, was = json.loads(file.read_text()), ours(api.config())
    journal["made"] = {group: {**one, "ours": was[group]} for group, one in journal["made"].items()}
    file.write_text(json.dumps(journal))
    loads = api.loads()
    assert api.ask("/").status == 503
    assert api.app(state="adopted")["changed"] and api.loads() == loads + 1
    assert api.config() == now and api.colour() == "blue"
    assert not api.app(state="adopted")["changed"]
    api.app(state="undone")
    assert api.config() == api.operators


def test_what_somebody_edited_in_ours_there_is_left_to_him(api: kinds.Running) -> None:
    edited = json.loads(json.dumps(api.config()))
    group = next(value for _path, value in jsonconfig.places(edited) if jsonconfig.ours(value))
    group["routes"].append({"handle": [{"handler": "vars", "by": "hand"}]})
    Admin(api.edge).load(edited)
    assert not api.app(state="adopted")["changed"] and api.config() == edited
