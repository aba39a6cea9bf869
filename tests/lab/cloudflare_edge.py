# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, the olympus.bluegreen authors
"""The lab behind Cloudflare: the fake keeps the load balancers, and one Caddy is what they route by and both fronts.

A visitor speaks TLS to the router, which has a file for each public name that says which pool serves it, as the fake
said ``DELAY`` seconds ago. It sends him to that pool's endpoint, the front of a colour: the operator's sites, dialling
the published ports of that colour.
"""

from __future__ import annotations

import re
import threading
from pathlib import Path
from typing import Any

from kit.cloudflare_fake import TOKEN, ZONE, Cloudflare, zone
from kit.cloudflare_router import Router

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.names import OTHER
from olympus_lab import config, native, project, truth

# Seconds until a visitor meets what the API was told.
DELAY = 1.0
FRONTS = {"blue": 9601, "green": 9602}
GREEN_BASE = 22000
ROUTES, TOKEN_FILE, ACCESS_LOG = native.PLACE / "routes", native.PLACE / "token", native.PLACE / "front.log"
SWITCH = native.PLACE / "switch-of-cloudflare"
OPTIONS = """{
    admin off
    persist_config off
    local_certs
    skip_install_trust
    default_bind %s
    http_port %d
    https_port %d
    servers {
        trusted_proxies static 127.0.0.0/8
    }
}
"""
# Cloudflare adds no Via, and the load takes one for an answer from behind the edge.
ROUTER = """%s {
    header {
        -Via
        defer
    }
    @blue file {
        root %s
        try_files {host}.blue
    }
    @green file {
        root %s
        try_files {host}.green
    }
    route {
        reverse_proxy @blue 127.0.0.1:%d
        reverse_proxy @green 127.0.0.1:%d
        respond 530
    }
}
"""


def green_ports() -> dict[str, int]:
    """``service:port`` to green's published port, numbered as docs/cloudflare.md says."""
    ports = {f"{name}:{inside[0]}": GREEN_BASE + 2 * at for at, (name, inside) in enumerate(config.PORTS.items())}
    return {**ports, f"pgadmin:{native.inside('pgadmin')}": config.PGADMIN_PORT}


def front(template: str, colour: str, ports: dict[str, int]) -> str:
    """The operator's sites for plain http on the port of this colour's front, in their own words otherwise."""
    sites = re.sub(r"\A.*?(?=^# Site$)", "", template, flags=re.S | re.M)
    sites = re.sub(r"\{\$(\w+)_PUBLIC_URL\}", lambda name: config.PUBLIC_URLS[name[1]].partition("//")[2], sites)
    # Not on what it answers itself: the load takes the colour for a proof of who answered.
    header = f"@colour not path /api/policy/password*\n\theader @colour X-Bluegreen-Colour {colour}"
    say = f"\\g<0>\n\t{header}\n\tlog {{\n\t\toutput file {ACCESS_LOG}\n\t}}"
    sites = re.sub(r"^[\w.]+\.test \{$", say, sites, flags=re.M)
    sites = re.sub(r"^([\w.]+\.test) \{$", rf"http://\1:{FRONTS[colour]} {{", sites, flags=re.M)
    sites = re.sub(r"(zone \w+)", rf"\1_{colour}", sites)
    return native.dialling(sites, ports)


class CloudflareEdge(native.NativeEdge):
    """``fake`` is what the API says, ``router`` what stands at its address."""

    def __init__(self) -> None:
        super().__init__()
        self.fake = Cloudflare()
        self.fake.delay = DELAY
        self.fake.zones = {ZONE: zone(ZONE, config.SITE_HOST)}
        monitor = self.fake.put("monitors", type="http", path="/health", expected_codes="200")
        origin = {"name": "front", "address": "127.0.0.1", "port": FRONTS["blue"], "enabled": True, "weight": 1}
        blue = self.fake.put("pools", name="olympus-blue", monitor=monitor, origins=[origin])
        for host in truth.HOSTS:
            self.fake.put("load_balancers", name=host, default_pools=[blue], fallback_pool=blue)
        self.router = Router(self.fake, config.SITE_HOST)
        self._over = threading.Event()
        self._propagating = threading.Thread(target=self._propagate, daemon=True)

    def settings(self) -> dict[str, Any]:
        green = {"name": "front", "address": "127.0.0.1", "port": FRONTS["green"]}
        edge = {
            "kind": "cloudflare", "api": self.router.url, "api_token_file": str(TOKEN_FILE),
            "switch_dir": str(SWITCH), "access_log": str(ACCESS_LOG), "pools": {"green": {"origins": [green]}},
            "observe": {"address": config.LOOPBACK, "port": config.HTTPS_PORT, "ca": str(config.CA_FILE)},
        }  # fmt: skip
        return {"bluegreen_edge": edge, "bluegreen_publish": config.LOOPBACK}

    def prepare(self) -> None:
        template = (config.OPERATOR / "Caddyfile").read_text()
        super().prepare()
        for place in (ROUTES, SWITCH):
            place.mkdir(parents=True, exist_ok=True)
        project.private(TOKEN_FILE, TOKEN)
        snippet = re.findall(r"^\(security_headers\).*?^\}\n", template, re.S | re.M)
        names = ", ".join(truth.HOSTS)
        router = ROUTER % (names, ROUTES, ROUTES, FRONTS["blue"], FRONTS["green"])
        fronts = [front(template, "blue", native.dialled()), front(template, "green", green_ports())]
        head = OPTIONS % (config.LOOPBACK, config.HTTP_PORT, config.HTTPS_PORT)
        (config.OPERATOR / "Caddyfile").write_text("".join([head, *snippet, router, *fronts]))

    def __enter__(self) -> CloudflareEdge:
        self.router.__enter__()
        return self

    def __exit__(self, *_raised: object) -> None:
        self._over.set()
        if self._propagating.is_alive():
            self._propagating.join()
        self.router.__exit__(None, None, None)

    def start(self) -> None:
        self._follow()
        super().start()
        if not self._propagating.is_alive():
            self._propagating.start()

    def _propagate(self) -> None:
        while not self._over.wait(0.05):
            self._follow()

    def _follow(self) -> None:
        for host in truth.HOSTS:
            pool, _headers = self.fake.route(host, "")
            colour = "green" if "green" in str((pool or {}).get("name")) else "blue"
            _named(ROUTES, host, colour)


def _named(where: Path, host: str, colour: str) -> None:
    wanted = where / f"{host}.{colour}"
    if where.is_dir() and not wanted.exists():
        other = where / f"{host}.{OTHER[colour]}"
        other.touch()
        other.rename(wanted)
