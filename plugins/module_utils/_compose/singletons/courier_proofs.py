# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which couriers have been seen to start: a hash each of all that they are made of, and nothing else of them."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Sequence

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.files import read_mapping, write_json
from ansible_collections.olympus.bluegreen.plugins.module_utils._schema.service import Service

VERSION = 1
# Two couriers in two colours, and some releases back.
KEPT = 32


def mark(service: Service) -> str:
    """Of image, entrypoint, command, variables, mounts and the mounted files: content of a file that is mounted alone,
    size and time of change of those in a directory."""
    parts = [service.image, service.entrypoint, service.command, sorted(service.environment.items()), service.volumes]
    sources = [volume.partition(":")[0] for volume in service.volumes]
    files = [line for source in sources if source.startswith("/") for line in _files(source)]
    return hashlib.sha256(json.dumps([*parts, files]).encode()).hexdigest()


def _files(source: str) -> Iterator[str]:
    if os.path.isfile(source):
        with open(source, "rb") as handle:
            yield "%s %s" % (source, hashlib.sha256(handle.read()).hexdigest())
    for folder, below, names in os.walk(source):
        below.sort()
        for name in sorted(names):
            found = os.lstat(os.path.join(folder, name))
            yield "%s/%s %d %d" % (folder, name, found.st_size, found.st_mtime_ns)


def kept(state_dir: str) -> list[str]:
    known = read_mapping(_path(state_dir))
    return [str(one) for one in known.get("proven") or []] if known.get("v") == VERSION else []


def keep(state_dir: str, marks: Sequence[str]) -> None:
    if not marks:
        return
    os.makedirs(os.path.dirname(_path(state_dir)), mode=0o750, exist_ok=True)
    others = [one for one in kept(state_dir) if one not in marks]
    write_json(_path(state_dir), {"v": VERSION, "proven": [*others, *marks][-KEPT:]})


def _path(state_dir: str) -> str:
    return os.path.join(state_dir, "cache", "couriers.json")
