# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""``extends``, which ``podman-compose config`` leaves as it is: resolved as podman-compose does when it starts."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import Any

# In a file of our own making, a service of another file; podman-compose then interpolates it with the project's values.
BORROWED = "bluegreen-extended-%d"
LISTS_OF_WORDS = ("command", "entrypoint")


def borrowed(services: Mapping[str, Any]) -> dict[tuple[str, str], str]:
    """(file, service) that is extended -> the name it gets in our own file."""
    pairs = [_parent(service) for service in services.values()]
    unique = dict.fromkeys(pair for pair in pairs if pair[0])
    return {pair: BORROWED % number for number, pair in enumerate(unique)}


def resolved(services: Mapping[str, Any], others: Mapping[tuple[str, str], Any]) -> dict[str, Any]:
    """Every service with what it extends merged in. ``others``: (file, service) -> its interpolated definition."""
    done: dict[str, Any] = {}

    def one(name: str, above: tuple[str, ...]) -> Any:
        service = services[name]
        file, parent = _parent(service)
        if name in done or not parent:
            return done.setdefault(name, service)
        if file:
            base = _moved(others[(file, parent)], os.path.dirname(file))
        elif parent in services and parent not in above:
            base = one(parent, (*above, name))
        else:
            return service
        done[name] = merged(
            {key: value for key, value in base.items() if key != "extends"},
            {key: value for key, value in service.items() if key != "extends"},
        )
        return done[name]

    return {name: one(name, ()) for name in services}


def _parent(service: Any) -> tuple[str, str]:
    """(file, service), each '' where there is none. A file of the same directory may be written ``./x``."""
    given = service.get("extends") if isinstance(service, Mapping) else None
    if not given:
        return "", ""
    if isinstance(given, str):
        return "", given
    file = str(given.get("file") or "")
    return file[2:] if file.startswith("./") else file, str(given.get("service") or "")


def _moved(base: Mapping[str, Any], directory: str) -> dict[str, Any]:
    """The binds of another file are relative to it; nothing else is (podman-compose's rule)."""
    found = dict(base)
    if found.get("volumes") and directory:
        found["volumes"] = [_mount(entry, directory) for entry in found["volumes"]]
    return found


def _mount(entry: Any, directory: str) -> Any:
    path = str(entry.get("source") or "") if isinstance(entry, Mapping) else str(entry)
    if not path.startswith(("./", "../", ".:", "..:")):
        return entry
    there = os.path.join(directory, path)
    return {**entry, "source": there} if isinstance(entry, Mapping) else there


def merged(base: Any, over: Any, key: str = "") -> Any:
    """Mappings by key, lists one after the other, commands replaced, volumes by their target."""
    if isinstance(base, Mapping) and isinstance(over, Mapping):
        whole = dict(base)
        for name, value in over.items():
            whole[name] = merged(base[name], value, name) if name in base else value
        return whole
    if isinstance(base, list) and isinstance(over, list) and key not in LISTS_OF_WORDS:
        taken = set(_targets(over)) if key == "volumes" else set()
        return [entry for entry in base if not taken & set(_targets([entry]))] + over
    return over


def _targets(volumes: Any) -> Iterator[str]:
    for entry in volumes:
        if isinstance(entry, str) and ":" in entry:
            yield entry.split(":", 2)[1]
