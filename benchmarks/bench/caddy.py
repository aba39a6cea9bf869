# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, the olympus.bluegreen authors
"""Caddy in every way that a colour can be changed in it. The switch is what the collection's own adopt makes."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from kit.caddy_native import ADDRESS, NativeEdge, World, binary
from kit.ports import free_port

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.clock import SystemClock
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.http import DirectHttp
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.names import OTHER
from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.config.snippets import access_log
from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.traffic.traffic import Traffic
from ansible_collections.olympus.bluegreen.plugins.module_utils._switch.switch import Switch
from bench.client import Backends
from bench.edges import API_HOST, HOST, Certificate
from olympus_lab.progress import LabError

OPTIONS = """{
    admin localhost:%(admin)d
    http_port %(port)d
    https_port %(tls)d
    auto_https off
    servers {
        protocols h1 h2 h2c h3
    }
}
""".replace("    ", "\t")

SITE = """
%(address)s {
%(inside)s
    reverse_proxy %(upstream)s
}
""".replace("    ", "\t")

# The services of HOST and of API_HOST: one with pages, one without.
# The one line by which adopt lets a site write the access log that the watcher reads.
NAMES = ("site", "kratos")
LOGGED = re.compile(r"^\s*import bluegreen_log\n", re.MULTILINE)


def version(which: str) -> str:
    done = subprocess.run([binary(which), "version"], capture_output=True, text=True, check=True)
    return done.stdout.split()[0].lstrip("v")


class Caddy:
    """A Caddy whose file names blue itself; ``act`` changes the colour, None where it never does."""

    def __init__(
        self,
        name: str,
        which: str,
        backends: Backends,
        shown: Certificate,
        directory: Path,
        act: Callable[[NativeEdge, str, str], None] | None = None,
        logged: bool = False,
    ) -> None:
        self.name, self.version, self.which = name, version(which), which
        self.backends, self.shown, self.directory, self.act, self.logged = backends, shown, directory, act, logged
        self.port, self.tls_port, self.admin = free_port(), free_port(), free_port()
        self.plain, self.tls = "127.0.0.1:%d" % self.port, "127.0.0.1:%d" % self.tls_port

    def text(self) -> str:
        """The operator's Caddyfile, with the very log that adopt adds where this one is ``logged``."""
        site, api = (self.backends.address("blue", service) for service in NAMES)
        if not self.logged:
            return self.options() + self.sites(site, api)
        mount = self.directory / "config"
        (mount / "olympus-bluegreen" / "log").mkdir(parents=True)
        snippets = access_log(str(mount), named_log=self.which == "current")
        return self.options() + snippets + self.sites(site, api, "\timport bluegreen_log\n")

    def options(self) -> str:
        return OPTIONS % {"admin": self.admin, "port": self.port, "tls": self.tls_port}

    def sites(self, site: str, api: str, inside: str = "") -> str:
        """Both host names, with and without TLS."""
        tls = "\ttls %s %s\n" % (self.shown.certificate, self.shown.key)
        return "".join(
            SITE % {"address": "%s://%s" % (scheme, host), "inside": inside + own, "upstream": upstream}
            for host, upstream in ((HOST, site), (API_HOST, api))
            for scheme, own in (("http", ""), ("https", tls))
        )

    def start(self, prefix: Sequence[str] = ()) -> None:
        self.directory.mkdir()
        self.edge = NativeEdge(self.directory, "", self.port, self.admin, self.which)
        self.edge.path.write_text(self.text())
        self.edge.prefix = list(prefix)
        self.edge.start()

    def stop(self) -> None:
        if hasattr(self, "edge"):
            self.edge.stop()

    def flip(self, colour: str) -> None:
        assert self.act
        self.act(self.edge, *(ADDRESS[one].removesuffix("%d") for one in (OTHER[colour], colour)))

    def pid(self) -> int:
        assert self.edge.process
        return self.edge.process.pid


class Adopted(Caddy):
    """The same Caddy as the collection's adopt leaves it for ``method``; without ``logged``, that less the log.
    ``patches``: moved by one write to the admin API and no reload of the file."""

    method = "switch"
    patches = False

    def start(self, prefix: Sequence[str] = ()) -> None:
        super().start(prefix)
        if self.method != "switch":
            chosen: dict[str, Any] = {"method": self.method}
            self.edge.options = replace(self.edge.options, **chosen)
        world = World(self.edge, self.backends.port, {})
        world.app(state="adopted")
        if not self.logged:
            text, lines = LOGGED.subn("", self.edge.path.read_text())
            if not lines:
                raise LabError("adopt writes the access log in another form: LOGGED in bench/caddy.py has to follow")
            self.edge.path.write_text(text)
        # A fresh process: what is measured has never been reloaded.
        self.edge.stop()
        self.edge.start()
        self.switch = Switch(self.edge.place().directory)
        self.token = self.switch.read().token
        traffic = Traffic(self.edge, world.admin, world.upstreams, DirectHttp(), SystemClock())
        self.followup = getattr(traffic, "followup", None)

    def text(self) -> str:
        """As adopt finds it: with the plain names of the services."""
        return self.options() + self.sites(*("%s:%d" % (name, self.backends.port) for name in NAMES))

    def flip(self, colour: str) -> None:
        """What Traffic.make_live does once the way back is written."""
        self.switch.flip(colour, self.token)
        if self.followup:
            self.followup.follow(back=self.patches)
