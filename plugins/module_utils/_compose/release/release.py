# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A release: content-addressed images and files, copied once and never changed again."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..._core.errors import BluegreenError
from ..._core.files import sync_dir, write_json
from ..deployment import store
from ..deployment.model import Deployment, Image
from . import changes

# A bind mount larger than this is data, not configuration.
LARGEST = 64 * 1024 * 1024


@dataclass(frozen=True)
class Content:
    """What a release is made of: ``names`` below ``directory`` and their hashes (``files``); ``source``: where from."""

    images: Mapping[str, Image]
    names: Sequence[str]
    files: Mapping[str, str]
    directory: str
    source: Mapping[str, str]
    # What its files made us say: it is said once.
    warnings: Sequence[str] = ()

    def ident(self, version: str) -> str:
        return release_id(version, {name: image.id for name, image in self.images.items()}, self.files)


def release_id(version: str, images: Mapping[str, str], files: Mapping[str, str]) -> str:
    """``<version>-<10 hex>``: the same images (service -> id) and files (path -> sha256) give the same id."""
    digest = hashlib.sha256()
    for kind, pairs in (("image", images), ("file", files)):
        for name in sorted(pairs):
            # NUL cannot occur in any of them, so no two different sets read the same.
            digest.update(("%s\0%s\0%s\0" % (kind, name, pairs[name])).encode("utf-8", "surrogateescape"))
    return "%s-%s" % (version, digest.hexdigest()[:10])


def _one(path: str) -> str:
    if os.path.islink(path):
        return "link:" + hashlib.sha256(os.fsencode(os.readlink(path))).hexdigest()
    digest = hashlib.sha256()
    with open(path, "rb") as handle:
        for block in iter(lambda: handle.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()


def tree(directory: str, wanted: Sequence[str]) -> dict[str, str]:
    """Relative path -> sha256 of every file in ``wanted`` (files or directories below ``directory``)."""
    found: dict[str, str] = {}
    for name in wanted:
        top = os.path.join(directory, name)
        if not os.path.isdir(top):
            found[name] = _one(os.path.realpath(top))
            continue
        size = 0
        for where, folders, files in os.walk(top):
            links = [folder for folder in folders if os.path.islink(os.path.join(where, folder))]
            for file in files + links:
                path = os.path.join(where, file)
                if not os.path.islink(path) and not os.path.isfile(path):
                    continue
                size += os.lstat(path).st_size
                if size > LARGEST:
                    raise BluegreenError(
                        "%s is larger than %d MiB: data, not configuration" % (top, LARGEST >> 20),
                        option="source",
                        value=directory,
                        fix="put the data in a named volume or outside the project directory",
                    )
                found[os.path.relpath(path, directory)] = _one(path)
    return found


def _copy_file(source: str, target: str) -> str:
    """Content, mode, times and owner: a service that does not run as root must be able to read its copy."""
    shutil.copy2(source, target, follow_symlinks=False)
    owner = os.lstat(source)
    os.chown(target, owner.st_uid, owner.st_gid, follow_symlinks=False)
    return target


def copy(source: str, target: str, names: Sequence[str]) -> None:
    for name in names:
        origin, copy = os.path.realpath(os.path.join(source, name)), os.path.join(target, name)
        os.makedirs(os.path.dirname(copy), exist_ok=True)
        if not os.path.isdir(origin):
            _copy_file(origin, copy)
            continue
        shutil.copytree(origin, copy, symlinks=True, ignore=_not_a_file, copy_function=_copy_file, dirs_exist_ok=True)
        for where, folders, _files in os.walk(origin):
            for folder in ["", *folders]:
                path = os.path.join(where, folder) if folder else where
                if not os.path.islink(path):
                    same = os.path.join(copy, os.path.relpath(path, origin))
                    os.chown(same, os.stat(path).st_uid, os.stat(path).st_gid)


def _not_a_file(where: str, names: list[str]) -> list[str]:
    paths = {name: os.path.join(where, name) for name in names}
    return [
        name
        for name, path in paths.items()
        if not (os.path.islink(path) or os.path.isfile(path) or os.path.isdir(path))
    ]


def record(wanted: Deployment, content: Content, created: float) -> str:
    """Copy the source and write release.json, then show both under the release's id by one rename. Returns the id."""
    ident = content.ident(wanted.version)
    home = store.make_dirs(wanted, "releases")
    for leftover in os.listdir(home):
        if leftover.startswith(".new-"):
            shutil.rmtree(os.path.join(home, leftover))
    if os.path.exists(os.path.join(home, ident, "release.json")):
        verify(wanted, ident)
        return ident
    fresh = os.path.join(home, ".new-" + ident)
    os.makedirs(os.path.join(fresh, "source"), 0o700)
    os.chmod(fresh, 0o750)
    copy(content.directory, os.path.join(fresh, "source"), content.names)
    if tree(os.path.join(fresh, "source"), content.names) != dict(content.files):
        raise BluegreenError("%s changed while it was copied" % content.directory, fix="run again when it is at rest")
    value: dict[str, Any] = {
        "id": ident,
        "version": wanted.version,
        "created": created,
        "project": wanted.project,
        "compose_files": list(wanted.compose_files),
        "source": dict(content.source),
        "images": {name: image.as_dict() for name, image in content.images.items()},
        "files": dict(content.files),
        "names": list(content.names),
        "warnings": list(content.warnings),
    }
    write_json(os.path.join(fresh, "release.json"), value)
    _show(fresh, os.path.join(home, ident))
    sync_dir(home)
    return ident


def _show(fresh: str, there: str) -> None:
    """By one rename. Where an undo has left the history of this very release, beside it, release.json last."""
    if not os.path.isdir(there):
        os.rename(fresh, there)
        return
    shutil.rmtree(os.path.join(there, "source"), ignore_errors=True)
    for name in ("source", "release.json"):
        os.rename(os.path.join(fresh, name), os.path.join(there, name))
    sync_dir(there)
    os.rmdir(fresh)


def copy_of(wanted: Deployment, ident: str) -> str:
    return wanted.path("releases", ident, "source")


def verify(wanted: Deployment, ident: str) -> None:
    """The copy is still what its record says."""
    known = store.release(wanted, ident)
    try:
        there = tree(copy_of(wanted, ident), known["names"])
    except OSError as exc:
        there = {str(exc.filename): ""}
    if there != known["files"]:
        differ = changes.names(known["files"], there)
        raise BluegreenError(
            "the copy of release %s was changed: %s"
            % (ident, "; ".join("%s %s" % (kind, ", ".join(names)) for kind, names in differ.items())),
            option="release",
            value=ident,
            fix="put the files back, or move %s away and deploy the version again" % wanted.path("releases", ident),
        )
