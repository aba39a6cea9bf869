# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Pure: a row a service. Does it answer at its port, and if not, at which one?"""

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.olympus.bluegreen.plugins.module_utils._preflight.model import (
    REFUSE,
    WARN,
    Observed,
    Row,
    Section,
    Wanted,
    listed,
    row,
)

TARGET = "its port answers"


def services(seen: Observed, wanted: Wanted) -> Iterator[Row]:
    """Refused only where another port listens: then the setting is wrong. A broken service must not stop its cure."""
    for name, one in sorted(seen.services.items()):
        if not one["running"]:
            yield row("service", False, WARN, "it does not run", TARGET, about=name)
            continue
        if not one["closed"]:
            found = ", ".join("%s %d" % pair for pair in one["asked"].items())
            yield row("service", True, REFUSE, found + " answer" + "s" * (len(one["asked"]) == 1), TARGET, about=name)
            continue
        yield _closed(name, one)


def _closed(name: str, one: Section) -> Row:
    found = ", ".join("%s %d is closed" % pair for pair in one["closed"].items())
    alone = [port for port in one["closed"].values() if port in one["loopback"]]
    free = [port for port in one["listening"] if port not in one["asked"].values()]
    if free:
        found += "; it listens on %s" % listed(free)
        return row("service", False, REFUSE, found, TARGET, _fix(name, one, free), about=name)
    if alone:
        fix = "let it listen on every address of its container (0.0.0.0): the edge can't reach its loopback"
        return row("service", False, WARN, found + "; it listens on its loopback alone", TARGET, fix, about=name)
    return row("service", False, WARN, found + "; it listens on no other port", TARGET, about=name)


def _fix(name: str, one: Section, free: list[int]) -> str:
    """The port that the container itself names for it, else the only one that is left."""
    told = []
    for key in one["closed"]:
        named = [port for port in one["said"].get(key) or [] if port in free]
        choice = str(named[0]) if named else " or ".join(str(port) for port in free[:4])
        free = [port for port in free if port != (named or [0])[0]] or free
        told.append("bluegreen_services.%s.%s: %s" % (name, key, choice))
    return "set " + ", ".join(told)
