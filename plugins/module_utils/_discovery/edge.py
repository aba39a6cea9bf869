# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The edge's own values, from its container (or process) and the configuration that it runs. Pure."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from .._core.podman import on_host
from .._edge.running.base import EdgeOptions
from . import kinds, routes
from .observed import Seen

Values = dict[str, tuple[Any, str]]
ROOT_CERTIFICATE = "pki/authorities/local/root.crt"
EVERYWHERE = ("", "0.0.0.0", "::")


def is_caddy(seen: Seen) -> bool:
    """Whether it may be an edge: it runs Caddy, or answers at the port of https."""
    front = 443 in seen.published or any(port == 443 for _address, port in seen.published.values())
    return seen.running and not seen.ours and (kinds.program(seen) == "caddy" or front)


def flags(words: Sequence[str]) -> dict[str, str]:
    """``config``, ``adapter`` and ``resume`` of ``caddy run``."""
    found: dict[str, str] = {}
    rest = iter(word for text in words for word in text.split())
    for word in rest:
        name, sign, value = word.partition("=")
        key = {"--config": "config", "-c": "config", "--adapter": "adapter", "-a": "adapter"}.get(name)
        if key:
            found[key] = value if sign else next(rest, "")
        elif word == "--resume":
            found["resume"] = "true"
    return found


def file_of(words: Sequence[str], workdir: str) -> tuple[str, str]:
    """(path of the configuration file as the edge sees it, ``caddyfile`` or ``json``); no path with ``--resume``."""
    said = flags(words)
    if "resume" in said and "config" not in said:
        return "", "caddyfile"
    path = said.get("config") or "Caddyfile"
    if not os.path.isabs(path):
        path = os.path.join(workdir or "/", path)
    plain = said.get("adapter") == "caddyfile" or "caddyfile" in os.path.basename(path).lower()
    return path, "caddyfile" if plain or not path.endswith(".json") else "json"


def mount(seen: Seen) -> str:
    """Where its configuration's own volume is mounted, or another writable named volume; '' where it has none."""
    named = [one for one in seen.mounts if one.get("Type") == "volume" and one.get("RW")]
    inside = sorted(str(one.get("Destination")) for one in named)
    first = [path for path in ("/config", "/data") if path in inside]
    return (first + inside + [""])[0]


def data_directory(env: Mapping[str, str], config: Any) -> str:
    """Where Caddy keeps certificates, as it sees it."""
    storage = (config or {}).get("storage") or {}
    if storage.get("root"):
        return str(storage["root"])
    if env.get("XDG_DATA_HOME"):
        return env["XDG_DATA_HOME"] + "/caddy"
    return (env.get("HOME") or "/root") + "/.local/share/caddy"


def front(config: Any, dialled: Collection[str]) -> tuple[int, str]:
    """(port inside, scheme) of the server that serves the most of these public names; https before http."""
    found: dict[tuple[int, str], set[str]] = {}
    for one in routes.routes(config):
        if one.host in dialled:
            found.setdefault((one.port, one.scheme), set()).add(one.host)
    best = sorted(found, key=lambda key: (key[1] != "https", -len(found[key]), key[0] != 443))
    return best[0] if best else (443, "https")


def _at(seen: Seen, inside: int) -> tuple[str, int, str]:
    address, port = seen.published.get(inside, ("", 0))
    if not port:
        return "127.0.0.1", inside, "what it listens on"
    return ("127.0.0.1" if address in EVERYWHERE else address), port, "its published port %d" % port


def of_container(seen: Seen, config: Any, names: Collection[str]) -> Values:
    """The edge as podman-compose started it; ``names``: the public names that it serves."""
    path, form = file_of(seen.words, seen.workdir)
    inside, scheme = front(config, names)
    address, port, why = _at(seen, inside)
    volume = mount(seen)
    found: Values = {
        "kind": ("container", "container %s runs Caddy" % seen.name),
        "service": (seen.service, "label of %s" % seen.name),
        "source": (form, "its command line"),
        # Where it has none, what is missing is said of the usual place.
        "mount": (volume or EdgeOptions.mount, "its writable volume" if volume else "where its volume has to be"),
        "address": (address, why),
        "port": (port, why),
        "scheme": (scheme, "its listener"),
    }
    if path:
        found["config_path"] = (path, "its command line")
        found["caddyfile"] = (on_host({"Mounts": list(seen.mounts)}, path), "its mounts")
    return found


def of_process(words: Sequence[str], workdir: str, config: Any, names: Collection[str]) -> Values:
    """The edge as a process of this host."""
    path, form = file_of(words, workdir)
    port, scheme = front(config, names)
    return {
        "kind": ("native", "a process of this host runs Caddy"),
        "service": ("", "it is no container"),
        "source": (form, "its command line"),
        "caddyfile": (path, "its command line"),
        "address": ("127.0.0.1", "what it listens on"),
        "port": (port, "what it listens on"),
        "scheme": (scheme, "its listener"),
    }
