# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The running edge: its version and configuration, its clock, the certificates that it shows, whom it can resolve."""

from __future__ import annotations

import email.utils
import socket
import ssl
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ansible_collections.olympus.bluegreen.plugins.module_utils._core import resolve
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import BluegreenError
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.hostname import spelled
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.http import Http
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.netns import own_address
from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.config.query import dials, form, ways
from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.running.base import Edge, root_of
from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.traffic import anonymous_visit
from ansible_collections.olympus.bluegreen.plugins.module_utils._preflight import caddyjson, known_issues
from ansible_collections.olympus.bluegreen.plugins.module_utils._preflight.model import Wanted

SECONDS = 2.0


def edge(running: Edge, config: Any, http: Http, wanted: Wanted) -> dict[str, Any]:
    """All that one look tells; ``config`` is the running configuration."""
    with ThreadPoolExecutor(2) as pool:
        version = pool.submit(caddy_version, running)
        told = pool.submit(confirming, running, config, http, wanted)
        shown = {**public(running, http, wanted), **told.result()}
    return {
        "version": version.result(),
        "dials": dials(config),
        "hosts": caddyjson.hosts(config),
        "limits": caddyjson.limits(config),
        "trusted_proxies": caddyjson.trusts_proxies(config),
        "local": own_address(running.options.address),
        **shown,
    }


def caddy_version(running: Edge) -> str:
    """As the edge's own binary says; '' where it says none that can be read."""
    found = known_issues.parse(running.caddy("version").out)
    return ".".join(str(part) for part in found)


def public(running: Edge, http: Http, wanted: Wanted) -> dict[str, Any]:
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


def confirming(running: Edge, config: Any, http: Http, wanted: Wanted) -> dict[str, Any]:
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


def volume(running: Edge) -> str:
    """The host path of the volume with the switch, '' where the edge has none."""
    try:
        return running.place().directory
    except BluegreenError:
        return ""
