# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""An edge that follows its switch, where it is hard: other writers, refused reloads, open streams, the watcher."""

from __future__ import annotations

import json
import os
import socket
import threading
from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from kit import caddy_kinds as kinds
from kit import caddy_native as native
from kit.caddy_followed import CASES, cutting_over, flip, public, settled, switch, watcher_back
from kit.caddy_kinds import Kind, Running
from kit.miniwatch import until
from kit.operations import rollback_table
from kit.ports import free_port

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.clock import SystemClock
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import (
    BluegreenError,
    CommandError,
    Refused,
)
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.files import locked
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.http import DirectHttp
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.podman import Podman
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.runner import Result, SubprocessRunner
from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.adopt import reload_method as following
from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.running.admin import Admin
from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.running.native import ProcessEdge
from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.states import App
from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.traffic.traffic import Traffic
from ansible_collections.olympus.bluegreen.plugins.module_utils._health.probe_origin import Standpoint
from ansible_collections.olympus.bluegreen.plugins.module_utils._watch import main
from ansible_collections.olympus.bluegreen.plugins.module_utils._watch.conclusion import roll_back
from ansible_collections.olympus.bluegreen.plugins.module_utils._watch.config import Config
from ansible_collections.olympus.bluegreen.plugins.module_utils._watch.rollback_followup import configuration
from ansible_collections.olympus.bluegreen.plugins.module_utils._watch.watcher import Watcher


@pytest.fixture(params=CASES, ids=str)
def edge(request: pytest.FixtureRequest) -> Iterator[Running]:
    with kinds.running(request.param, "current", method="reload") as one:
        one.app(state="adopted")
        yield one


def test_the_watchers_way_back(edge: Running) -> None:
    flip(edge, "green")
    here = switch(edge)
    back = here.read().return_to
    assert back
    about = {"deployment": "olympus", "state_dir": edge.options.state_dir}
    told = {**about, "release": "v2", "colour": "green", "probe": False}
    where = {"address": "127.0.0.1", "port": edge.port, "scheme": "http"}
    config = Config.of({**told, "switch_dir": here.path, "edge": where, "public": [{"host": "site.test", "path": "/"}]})
    podman = Podman(SubprocessRunner())
    watcher = Watcher(config, main.inputs_of(config, Standpoint(podman, "", {}), SystemClock(), podman))
    watcher.flip = back.flip
    rolled = roll_back(watcher, lambda _colour: [])
    assert (rolled["done"], rolled["to"], rolled["public"]) == (True, "blue", [])
    settled(edge, "blue")
    again = roll_back(watcher, lambda _colour: [])
    assert again["why"] == "the switch was moved meanwhile"


class Busy(Admin):
    """Somebody else writes between our look and our write, as often as is said."""

    def __init__(self, edge: ProcessEdge, others: int) -> None:
        super().__init__(edge)
        self.others = others

    def tagged(self) -> tuple[Any, str]:
        config, tag = super().tagged()
        if self.others:
            self.others -= 1
            server = next(iter(config["apps"]["http"]["servers"].values()))
            extra = {"match": [{"path": ["/extra%d" % self.others]}], "handle": [{"handler": "static_response"}]}
            server["routes"].insert(0, extra)
            headers = {"Content-Type": "application/json", "If-Match": tag}
            assert self._ask("POST", "/config/", json.dumps(config).encode(), headers, 10).status == 200
            config = json.loads(json.dumps(config))
            server["routes"].pop(0)
        return config, tag


def busy(edge: Running, others: int) -> dict[str, Any]:
    given = {**native.OPTIONS, "state_dir": "", "state": "returned"}
    one = edge.edge
    return App(given, one, Busy(one, others), edge.upstreams, DirectHttp(), SystemClock()).run()


@pytest.mark.parametrize("socket_", [False, True], ids=["tcp", "unix"])
@pytest.mark.parametrize("caddy", native.CADDIES_IN_TURN)
def test_somebody_else_writes(caddy: str, socket_: bool) -> None:
    """Theirs is kept and the way back comes after it; when it never ends, that is an error and the next one ends it."""
    with kinds.running(Kind("json", socket=socket_), caddy, method="reload") as edge:
        edge.app(state="adopted")
        flip(edge, "green")
        assert busy(edge, 2)["live"] == "blue" and public(edge) == "blue"
        assert [edge.ask("/extra%d" % number).status for number in range(2)] == [200, 200]
        with pytest.raises(Refused, match=r"does not run what its file says: .*routes/0 of"):
            flip(edge, "green")
        assert (switch(edge).read().live, public(edge)) == ("blue", "blue")
        flip(edge, "green", accept_pending=True)
        with pytest.raises(Refused, match="keeps changing"):
            busy(edge, 99)
        assert (switch(edge).read().live, public(edge)) == ("blue", "green")
        assert edge.app(state="returned")["live"] == public(edge) == "blue"


def test_a_reload_that_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with kinds.running(Kind("caddyfile"), "current", method="reload") as edge:
        edge.app(state="adopted")
        file, real = edge.path.read_bytes(), ProcessEdge.caddy

        def broken(self: ProcessEdge, *args: str, stdin: str | None = None) -> Result:
            return Result(1, "", "no") if args[0] == "reload" else real(self, *args, stdin=stdin)

        with monkeypatch.context() as patched, pytest.raises(CommandError, match="did not reload: no"):
            patched.setattr(ProcessEdge, "caddy", broken)
            flip(edge, "green")
        assert (edge.path.read_bytes(), switch(edge).read().live) == (file, "blue")
        settled(edge, "blue")


def test_a_file_that_caddy_would_refuse() -> None:
    """No cutover begins with one; the way back does not ask it, and leaves the edit."""
    with kinds.running(Kind("caddyfile"), "current", method="reload") as edge:
        edge.app(state="adopted")
        flip(edge, "green")
        before = switch(edge).read()
        with edge.path.open("a") as file:
            file.write("http://half.test {\n\tno_such_thing\n}\n")
        with pytest.raises(CommandError, match="refuses"):
            flip(edge, "blue")
        assert switch(edge).read() == before and public(edge) == "green"
        assert edge.app(state="returned")["live"] == "blue" and public(edge) == "blue"
        text = edge.path.read_text()
        assert text.endswith("\tno_such_thing\n}\n") and "header_down X-Bluegreen-Colour blue" in text


def test_a_file_that_somebody_edits_is_no_reason_to_stay() -> None:
    """The public is back, by a rollback and by the watcher; both say that a restart would not come up with it."""
    with kinds.running(Kind("json"), "current", method="reload") as edge:
        edge.app(state="adopted")
        flip(edge, "green")
        whole = edge.path.read_bytes()
        edge.path.write_bytes(whole[:-20])
        token = switch(edge).read().token
        told = edge.app(state="returned")
        row = rollback_table()["a file of a method that is no switch can't be written"]
        assert row.words[0] in told["warnings"][0] and "which can't be" in " ".join(told["steps"])
        assert public(edge) == "blue" and switch(edge).read().token == token + 1
        edge.path.write_bytes(whole)
        flip(edge, "green")
        edge.path.unlink()
        notes: list[Mapping[str, Any]] = []
        follow = configuration(SubprocessRunner(), switch(edge), SystemClock(), edge.options.state_dir)
        assert follow(switch(edge).rollback(), notes.append) == "" and public(edge) == "blue"
        (note,) = notes
        assert note["event"] == "not_kept" and "no such file" in note["why"]


def test_a_process_that_never_ends_to_make_it_follow_is_passed_by(
    edge: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The edge refuses a write of ours that comes between; the lock only keeps the file whole."""
    flip(edge, "green")
    monkeypatch.setattr(following, "BACK", 0.05)
    with locked(os.path.join(edge.options.state_dir, "follow.lock")):
        assert edge.app(state="returned")["live"] == public(edge) == "blue"
    settled(edge, "blue")


def test_a_rollback_before_the_edge_has_followed(edge: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who follows looks at the marker: the later word counts."""
    traffic = Traffic(edge.edge, Admin(edge.edge), edge.upstreams, DirectHttp(), SystemClock())
    follow = traffic.followup.follow

    def late(back: bool = False) -> None:
        watcher_back(edge)
        follow(back)

    monkeypatch.setattr(traffic.followup, "follow", late)
    told = edge.loads()
    traffic.make_live("green", "", traffic.switch.read().token)
    assert (public(edge), edge.loads()) == ("blue", told)
    settled(edge, "blue")


def test_another_method(caddy: str) -> None:
    """Each change is one adoption; whoever is live stays live."""
    for config in ("caddyfile", "json"):
        with kinds.running(Kind(config, named=config == "json"), caddy) as edge:
            file, running, told = edge.path.read_bytes(), edge.config(), edge.loads()
            edge.app(state="adopted")
            flip(edge, "green")
            for count, method in enumerate(("reload", "switch", "reload"), 2):
                edge.options = replace(edge.options, method=method)
                assert any("is in force. Fix: run the adopt stage" in one for one in edge.app(state="read")["problems"])
                assert edge.app(state="adopted")["changed"] and edge.loads() == told + count
                settled(edge, "green")
                assert edge.app(state="read")["method"] == method
            flip(edge, "blue")
            edge.app(state="undone")
            assert (edge.path.read_bytes(), edge.config()) == (file, running)


def test_streams_and_what_is_in_flight(caddy: str) -> None:
    """A request ends on its colour and is counted there; a WebSocket stays open where this Caddy can keep it."""
    keeps = caddy == "current"
    with kinds.running(Kind("caddyfile"), caddy, method="reload") as edge:
        edge.app(state="adopted")
        native.GO_ON.clear()
        slow: list[bytes] = []
        asking = threading.Thread(target=lambda: slow.append(edge.ask("/slow").body))
        with socket.create_connection(("127.0.0.1", edge.port), timeout=5) as stream:
            stream.sendall(b"GET /ws HTTP/1.1\r\nHost: site.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
            assert b" 101 " in stream.recv(4096)
            cost = edge.app(state="read")["cost"]
            assert ("stays open for 10m" if keeps else "every open WebSocket is closed") in cost
            asking.start()
            blue = list(edge.app(state="read")["open"]["blue"]["requests"])
            until(lambda: sum(Admin(edge.edge).requests()[one] for one in blue) == 2, 20, "both in flight")
            cutting_over(edge, lambda _name: None)
            assert sum(Admin(edge.edge).requests()[one] for one in blue) == 1 + keeps
            native.GO_ON.set()
            stream.settimeout(0.3 if keeps else 5)
            if keeps:
                assert not edge.app(state="drained", colour="blue", deadline=0.2)["drained"]
                with pytest.raises(TimeoutError):
                    stream.recv(1)
            else:
                assert stream.recv(1) in (b"", b"\x88")
        asking.join()
        assert slow == [b"blue"] and public(edge) == "green"
        assert edge.app(state="drained", colour="blue", deadline=10.0)["drained"]


SITE = "http://login.test {\n\tforward_auth kratos:%(backend)d {\n\t\turi /api\n\t}\n\timport shared\n}\n"
MAIN = """{
    admin localhost:%(admin)d
    http_port %(port)d
    auto_https off
}
(shared) {
    reverse_proxy hera:%(backend)d
}
import sites/*.caddy
http://site.test {
    reverse_proxy site:%(backend)d hera:%(backend)d {
        lb_policy first
    }
}
"""


def test_imported_files_are_adopted_once_and_no_flip_touches_them(tmp_path: Path, caddy: str) -> None:
    """A snippet, a forward_auth, several upstreams, an imported file: all by a few words in the main one."""
    (tmp_path / "sites").mkdir()
    with native.backends() as (backend, servers):
        (tmp_path / "sites" / "a.caddy").write_text(SITE % {"backend": backend})
        port, admin = free_port(), free_port()
        text = MAIN % {"admin": admin, "port": port, "backend": backend}
        one = native.NativeEdge(tmp_path, text, port, admin, caddy)
        one.options = replace(one.options, method="reload")
        one.start()
        try:
            world = native.World(one, backend, servers)
            site_file = tmp_path / "sites" / "a.caddy"
            before = (one.path.read_bytes(), site_file.read_bytes())
            world.app(state="adopted")
            adopted = site_file.read_bytes()
            assert b"import bluegreen_live" in adopted and adopted != before[1]
            for number, colour in enumerate(("green", "blue"), 1):
                world.app(state="live", colour=colour, token=number)
                said = [world.ask("/", host=host).headers["x-bluegreen-colour"] for host in ("login.test", "site.test")]
                assert said == [colour] * 2 and site_file.read_bytes() == adopted
                assert not world.app(state="adopted")["changed"]
            world.app(state="undone")
            assert (one.path.read_bytes(), site_file.read_bytes()) == before
        finally:
            one.stop()


def test_what_is_written_down_is_checked(edge: Running) -> None:
    path = Path(edge.options.state_dir) / "follow.json"
    known = json.loads(path.read_text())
    assert known["edge"] == asdict(edge.options) and path.stat().st_mode & 0o777 == 0o600
    path.write_text(json.dumps({**known, "edge": {"nonsense": 1}}))
    assert any("has another shape" in one for one in edge.app(state="read")["problems"])
    with pytest.raises(BluegreenError, match="has another shape"):
        edge.app(state="returned")
    path.unlink()
    assert any("run the adopt stage" in one for one in edge.app(state="read")["problems"])
    assert edge.app(state="adopted")["changed"]
    settled(edge, "blue")
