# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where the trial takes place: a PostgreSQL of our own on a network that leads nowhere.

The network is ``--internal --disable-dns``: what is on it has no route, no name to ask for and no DSN but ours. The
questions come from inside the database container's network. Everything carries a label of this run and goes with it.
"""

from __future__ import annotations

import os
import secrets
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote, urlencode

from ..._core import postgres
from ..._core.clock import Clock
from ..._core.dsn import SHARED, Dsn, query
from ..._core.dsn import parse as parse_dsn
from ..._core.http import DirectHttp, Http, Response
from ..._core.podman import KIND, LABEL, Podman
from ..._core.runner import check
from ..._schema import image_migrations, oneshot
from . import client_programs, properties, sqllog
from .guard import Guard
from .keeper import kept
from .restore import quiet

RUN = "olympus.bluegreen.run"
# Of containers and networks; the courier's trial has a kind of its own.
OURS = "schema-proof"
# The longest life of a trial's container, in case nothing removes it.
LIFETIME = 900
ACCESS = "host all all all scram-sha-256"
# What production may have set for a database is not for our own sessions in its copy.
PLAIN = "-c default_transaction_read_only=off"
# What is restored are production's rows.
UNLOGGED = PLAIN + " -c log_min_duration_statement=-1 -c log_statement=none"
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
    """``name`` is PostgreSQL's container, ``pid`` its process, ``address`` where the others on ``network`` reach it.

    ``directory`` is this host's, for root alone, and gone with the room. Names and passwords are random.
    """

    name: str
    network: str
    labels: Mapping[str, str]
    podman: Podman
    clock: Clock
    connect: Connect
    enter: Enter
    image: str
    guard: Guard
    directory: str
    address: str = ""
    pid: int = 0
    password: str = field(default="", repr=False)
    role_password: str = field(default="", repr=False)

    def url(self, name: str, role: str = "", **parameters: str) -> str:
        """The DSN of a database here, as a service takes it. ``role``: one of production's, else our superuser."""
        user = "%s:%s" % ((quote(role, ""), self.role_password) if role else (self.guard.user, self.password))
        words = urlencode({"sslmode": "disable", **parameters}, quote_via=quote)
        return "postgres://%s@%s:5432/%s?%s" % (user, self.address, quote(name, ""), words)

    def like(self, production: Dsn, name: str, **parameters: str) -> str:
        """The DSN of production with a database here in its place: the same role, schema, pool and settings."""
        kept = {key: value for key, value in query(production.url).items() if key not in SHARED or key == "options"}
        return self.url(name, production.user, **{**kept, **parameters})

    def open(self, name: str) -> postgres.Db:
        """A session of our superuser in a database here, whatever settings that has. Refused where it is elsewhere."""
        db = self.connected(name)
        try:
            self.guard.check(db)
        except BaseException:
            db.close()
            raise
        return db

    def connected(self, name: str) -> postgres.Db:
        """A session that may be anywhere."""
        url: Dsn = parse_dsn(self.url(name, options=PLAIN))
        keywords = {**url.keywords, "application_name": sqllog.OURS + " proof", "connect_timeout": "5"}
        return self.connect(keywords, lambda: self.enter(self.pid))

    def check(self, name: str = "postgres") -> None:
        """Refused unless it is the shadow: asked right before a program is let loose on a database here."""
        self.open(name).close()

    def create(self, name: str, template: str = "template1") -> None:
        """A database as a copy of another one that no session is connected to, with the same owner and settings."""
        db = quiet(self, "postgres")
        try:
            db.query('CREATE DATABASE "%s" TEMPLATE "%s"' % (name, template))
            properties.copy(db, name, template)
        finally:
            db.close()

    def drop(self, name: str) -> None:
        db = quiet(self, "postgres")
        try:
            db.query('DROP DATABASE IF EXISTS "%s" WITH (FORCE)' % name)
        finally:
            db.close()

    def program(self, words: Sequence[str], name: str, directory: str) -> oneshot.Finished:
        """A client program of PostgreSQL with that database, as our superuser. ``directory``: one of the room's."""
        keywords = parse_dsn(self.url(name, options=UNLOGGED)).keywords
        place = os.path.join(client_programs.PLACE, os.path.relpath(directory, self.directory))
        return client_programs.within(self.podman, self.name, words, place, keywords)

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

    def log(self, since: float = 0.0) -> list[str]:
        """The server's lines from that moment on (seconds since the epoch)."""
        moment = ("--since", "%.3f" % since) if since else ()
        logs = self.podman.run("logs", *moment, self.name, timeout=60)
        return (logs.out + logs.err).splitlines()


class _Here:
    def __init__(self, http: Http, enter: Callable[[], AbstractContextManager[None]]) -> None:
        self._http = http
        self._enter = enter

    def request(self, method: str, url: str, **how: Any) -> Response:
        with self._enter():
            return self._http.request(method, url, **how)


@dataclass(frozen=True)
class PrivatePlace:
    """``directory`` is for root alone. It and every container and network with ``labels`` go when this ends."""

    deployment: str
    run: str
    directory: str

    @property
    def labels(self) -> dict[str, str]:
        return {LABEL: self.deployment, KIND: OURS, RUN: self.run}


@contextmanager
def private_place(podman: Podman, deployment: str, parent: str | None = None) -> Iterator[PrivatePlace]:
    """``parent``: where its directory is made. What an earlier one left goes first, and nothing of it is left behind,
    however this process ends."""
    sweep(podman, {LABEL: deployment, KIND: OURS})
    run = secrets.token_hex(6)
    with tempfile.TemporaryDirectory(prefix="olympus-bluegreen-", dir=parent) as directory:
        made = PrivatePlace(deployment, run, directory)
        with kept(podman.executable, "%s=%s" % (RUN, run), directory):
            try:
                yield made
            finally:
                sweep(podman, made.labels)


@contextmanager
def room(
    podman: Podman, clock: Clock, place: PrivatePlace, image: str, connect: Connect, enter: Enter
) -> Iterator[Room]:
    """``image``: of PostgreSQL. Raises BluegreenError where this host can't have a room. It goes with its place."""
    name = "%s-proof-%s" % (place.deployment, place.run)
    given = [part for key, value in place.labels.items() for part in ("--label", "%s=%s" % (key, value))]
    created = podman.run("network", "create", "--internal", "--disable-dns", *given, name)
    check(created, "making of network %s" % name)
    made = Room(
        name,
        name,
        place.labels,
        podman,
        clock,
        connect,
        enter,
        image,
        Guard("shadow_" + secrets.token_hex(6), secrets.token_urlsafe(24)),
        place.directory,
        password=secrets.token_urlsafe(24),
        role_password=secrets.token_urlsafe(24),
    )
    yield _started(made)


def sweep(podman: Podman, labels: Mapping[str, str]) -> None:
    """Remove containers, then networks, with all of these labels."""
    names = [name for name, _status in oneshot.found(podman, labels)]
    if names:
        podman.run("rm", "-f", "-v", "-t", "0", *names, timeout=60)
    filters = [part for key, value in labels.items() for part in ("--filter", "label=%s=%s" % (key, value))]
    networks = podman.must("network", "ls", "-q", *filters).split()
    if networks:
        podman.run("network", "rm", "-f", *networks, timeout=60)


def _started(made: Room) -> Room:
    """With its PostgreSQL taking connections, and bearing our marker."""
    podman, name, user = made.podman, "%s-server" % made.name, made.guard.user
    server = image_migrations.empty_server(
        name, made.image, made.labels, made.network, made.password, SETTINGS, ACCESS, user
    )
    volumes = ("%s:%s:ro,Z" % (made.directory, client_programs.PLACE),)
    oneshot.start(podman, replace(server, lifetime=LIFETIME, volumes=volumes))

    def located() -> Room:
        address, pid = made.address_of(name)
        made.guard.address = address
        return replace(made, name=name, address=address, pid=pid)

    opened = image_migrations.wait_for(
        podman, made.clock, name, lambda _pid: located().connected("postgres"), "bluegreen_rehearsal_image"
    )
    try:
        made.guard.mark(opened)
    finally:
        opened.close()
    return located()
