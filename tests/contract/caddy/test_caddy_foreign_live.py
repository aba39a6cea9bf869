# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Caddyfiles in other people's styles served by a real Caddy: before, adopted, flipped, and after undo."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from kit import caddy_native as native
from kit.caddy_named import start
from kit.cut import cut_off
from kit.ports import free_port

from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.adopt.file import Adopter

FILES = {
    "Caddyfile": """{
    admin localhost:%(admin)d
    http_port %(port)d
    auto_https off
}
import parts/*.caddy
import sites/*.caddy

http://args.test {
    import proxy hera:%(backend)d twice
    import proxy 127.0.2.3:%(backend)d other
}

http://env.test {
    reverse_proxy /set/* {$KRATOS_UPSTREAM}
    reverse_proxy {$HERA_UPSTREAM:hera:%(backend)d}
}

http://auth.test {
    forward_auth kratos:%(backend)d {
        uri /headers/whoami
    }
    respond "let in"
}

http://denied.test {
    @guarded path /private/*
    forward_auth @guarded kratos:%(backend)d {
        uri /missing
    }
    reverse_proxy site:%(backend)d
}

http://two.test {
    reverse_proxy kratos:%(backend)d kratos:%(backend)d {
        lb_policy random
    }
}

http://fallback.test {
    reverse_proxy hera:%(backend)d 127.0.0.1:9 {
        lb_policy first
        health_uri /api/health
        health_interval 100ms
    }
}

http://secret.test {
    respond /secret/* 404
    handle_path /api/* {
        reverse_proxy kratos:%(backend)d
    }
    reverse_proxy hera:%(backend)d
}

http://inner.test
{
    reverse_proxy hera:%(backend)d {
        @missing status 404
        handle_response @missing {
            rewrite * /headers/inner
            reverse_proxy site:%(backend)d {
                header_up X-Via {upstream_hostport}
            }
        }
    }
}

http://outer.test {
    reverse_proxy kratos:%(backend)d
    reverse_proxy /missing/* 127.0.2.3:%(backend)d {
        @missing status 404
        handle_response @missing {
            rewrite * /headers/outer
            reverse_proxy hera:%(backend)d
        }
    }
}

http://first.test {
    reverse_proxy {$KRATOS_PATH}/* kratos:%(backend)d
    reverse_proxy "/quoted/*" kratos:%(backend)d
    reverse_proxy {$NOT_THERE} hera:%(backend)d
}

http://named.test {
    reverse_proxy kratos:%(backend)d {
        header_up Host {http.reverse_proxy.upstream.host}
        header_up X-Via "{http.reverse_proxy.upstream.port} {http.reverse_proxy.upstream.address} {upstream_hostport}"
    }
}
""",
    "parts/snippets.caddy": """(proxy) {
    # one for all
    reverse_proxy /{args.1}/* {args.0} {
        header_up X-Via "{args.0} {args.1}"
    }
}
""",
    "parts/own.inc": "reverse_proxy site:%(backend)d\n",
    "sites/one.caddy": "http://one.test {\r\n  import ../parts/own.inc\r\n}\r\n",
    "sites/two.caddy": """# a comment
http://inside.test {
    respond /teapot 418
    reverse_proxy hera:%(backend)d
}""",
}
REQUESTS = [
    ("args.test", "/twice/y"),
    ("args.test", "/other/y"),
    ("env.test", "/set/x"),
    ("env.test", "/headers"),
    ("auth.test", "/anything"),
    ("denied.test", "/private/x"),
    ("denied.test", "/public"),
    ("two.test", "/headers/x"),
    ("fallback.test", "/api/x"),
    ("secret.test", "/secret/x"),
    ("secret.test", "/api/headers/y"),
    ("secret.test", "/page"),
    ("one.test", "/page"),
    ("inside.test", "/teapot"),
    ("inside.test", "/missing"),
    ("inner.test", "/missing/x"),
    ("inner.test", "/page"),
    ("outer.test", "/missing/x"),
    ("first.test", "/headers"),
    ("first.test", "/auth/x"),
    ("first.test", "/quoted/x"),
    ("named.test", "/headers"),
]


@pytest.fixture
def world(tmp_path: Path, caddy: str) -> Iterator[native.World]:
    with native.backends() as (backend, servers):
        port, admin = free_port(), free_port()
        values = {"admin": admin, "port": port, "backend": backend}
        edge = native.NativeEdge(tmp_path, FILES["Caddyfile"] % values, port, admin, caddy)
        for name, text in FILES.items():
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_bytes((text % values).encode())
        edge.env.update(KRATOS_UPSTREAM="kratos:%d" % backend, KRATOS_PATH="/auth")
        start(edge)
        try:
            yield native.World(edge, backend, servers)
        finally:
            edge.stop()


def contents(world: native.World) -> dict[str, tuple[int, bytes]]:
    paths = [world.edge.directory / name for name in FILES]
    return {str(path): (path.stat().st_ino, path.read_bytes()) for path in paths}


def answers(world: native.World) -> list[tuple[str, str, int, str]]:
    found = [(host, path, world.ask(path, host=host)) for host, path in REQUESTS]
    return [(host, path, one.status, one.body.decode()) for host, path, one in found]


def green(rows: list[tuple[str, str, int, str]]) -> list[tuple[str, str, int, str]]:
    fixed = ("/other/y",)
    return [
        (host, path, status, body if path in fixed else re.sub(r"\bblue\b", "green", body))
        for host, path, status, body in rows
    ]


def test_every_form_answers_the_same_before_adopted_and_after_undo(world: native.World) -> None:
    files, before = contents(world), answers(world)
    assert {status for _host, _path, status, _body in before} == {200, 404, 418}
    adopted = world.app(state="adopted")
    assert (world.edge.reloads(), answers(world)) == (1, before)
    changed = [name for name, (_inode, content) in contents(world).items() if content != files[name][1]]
    assert sorted(Path(name).name for name in changed) == ["Caddyfile", "one.caddy", "own.inc", "two.caddy"]
    assert (
        "+++ b/%s" % str(world.edge.directory / "sites" / "two.caddy").lstrip("/")
        in Path(adopted["patch_file"]).read_text()
    )
    assert [inode for inode, _content in contents(world).values()] == [inode for inode, _content in files.values()]
    tree = contents(world)
    assert not world.app(state="adopted")["changed"] and contents(world) == tree
    world.app(state="live", colour="green")
    assert answers(world) == green(before)
    assert world.app(state="returned")["live"] == "blue" and answers(world) == before
    world.app(state="undone")
    assert (contents(world), world.edge.reloads(), answers(world)) == (files, 2, before)
    assert not world.app(state="undone")["changed"]


def test_without_a_switch_nobody_is_let_in(world: native.World) -> None:
    world.app(state="adopted")
    for name in ("ready", "blue"):
        (world.marker / name).unlink()
    asked = [world.ask(path, host=host).status for host, path in REQUESTS if host in ("auth.test", "denied.test")]
    assert asked == [503, 503, 503]


def test_an_edited_imported_file_is_adopted_again_and_not_lost_by_undo(world: native.World) -> None:
    world.app(state="adopted")
    path = world.edge.directory / "sites" / "two.caddy"
    path.write_bytes(path.read_bytes() + b"\nhttp://more.test {\n\treverse_proxy site:%d\n}\n" % world.backend_port)
    with pytest.raises(Exception, match="was edited since adopt"):
        world.app(state="undone")
    world.app(state="adopted", accept_pending=True)
    assert world.ask("/", host="more.test").headers["x-bluegreen-colour"] == "blue"


def test_a_form_that_is_refused_changes_nothing(world: native.World) -> None:
    path = world.edge.directory / "sites" / "two.caddy"
    path.write_text("http://x.test {\n\n\tphp_fastcgi hera:9000\n}\n")
    files, tree = contents(world), world.tree()
    with pytest.raises(Exception, match=r"two\.caddy:3: hera:9000 in a form that can't be rewritten"):
        world.app(state="adopted")
    assert (contents(world), world.tree(), world.edge.reloads()) == (files, tree, 0)


@pytest.mark.parametrize("caddy", ["current"])
@pytest.mark.slow
@pytest.mark.parametrize("undo", [False, True])
def test_cut_off_between_any_two_files(world: native.World, undo: bool) -> None:
    files, number, went_on = contents(world), 0, True
    while went_on:
        if undo:
            world.app(state="adopted")
        went_on = cut_off(partial(Adopter, world.edge, world.admin, world.upstreams), number, undo)
        number += 1
        # Whatever was cut off: what lies there loads, should the edge be started again now.
        config = str(world.edge.path)
        assert world.edge.caddy("adapt", "--config", config, "--adapter", "caddyfile").rc == 0 or torn(world)
        world.app(state="undone" if undo else "adopted")
        assert world.ask("/teapot", host="inside.test").status == 418
        world.app(state="undone")
        assert contents(world) == files
    assert number > 5


def torn(world: native.World) -> bool:
    adopter = Adopter(world.edge, world.admin, world.upstreams)
    return any(one.journal.torn(one.current) for one in adopter.adopted().files)
