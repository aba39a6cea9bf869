# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later


"""Pure: is there room for a second colour on this host, is its software fit, and what would a reboot bring back?"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from . import known_issues
from .model import REFUSE, WARN, Observed, PreflightInputs, Row, Section, info, listed, row, size

# An Ory process without max_conns takes 2 connections a processor, an app of the stack 5.
ORY_PER_CPU, APP_POOL = 2, 5
MEMORY_FACTOR = 1.25
MIB, GIB = 1 << 20, 1 << 30
INODES = 5000
# What a place needs in any case, and what makes it comfortable.
LEAST = {"state": 64 * MIB, "images": 256 * MIB, "edge": 32 * MIB, "database": 256 * MIB}
EASY = {"state": GIB, "images": 2 * GIB, "edge": 256 * MIB, "database": GIB}
DEFAULT_NETWORK = ipaddress.IPv4Network("10.88.0.0/16")
# Seconds between two clocks: tokens and certificates are forgiving up to here, and no longer.
SKEW_WARN, SKEW_REFUSE = 2.0, 30.0


def pools(seen: Observed, wanted: PreflightInputs) -> dict[str, int]:
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


def connections(seen: Observed, wanted: PreflightInputs) -> Iterator[Row]:
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


def memory(seen: Observed, wanted: PreflightInputs) -> Iterator[Row]:
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


def disks(seen: Observed, wanted: PreflightInputs) -> Iterator[Row]:
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


def dependents(seen: Observed, wanted: PreflightInputs) -> Iterator[Row]:
    """Said long before the cleanup that it concerns."""
    there: dict[str, list[str]] = seen.containers.get("dependents") or {}
    if there:
        said = ["%s depends on %s" % (name, ", ".join(needs)) for name, needs in sorted(there.items())]
        yield info("dependents", listed(said), "cleanup recreates it without that, unless bluegreen_dependents is keep")


def versions(seen: Observed, wanted: PreflightInputs) -> Iterator[Row]:
    podman = str(seen.podman.get("version") or "")
    found = {
        "podman": podman,
        "podman-compose": seen.podman.get("compose"),
        "caddy": seen.edge.get("version"),
        "postgresql": seen.database.get("version"),
        "python": seen.host.get("python"),
        "ansible": seen.controller.get("ansible"),
    }
    for program, version in found.items():
        if version:
            yield _version(program, str(version), podman)


def _version(program: str, version: str, podman: str) -> Row:
    bad = known_issues.verdict(program, version, podman)
    said = "%s: %s" % (version, bad.why) if bad else version
    return row("version." + program, bad is None, bad.level if bad else REFUSE, said, known_issues.WANTED[program])


def python_modules(seen: Observed, wanted: PreflightInputs) -> Iterator[Row]:
    """psycopg2 asks the databases that are migrated: without one nothing needs it."""
    needed = ("dotenv", "psycopg2", "yaml") if wanted.schema_targets else ("dotenv", "yaml")
    modules = {name: there for name, there in (seen.host.get("modules") or {}).items() if name in needed}
    absent = sorted(name for name, there in modules.items() if not there)
    if modules:
        found = "missing: %s" % ", ".join(absent) if absent else ", ".join(sorted(modules))
        yield row("python_modules", not absent, REFUSE, found, ", ".join(needed))


def clock(seen: Observed, wanted: PreflightInputs) -> Iterator[Row]:
    skews = {"PostgreSQL": seen.database.get("skew"), "the edge": seen.edge.get("skew")}
    told = {name: float(skew) for name, skew in skews.items() if skew is not None}
    if told:
        worst = max(abs(skew) for skew in told.values())
        found = ", ".join("%s %+.1f s" % pair for pair in told.items())
        level = REFUSE if worst > SKEW_REFUSE else WARN
        yield row("clock", worst <= SKEW_WARN, level, found, "within %g s of this host" % SKEW_WARN)


def setup(seen: Observed, wanted: PreflightInputs) -> Iterator[Row]:
    podman = seen.podman
    if not podman:
        return
    rootless = bool(podman.get("rootless"))
    yield row("rootless", not rootless, REFUSE, "rootless" if rootless else "as root", "as root")
    mode = str(podman.get("selinux") or "disabled")
    yield row("selinux", mode == "disabled", REFUSE if mode == "enforcing" else WARN, mode, "disabled")
    backend = str(podman.get("network_backend") or "")
    yield row("network_backend", backend == "netavark", REFUSE, backend or "unknown", "netavark")


def network_range(seen: Observed, wanted: PreflightInputs) -> Iterator[Row]:
    """Only networks of this deployment may be inside the range."""
    if not seen.podman:
        return
    ours = ipaddress.IPv4Network(wanted.network_range)
    nets = seen.podman.get("networks") or []
    mine = [net["subnet"] for net in nets if net.get("deployment") == wanted.deployment]
    taken = [
        "network %s (%s)" % (net["name"], net["subnet"])
        for net in nets
        if net.get("deployment") != wanted.deployment and _overlaps(ours, net["subnet"])
    ]
    taken += [
        "route %s by %s" % (route["dst"], route.get("dev") or route.get("type"))
        for route in seen.host.get("routes") or []
        if route["dst"] not in mine and _overlaps(ours, route["dst"])
    ]
    if not taken and ours.overlaps(DEFAULT_NETWORK):
        taken = ["Podman's default network (%s)" % DEFAULT_NETWORK]
    found = listed(taken, 2) if taken else "free" if not mine else "used by this deployment"
    yield row("network_range", not taken, REFUSE, "%s: %s" % (ours, found), "no other network or route in it")


def _overlaps(ours: ipaddress.IPv4Network, other: str) -> bool:
    try:
        return ours.overlaps(ipaddress.IPv4Network(other, strict=False))
    except ValueError:
        return False


def auto_update(seen: Observed, wanted: PreflightInputs) -> Iterator[Row]:
    labelled = seen.containers.get("auto_update") or []
    timer = bool(seen.host.get("auto_update_timer"))
    if seen.containers:
        found = "%s%s" % (listed(labelled) or "none", ", timer on" if timer else ", timer off" if labelled else "")
        yield row("auto_update", not labelled, REFUSE if timer else WARN, found, "none")


def boot(seen: Observed, wanted: PreflightInputs) -> Iterator[Row]:
    """A container comes back by our unit (the live colour) or by podman-restart.service (its policies)."""
    policies = seen.containers.get("restart") or {}
    if not policies:
        return
    unit = seen.host.get("restart_unit") or {}
    by_podman = set(unit.get("policies") or []) if unit.get("enabled") else set()
    ours = bool(seen.host.get("boot_unit")) and bool(seen.host.get("systemd"))
    gone = sorted(name for name, policy in policies.items() if policy not in by_podman)
    if not seen.host.get("systemd"):
        gone = sorted(policies)
    how = "the boot unit" if ours else "podman-restart (%s)" % ", ".join(sorted(by_podman)) if by_podman else "no unit"
    if not seen.host.get("systemd"):
        how = "no systemd"
    found = "%s; %s" % (how, "stays down: " + listed(gone, 3) if gone and not ours else "all come back")
    yield row("boot", ours or not gone, WARN, found, "all come back by themselves")
