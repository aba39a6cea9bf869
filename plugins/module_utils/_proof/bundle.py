# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a proof takes to another host, in one private file: the export, and the programs with the files that they read.

The password in the programs' address of the database stays behind. What comes back is what the room there showed.
"""

from __future__ import annotations

import json
import os
import stat
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any

from .._core import dsn
from .._core.errors import BluegreenError
from .._core.podman import Podman
from .._schema import any_migrator, bridge, image_migrations, migrate, versions
from .._schema import service as release
from .._schema.catalog import changes, snapshot
from . import evidence
from .proof import Copied, Subject, Tried
from .replay import app, binary, trial
from .shadow import exported, guard

WORK, FILES = "work.json", "files"
# No program's configuration is larger.
MOST = 64 * 1024 * 1024
HIDDEN = "hidden"


@dataclass(frozen=True)
class Work:
    """``image`` of PostgreSQL. ``tags``: image -> what people call it, for the host that does not have it."""

    subjects: tuple[Subject, ...]
    copied: Copied
    image: str
    tags: Mapping[str, tuple[str, ...]]


KNOWN: dict[str, Any] = {
    one.__name__: one
    for one in (
        Work, Subject, Copied, Tried, any_migrator.Target, migrate.State, release.Service, image_migrations.Image,
        image_migrations.MigrationList, image_migrations.Form, versions.Migration, binary.Binary, trial.Ports,
        app.Asked, bridge.Bridge, exported.Export, exported.Role, exported.Setting, exported.Grant, exported.Locale,
        exported.Sample, exported.Link, guard.Production, guard.Identity, snapshot.Snapshot, snapshot.Thing,
        changes.Change, evidence.Rehearsed, evidence.Held, evidence.Ran, evidence.Seen, evidence.Outcome,
        evidence.Touched,
    )
}  # fmt: skip


def encoded(value: Any) -> Any:
    """As JSON has it. Raises KeyError for what is not of a proof."""
    if is_dataclass(value):
        name = type(value).__name__
        KNOWN[name]
        return {"is": name, "with": {one.name: encoded(getattr(value, one.name)) for one in fields(value)}}
    if isinstance(value, Mapping):
        return {"map": [[encoded(key), encoded(one)] for key, one in value.items()]}
    if isinstance(value, (set, frozenset)):
        return {"set": [encoded(one) for one in sorted(value)]}
    return [encoded(one) for one in value] if isinstance(value, (list, tuple)) else value


def decoded(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(decoded(one) for one in value)
    if not isinstance(value, dict):
        return value
    if "map" in value:
        return {decoded(key): decoded(one) for key, one in value["map"]}
    if "set" in value:
        return frozenset(decoded(one) for one in value["set"])
    return KNOWN[value["is"]](**{key: decoded(one) for key, one in value["with"].items()})


def write(path: str, value: Any) -> None:
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as handle:
        json.dump(encoded(value), handle)


def read(path: str) -> Any:
    try:
        with open(path, encoding="utf-8") as handle:
            return decoded(json.load(handle))
    except (OSError, ValueError, KeyError, TypeError) as exc:
        raise BluegreenError(
            "%s is not what another host's proof wrote" % path,
            fix="run the stage again, with one version on both hosts",
        ) from exc


def pack(path: str, directory: str, podman: Podman, subjects: Sequence[Subject], copied: Copied, image: str) -> None:
    """``directory`` holds the exports. ``path``: the file to make, for its owner alone."""
    sources: dict[str, str] = {}
    light = tuple(_light(one, sources) for one in subjects)
    images = {image, *(one.image.id for subject in subjects for one in _programs(subject))}
    work = Work(light, copied, image, {one: _tags(podman, one) for one in sorted(images)})
    write(os.path.join(directory, WORK), work)
    private = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with open(private, "wb") as handle, tarfile.open(fileobj=handle, mode="w") as packed:
        packed.add(directory, ".")
        for source, name in sources.items():
            packed.add(source, "%s/%s" % (FILES, name))


def unpack(path: str, directory: str, podman: Podman) -> Work:
    """Into a private directory. Refused where an image is not on this host."""
    how: dict[str, Any] = {"filter": "fully_trusted"} if hasattr(tarfile, "fully_trusted_filter") else {}
    try:
        with tarfile.open(path) as packed:
            packed.extractall(directory, numeric_owner=True, **how)
    except (OSError, tarfile.TarError) as exc:
        raise BluegreenError("%s can't be unpacked: %s" % (path, exc), fix="run the stage again") from exc
    work: Work = read(os.path.join(directory, WORK))
    lacking = [" or ".join(tags) or image for image, tags in work.tags.items() if podman.one("image", image) is None]
    if lacking:
        raise BluegreenError(
            "the rehearsal host lacks the image %s" % ", ".join(lacking),
            option="rehearsal_host",
            fix="pull it there, or take it along: podman save IMAGE | ssh HOST podman load",
        )
    placed = tuple(_placed(one, os.path.join(directory, FILES)) for one in work.subjects)
    made = {name: replace(one, directory=os.path.join(directory, name)) for name, one in work.copied.exports.items()}
    return replace(work, subjects=placed, copied=replace(work.copied, exports=made))


def _programs(subject: Subject) -> Iterator[binary.Binary]:
    yield subject.migrator
    yield from (one for one in (subject.old, subject.new) if one is not None)


def _tags(podman: Podman, image: str) -> tuple[str, ...]:
    return tuple(str(one) for one in (podman.one("image", image) or {}).get("RepoTags") or ())


def _light(subject: Subject, sources: dict[str, str]) -> Subject:
    """Without production, and its files by their place in the bundle."""
    state = subject.state
    return replace(
        subject,
        production=None,
        target=replace(subject.target, environment={}, volumes=()),
        state=replace(state, service=replace(state.service, environment={}), image=_bare(state.image)),
        migrator=_alone(subject.migrator, sources),
        old=None if subject.old is None else _alone(subject.old, sources),
        new=None if subject.new is None else _alone(subject.new, sources),
    )


def _bare(image: image_migrations.Image) -> image_migrations.Image:
    return replace(image, environment={}, volumes=(), cache="")


def _alone(program: binary.Binary, sources: dict[str, str]) -> binary.Binary:
    service = program.service
    volumes = tuple(one for given in service.volumes for one in _taken(given, sources))
    service = replace(service, volumes=volumes, environment=without_password(service))
    return replace(program, service=service, image=_bare(program.image))


def without_password(service: release.Service) -> dict[str, str]:
    """Its environment. The address of the database keeps role, database and parameters."""
    try:
        address = service.dsn
    except BluegreenError:
        return dict(service.environment)
    found = {}
    for name, value in service.environment.items():
        url = dsn.plain(value)
        if address.password and url == address.url:
            found[name] = _hidden(url)
        else:
            found[name] = dsn.redact(value, address) if address.password else value
    return found


def _hidden(url: str) -> str:
    scheme, sign, rest = url.partition("://")
    userinfo, at, where = rest.partition("?")[0].rpartition("@")
    words = [word for word in rest.partition("?")[2].split("&") if word and not word.startswith("password=")]
    user = userinfo.partition(":")[0] + ":" + HIDDEN if at else ""
    return "%s%s%s%s%s%s" % (scheme, sign, user, at, where, "?" + "&".join(words) if words else "")


def _taken(volume: str, sources: dict[str, str]) -> Iterator[str]:
    """A mount of a file or directory of this host, which comes along. A socket or a named volume does not."""
    source, sign, rest = volume.partition(":")
    if not sign:
        yield volume
    mode = os.stat(source).st_mode if sign and source.startswith("/") and os.path.exists(source) else 0
    if stat.S_ISREG(mode) or stat.S_ISDIR(mode):
        if source not in sources:
            _refuse_large(source)
            sources[source] = "%d/%s" % (len(sources), os.path.basename(source.rstrip("/")) or "root")
        yield "%s/%s:%s" % (FILES, sources[source], rest)


def _refuse_large(source: str) -> None:
    below = (os.path.join(where, name) for where, _dirs, names in os.walk(source) for name in names)
    total = 0
    for path in [source] if os.path.isfile(source) else below:
        total += os.lstat(path).st_size
        if total > MOST:
            raise BluegreenError(
                "%s, a mount of a program, has more than %d MB" % (source, MOST >> 20),
                option="rehearsal_host",
                fix="let the proof run on the host of the state, without bluegreen_rehearsal_host",
            )


def _placed(subject: Subject, files: str) -> Subject:
    def here(program: binary.Binary) -> binary.Binary:
        volumes = tuple(
            os.path.join(os.path.dirname(files), one) if one.startswith(FILES + "/") else one
            for one in program.service.volumes
        )
        return replace(program, service=replace(program.service, volumes=volumes))

    old, new = (None if one is None else here(one) for one in (subject.old, subject.new))
    return replace(subject, migrator=here(subject.migrator), old=old, new=new)
