# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a native or JSON edge is refused for, what others did to it meanwhile, and what is repaired."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from kit import caddy_kinds as kinds
from kit.caddy_kinds import Kind, Running

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import BluegreenError, Refused
from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.running.admin import Admin
from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.running.find import edge_options

AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="another user and other mounts need root")


@pytest.fixture
def native() -> Iterator[Running]:
    with kinds.running(Kind("caddyfile"), "current") as one:
        yield one


def test_an_edge_that_starts_with_what_its_api_was_told_is_refused(caddy: str) -> None:
    with kinds.running(Kind("json"), caddy) as edge:
        edge.stop()
        edge.start("--resume", "--config", str(edge.path))
        with pytest.raises(Refused, match=r"runs with --resume.*caddy run --config FILE"):
            edge.app(state="adopted")


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
        ('mount -t tmpfs tmpfs "$0"', r"does not see.*PrivateTmp="),
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
        told = edge.loads()
        with pytest.raises(Refused, match=r"does not run what its file says: /apps/http/servers/.* of .*more\.test"):
            edge.app(state="adopted")
        assert edge.loads() == told
        edge.app(state="adopted", accept_pending=True)
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
    native.options = replace(native.options, source="json")
    with pytest.raises(BluegreenError, match=r"not Caddy's JSON.*edge.source: caddyfile"):
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
    for said in ("has mode 0700 instead of 0711", "log is missing", "no sentinel"):
        assert said in problems
    assert native.app(state="adopted")["steps"] == ["make %s with green live" % there]
    again = native.app(state="read")
    assert (again["problems"], again["live"], again["token"], native.colour()) == ([], "green", 3, "green")


def test_a_lost_switch_comes_back_with_the_colour_that_is_alive(native: Running) -> None:
    native.app(state="adopted")
    native.app(state="live", colour="green")
    shutil.rmtree(native.edge.place().directory)
    assert native.ask("/").status == 503
    assert "directory is missing" in " ".join(native.app(state="read")["problems"])
    with pytest.raises(Refused, match=r"blue and green are alive.*bluegreen_assume_live"):
        native.app(state="adopted")
    assert native.app(state="adopted", assume_live="green")["live"] == "green" and native.colour() == "green"


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
