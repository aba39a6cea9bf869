# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The look and the module: podman and an admin endpoint answer, files are there, and the record is written."""

from __future__ import annotations

import http.server
import ipaddress
import json
import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from kit.stacks import Stack, published

from ansible_collections.olympus.bluegreen.plugins.module_utils._core import addresses, resolve
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import BluegreenError
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.runner import Result
from ansible_collections.olympus.bluegreen.plugins.module_utils._discovery import (
    edge,
    fronts,
    host,
    look,
    record,
)
from ansible_collections.olympus.bluegreen.plugins.module_utils._discovery.observed import Seen, from_inspect
from ansible_collections.olympus.bluegreen.plugins.module_utils._discovery.states import Deployment
from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.running.container import PodmanEdge

COMPOSE = """
services:
  postgres: {}
  site: {image: x, depends_on: [ciam-hydra]}
  pgadmin: {depends_on: {iam-hydra: {}}}
"""


class Podman:
    """The projects of one host, as podman, podman-compose and ip tell of them."""

    def __init__(self, *stacks: Stack) -> None:
        self.stacks, self.calls = stacks, [[""]][:0]

    def run(
        self,
        argv: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        stdin: str | None = None,
        cwd: str | None = None,
        timeout: float = 120,
    ) -> Result:
        self.calls.append(list(argv))
        if argv[1] == "--version":
            return Result(0, "podman-compose version 1.6.0\npodman version 4.3.1\n", "")
        if argv[0] == "ip":
            return Result(0, json.dumps([{"dst": "default"}, {"dst": "10.231.16.0/20", "dev": "x"}]), "")
        if argv[1] == "ps":
            return Result(0, "\n".join(raw["Id"] for raw in self.inspects()), "")
        if argv[1:3] == ["container", "inspect"]:
            return Result(0, json.dumps(self.inspects()), "")
        if argv[1:3] == ["network", "ls"]:
            return Result(0, "a b", "")
        if argv[1:3] == ["network", "inspect"]:
            return Result(0, json.dumps([{"subnets": [{"subnet": "10.231.32.0/24"}, {"subnet": "fd00::/64"}]}]), "")
        raise AssertionError(argv)

    def inspects(self) -> list[dict[str, Any]]:
        return [raw for stack in self.stacks for raw in stack.inspects()]


@pytest.fixture
def admin(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """``admin(stack)``: its Caddy says what it runs."""
    servers = []

    def serve(stack: Stack) -> None:
        body = json.dumps(stack.config()).encode()

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_args: object) -> None:
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        servers.append(server)
        stack.services[stack.edge]["env"] = {"CADDY_ADMIN": "127.0.0.1:%d" % server.server_address[1]}

    monkeypatch.setattr(PodmanEdge, "network", lambda _self: nullcontext())
    yield serve
    for server in servers:
        server.shutdown()
        server.server_close()


def stack_in(directory: Path, project: str = "prod") -> Stack:
    """Of the published shape, its files there; no process has the numbers of its containers."""
    stack = published()
    stack.project, stack.directory = project, str(directory)
    for one in stack.services.values():
        one.update(running=one.get("running", True), mounts=[])
    stack.services["caddy"]["mounts"] = [
        {"Type": "bind", "Source": str(directory / "Caddyfile"), "Destination": "/etc/caddy/Caddyfile", "RW": True},
        {"Type": "volume", "Source": str(directory / "data"), "Destination": "/data", "RW": True},
    ]
    (directory / "compose.prod.yml").write_text(COMPOSE)
    return stack


def deployment(podman: Podman, state_dir: Path, **params: Any) -> Deployment:
    given = {"state": "learned", "deployment": "olympus", "told": {}, "learned": {}, **params}
    return Deployment({**given, "state_dir": str(state_dir)}, podman, clock=lambda: 7.0)


@pytest.fixture(autouse=True)
def no_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "ansible_collections.olympus.bluegreen.plugins.module_utils._discovery.look.listening", lambda _pid: ()
    )


def test_a_host_with_nothing_but_the_stack(tmp_path: Path, admin: Any) -> None:
    stack = stack_in(tmp_path)
    admin(stack)
    podman = Podman(stack)
    found = deployment(podman, tmp_path / "state").result()
    assert found["problems"] == [] and not found["recorded"]
    described = found["described"]
    assert (described["project"], described["source"], described["compose_files"]) == (
        "prod", str(tmp_path), ["compose.prod.yml"],
    )  # fmt: skip
    assert described["services"]["iam-hydra"] == {"kind": "hydra", "port": 7002, "admin_port": 7003, "domain": "iam"}
    # In the order of the compose file where that has one.
    assert next(iter(described["services"])) == "site"
    assert described["network_range"] == "10.231.48.0/20" and described["podman_compose"].endswith("podman-compose")
    assert described["edge"]["admin"].startswith("127.0.0.1:") and described["edge"]["mount"] == "/data"
    assert any(line.startswith("iam-hydra: hydra at 7002/7003 iam") for line in found["lines"])
    # Every container is asked for once, by one call.
    assert sum(call[1:3] == ["container", "inspect"] for call in podman.calls) == 1
    assert "p%40ss" not in json.dumps(found)


def test_configuration_files_in_every_format_are_laid_over_one_another(tmp_path: Path) -> None:
    """As Ory does it: a later file wins key by key, and is TOML or JSON by its ending."""
    (tmp_path / "a.json").write_text('{\t"serve": {"public": {"port": 1}, "admin": {"port": 2}}}')
    (tmp_path / "b.toml").write_text("[serve.public]\nport = 3\n")
    raw = published().inspect("ciam-kratos")
    raw["Config"].update(Cmd=["kratos", "serve", "-c", "/c/a.json,/c/b.toml"])
    raw["Mounts"] = [{"Destination": "/c", "Source": str(tmp_path)}]
    found = object.__new__(look.Look)._closer(from_inspect(raw))
    assert found.config == {"serve": {"public": {"port": 3}, "admin": {"port": 2}}} and len(found.files) == 2


def test_of_several_projects_one_has_to_be_named(tmp_path: Path, admin: Any) -> None:
    stacks = []
    for name in ("prod", "staging"):
        (tmp_path / name).mkdir()
        stacks.append(stack_in(tmp_path / name, name))
        admin(stacks[-1])
    podman = Podman(*stacks)
    with pytest.raises(
        BluegreenError, match=r"several compose projects.*: prod, staging. Fix: .*bluegreen_project: prod"
    ):
        deployment(podman, tmp_path / "state").result()
    found = deployment(podman, tmp_path / "state", told={"project": "staging"}).result()
    assert found["described"]["source"] == str(tmp_path / "staging")


def test_no_edge_and_a_project_that_is_not_there(tmp_path: Path, admin: Any) -> None:
    stack = stack_in(tmp_path)
    admin(stack)
    with pytest.raises(
        BluegreenError, match=r"bluegreen_project='olympus': no container .* there are prod\. Fix: take"
    ):
        deployment(Podman(stack), tmp_path / "s", told={"project": "olympus"}).result()
    del stack.services["caddy"]
    with pytest.raises(BluegreenError, match=r"no running container of this host is a Caddy.*\(projects here: prod\)"):
        deployment(Podman(stack), tmp_path / "s").result()


def test_behind_cloudflare_the_project_is_that_of_kratos(tmp_path: Path) -> None:
    stack = stack_in(tmp_path)
    found = deployment(Podman(stack), tmp_path / "s", told={"edge": {"kind": "cloudflare"}}).result()
    assert found["described"]["project"] == "prod" and found["described"]["edge"]["service"] == ""
    assert found["described"]["services"]["ciam-hera"]["port"] == 3000


def test_its_own_authority_is_trusted(tmp_path: Path, admin: Any) -> None:
    stack = stack_in(tmp_path)
    stack.sites["admin.localhost"] = "site:3000"
    stack.services["caddy"]["env"] = {}
    admin(stack)
    stack.services["caddy"]["env"]["XDG_DATA_HOME"] = "/data"
    root = tmp_path / "data/caddy/pki/authorities/local/root.crt"
    root.parent.mkdir(parents=True)
    assert deployment(Podman(stack), tmp_path / "s").result()["described"]["edge"]["ca"] == ""
    root.write_text("pem")
    assert deployment(Podman(stack), tmp_path / "s").result()["described"]["edge"]["ca"] == str(root)


def test_the_record(tmp_path: Path, admin: Any) -> None:
    stack = stack_in(tmp_path)
    admin(stack)
    learned = deployment(Podman(stack), tmp_path).result()["learned"]
    one = deployment(Podman(stack), tmp_path, state="present", learned=learned)
    plan = one.plan()
    assert [step.action for step in plan.steps] == ["record"] and not (tmp_path / "deployment.json").exists()
    one.apply(plan)
    assert (tmp_path / "deployment.json").stat().st_mode & 0o777 == 0o640
    assert one.plan().steps == () and record.read(str(tmp_path))["at"] == 7.0
    # The networks were made from a range that the operator named.
    addresses.write(str(tmp_path), addresses.Addresses("10.9.0.0/20"))
    one.apply(one.plan())
    assert record.read(str(tmp_path))["values"]["network_range"] == "10.9.0.0/20" and one.plan().steps == ()
    learned = {**learned, "values": {**learned["values"], "network_range": "10.9.0.0/20"}}
    # From then on nobody looks.
    quiet = Podman()
    again = deployment(quiet, tmp_path, state="read").result()
    assert again["recorded"] and again["learned"]["values"] == learned["values"] and quiet.calls == []
    gone = deployment(quiet, tmp_path, state="absent")
    gone.apply(gone.plan())
    assert not (tmp_path / "deployment.json").exists() and gone.plan().steps == ()


@pytest.mark.parametrize("text", ["[]", "{", '{"v": 2}', '{"v": 1, "values": {"services": []}}', "7"])
def test_a_record_of_another_shape(text: str) -> None:
    with pytest.raises(
        BluegreenError, match=r"x/deployment\.json is not a record .*Fix: move it away and run --tags adopt"
    ):
        record.parse(text, "x/deployment.json")
    assert record.parse(" \n", "x") == {}


def test_the_newest_podman_compose(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    versions = {"old": "1.0.6", "new": "1.10.1", "some": "1.9.0"}
    for name in versions:
        (tmp_path / name).mkdir()
        (tmp_path / name / "podman-compose").write_text("")
        (tmp_path / name / "podman-compose").chmod(0o755)

    class Runner(Podman):
        def run(self, argv: Sequence[str], **_more: Any) -> Result:
            return Result(0, "podman-compose version %s\n" % versions.get(Path(argv[0]).parent.name, "1.1.0"), "")

    monkeypatch.setenv("PATH", os.pathsep.join(str(tmp_path / name) for name in versions))
    assert host.podman_compose(Runner()) == (str(tmp_path / "new/podman-compose"), "version 1.10.1")
    versions.clear()
    assert host.podman_compose(Runner())[0] == "podman-compose"


@pytest.mark.parametrize(
    ("taken", "wanted"),
    [
        ([], "10.231.16.0/20"),
        (["10.231.16.5", "10.231.33.0/24"], "10.231.48.0/20"),
        (["10.231.0.0/16"], "10.230.16.0/20"),
        (["10.0.0.0/8"], "172.16.16.0/20"),
        (["0.0.0.0/1", "128.0.0.0/2"], "192.168.16.0/20"),
    ],
)
def test_the_first_free_range(taken: list[str], wanted: str) -> None:
    found = host.free_range(host.taken([*taken, "fe80::/10"]))
    assert found == wanted
    assert not any(ipaddress.ip_network(found).overlaps(one) for one in host.taken(taken))


def test_no_range_is_free() -> None:
    with pytest.raises(BluegreenError, match=r"no private /20 is free on this host. Fix: name a /22"):
        host.free_range(host.taken(["0.0.0.0/0"]))


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        (
            ["caddy", "run", "--config", "/etc/caddy/Caddyfile", "--adapter", "caddyfile"],
            ("/etc/caddy/Caddyfile", "caddyfile"),
        ),
        (["sh", "-c", "exec caddy run -c=/x/my.caddyfile"], ("/x/my.caddyfile", "caddyfile")),
        (["caddy", "run", "--config=/etc/caddy.json"], ("/etc/caddy.json", "json")),
        (["caddy", "run", "--config", "conf.json", "--adapter=caddyfile"], ("/srv/conf.json", "caddyfile")),
        (["caddy", "run", "--resume"], ("", "caddyfile")),
        (["caddy", "run"], ("/srv/Caddyfile", "caddyfile")),
    ],
)
def test_where_an_edge_has_its_configuration_from(words: list[str], wanted: tuple[str, str]) -> None:
    assert edge.file_of(words, "/srv") == wanted


def test_a_container_has_every_name_by_which_the_edge_dials_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Capitals, the domain of its network: podman lists neither."""
    names = {"HERA": ("10.89.0.5",), "hera.dns.podman": ("10.89.0.5",), "far.test": ("192.0.2.1",)}
    monkeypatch.setattr(resolve, "addresses", lambda host, _by: names.get(host, ()))
    hera = Seen("p_hera_1", "hera", addresses=("10.89.0.5",), aliases=("login",))
    other = Seen("p_site_1", "site", addresses=("10.89.0.6",))
    dials = [*("%s:3000" % name for name in names), "login:3000", "10.89.0.6:80"]
    handlers = [{"handler": "reverse_proxy", "upstreams": [{"dial": dial}]} for dial in dials]
    config = {"apps": {"http": {"servers": {"s": {"listen": [":443"], "routes": [{"handle": handlers}]}}}}}
    found = fronts.also_known([hera, other], config, os.getpid())
    assert sorted(found[0].aliases) == ["HERA", "hera.dns.podman", "login"] and found[1] is other
    assert fronts.also_known([hera, other], config, 0) == [hera, other]
