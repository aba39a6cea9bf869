# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where the trial takes place: a PostgreSQL of our own on a network that leads nowhere.

The network is ``--internal --disable-dns``: what is on it has no route, no name to ask for and no DSN but ours. The
questions come from inside the database container's network. Everything carries a label of this run and goes with it.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from ..._core import postgres
from ..._core.clock import Clock
from ..._core.dsn import Dsn
from ..._core.dsn import parse as parse_dsn
from ..._core.http import DirectHttp, Http, Response
from ..._core.podman import KIND, LABEL, Podman
from ..._core.runner import check
from ..._schema import image_migrations, oneshot
from . import sqllog
from .keeper import kept

RUN = "olympus.bluegreen.run"
# Of containers and networks; the courier's trial has a kind of its own.
OURS = "schema-proof"
# The longest life of a trial's container, in case nothing removes it.
LIFETIME = 900
ACCESS = "host all all all scram-sha-256"
SETTINGS = {
    "listen_addresses": "*",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "shared_buffers": "32MB",
    **sqllog.SETTINGS,
}

Connect = Callable[[dict[str, Any], Callable[[], AbstractContextManager[None]]], postgres.Db]
Enter = Callable[[int], AbstractContextManager[None]]


@dataclass(frozen=True)
class Room:
    """``name`` is PostgreSQL's container, ``pid`` its process, ``address`` where the others on ``network`` reach it."""

    name: str
    network: str
    labels: Mapping[str, str]
    podman: Podman
    clock: Clock
    connect: Connect
    enter: Enter
    address: str = ""
    pid: int = 0
    password: str = field(default="", repr=False)

    def url(self, name: str, **parameters: str) -> str:
        """The DSN of a database here, as a service takes it."""
        words = "&".join("%s=%s" % pair for pair in {"sslmode": "disable", **parameters}.items())
        return "postgres://shadow:%s@%s:5432/%s?%s" % (self.password, self.address, name, words)

    def open(self, name: str) -> postgres.Db:
        """A session of ours in a database here."""
        url: Dsn = parse_dsn(self.url(name))
        keywords = {**url.keywords, "application_name": sqllog.OURS + " proof", "connect_timeout": "5"}
        return self.connect(keywords, lambda: self.enter(self.pid))

    def create(self, name: str, template: str = "template1") -> None:
        """A database, as a copy of another one that no session is connected to."""
        db = self.open("postgres")
        try:
            db.query('CREATE DATABASE "%s" TEMPLATE "%s"' % (name, template))
        finally:
            db.close()

    def job(
        self, suffix: str, image: str, arguments: tuple[str, ...], environment: Mapping[str, str], **how: Any
    ) -> oneshot.Job:
        """A container on this network."""
        return oneshot.Job(
            name="%s-%s" % (self.name, suffix),
            image=image,
            arguments=arguments,
            labels=self.labels,
            network=self.network,
            environment=environment,
            lifetime=LIFETIME,
            **how,
        )

    def http(self) -> Http:
        """Asks from here, each request by itself: what Podman is told meanwhile is told from the host."""
        return _Here(DirectHttp(), lambda: self.enter(self.pid))

    def address_of(self, container: str) -> tuple[str, int]:
        """(IP here, process id) of a running container; ('', 0) of one that ended."""
        seen = self.podman.one("container", container) or {}
        networks = (seen.get("NetworkSettings") or {}).get("Networks") or {}
        ip = str((networks.get(self.network) or {}).get("IPAddress") or "")
        return ip, int((seen.get("State") or {}).get("Pid") or 0)

    def sql_errors(self) -> list[sqllog.SqlError]:
        logs = self.podman.run("logs", self.name, timeout=60)
        return sqllog.errors((logs.out + logs.err).splitlines())


class _Here:
    def __init__(self, http: Http, enter: Callable[[], AbstractContextManager[None]]) -> None:
        self._http = http
        self._enter = enter

    def request(self, method: str, url: str, **how: Any) -> Response:
        with self._enter():
            return self._http.request(method, url, **how)


@contextmanager
def room(podman: Podman, clock: Clock, deployment: str, image: str, connect: Connect, enter: Enter) -> Iterator[Room]:
    """``image``: of PostgreSQL. Raises BluegreenError where this host can't have one. Nothing of it is left behind."""
    ours = {LABEL: deployment, KIND: OURS}
    sweep(podman, ours)
    run = secrets.token_hex(6)
    labels = {**ours, RUN: run}
    name = "%s-proof-%s" % (deployment, run)
    made = Room(name, name, labels, podman, clock, connect, enter, password=secrets.token_urlsafe(24))
    with kept(podman.executable, "%s=%s" % (RUN, run)):
        try:
            given = [part for key, value in labels.items() for part in ("--label", "%s=%s" % (key, value))]
            created = podman.run("network", "create", "--internal", "--disable-dns", *given, name)
            check(created, "making of network %s" % name)
            yield _started(made, image)
        finally:
            sweep(podman, labels)


def sweep(podman: Podman, labels: Mapping[str, str]) -> None:
    """Remove containers, then networks, with all of these labels."""
    names = [name for name, _status in oneshot.found(podman, labels)]
    if names:
        podman.run("rm", "-f", "-v", "-t", "0", *names, timeout=60)
    filters = [part for key, value in labels.items() for part in ("--filter", "label=%s=%s" % (key, value))]
    networks = podman.must("network", "ls", "-q", *filters).split()
    if networks:
        podman.run("network", "rm", "-f", *networks, timeout=60)


def _started(made: Room, image: str) -> Room:
    """With its PostgreSQL taking connections."""
    podman, name = made.podman, "%s-server" % made.name
    server = image_migrations.empty_server(name, image, made.labels, made.network, made.password, SETTINGS, ACCESS)
    oneshot.start(podman, replace(server, lifetime=LIFETIME))

    def located() -> Room:
        address, pid = made.address_of(name)
        return replace(made, name=name, address=address, pid=pid)

    opened = image_migrations.wait_for(
        podman, made.clock, name, lambda _pid: located().open("postgres"), "bluegreen_rehearsal_image"
    )
    opened.close()
    return located()
