# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PostgreSQL's own client programs in one-shot containers, with a directory of ours as their only place to write."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote

from ..._core import dsn, postgres
from ..._core.errors import BluegreenError
from ..._core.podman import Podman
from ..._core.private_file import read_private
from ..._schema import db_session, migrate, oneshot
from ..._schema import service as release

PLACE = "/olympus"
SECONDS = 600.0
# Debian keeps them beside the path. Only root may read what the container writes.
SCRIPT = 'PATH="$PATH:$(echo /usr/lib/postgresql/*/bin /usr/local/bin | tr " " ":")"; umask 077; exec "$@"'
# libpq's keyword -> its variable, where that is not PG and the keyword.
VARIABLES = {"dbname": "PGDATABASE", "application_name": "PGAPPNAME"}
# They have no variable, or mean nothing to a program that asks once.
WITHOUT = ("sslpassword",)


def job(
    name: str, image: str, words: Sequence[str], directory: str, keywords: Mapping[str, str], **how: Any
) -> oneshot.Job:
    """``keywords`` say where the database is; they reach the program by its environment alone."""
    return oneshot.Job(
        name=name,
        image=image,
        arguments=("-c", SCRIPT, "sh", *words),
        environment=environment(keywords),
        entrypoint="/bin/sh",
        volumes=("%s:%s:Z" % (directory, PLACE), *how.pop("volumes", ())),
        user="0",
        workdir=PLACE,
        **how,
    )


def within(
    podman: Podman, container: str, words: Sequence[str], place: str, keywords: Mapping[str, str]
) -> oneshot.Finished:
    """In a container of ours that runs, whose directory ``place`` is."""
    given = environment(keywords)
    how = ("exec", "--user", "0", "--workdir", place, *oneshot.given(given, (), ""))
    done = oneshot.call(podman, given, *how, container, "/bin/sh", "-c", SCRIPT, "sh", *words, timeout=SECONDS)
    return oneshot.Finished(done.rc, done.out, done.out + done.err)


def environment(keywords: Mapping[str, str]) -> dict[str, str]:
    return {
        VARIABLES.get(key, "PG" + key.replace("_", "").upper()): value
        for key, value in keywords.items()
        if key not in WITHOUT
    }


@dataclass(frozen=True)
class ServiceDatabase:
    """Production as a service reaches it: by its DSN and files, in the network that leads there.

    ``image`` has the client programs; ``labels`` are those of the run, so that what is left over goes with it.
    """

    wanted: migrate.MigrationRequest
    world: migrate.World
    service: release.Service
    image: str
    labels: Mapping[str, str] = field(default_factory=dict)
    name: str = ""

    @property
    def address(self) -> dsn.Dsn:
        return self.service.dsn

    def open(self) -> postgres.Db:
        return migrate.open_database(self.wanted, self.world, self.service)

    def program(self, words: Sequence[str], directory: str) -> oneshot.Finished:
        view = migrate.files_of(self.wanted, self.world, self.service)
        servers = migrate.servers_of(self.wanted, self.world.podman)
        way = db_session.way(self.address, servers, view)
        own = db_session.files(self.address, view, directory)
        inside = {key: _inside(key, path, directory) for key, path in own.items()}
        keywords = db_session.keywords(self.address, way, inside, "olympus-bluegreen export")
        made = job(
            "%s-%s" % (self.name, words[0].replace("_", "-")),
            self.image,
            words,
            directory,
            keywords,
            labels=self.labels,
            # As our own session: by the path of the process, since no container may join one that is in a pod.
            network="ns:/proc/%d/ns/net" % way.pid if way.pid else "host",
            volumes=tuple("%s:%s" % (path, path) for path in keywords["host"].split(",") if path.startswith("/")),
            lifetime=int(SECONDS) + 60,
        )
        return oneshot.run(self.world.podman, made, SECONDS)


def _inside(key: str, path: str, directory: str) -> str:
    """Where the container finds a file of the DSN: in our directory, copied there unless it was."""
    if path == "system":
        return path
    if not path.startswith(directory + "/"):
        shutil.copyfile(path, os.path.join(directory, key))
        return "%s/%s" % (PLACE, key)
    return "%s/%s" % (PLACE, os.path.basename(path))


def as_role(service: release.Service, given: str) -> release.Service:
    """The same service, as another role reaches its database. ``given``: the DSN of ``rehearsal_dsn``, or the path of a
    file that holds it. The database is always the service's own."""
    if not given:
        return service
    if given.startswith("/"):
        given = read_private(given, "rehearsal_dsn", "the DSN").strip()
    base, sign, query = given.partition("?")
    scheme, mark, rest = base.partition("://")
    url = "%s%s%s/%s%s%s" % (scheme, mark, rest.partition("/")[0], quote(service.dsn.database, ""), sign, query)
    try:
        dsn.parse(url)
    except BluegreenError as exc:
        raise BluegreenError("bluegreen_rehearsal_dsn: " + exc.msg, fix=exc.fix) from None
    kept = {key: value for key, value in service.environment.items() if key.startswith("SSL_CERT_")}
    return replace(service, environment={**kept, service.dsn_env: url})
