# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The running edge: its version, configuration and clock, its certificates, the names that it can resolve."""

from __future__ import annotations

import email.utils
import ipaddress
import socket
import ssl
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from .._core import resolve
from .._core.hostname import spelled
from .._core.http import Http
from .._core.netns import own_address
from .._edge.config.our_routes import objects
from .._edge.config.query import dials, form, ways
from .._edge.running.base import Edge, root_of
from .._edge.traffic import anonymous_visit
from . import known_issues
from .model import PreflightInputs

SECONDS = 2.0
NANO = 1e9


def edge(running: Edge, config: Any, http: Http, wanted: PreflightInputs) -> dict[str, Any]:
    """All that one look tells; ``config`` is the running configuration."""
    with ThreadPoolExecutor(2) as pool:
        version = pool.submit(caddy_version, running)
        told = pool.submit(confirming, running, config, http, wanted)
        shown = {**public(running, http, wanted), **told.result()}
    return {
        "version": version.result(),
        "dials": dials(config),
        "hosts": hosts(config),
        "limits": limits(config),
        "trusted_proxies": trusts_proxies(config),
        "local": own_address(running.options.address),
        **shown,
    }


def caddy_version(running: Edge) -> str:
    """As the edge's own binary says; '' where it says none that can be read."""
    found = known_issues.parse(running.caddy("version").out)
    return ".".join(str(part) for part in found)


def public(running: Edge, http: Http, wanted: PreflightInputs) -> dict[str, Any]:
    """Certificates of every public name and the edge's clock, asked where users ask: only at an address of ours."""
    options = running.options
    if not own_address(options.address):
        return {}
    names = sorted(wanted.hosts())
    found: dict[str, Any] = {}
    if options.scheme == "https" and names:
        with ThreadPoolExecutor(8) as pool:
            shown = pool.map(lambda name: certificate(options.address, options.port, name, options.ca), names)
            found["certificates"] = dict(zip(names, shown))
    if names:
        found["skew"] = skew(http, "%s://%s%s" % (options.scheme, names[0], wanted.hosts()[names[0]]), options)
    return found


def confirming(running: Edge, config: Any, http: Http, wanted: PreflightInputs) -> dict[str, Any]:
    """How many public names can confirm a flip, and what those say that can't. {} before adopt: no colour is said."""
    root = root_of(running)
    if not wanted.live or not form(config, root) or not own_address(running.options.address):
        return {}

    def ask(host: str, path: str, _timeout: float) -> anonymous_visit.Answer:
        return anonymous_visit.asked(http, running.options, host, path, timeout=SECONDS)

    given = [[{"host": str(one["host"]), "path": str(one.get("path") or "/")}] for one in wanted.public]
    names = anonymous_visit.confirming_names(ask, given or ways(config, root))
    walled = [{"host": str(one["host"]), "words": anonymous_visit.words(one)} for one in names.walled]
    return {"confirm": len(names.to_ask), "walled": walled}


def skew(http: Http, url: str, options: Any) -> float | None:
    """Seconds that the edge's Date is ahead of this host's clock; None where it gives none."""
    before = time.time()
    answer = http.request(
        "HEAD",
        url,
        headers={"User-Agent": anonymous_visit.AGENT},
        connect=(options.address, options.port),
        timeout=SECONDS,
    )
    when = email.utils.parsedate_to_datetime(answer.headers["date"]) if answer.headers.get("date") else None
    if when is None:
        return None
    # The header has whole seconds: what it says lasted from then on for one.
    here, there = (before + time.time()) / 2, when.timestamp()
    return 0.0 if there <= here <= there + 1 else round(there - here if there > here else there + 1 - here, 3)


def certificate(address: str, port: int, name: str, ca: str) -> dict[str, Any]:
    """{since, until} of a certificate that holds for ``name``, or {error}."""
    try:
        context = ssl.create_default_context(cafile=ca or None)
        sock = socket.create_connection((address, port), timeout=SECONDS)
        with sock, context.wrap_socket(sock, server_hostname=spelled(name)) as secure:
            shown = secure.getpeercert() or {}
    except ssl.SSLCertVerificationError as exc:
        return {"error": str(exc.verify_message)}
    except OSError as exc:
        return {"error": exc.strerror or type(exc).__name__ if not isinstance(exc, ssl.SSLError) else str(exc.reason)}
    return {
        "since": ssl.cert_time_to_seconds(str(shown["notBefore"])),
        "until": ssl.cert_time_to_seconds(str(shown["notAfter"])),
    }


def resolution(running: Edge, names: Sequence[str], pid: int) -> dict[str, list[str]]:
    """Which of the names that the edge dials its own name servers know; {} where none of them is on this machine."""
    by = resolve.of_process(pid)
    if not by.servers or not pid:
        return {}
    with running.network():
        known_names = [name for name in names if resolve.addresses(name, by)]
    return {"resolved": known_names, "unresolved": [name for name in names if name not in known_names]}


# What is read from the running configuration


def hosts(config: Any) -> list[str]:
    """Every host name that a route asks for."""
    found = [
        str(host)
        for route in objects(config)
        for match in route.get("match") or []
        if isinstance(match, dict)
        for host in match.get("host") or []
    ]
    return list(dict.fromkeys(found))


def unique_names(dialled: Iterable[str]) -> list[str]:
    """Hosts of upstreams (host:port) that are dialled by name."""
    found = [dial.rpartition(":")[0] for dial in dialled]
    return list(dict.fromkeys(name for name in found if name and "{" not in name and not _address(name)))


def _address(text: str) -> bool:
    try:
        ipaddress.ip_address(text.strip("[]"))
    except ValueError:
        return "/" in text
    return True


def limits(config: Any) -> list[dict[str, Any]]:
    """The zones of every rate_limit handler: {zone, events, window (s), key, methods, paths}; no methods: all."""
    found = []
    for handler in objects(config):
        if handler.get("handler") != "rate_limit":
            continue
        for zone, one in (handler.get("rate_limits") or {}).items():
            matches = [match for match in one.get("match") or [] if isinstance(match, dict)]
            found.append(
                {
                    "zone": str(zone),
                    "events": int(one.get("max_events") or 0),
                    "window": float(one.get("window") or 0) / NANO,
                    "key": str(one.get("key") or ""),
                    "methods": [str(name) for match in matches for name in match.get("method") or []],
                    "paths": [str(path) for match in matches for path in match.get("path") or []],
                }
            )
    return found


def trusts_proxies(config: Any) -> bool:
    """Whether a server takes the client's address from a proxy in front of it."""
    servers = (((config or {}).get("apps") or {}).get("http") or {}).get("servers") or {}
    return any(bool(server.get("trusted_proxies")) for server in servers.values())
