# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The watcher's own copy of its code: a module's files are gone when the module ends, the watcher has just begun."""

from __future__ import annotations

import hashlib
import os
import shutil
import zipfile
from collections.abc import Mapping

from .errors import BluegreenError
from .files import sync_dir

PACKAGE = "ansible_collections/olympus/bluegreen/plugins/module_utils"
ENTRY = PACKAGE.replace("/", ".") + "._watch.main"


def source() -> tuple[str, str]:
    """(root, package path below it): the root is a directory, or the zip file that Ansible sent."""
    here = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    if not here.endswith(PACKAGE):
        raise BluegreenError(
            "the code of the watcher is not where it belongs: %s" % here, fix="install the collection again"
        )
    return here[: -len(PACKAGE)].rstrip("/"), PACKAGE


def read_source() -> dict[str, bytes]:
    """Relative path -> content of the package's Python files."""
    root, package = source()
    if os.path.isfile(root):
        with zipfile.ZipFile(root) as archive:
            names = [name for name in archive.namelist() if name.startswith(package + "/") and name.endswith(".py")]
            return {name: archive.read(name) for name in names}
    found: dict[str, bytes] = {}
    for where, _folders, files in os.walk(os.path.join(root, package)):
        for name in files:
            if name.endswith(".py"):
                path = os.path.join(where, name)
                with open(path, "rb") as handle:
                    found[os.path.relpath(path, root)] = handle.read()
    return found


def location(library: str, files: Mapping[str, bytes]) -> str:
    """Where this very code lies below ``library``."""
    digest = hashlib.sha256()
    for name in sorted(files):
        digest.update(b"%s\0%d\0" % (name.encode(), len(files[name])) + files[name])
    return os.path.join(library, digest.hexdigest()[:16])


def install(library: str) -> str:
    """Copy the code to ``library``/<sha>, once for each content; the path to put on PYTHONPATH."""
    files = read_source()
    target = location(library, files)
    if whole(target, files):
        return target
    os.makedirs(library, mode=0o750, exist_ok=True)
    fresh = "%s.new-%d" % (target, os.getpid())
    for name, content in files.items():
        path = os.path.join(fresh, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as handle:
            handle.write(content)
            handle.flush()
            # A power cut must not leave empty files under a name that stands for their content.
            os.fsync(handle.fileno())
    for where, _folders, _files in os.walk(fresh):
        sync_dir(where)
    if os.path.isdir(target) and not whole(target, files):
        os.rename(target, "%s.torn-%d" % (target, os.getpid()))
    try:
        os.rename(fresh, target)
    except OSError:
        # Another run was faster with the same content.
        shutil.rmtree(fresh)
    sync_dir(library)
    return target


def whole(target: str, files: Mapping[str, bytes]) -> bool:
    """Whether every file is there with its size: what a power cut cuts off is shorter."""
    try:
        return all(os.path.getsize(os.path.join(target, name)) == len(content) for name, content in files.items())
    except OSError:
        return False
