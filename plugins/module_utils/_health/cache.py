# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How old a colour's caches are, by observation: change a setting at one service and see it at the others.

The setting is one of the operator's choice that nothing else reads. Writer and readers are asked inside the colour, as
every check is.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .._core.errors import BluegreenError
from .._core.http import Http
from . import answers
from .model import CheckResult, Endpoint
from .session import Failed, Visit, must, probe

# Seconds between two looks, and what the look itself may take beyond the time that a cache may be old.
EVERY, GRACE = 0.5, 5.0
JSON = {"Content-Type": "application/json", "Accept": "application/json"}


@dataclass(frozen=True)
class Place:
    """One service's path; ``method`` only counts for the writer."""

    service: str
    path: str
    method: str = "POST"


@dataclass(frozen=True)
class Probe:
    """``ttl`` seconds; the writer takes {``field``: value}, each reader answers JSON with that field."""

    ttl: float
    write: Place
    read: tuple[Place, ...]
    field: str


def parse(given: Mapping[str, Any], ttl: float, known: Sequence[str]) -> Probe | None:
    """The operator's ``bluegreen_cache_probe``; None where there is none. Raises BluegreenError with what is wrong."""
    if not given:
        return None
    if ttl <= 0:
        raise BluegreenError(
            "not more than 0 seconds", option="cache_ttl", value=ttl, fix="give the seconds that a cache may be old"
        )
    unknown = sorted(set(given) - {"write", "read", "field"})
    if unknown or not given.get("write") or not given.get("read") or not given.get("field"):
        raise BluegreenError(
            "unknown or missing keys, it has %s" % ", ".join(sorted(given)),
            option="cache_probe",
            value=unknown,
            fix="give write: {service, path}, read: [{service, path}] and field",
        )
    try:
        write, read = Place(**given["write"]), tuple(Place(**one) for one in given["read"])
    except TypeError as exc:
        raise BluegreenError(
            "a place is {service, path, method}",
            option="cache_probe",
            value=given,
            fix="see ansible-doc olympus.bluegreen.health_gate",
        ) from exc
    for place in (write, *read):
        if place.service not in known:
            raise BluegreenError(
                "no such coloured service", option="cache_probe", value=place.service, fix="name it in services"
            )
    return Probe(float(ttl), write, read, str(given["field"]))


def seen(http: Http, wanted: Probe, writer: Endpoint, readers: Mapping[str, Endpoint], timeout: float) -> CheckResult:
    """Write, then look until every reader (name -> endpoint, in the order of ``wanted.read``) shows it."""

    def act() -> str:
        value = "probe-" + secrets.token_hex(8)
        limit = min(timeout, wanted.ttl + GRACE)
        visit = Visit(http, None, limit)
        body = json.dumps({wanted.field: value}).encode()
        written = visit.direct(writer, wanted.write.method, wanted.write.path, JSON, body)
        must("" if written.status < 300 else answers.unexpected(written), "writing the setting at %s" % writer.service)
        begun = time.monotonic()
        waiting, seen_after = dict(readers), []
        paths = {place.service: place.path for place in wanted.read}
        while waiting:
            for name, endpoint in list(waiting.items()):
                if _shown(visit, endpoint, paths[endpoint.service], wanted.field) == value:
                    seen_after.append("%s after %.1f s" % (name, time.monotonic() - begun))
                    del waiting[name]
            if waiting and time.monotonic() - begun > limit - EVERY:
                raise Failed(
                    "%s still shows the old setting after %.0f s" % (", ".join(waiting), time.monotonic() - begun)
                )
            if waiting:
                time.sleep(EVERY)
        return "a changed setting was seen by %s; a cache may be %g s old" % (", ".join(seen_after), wanted.ttl)

    return probe("settings", writer.service, act)


def _shown(visit: Visit, endpoint: Endpoint, path: str, field: str) -> Any:
    response = visit.direct(endpoint, "GET", path)
    must(answers.wants(response, 200), path)
    body = response.json()
    return body.get(field) if isinstance(body, Mapping) else None
