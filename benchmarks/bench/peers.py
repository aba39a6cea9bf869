# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, the olympus.bluegreen authors
"""HAProxy and nginx, each flipped as its own users do."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Sequence
from pathlib import Path

from kit.ports import free_port

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.names import OTHER
from bench import packages
from bench.client import Backends, wait_for
from bench.edges import Certificate, spawn

HAPROXY = """global
    stats socket %(directory)s/admin.sock mode 600 level admin
    maxconn 4096
defaults
    mode http
    timeout connect 5s
    timeout client 120s
    timeout server 120s
    timeout tunnel 1h
frontend public
    bind %(plain)s
    bind %(tls)s ssl crt %(both)s alpn h2,http/1.1
    default_backend both
    %(choice)s
backend blue
    server one %(blue)s
backend green
    server one %(green)s
backend both
    server blue %(blue)s
    server green %(green)s disabled
"""

NGINX = """daemon off;
pid %(directory)s/nginx.pid;
error_log %(directory)s/error.log;
user root root;
worker_processes auto;
worker_rlimit_nofile 8192;
events { worker_connections 4096; }
http {
    access_log off;
    client_body_temp_path %(directory)s/body;
    proxy_temp_path %(directory)s/proxy;
    fastcgi_temp_path %(directory)s/fastcgi;
    uwsgi_temp_path %(directory)s/uwsgi;
    scgi_temp_path %(directory)s/scgi;
    keepalive_requests 10000000;
    map $http_upgrade $connection_upgrade { default upgrade; '' ''; }
    upstream blue { server %(blue)s; keepalive 64; keepalive_requests 10000000; }
    upstream green { server %(green)s; keepalive 64; keepalive_requests 10000000; }
    server {
        listen %(plain)s;
        listen %(tls)s ssl http2;
        ssl_certificate %(certificate)s;
        ssl_certificate_key %(key)s;
        proxy_http_version 1.1;
        proxy_set_header Host $host;
        proxy_set_header Upgrade $http_upgrade;
        proxy_set_header Connection $connection_upgrade;
        proxy_read_timeout 120s;
        location / { %(choice)s }
    }
}
"""


class Peer:
    """A proxy of Debian's; ``TEXT`` is its configuration, ``choice()`` the part that says the colour."""

    TEXT = ""
    VERSION = ("", "")

    def __init__(self, name: str, backends: Backends, shown: Certificate, directory: Path) -> None:
        self.version = packages.version(*self.VERSION)
        self.name, self.directory, self.shown, self.backends = name, directory, shown, backends
        self.plain, self.tls = ("127.0.0.1:%d" % free_port() for _address in range(2))
        self.path = directory / "configuration"

    def choice(self) -> str:
        raise NotImplementedError

    def argv(self) -> list[str]:
        raise NotImplementedError

    def flip(self, colour: str) -> None:
        raise NotImplementedError

    def start(self, prefix: Sequence[str] = ()) -> None:
        self.directory.mkdir()
        self.write()
        argv = [*prefix, *self.argv()]
        self.process = spawn(argv, self.directory / "log", packages.environment())
        wait_for(self.plain, self.process)

    def write(self) -> None:
        colours = {colour: self.backends.address(colour, "site") for colour in OTHER}
        files = {"certificate": self.shown.certificate, "key": self.shown.key, "both": self.shown.both}
        values = {"plain": self.plain, "tls": self.tls, "directory": self.directory, "choice": self.choice()}
        self.path.write_text(self.TEXT % {**colours, **files, **values})

    def stop(self) -> None:
        if hasattr(self, "process"):
            self.process.terminate()
            self.process.wait(10)

    def pid(self) -> int:
        return self.process.pid


class Haproxy(Peer):
    """By its runtime API: the map entry that names the backend."""

    TEXT = HAPROXY
    VERSION = ("haproxy", "-v")

    def __init__(self, name: str, backends: Backends, shown: Certificate, directory: Path) -> None:
        super().__init__(name, backends, shown, directory)
        self.map = directory / "live.map"

    def choice(self) -> str:
        self.map.write_text("live blue\n")
        return "use_backend %%[str(live),map(%s)]" % self.map

    def argv(self) -> list[str]:
        return [packages.binary("haproxy"), "-db", "-f", str(self.path)]

    def flip(self, colour: str) -> None:
        self.tell("set map %s live %s" % (self.map, colour))

    def tell(self, command: str) -> None:
        with socket.socket(socket.AF_UNIX) as sock:
            sock.connect(str(self.directory / "admin.sock"))
            sock.sendall(command.encode() + b"\n")
            said = sock.recv(4096).decode().strip()
        if said:
            raise RuntimeError("haproxy: %s: %s" % (command, said))


class HaproxyServers(Haproxy):
    """By its runtime API: one server made ready, the other put into maintenance."""

    def choice(self) -> str:
        return ""

    def flip(self, colour: str) -> None:
        self.tell("set server both/%s state ready; set server both/%s state maint" % (colour, OTHER[colour]))


class NginxReload(Peer):
    """The colour is in the configuration: edit, ``nginx -s reload``."""

    TEXT = NGINX
    VERSION = ("nginx", "-v")

    def __init__(self, name: str, backends: Backends, shown: Certificate, directory: Path) -> None:
        super().__init__(name, backends, shown, directory)
        self.live = "blue"

    def choice(self) -> str:
        return "proxy_pass http://%s;" % self.live

    def argv(self) -> list[str]:
        return [packages.binary("nginx"), "-p", str(self.directory), "-c", str(self.path)]

    def flip(self, colour: str) -> None:
        self.live = colour
        self.write()
        subprocess.run([*self.argv(), "-s", "reload"], env=packages.environment(), check=True, capture_output=True)


class NginxMarker(NginxReload):
    """Each request looks whether a file is there."""

    def choice(self) -> str:
        looks = "if (-f %s) { set $live green; }" % (self.directory / "green")
        return "set $live blue; %s proxy_pass http://$live;" % looks

    def flip(self, colour: str) -> None:
        path = self.directory / "green"
        if colour == "green":
            os.close(os.open(path, os.O_CREAT | os.O_WRONLY))
        else:
            path.unlink()
