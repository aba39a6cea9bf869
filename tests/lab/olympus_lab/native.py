# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, the olympus.bluegreen authors
"""The lab's edge as a process of this host: its Caddyfile dials the ports that the services publish on loopback."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from olympus_lab import binaries, config, stack
from olympus_lab.progress import LabError

PLACE = config.PLACE / "native"
SWITCH = PLACE / "edge"
ADMIN = PLACE / "admin.sock"
LOG = config.LOGS / "native-caddy.log"
# What such an operator publishes beside Ory's ports: all that his Caddy dials.
PORTS = {
    **{"ciam-hera": 3110, "ciam-athena": 3111, "iam-hera": 4110, "iam-athena": 4111},
    **{"site": config.SITE_PORT, "pgadmin": config.PGADMIN_PORT},
}
# Set with the first lines of the template's global options.
OPTIONS = """{
    admin unix/%s
    default_bind %s
    http_port %d
    https_port %d
"""


def settings(method: str) -> dict[str, Any]:
    """What the operator's inventory says otherwise than for a container."""
    edge = {
        "kind": "native",
        "caddyfile": str(config.OPERATOR / "Caddyfile"),
        "admin": f"unix/{ADMIN}",
        "switch_dir": str(SWITCH),
        "method": method,
        "address": config.LOOPBACK,
        "port": config.HTTPS_PORT,
        "ca": str(config.CA_FILE),
    }
    return {"bluegreen_edge": edge, "bluegreen_publish": config.LOOPBACK}


def switch_dir() -> Path:
    return SWITCH / "olympus-bluegreen" / "switch"


def compose_file(text: str) -> str:
    """No Caddy among the services, and a published port for each that it dials."""
    project = yaml.safe_load(text)
    del project["services"]["caddy"]
    for service, port in PORTS.items():
        project["services"][service]["ports"] = [f"{config.LOOPBACK}:{port}:{inside(service)}"]
    return str(yaml.safe_dump(project, sort_keys=False))


def inside(service: str) -> int:
    """The port that the public's Caddy dials of it."""
    return 80 if service == "pgadmin" else config.PORTS[service][0]


def dialled() -> dict[str, int]:
    """What the template dials, as the port that it is published on."""
    published = {**PORTS, **{name: public for name, (public, _admin) in config.HOST_PORTS.items()}}
    return {f"{name}:{inside(name)}": port for name, port in published.items()}


def dialling(text: str, ports: Mapping[str, int]) -> str:
    """``text`` with published ports for plain names."""
    for name, port in ports.items():
        text = re.sub(rf"(?<=\s){re.escape(name)}\b", f"{config.LOOPBACK}:{port}", text)
    return text


def caddyfile(text: str) -> str:
    """The template with published ports for plain names, on this lab's own address and ports."""
    head = OPTIONS % (ADMIN, config.LOOPBACK, config.HTTP_PORT, config.HTTPS_PORT)
    text = re.sub(r"^\{\n", lambda _match: head, text, count=1, flags=re.M)
    return dialling(text, dialled())


class NativeEdge(stack.Edge):
    """One Caddy of ours. The kernel ends it with the thread that started it, so that it outlives no test."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        if self._process is None or self._process.poll() is not None:
            raise LabError(f"the native Caddy does not run, log {LOG}")
        return self._process.pid

    def prepare(self) -> None:
        for name, changed in ((config.COMPOSE_FILE, compose_file), ("Caddyfile", caddyfile)):
            path = config.OPERATOR / name
            path.write_text(changed((config.OPERATOR / name).read_text()))
        SWITCH.mkdir(parents=True, exist_ok=True)

    def start(self) -> None:
        self.stop()
        config.LOGS.mkdir(parents=True, exist_ok=True)
        homes = {"XDG_CONFIG_HOME": str(PLACE / "config"), "XDG_DATA_HOME": str(PLACE / "data"), "HOME": str(PLACE)}
        # Its site addresses come by environment, as the container's do.
        sites = {f"{name}_PUBLIC_URL": url for name, url in config.PUBLIC_URLS.items()}
        run = [str(binaries.path("caddy")), "run", "--config", str(config.OPERATOR / "Caddyfile")]
        argv = ["setpriv", "--pdeathsig", "KILL", "--", *run, "--adapter", "caddyfile"]
        with LOG.open("ab") as log:
            self._process = subprocess.Popen(
                argv, cwd=config.OPERATOR, env={**os.environ, **homes, **sites}, stdout=log, stderr=log
            )

    def stop(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
            self._process = None

    def root_certificate(self) -> str:
        path = PLACE / "data" / "caddy" / "pki" / "authorities" / "local" / "root.crt"
        return path.read_text() if path.exists() and self.pid else ""
