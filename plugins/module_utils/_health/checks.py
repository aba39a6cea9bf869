# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which checks a gate runs, from the operator's services and probes. Pure: nothing is sent here."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import BluegreenError
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.hostname import ascii_host
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.http import Http
from ansible_collections.olympus.bluegreen.plugins.module_utils._health import cache, journeys, shared_secrets
from ansible_collections.olympus.bluegreen.plugins.module_utils._health.addresses import Reach
from ansible_collections.olympus.bluegreen.plugins.module_utils._health.container_settings import Settings
from ansible_collections.olympus.bluegreen.plugins.module_utils._health.model import (
    CheckResult,
    Domain,
    Endpoint,
    Secrets,
)
from ansible_collections.olympus.bluegreen.plugins.module_utils._health.through_edge import Through

# In the order in which they run inside a domain: what is slow the first time comes before what is timed by a person.
JOURNEYS = ("ready", "version", "warm", "jwks", "tokens", "sessions", "admin", "login", "code_flow", "silent")
# ``secrets`` needs no answer of anybody; ``settings`` may last as long as a cache and is asked for by name.
DEFAULT = ("secrets", *JOURNEYS)
CHECKS = (*DEFAULT, "settings")
READY = {
    "kratos": (("public", "/health/ready"), ("admin", "/admin/health/ready")),
    "hydra": (("public", "/health/ready"), ("admin", "/health/ready")),
    "hera": (("public", "/health"),),
    "athena": (("public", "/api/health"),),
    "site": (("public", "/health"),),
}
VERSION = {"kratos": ("admin", "/admin/version"), "hydra": ("admin", "/version")}
TELLS_VERSION = ("athena", "site")
# What every probe needs, and what those checks need that speak as its OAuth client.
PROBE = ("kratos", "hydra", "login_host", "oauth_host", "identifier")
CLIENT, OF_A_CLIENT = ("client_id", "redirect_uri"), ("tokens", "code_flow", "silent")
# A login UI is needed by those that a person sees.
OF_A_UI = ("code_flow", "silent")
# Without another side the same question is asked of one side alone.
ALONE = {"jwks": "keys", "tokens": "token"}

Run = Callable[[Http, float], CheckResult]


@dataclass(frozen=True)
class Wanted:
    """The gate's options, as the module takes them. ``against`` '' means that the colour is asked alone.

    ``skip`` names checks that the operator leaves out. ``way`` leads through the edge. ``watched``: asked again and
    again, so no wrong password is sent and no logout ends other sessions.
    """

    colour: str
    against: str
    reach: Reach
    services: Mapping[str, Mapping[str, Any]]
    probes: Mapping[str, Mapping[str, Any]]
    secrets: Mapping[str, Secrets]
    checks: Sequence[str] = CHECKS
    versions: Mapping[str, str] = field(default_factory=dict)
    warm: int = 5
    # Colour -> service -> what its container was given; empty where nobody looked.
    settings: Mapping[str, Mapping[str, Settings]] = field(default_factory=dict)
    cache: cache.Probe | None = None
    skip: Sequence[str] = ()
    way: Through | None = None
    watched: bool = False


@dataclass(frozen=True)
class Check:
    """One planned check; ``run`` takes the Http and the seconds that are left. Groups run side by side.

    ``two_sided``: it compares with the other colour, and what that one can't do is no failure of the colour asked.
    """

    name: str
    service: str
    group: str
    run: Run = field(compare=False, repr=False)
    two_sided: bool = False


def on_edge(service: Mapping[str, Any]) -> bool:
    return service.get("edge", True) is not False


def endpoint(wanted: Wanted, colour: str, name: str) -> Endpoint:
    """Where a service of a colour answers."""
    if name not in wanted.services:
        raise BluegreenError("unknown service", option="probes", value=name, fix="name it in bluegreen_services")
    return wanted.reach.endpoint(colour, name, wanted.services[name])


def domain(wanted: Wanted, colour: str, name: str, also: Sequence[str] = ()) -> Domain:
    """One domain as one colour serves it; ``also``: what of the probe must be there for what will be asked."""
    probe = wanted.probes[name]
    lacking = [key for key in (*PROBE, *also) if not probe.get(key)]
    if lacking:
        raise BluegreenError(
            "incomplete, it lacks %s" % ", ".join(lacking),
            option="probes",
            value=name,
            fix="give them in bluegreen_probes, or leave the domain out",
        )
    hera = probe.get("hera")
    return Domain(
        name=name,
        side=colour,
        login_host=ascii_host(str(probe["login_host"]), "probes"),
        oauth_host=ascii_host(str(probe["oauth_host"]), "probes"),
        identifier=str(probe["identifier"]),
        client_id=str(probe.get("client_id", "")),
        redirect_uri=str(probe.get("redirect_uri", "")),
        kratos=endpoint(wanted, colour, str(probe["kratos"])),
        hydra=endpoint(wanted, colour, str(probe["hydra"])),
        hera=endpoint(wanted, colour, str(hera)) if hera else None,
        scope=str(probe.get("scope") or Domain.scope),
    )


def plan(wanted: Wanted) -> tuple[Check, ...]:
    """Every check in order: first each service's own, then the journeys of each domain."""
    known(wanted.checks, "checks")
    known(wanted.skip, "skip")
    found: list[Check] = []
    for name in [check for check in CHECKS if check in wanted.checks and check not in wanted.skip]:
        if name == "secrets":
            found.extend(_secrets(wanted))
        elif name == "settings":
            found.extend(_settings(wanted))
        elif name in ("ready", "version", "warm"):
            for service in [key for key, value in wanted.services.items() if on_edge(value)]:
                found.extend(_own(wanted, name, service))
        else:
            found.extend(_journeys(wanted, name))
    return tuple(found)


def known(names: Sequence[str], option: str) -> None:
    """Refuse a check that there is none of, with the one that it looks like."""
    unknown = [name for name in names if name not in CHECKS]
    if unknown:
        near = difflib.get_close_matches(str(unknown[0]), CHECKS, 1, 0.6)
        meant = "write %s" % near[0] if near else "known are %s" % ", ".join(CHECKS)
        raise BluegreenError("unknown check", option=option, value=unknown[0], fix=meant)


def _secrets(wanted: Wanted) -> list[Check]:
    """One a service, where there is another colour to compare with."""
    if not wanted.against:
        return []
    return [
        # A group of its own: what is wrong with the secrets is said even where a service never gets ready.
        Check("secrets", name, "secrets", partial(_alike, wanted, name))
        for name, service in wanted.services.items()
    ]


def _alike(wanted: Wanted, name: str, http: Http, left: float) -> CheckResult:
    service = wanted.services[name]
    here = wanted.settings.get(wanted.colour, {}).get(name, shared_secrets.NOBODY_LOOKED)
    there = wanted.settings.get(wanted.against, {}).get(name, shared_secrets.NOBODY_LOOKED)
    return shared_secrets.judge(name, str(service.get("kind", "other")), here, there, service.get("alike"))


def _settings(wanted: Wanted) -> list[Check]:
    if wanted.cache is None:
        raise BluegreenError("nothing says how", option="cache_probe", value="", fix="give cache_probe")
    colours = [colour for colour in (wanted.colour, wanted.against) if colour]
    readers = {
        "%s of %s" % (place.service, colour): endpoint(wanted, colour, place.service)
        for colour in colours
        for place in wanted.cache.read
    }
    writer = endpoint(wanted, wanted.colour, wanted.cache.write.service)
    return [Check("settings", writer.service, "settings", partial(_seen, wanted.cache, writer, readers))]


def _seen(
    probe: cache.Probe, writer: Endpoint, readers: Mapping[str, Endpoint], http: Http, left: float
) -> CheckResult:
    return cache.seen(http, probe, writer, readers, left)


def _own(wanted: Wanted, name: str, service: str) -> list[Check]:
    """The checks called ``name`` of one service."""
    given = wanted.services[service]
    at = endpoint(wanted, wanted.colour, service)
    kind = str(given.get("kind", "other"))
    group = str(given.get("domain") or service)
    paths = (("public", str(given["ready"])),) if given.get("ready") else READY.get(kind, ())
    expected = wanted.versions.get(service, "")
    run: Run | None = None
    if name == "ready" and paths:
        run = partial(_ready, at, paths)
    elif name == "version" and (expected or kind in VERSION or kind in TELLS_VERSION) and (paths or kind in VERSION):
        run = partial(_version, at, VERSION.get(kind) or paths[0], expected)
    elif name == "warm" and given.get("ui"):
        run = partial(_warm, at, "/login" if kind == "hera" else "/", wanted.warm)
    return [Check(name, service, group, run)] if run else []


def _journeys(wanted: Wanted, name: str) -> list[Check]:
    found = []
    for key in wanted.probes:
        here = domain(wanted, wanted.colour, key, CLIENT if name in OF_A_CLIENT else ())
        secrets = wanted.secrets.get(key)
        if secrets is None:
            raise BluegreenError(
                "no secrets for this domain",
                option="probe_secrets",
                value=key,
                fix="give bluegreen_probe_secrets this key",
            )
        if cannot(name, wanted.probes[key], secrets):
            continue
        run = _journey(wanted, name, key, here, secrets)
        service = here.hydra.service if name in ("jwks", *OF_A_CLIENT) else here.kratos.service
        if run is not None:
            found.append(Check(name, service, key, run, bool(wanted.against) and name in journeys.TWO_SIDES))
    return found


def cannot(name: str, probe: Mapping[str, Any], secrets: Secrets) -> str:
    """Why a check can't be asked with this probe, or ''."""
    if name in OF_A_UI and not probe.get("hera"):
        return "the probe names no hera"
    if name == "tokens" and not secrets.client_secret:
        return "the probe's client has no secret"
    return ""


def _journey(wanted: Wanted, name: str, key: str, here: Domain, secrets: Secrets) -> Run | None:
    if name == "code_flow":
        return partial(_seen_flow, here, secrets) if wanted.watched else partial(_code_flow, here, secrets, wanted.way)
    if name == "login":
        return partial(_login, here, secrets, None if wanted.watched else journeys.Control())
    if name in journeys.TWO_SIDES and wanted.against:
        return partial(_two_sides, name, here, domain(wanted, wanted.against, key), secrets)
    if name in ALONE or name in journeys.ONE_SIDE:
        return partial(_one_side, ALONE.get(name, name), here, secrets)
    return None


def _login(here: Domain, secrets: Secrets, control: journeys.Control | None, http: Http, left: float) -> CheckResult:
    return journeys.login(http, here, secrets, left, control)


def _code_flow(here: Domain, secrets: Secrets, way: Through | None, http: Http, left: float) -> CheckResult:
    return journeys.code_flow(http, here, secrets, left, way)


def _seen_flow(here: Domain, secrets: Secrets, http: Http, left: float) -> CheckResult:
    return journeys.seen_flow(http, here, secrets, left)


def _ready(at: Endpoint, paths: Sequence[tuple[str, str]], http: Http, left: float) -> CheckResult:
    return journeys.ready(http, at, paths, left)


def _version(at: Endpoint, path: tuple[str, str], expected: str, http: Http, left: float) -> CheckResult:
    return journeys.version(http, at, path, expected, left)


def _warm(at: Endpoint, path: str, count: int, http: Http, left: float) -> CheckResult:
    return journeys.warm(http, at, path, count, left)


def _one_side(name: str, here: Domain, secrets: Secrets, http: Http, left: float) -> CheckResult:
    return journeys.ONE_SIDE[name](http, here, secrets, left)


def _two_sides(name: str, here: Domain, there: Domain, secrets: Secrets, http: Http, left: float) -> CheckResult:
    return journeys.TWO_SIDES[name](http, here, there, secrets, left)


def addresses(wanted: Wanted) -> dict[str, str]:
    """Every address that the checks will speak to -> who lives there."""
    colours = [colour for colour in (wanted.colour, wanted.against) if colour]
    return {
        endpoint(wanted, colour, name).address[0]: "%s %s" % (colour, name)
        for colour in colours
        for name, service in wanted.services.items()
        if on_edge(service)
    }
