# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a native, JSON or API-driven edge is refused for, what others did to it meanwhile, and what is repaired."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import caddy_kinds as kinds
import pytest
from caddy_kinds import Kind, Running

from ansible_collections.olympus.bluegreen.plugins.module_utils._caddy.admin import Admin
from ansible_collections.olympus.bluegreen.plugins.module_utils._caddy.adopt_api import ApiAdopter
from ansible_collections.olympus.bluegreen.plugins.module_utils._caddy.edges import edge_options
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import BluegreenError, Refused

AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="another user and other mounts need root")


@pytest.fixture
def api(caddy: str) -> Iterator[Running]:
    with kinds.running(Kind("api", named=True), caddy) as one:
        yield one


@pytest.fixture
def native() -> Iterator[Running]:
    with kinds.running(Kind("caddyfile"), "current") as one:
        yield one


def tell(edge: Running, method: str, path: str, value: Any) -> None:
    """What somebody else says to the admin API."""
    headers = {"Content-Type": "application/json"}
    answer = Admin(edge.edge)._ask(method, path, json.dumps(value).encode(), headers, 10)
    assert answer.status == 200, answer


def test_the_switch_survives_a_restart_of_an_api_driven_edge(api: Running) -> None:
    api.app(state="adopted")
    api.app(state="live", colour="green")
    config = api.config()
    api.stop()
    api.start("--resume")
    assert (api.config(), api.colour()) == (config, "green")


def test_an_api_driven_edge_that_forgets_is_refused(caddy: str) -> None:
    for kind, said, text in (
        ("json", "api", r"a restart of the edge would lose the switch.*--resume"),
        ("api", "json", r"runs with --resume.*say edge.config=api"),
    ):
        with kinds.running(Kind(kind), caddy, config=said) as edge, pytest.raises(Refused, match=text):
            edge.app(state="adopted")


def test_what_others_tell_the_api_is_neither_lost_nor_blocked(api: Running) -> None:
    before = api.config()
    api.app(state="adopted")
    more = {"match": [{"path": ["/more"]}], "handle": [{"handler": "static_response", "body": "more"}]}
    tell(api, "PUT", "/config/apps/http/servers/public/routes/0", more)
    assert not api.app(state="adopted")["changed"] and api.ask("/more").body == b"more"
    api.app(state="undone")
    routes = before["apps"]["http"]["servers"]["public"]["routes"]
    routes.insert(0, more)
    assert api.config() == before


def test_a_new_proxy_told_to_the_api_is_named_and_adopted(api: Running) -> None:
    api.app(state="adopted")
    dial = {"handler": "reverse_proxy", "upstreams": [{"dial": "hera:%d" % api.backend}]}
    added = {"match": [{"path": ["/new"]}], "handle": [dial]}
    tell(api, "PUT", "/config/apps/http/servers/public/routes/0", added)
    assert "by its plain name" in " ".join(api.app(state="read")["problems"])
    assert api.app(state="adopted")["changed"] and api.colour("/new") == "blue"
    api.app(state="undone")
    assert api.config()["apps"]["http"]["servers"]["public"]["routes"][0] == added


def test_an_edit_inside_of_ours_is_not_lost_unasked(api: Running) -> None:
    api.app(state="adopted")
    ours = Admin(api.edge)._ask("GET", "/id/the-site", b"", {}, 5).json()
    proxy = next(one for route in ours["routes"] for one in route["handle"] if one.get("upstreams"))
    proxy["flush_interval"] = -1
    tell(api, "PATCH", "/id/the-site", ours)
    with pytest.raises(Refused, match="was edited since adopt"):
        api.app(state="undone")
    assert api.app(state="undone", force=True)["changed"]


def test_a_change_at_the_same_moment_wins_over_ours(api: Running) -> None:
    edge = api.edge
    adopter = ApiAdopter(edge, Admin(edge), api.upstreams)
    change = adopter.adopted()
    tell(api, "POST", "/config/apps/http/servers/public/routes", {"handle": []})
    with pytest.raises(Refused, match="somebody else changed"):
        adopter.apply(change)
    assert api.app(state="adopted")["adopted"]


@AS_ROOT
def test_a_directory_that_its_user_can_not_pass_is_refused(native: Running) -> None:
    home = native.directory / "home"
    home.mkdir(mode=0o750)
    native.options = edge_options({**vars(native.options), "switch_dir": str(home / "edge")})
    text = native.path.read_bytes()
    with pytest.raises(Refused, match="its user can't reach"):
        native.app(state="adopted")
    assert (native.path.read_bytes(), native.loads()) == (text, 0)


@AS_ROOT
@pytest.mark.parametrize(
    ("mount", "said"),
    [
        ('mount -t tmpfs tmpfs "$0"', r"is not there for it.*PrivateTmp="),
        ('mount --bind "$0" "$0" && mount -o remount,ro,bind "$0"', r"can't write.*ProtectSystem="),
    ],
)
def test_what_a_service_manager_hides_is_named(mount: str, said: str) -> None:
    around = ("unshare", "--mount", "sh", "-c", mount + ' && exec "$@"', "{edge}")
    with kinds.running(Kind("caddyfile", around=around), "current") as edge:
        with pytest.raises(Refused, match=said):
            edge.app(state="adopted")
        assert edge.loads() == 0 and edge.ask("/teapot").status == 418


@pytest.mark.parametrize("config", ["caddyfile", "json"])
def test_an_edit_of_the_adopted_file_is_adopted_too(config: str) -> None:
    with kinds.running(Kind(config), "current") as edge:
        edge.app(state="adopted")
        dial = kinds.handlers(edge.kind, edge.backend)["hera"]
        if config == "caddyfile":
            edge.path.write_text(edge.path.read_text() + "\nhttp://more.test {\n\treverse_proxy %s\n}\n" % dial)
        else:
            document = json.loads(edge.path.read_text())
            proxy = {"handler": "reverse_proxy", "upstreams": [{"dial": dial}]}
            route = {"match": [{"host": ["more.test"]}], "handle": [proxy]}
            document["apps"]["http"]["servers"]["public"]["routes"].append(route)
            edge.path.write_text(json.dumps(document))
        edge.app(state="adopted")
        assert edge.colour("/", "more.test") == "blue" and not edge.app(state="adopted")["changed"]
        edge.app(state="live", colour="green")
        assert (edge.colour("/", "more.test"), edge.colour()) == ("green", "green")


def test_no_admin_endpoint_is_refused_with_the_mend(native: Running) -> None:
    native.stop()
    with pytest.raises(BluegreenError, match=r"nothing listens there.*admin off"):
        native.app(state="adopted")
    assert "admin endpoint does not answer" in native.app(state="read")["problems"][0]


def test_an_endpoint_with_its_own_origins(caddy: str) -> None:
    with kinds.running(Kind("json"), caddy) as edge:
        config = edge.config()
        config["admin"].update(origins=["edge.internal:2019"], enforce_origin=True)
        edge.path.write_text(json.dumps(config))
        Admin(edge.edge).load(config)
        with pytest.raises(BluegreenError, match="admin_origin"):
            edge.app(state="adopted")
        edge.options = replace(edge.options, admin_origin="edge.internal:2019")
        assert edge.app(state="adopted")["adopted"] and edge.colour() == "blue"
        assert edge.app(state="undone")["changed"] and edge.config() == config


def test_json_that_is_none_says_so(native: Running) -> None:
    native.options = replace(native.options, config="json")
    with pytest.raises(BluegreenError, match=r"not Caddy's JSON.*edge.config=caddyfile"):
        native.app(state="adopted")


def test_a_damaged_switch_is_named_and_repaired(native: Running) -> None:
    native.app(state="adopted")
    native.app(state="live", colour="green", token=3)
    there = Path(native.edge.place().directory)
    os.chmod(there, 0o700)
    shutil.rmtree(there / "log")
    (there / "switch" / "warm-green").unlink()
    (there / "switch" / "ready").unlink()
    problems = " ".join(native.app(state="read")["problems"])
    for said in ("has mode 0700 and not 0711", "log is gone", "no sentinel"):
        assert said in problems
    assert native.app(state="adopted")["steps"] == ["make %s with green live" % there]
    again = native.app(state="read")
    assert (again["problems"], again["live"], again["token"], native.colour()) == ([], "green", 3, "green")


def test_a_lost_switch_comes_back_with_the_colour_that_is_alive(native: Running) -> None:
    native.app(state="adopted")
    native.app(state="live", colour="green")
    shutil.rmtree(native.edge.place().directory)
    assert native.ask("/").status == 503
    assert "directory is gone" in " ".join(native.app(state="read")["problems"])
    with pytest.raises(Refused, match=r"blue and green are alive.*bluegreen_lost"):
        native.app(state="adopted")
    assert native.app(state="adopted", lost="green")["live"] == "green" and native.colour() == "green"


def test_the_operators_own_access_log_stays_and_ours_hears_the_same(caddy: str) -> None:
    with kinds.running(Kind("json"), caddy) as edge:
        config = json.loads(edge.path.read_text())
        config["apps"]["http"]["servers"]["public"]["logs"] = {"logger_names": {"site.test": "own"}}
        own = {"writer": {"output": "file", "filename": str(edge.directory / "own.log")}}
        config["logging"] = {"logs": {"own": {**own, "include": ["http.log.access.own"]}}}
        edge.path.write_text(json.dumps(config))
        Admin(edge.edge).load(config)
        edge.app(state="adopted")
        assert edge.colour("/api/x?code=secret") == "blue"
        ours = Path(edge.edge.place().directory, "log", "access.log").read_text()
        line = json.loads(ours.splitlines()[-1])
        assert line["resp_headers"]["X-Bluegreen-Colour"] == ["blue"] and "secret" not in ours
        assert "secret" in (edge.directory / "own.log").read_text()
        edge.app(state="undone")
        assert edge.config() == config
