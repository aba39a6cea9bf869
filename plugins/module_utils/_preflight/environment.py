# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Pure: the edge, the database and the services as they run now."""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase

from .._core.hostname import spelled
from .._edge.traffic.anonymous_visit import REACHED
from .model import REFUSE, WARN, Observed, PreflightInputs, Row, Section, failed, info, listed, row

# Caddy renews a certificate at a third of its life. At a sixth something keeps it from that.
LATE = 6
ANSWERS = "its port answers"


def names(seen: Observed, wanted: PreflightInputs) -> Iterator[Row]:
    edge = seen.edge
    if "dials" not in edge:
        return
    said = [dial for dial in edge["dials"] if dial.rsplit(":", 1)[0] in wanted.services]
    plain = list(dict.fromkeys([*said, *edge.get("past", ())]))
    if wanted.live:
        yield row("dns.plain_names", not plain, REFUSE, listed(plain) or "none", "none")
    else:
        yield info("dns.plain_names", listed(plain) or "none", "adopt replaces them with the switch")
    lost = edge.get("unresolved") or []
    named = len(edge.get("resolved") or []) + len(lost)
    yield row("dns.upstreams", not lost, WARN, listed(lost) or "%d of %d" % (named, named), "every name resolves")
    absent = [host for host in wanted.hosts() if not _served(host, edge.get("hosts") or [])]
    count = len(wanted.hosts())
    found = "not served: %s" % listed(absent) if absent else "%d of %d" % (count, count)
    yield row("dns.public", not absent, REFUSE, found, "every public name has a site")
    if edge.get("confirm") == 0 and not edge.get("walled"):
        found = "bluegreen_public and the edge's configuration name no host"
        yield row(
            "dns.public", False, REFUSE, found, "one name that tells an anonymous visitor a colour", REACHED, "names"
        )
    level = WARN if edge.get("confirm") else REFUSE
    for one in edge.get("walled") or []:
        wanted_here = (
            "a colour for an anonymous visitor"
            if level == WARN
            else "one name that tells an anonymous visitor a colour"
        )
        yield row("dns.public", False, level, one["words"], wanted_here, REACHED, about=one["host"])


def _served(host: str, patterns: Iterable[str]) -> bool:
    """Caddy's * stands for one label. No pattern at all means a site that takes every name."""
    known = [spelled(one) for one in patterns]
    return not known or any(
        fnmatchcase(host, one) and host.count(".") == one.count(".") if "*" in one else host == one for one in known
    )


def routes(seen: Observed, wanted: PreflightInputs) -> Iterator[Row]:
    edge = seen.edge
    if "local" in edge:
        found = "%s %s to this machine" % (
            wanted.edge.get("address"),
            "belongs" if edge["local"] else "does not belong",
        )
        yield row("route.edge", bool(edge["local"]), REFUSE, found, "an address of this machine")
    if wanted.by_ports:
        if "publish_local" in seen.host:
            own = bool(seen.host["publish_local"])
            found = "%s %s to this machine" % (wanted.publish, "belongs" if own else "does not belong")
            yield row("route.colour", own, REFUSE, found, "an address of this machine")
    elif wanted.live and "networks" in edge:
        subnet = wanted.networks().edge_subnet(wanted.live)
        joined = subnet in edge["networks"]
        found = "on %s" % subnet if joined else "not on %s (%s)" % (subnet, wanted.live)
        yield row("route.colour", joined, REFUSE, found, "on the live colour's edge network")


def certificates(seen: Observed, wanted: PreflightInputs) -> Iterator[Row]:
    """One row for all that is well, and one for each name that is not."""
    shown = seen.edge.get("certificates") or {}
    now = float(seen.host.get("now") or time.time())
    good: dict[str, float] = {}
    for host, one in sorted(shown.items()):
        if one.get("error"):
            yield row("certificate", False, REFUSE, one["error"], "valid, for this name", about=host)
            continue
        left = float(one["until"]) - now
        if left < (float(one["until"]) - float(one["since"])) / LATE:
            yield row("certificate", False, WARN, "%s left" % _span(left), "renewed in time", about=host)
            continue
        good[host] = left
    if good:
        first = min(good, key=lambda host: good[host])
        found = "%d valid, the first to end is %s in %s" % (len(good), first, _span(good[first]))
        yield row("certificate", True, REFUSE, found, "for every public name")


def _span(seconds: float) -> str:
    return "%.1f days" % (seconds / 86400) if seconds > 172800 else "%.1f h" % (seconds / 3600)


def database(seen: Observed, wanted: PreflightInputs) -> Iterator[Row]:
    db = seen.database
    if not db:
        why = seen.errors.get("database")
        if why:
            yield failed("database", REFUSE, why, "a connection with a service's own DSN")
        return
    yield row("database", True, REFUSE, "%s as %s" % (db.get("host"), db.get("user")), "a connection")
    strict = db.get("sslmode") == "verify-full"
    # On this host PostgreSQL is on every colour's network under its own name, however the edge reaches the colour.
    inside = wanted.publish in ("network", "loopback")
    found = "sslmode %s, name %s" % (db.get("sslmode") or "default", db.get("host"))
    if wanted.schema_targets:
        image = wanted.rehearsal_image or ("that of service %s" % wanted.database if wanted.database else "")
        yield row("database.proof", bool(image), WARN, image or "no container and no image", "an image of PostgreSQL")
    yield row("database.tls", inside or not strict, WARN, found, "the name in its certificate, everywhere")


def login_limit(seen: Observed, wanted: PreflightInputs) -> Iterator[Row]:
    """Logins of probes go to the colours beside the edge. What passes through the edge are the GETs of public names."""
    if "limits" not in seen.edge:
        return
    limits = seen.edge["limits"]
    if not limits:
        yield info("login_limit", "no rate_limit handler in the edge's configuration: unknown")
        return
    hit = [one for one in limits if _hits_probes(one, wanted)]
    shared = [one for one in limits if seen.edge.get("trusted_proxies") and "remote" in str(one.get("key"))]
    for one in hit:
        yield row("login_limit", False, WARN, _limit(one), "probes ask %.1f/s" % _asked(wanted), about=str(one["zone"]))
    for one in shared:
        found = "%s, behind a trusted proxy: all clients count as one" % _limit(one)
        yield row("login_limit", False, WARN, found, "a key of the client's own address", about=str(one["zone"]))
    if not hit and not shared:
        yield row("login_limit", True, WARN, listed([_limit(one) for one in limits], 2), "no probe passes through it")


def _limit(one: Section) -> str:
    return "%s: %d in %g s" % (one["zone"], one["events"], one["window"])


def _asked(wanted: PreflightInputs) -> float:
    return 1 / max(0.1, wanted.interval)


def _hits_probes(one: Section, wanted: PreflightInputs) -> bool:
    """A zone that counts the GETs of a public path, and allows fewer than the watch asks."""
    if one["methods"] and "GET" not in one["methods"]:
        return False
    paths = one["paths"] or ["*"]
    asked = [path for path in wanted.hosts().values() if any(fnmatchcase(path, pattern) for pattern in paths)]
    return bool(asked) and one["events"] / max(0.001, one["window"]) < _asked(wanted)


def hydra(seen: Observed, wanted: PreflightInputs) -> Iterator[Row]:
    """A Hydra with a list refuses plain HTTP from every address outside of it. One without TLS needs no list."""
    ranges = wanted.networks()
    # What comes by a published port comes from the gateway of the colour's own network.
    subnet = ranges.colour_subnet if wanted.by_ports else ranges.edge_subnet
    edges = [ipaddress.IPv4Network(subnet(colour)) for colour in ("blue", "green")]
    for name, one in sorted((seen.containers.get("hydra") or {}).items()):
        listed_ranges = [str(item) for item in one.get("ranges") or []]
        if one.get("unknown") and not listed_ranges:
            yield failed("hydra.termination", WARN, str(one["unknown"]), wanted.network_range, name)
            continue
        if not listed_ranges and not one.get("tls"):
            yield row(
                "hydra.termination", True, WARN, "no list, TLS off", "the edge networks, if there is a list", about=name
            )
            continue
        lost = [str(net) for net in edges if not any(_within(net, item) for item in listed_ranges)]
        found = "%s lacks %s" % (listed(listed_ranges) or "no list", ", ".join(lost)) if lost else listed(listed_ranges)
        level = REFUSE if one.get("tls") else WARN
        yield row("hydra.termination", not lost, level, found, wanted.network_range, about=name)


def _within(net: ipaddress.IPv4Network, text: str) -> bool:
    try:
        return net.subnet_of(ipaddress.IPv4Network(text, strict=False))
    except ValueError:
        return False


def services(seen: Observed, wanted: PreflightInputs) -> Iterator[Row]:
    """Refused only where another port listens: then the setting is wrong. A broken service must not stop its cure."""
    for name, one in sorted(seen.services.items()):
        if not one["running"]:
            yield row("service", False, WARN, "it does not run", ANSWERS, about=name)
            continue
        if not one["closed"]:
            found = ", ".join("%s %d" % pair for pair in one["asked"].items())
            yield row("service", True, REFUSE, found + " answer" + "s" * (len(one["asked"]) == 1), ANSWERS, about=name)
            continue
        yield _closed(name, one)


def _closed(name: str, one: Section) -> Row:
    found = ", ".join("%s %d is closed" % pair for pair in one["closed"].items())
    alone = [port for port in one["closed"].values() if port in one["loopback"]]
    free = [port for port in one["listening"] if port not in one["asked"].values()]
    if free:
        found += "; it listens on %s" % listed(free)
        return row("service", False, REFUSE, found, ANSWERS, _fix(name, one, free), about=name)
    if alone:
        fix = "let it listen on every address of its container (0.0.0.0), as the edge can't reach its loopback"
        return row("service", False, WARN, found + "; it listens on its loopback only", ANSWERS, fix, about=name)
    return row("service", False, WARN, found + "; it listens on no other port", ANSWERS, about=name)


def _fix(name: str, one: Section, free: list[int]) -> str:
    """The port that the container itself names for it, else the only one that is left."""
    told = []
    for key in one["closed"]:
        named = [port for port in one["said"].get(key) or [] if port in free]
        choice = str(named[0]) if named else " or ".join(str(port) for port in free[:4])
        free = [port for port in free if port != (named or [0])[0]] or free
        told.append("bluegreen_services.%s.%s: %s" % (name, key, choice))
    return "set " + ", ".join(told)
