# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What must run exactly once, in the live colour: the mail couriers and what the operator declares. Values and rules.

One rule for all of them: whatever the adopted project runs itself goes on until its cleanup; else it runs in the live
colour and in no other.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from ..._core.errors import BluegreenError

COURIER, SERVICE, COMMAND = "courier", "service", "command"
# Where a holder is, besides a colour: the adopted project, or a container that this collection did not start.
PROJECT, UNMANAGED = "project", "unmanaged"
OPTION = "singletons"
NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")


@dataclass(frozen=True)
class Singleton:
    """``kind``: courier (of Kratos ``service``), service (of the compose file), or command (of a coloured service)."""

    name: str
    service: str
    kind: str
    command: tuple[str, ...] = ()


@dataclass(frozen=True)
class Holder:
    """A container that does a singleton's work. ``matches_file``: it is what its colour's compose file says."""

    container: str
    place: str
    state: str
    matches_file: bool = True
    id: str = ""

    @property
    def active(self) -> bool:
        """Paused or being stopped, it may still do something."""
        return self.state in ("running", "paused", "stopping")


@dataclass(frozen=True)
class Seen:
    """One singleton and its holders. ``files``: the colours whose rendered compose file has it."""

    singleton: Singleton
    holders: tuple[Holder, ...] = ()
    files: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        return {**asdict(self.singleton), "holders": [asdict(h) for h in self.holders], "files": list(self.files)}


def declared(
    given: Mapping[str, Any], coloured: Collection[str], others: Collection[str], couriers: Collection[str]
) -> tuple[Singleton, ...]:
    """The operator's singletons, checked. ``others``: the shared services and the edge."""
    found: list[Singleton] = []
    for name, entry in given.items():
        if not isinstance(entry, Mapping) or not entry.get("service") or set(entry) - {"service", "command"}:
            raise _wrong(
                "has to be a dictionary of service and command", {name: entry}, "name its service; command is optional"
            )
        found.append(_one(str(name), str(entry["service"]), _words(name, entry.get("command")), coloured, others))
    _refuse_clashes(found, {*coloured, *others, *couriers})
    return tuple(found)


def _one(
    name: str, service: str, command: tuple[str, ...], coloured: Collection[str], others: Collection[str]
) -> Singleton:
    if not NAME.fullmatch(name):
        raise _wrong("a name may have small letters, digits, _ and - only", name, "choose another name")
    if service in others:
        raise _wrong(
            "%s is shared: it belongs to no colour and runs once anyway" % service, name, "leave %s out" % name
        )
    if service in coloured and not command:
        raise _wrong(
            "%s is a coloured service, it runs in both colours" % service,
            name,
            "give the command that must run once, or take %s out of bluegreen_services" % service,
        )
    return Singleton(name, service, COMMAND if service in coloured else SERVICE, command)


def _refuse_clashes(found: Iterable[Singleton], taken: Collection[str]) -> None:
    services: dict[str, str] = {}
    for one in found:
        if one.name in taken:
            raise _wrong("the name of another service", one.name, "choose another name")
        if one.kind == SERVICE and one.service in services:
            raise _wrong("%s is %s already" % (one.service, services[one.service]), one.name, "declare it once")
        services[one.service] = one.name


def _words(name: str, command: Any) -> tuple[str, ...]:
    if command is None:
        return ()
    try:
        words = shlex.split(command) if isinstance(command, str) else [str(word) for word in command]
    except (TypeError, ValueError):
        words = []
    if not words:
        raise _wrong("its command is no list of words", {name: {"command": command}}, "write it as a list")
    return tuple(words)


def _wrong(msg: str, value: object, fix: str) -> BluegreenError:
    return BluegreenError(msg, option=OPTION, value=value, fix=fix)


def home(seen: Seen, live: str) -> str:
    """Where it has to run: ``project``, the live colour, or '' where nothing can run it (yet)."""
    if any(h.place == PROJECT and h.active for h in seen.holders):
        return PROJECT
    return live if live in seen.files else ""


def misplaced(seen: Seen, live: str) -> tuple[Holder, ...]:
    """Containers of ours that have to go: in another place than home, or not what the file says."""
    where = home(seen, live)
    ours = [h for h in seen.holders if h.place not in (PROJECT, UNMANAGED)]
    return tuple(h for h in ours if h.place != where or not h.matches_file)


def missing(seen: Seen, live: str) -> bool:
    where = home(seen, live)
    return where == live and not any(h.place == live and h.matches_file for h in seen.holders)


def unmanaged(seen: Seen) -> tuple[Holder, ...]:
    return tuple(h for h in seen.holders if h.place == UNMANAGED and h.active)


def problems(every: Iterable[Seen], live: str) -> list[str]:
    """What is not where it has to be, as sentences for people."""
    found = []
    for seen in every:
        name, active = seen.singleton.name, [h for h in seen.holders if h.active]
        where = home(seen, live)
        late = "; its mails wait in the queue" if seen.singleton.kind == COURIER else ""
        if len(active) > 1:
            found.append("%s runs %d times: %s" % (name, len(active), ", ".join(h.container for h in active)))
        elif where and not active:
            found.append("%s does not run in %s%s" % (name, where, late))
        elif active and active[0].place not in (where, UNMANAGED):
            found.append("%s runs in %s, not in %s (%s)" % (name, active[0].place, where or live, active[0].container))
        elif active and (active[0].place == UNMANAGED or not active[0].matches_file):
            found.append("%s runs in %s, which this deployment does not manage" % (name, active[0].container))
    return found


def seen_from(data: Iterable[Mapping[str, Any]]) -> list[Seen]:
    """``as_dict`` read back, for who has only a module's answer."""
    return [
        Seen(
            Singleton(one["name"], one["service"], one["kind"], tuple(one.get("command") or ())),
            tuple(Holder(**h) for h in one.get("holders") or ()),
            tuple(one.get("files") or ()),
        )
        for one in data
    ]
