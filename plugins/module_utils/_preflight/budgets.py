# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Pure: is there room for a second colour? Connections, memory, disk."""

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.olympus.bluegreen.plugins.module_utils._preflight.model import (
    REFUSE,
    WARN,
    Observed,
    Row,
    Section,
    Wanted,
    info,
    listed,
    row,
    size,
)

# An Ory process without max_conns takes 2 connections a processor, an app of the stack 5.
ORY_PER_CPU, APP_POOL = 2, 5
MEMORY_FACTOR = 1.25
MIB, GIB = 1 << 20, 1 << 30
INODES = 5000
# What a place needs in any case, and what makes it comfortable.
LEAST = {"state": 64 * MIB, "images": 256 * MIB, "edge": 32 * MIB, "database": 256 * MIB}
EASY = {"state": GIB, "images": 2 * GIB, "edge": 256 * MIB, "database": GIB}


def pools(seen: Observed, wanted: Wanted) -> dict[str, int]:
    """Service -> the most connections that its process opens. A separate courier has a pool of its own."""
    cpus = int(seen.host.get("cpus") or 1)
    given = seen.containers.get("max_conns") or {}
    found = {}
    for name in wanted.services:
        kind = wanted.services[name].get("kind", "other")
        if kind in ("kratos", "hydra"):
            found[name] = int(given.get(name) or ORY_PER_CPU * cpus)
        elif kind in ("hera", "athena", "site"):
            found[name] = APP_POOL
    return found


def connections(seen: Observed, wanted: Wanted) -> Iterator[Row]:
    """Doubling what the live colour holds now must fit; the pools of both colours should."""
    db = seen.database
    if not db:
        return
    room = int(db["max_connections"]) - int(db["reserved"])
    others = int(db["in_use"]) - int(db["in_use_live"])
    most = pools(seen, wanted)
    couriers = sum(most[name] for name in wanted.of_kind("kratos") if name in most)
    now = int(db["in_use_live"])
    likely = others + (now if wanted.idle_running else 2 * max(now, len(most)))
    worst = others + 2 * sum(most.values()) + couriers
    found = "%d in use, likely %d with two colours, at most %d" % (db["in_use"], likely, worst)
    level = REFUSE if likely > room else WARN
    yield row("connections", likely <= room and worst <= room, level, found, "at most %d" % room)


def memory(seen: Observed, wanted: Wanted) -> Iterator[Row]:
    """Of no interest once both colours run: what they hold is held."""
    live = [int(one.get("pss") or 0) for one in (seen.containers.get("live") or {}).values()]
    if not sum(live) or not seen.host.get("mem_available") or wanted.idle_running:
        return
    free, need = int(seen.host["mem_available"]), MEMORY_FACTOR * sum(live)
    yield row(
        "memory",
        free >= need,
        REFUSE,
        "%s available, the live colour holds %s" % (size(free), size(sum(live))),
        ">= %s" % size(need),
    )


def disks(seen: Observed, wanted: Wanted) -> Iterator[Row]:
    for name, disk in (seen.host.get("disks") or {}).items():
        yield _disk(name, disk, _needs(name, seen))


def _needs(name: str, seen: Observed) -> int:
    """Bytes that this release will take there, beside what any needs."""
    if name == "images":
        live = seen.containers.get("live") or {}
        absent = {
            (one.get("reference")): int((live.get(service) or {}).get("image_size") or 0)
            for service, one in (seen.release.get("images") or {}).items()
            if one.get("state") not in ("here", "unfetched")
        }
        return sum(absent.values())
    return 0


def _disk(name: str, disk: Section, needs: int) -> Row:
    free, inodes = int(disk["free"]), disk.get("inodes")
    least = LEAST[name] + needs
    easy = EASY[name] + needs + int(disk.get("copy") or 0)
    few = inodes is not None and int(inodes) < INODES
    found = "%s free on %s" % (size(free), disk["path"])
    if inodes is not None:
        found += ", %s inodes" % (inodes if int(inodes) < 100 * INODES else "many")
    target = ">= %s, best %s" % (size(least), size(easy)) + (", %d inodes" % INODES if few else "")
    level = REFUSE if free < least or few else WARN
    return row("disk." + name, free >= easy and not few, level, found, target)


def cpu(seen: Observed, wanted: Wanted) -> Iterator[Row]:
    if seen.host:
        yield info("cpu", "%d processors, load %.1f" % (seen.host.get("cpus") or 0, seen.host.get("load") or 0.0))


def dependents(seen: Observed, wanted: Wanted) -> Iterator[Row]:
    """Said long before the cleanup that it concerns."""
    there: dict[str, list[str]] = seen.containers.get("dependents") or {}
    if there:
        said = ["%s depends on %s" % (name, ", ".join(needs)) for name, needs in sorted(there.items())]
        yield info(
            "dependents", listed(said), "cleanup makes it again without that, unless bluegreen_dependents is keep"
        )


def courier(seen: Observed, wanted: Wanted) -> Iterator[Row]:
    states = {name: state for name, state in wanted.couriers.items() if state}
    if states:
        said = sorted("%s: %s" % pair for pair in states.items())
        embedded = {"embedded", "project"} & set(states.values())
        yield info("courier", listed(said), "mails go on as now until cleanup" if embedded else "follows the switch")
