# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Caddy of each kind that adopt knows beside the container: a process of this host, with another user where tests
run as root, configured by a Caddyfile or by JSON, with its admin endpoint on TCP or on a unix socket."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.clock import SystemClock
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import BluegreenError
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.http import DirectHttp, Response
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.runner import SubprocessRunner
from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.config.upstream import Upstream
from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.running.admin import Admin
from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.running.base import EdgeOptions
from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.running.find import edge_options
from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.running.native import ProcessEdge
from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.states import App
from kit import caddy_native as native
from kit.ports import free_port, one_listens

NOBODY = 65534


@dataclass(frozen=True)
class Kind:
    """``named``: services are dialled by name and not by a published port. ``around``: a command that starts Caddy's,
    where ``{edge}`` is the place of the switch."""

    config: str
    socket: bool = False
    named: bool = False
    around: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()

    def __str__(self) -> str:
        return self.config + ("-unix" if self.socket else "") + ("-named" if self.named else "")


def handlers(kind: Kind, backend: int) -> dict[str, str]:
    dialled = {name: "%s:%d" % (name, backend) for name in native.SERVICES}
    if kind.named:
        return dialled
    return {name: native.ADDRESS["blue"] % at + ":%d" % backend for at, name in enumerate(native.SERVICES, 1)}


def document(kind: Kind, listen: str, port: int, backend: int) -> dict[str, Any]:
    """The same sites as caddy_native.CADDYFILE."""
    dial = handlers(kind, backend)

    def proxy(name: str, **more: Any) -> dict[str, Any]:
        return {"handler": "reverse_proxy", "upstreams": [{"dial": dial[name]}], **more}

    login = [
        {
            "match": [{"path": ["/internal/*"]}],
            "handle": [{"handler": "static_response", "status_code": 404}],
            "terminal": True,
        },
        {"match": [{"path": ["/self-service/*", "/sessions/*"]}], "handle": [proxy("kratos")], "terminal": True},
        {"handle": [proxy("hera")]},
    ]
    site = [
        {"match": [{"path": ["/teapot"]}], "handle": [{"handler": "static_response", "status_code": 418}]},
        {
            "handle": [
                {"handler": "headers", "response": {"set": {"X-Frame-Options": ["DENY"]}}},
                proxy("site", headers={"request": {"set": {"X-Kept": ["yes"]}}}, **{"@id": "the-site"}),
            ]
        },
    ]
    routes = [
        {"match": [{"host": [host]}], "handle": [{"handler": "subroute", "routes": inner}], "terminal": True}
        for host, inner in (("login.test", login), ("site.test", site))
    ]
    server = {"listen": [":%d" % port], "automatic_https": {"disable": True}, "routes": routes}
    return {"admin": {"listen": listen}, "apps": {"http": {"servers": {"public": server}}}}


class Running:
    """One Caddy and what a test does to it. ``app`` is the module without Ansible."""

    def __init__(self, directory: Path, kind: Kind, caddy: str, backend: int) -> None:
        self.directory, self.kind, self.backend = directory, kind, backend
        # What it ran before it was adopted, where a test keeps that.
        self.operators: Any = None
        self.binary = directory / "caddy"
        shutil.copy(native.binary(caddy), self.binary)
        self.port, self.admin_port = free_port(), free_port()
        self.listen = "unix/%s/admin.sock" % directory if kind.socket else "localhost:%d" % self.admin_port
        self.path = directory / ("Caddyfile" if kind.config == "caddyfile" else "caddy.json")
        self.path.write_text(self._text())
        self.env = {"HOME": str(directory), "XDG_CONFIG_HOME": str(directory / "cfg"), "PATH": os.environ["PATH"]}
        self.log = directory / "caddy.log"
        self.process: subprocess.Popen[bytes] | None = None
        given = {"kind": "native", "source": kind.config, "caddyfile": str(self.path), "admin": self.listen}
        self.options: EdgeOptions = edge_options(
            {
                **given,
                "switch_dir": str(directory / "edge"),
                "state_dir": str(directory / "state"),
                "port": self.port,
                "scheme": "http",
            }
        )
        self.owner = (NOBODY, NOBODY) if os.geteuid() == 0 else (os.getuid(), os.getgid())
        (directory / "edge").mkdir(mode=0o711)
        os.chown(directory, *self.owner)

    def _text(self) -> str:
        if self.kind.config != "caddyfile":
            return json.dumps(document(self.kind, self.listen, self.port, self.backend), indent="\t")
        text = native.CADDYFILE % {"admin": 0, "port": self.port, "backend": self.backend}
        text = text.replace("admin localhost:0", "admin " + self.listen)
        for name, dial in handlers(self.kind, self.backend).items():
            text = text.replace("%s:%d" % (name, self.backend), dial)
        return text

    def start(self, *more: str) -> None:
        flags = list(more or self.kind.flags)
        if not flags:
            adapter = ["--adapter", "caddyfile"] if self.kind.config == "caddyfile" else []
            flags = ["--config", str(self.path), *adapter]
        around = [part.replace("{edge}", self.options.mount) for part in self.kind.around]
        user = NOBODY if os.geteuid() == 0 and not around else None
        with open(self.log, "ab") as log:
            command = [*around, str(self.binary), "run", *flags]
            self.process = subprocess.Popen(
                command,
                stderr=log,
                stdout=log,
                env=self.env,
                cwd=self.directory,
                user=user,
                group=user,
                extra_groups=[] if user else None,
            )
        until = time.monotonic() + 10
        while True:
            assert self.process and self.process.poll() is None and time.monotonic() < until, self.log.read_text()
            try:
                Admin(self.edge).config()
                return
            except BluegreenError:
                time.sleep(0.02)

    def stop(self) -> None:
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None

    @property
    def edge(self) -> ProcessEdge:
        return ProcessEdge(SubprocessRunner(), self.options)

    @property
    def upstreams(self) -> Sequence[Upstream]:
        written = handlers(self.kind, self.backend)
        found = []
        for at, name in enumerate(native.SERVICES, 1):
            blue, green = (native.ADDRESS[colour] % at for colour in ("blue", "green"))
            if self.kind.named:
                found.append(Upstream(name, blue, green, ui=name != "kratos"))
            else:
                one, other = ("%s:%d" % (address, self.backend) for address in (blue, green))
                found.append(Upstream(name, one, other, name != "kratos", written[name]))
        return found

    def app(self, check_mode: bool = False, **params: Any) -> dict[str, Any]:
        given = {**native.OPTIONS, "state_dir": str(self.directory / "state"), **params}
        edge = self.edge
        result = App(given, edge, Admin(edge), self.upstreams, DirectHttp(), SystemClock(), check_mode).run()
        one_listens(self.port)
        return result

    def ask(self, path: str = "/", host: str = "site.test", method: str = "GET", **headers: str) -> Response:
        where = ("127.0.0.1", self.port)
        body = b"" if method == "POST" else None
        return DirectHttp().request(method, "http://%s%s" % (host, path), connect=where, headers=headers, body=body)

    def colour(self, path: str = "/", host: str = "site.test", **more: str) -> str:
        answer = self.ask(path, host, **more)
        return answer.headers.get("x-bluegreen-colour", "%d %s" % (answer.status, answer.error))

    def config(self) -> Any:
        return Admin(self.edge).config()

    def loads(self) -> int:
        """How often somebody gave it a configuration, by its own log."""
        entries = [json.loads(line) for line in self.log.read_text().splitlines() if line.startswith("{")]
        writes = [one for one in entries if one.get("method") in ("POST", "PATCH", "PUT", "DELETE")]
        return sum(one.get("uri") == "/load" or str(one.get("uri")).startswith(("/config", "/id")) for one in writes)

    def tree(self) -> dict[str, tuple[int, int, bytes]]:
        """Every file that a run may touch: inode, time of change, content."""
        places = [self.path, *Path(self.options.mount).rglob("*")]
        return {
            str(one): (one.stat().st_ino, one.stat().st_ctime_ns, one.read_bytes() if one.is_file() else b"")
            for one in places
            if one.name != "access.log"
        }


@contextmanager
def running(kind: Kind, caddy: str, **changed: Any) -> Iterator[Running]:
    """Not below pytest's own directory: another user can't pass there."""
    directory = Path(tempfile.mkdtemp(prefix="olympus-kinds-"))
    directory.chmod(0o755)
    with native.backends() as (backend, _servers):
        one = Running(directory, kind, caddy, backend)
        one.options = replace(one.options, **changed)
        try:
            one.start()
            yield one
        finally:
            one.stop()
            shutil.rmtree(directory, ignore_errors=True)
