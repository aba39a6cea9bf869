# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which checks a gate runs, from the operator's services and probes. Pure: nothing is sent here."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .._core.argspec import ArgumentSpec
from .._core.errors import BluegreenError
from .._core.hostname import ascii_host
from .._core.http import Http
from .._core.names import Networks, networks
from . import cache, journeys, shared_secrets
from .container_settings import Settings
from .model import READY, CheckResult, Domain, Endpoint, Reach, Secrets
from .targets import ORY, TARGETS, Target, ask, parse
from .through_edge import Through

# In the order in which they run inside a domain: what is slow the first time comes before what is timed by a person.
JOURNEYS = ("ready", "version", "warm", "jwks", "tokens", "sessions", "admin", "login", "code_flow", "silent")
# ``secrets`` needs no answer of anybody; ``settings`` may last as long as a cache and is asked for by name.
DEFAULT = ("secrets", *JOURNEYS)
CHECKS = (*DEFAULT, "settings")
VERSION = {"kratos": ("admin", "/admin/version"), "hydra": ("admin", "/version")}
TELLS_VERSION = ("athena", "site")
# What every probe needs, and what those checks need that speak as its OAuth client.
PROBE = ("kratos", "hydra", "login_host", "oauth_host", "identifier")
CLIENT, OF_A_CLIENT = ("client_id", "redirect_uri"), ("tokens", "code_flow", "silent")
# A login UI is needed by those that a person sees.
OF_A_UI = ("code_flow", "silent")
# A login was proven at every domain and nothing is left out; something is; no login was tried; none was asked for.
FULL, PARTIAL, NO_LOGIN, OF_TARGETS = "full", "partial", "no_login", "targets"
# Cut by nothing that is asked, where only targets are.
NO_RANGE = "10.231.16.0/20"
LOGINS = ("login", "code_flow")
NO_LOGIN_TRIED = "no login was tried"
# Without another side the same question is asked of one side alone.
ALONE = {"jwks": "keys", "tokens": "token"}

# Options of the modules that probe colours: how they are reached, and with what.
PROBING = ArgumentSpec(
    {
        "publish": {"type": "str", "default": "network"},
        "port_base": {"type": "dict", "default": {}},
        "shared": {"type": "list", "elements": "str", "default": []},
        "edge": {"type": "dict", "default": {}},
        "switch_dir": {"type": "path", "default": ""},
        "probes": {"type": "dict", "default": {}},
        "probe_secrets": {"type": "dict", "default": {}, "no_log": True},
        "skip": {"type": "list", "elements": "str", "default": []},
    }
).merge(TARGETS)

Run = Callable[[Http, float], CheckResult]


@dataclass(frozen=True)
class GatePlan:
    """The gate's options, as the module takes them. ``against`` '' means that the colour is asked alone.

    ``skip`` names checks that the operator leaves out. ``way`` leads through the edge. ``watched``: asked again and
    again, so no wrong password is sent and no logout ends other sessions. Where there are ``targets``, services and
    probes are those of their domains.
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
    # Colour -> service -> what its container was given; empty where they were not read.
    settings: Mapping[str, Mapping[str, Settings]] = field(default_factory=dict)
    cache: cache.Probe | None = None
    skip: Sequence[str] = ()
    way: Through | None = None
    watched: bool = False
    targets: Sequence[Target] = ()

    @classmethod
    def of(cls, given: Mapping[str, Any], colour: str, against: str = "", strict: bool = True, **more: Any) -> GatePlan:
        """From the options of a module that probes colours (PROBING and its deployment)."""
        targets, deployment = parse(given.get("targets") or ()), given["deployment"]
        services, probes = _of_targets(given["services"] or {}, given["probes"], targets)
        nets = Networks(deployment, NO_RANGE, ())
        if services:
            every = given["services"]
            nets = networks(deployment, given["state_dir"], given["network_range"], every, given["shared"], strict)
        secrets = {
            name: Secrets(str(one.get("password", "")), str(one.get("client_secret", "")))
            for name, one in given["probe_secrets"].items()
        }
        reach = Reach(nets, given["publish"], given["port_base"])
        return cls(colour, against, reach, services, probes, secrets, skip=given["skip"], targets=targets, **more)


def _of_targets(
    services: Mapping[str, Mapping[str, Any]], probes: Mapping[str, Mapping[str, Any]], targets: Sequence[Target]
) -> tuple[Mapping[str, Mapping[str, Any]], Mapping[str, Mapping[str, Any]]]:
    """The services and probes that are asked: with targets, those of the domains that they name."""
    if not targets:
        return services, probes
    named = [one.at[""] for one in targets if one.kind == ORY]
    for name in named:
        if name not in probes:
            raise BluegreenError("no probe of this domain", option="targets", value=name, fix="name it in probes, too")
    theirs = {str(probes[name].get(key)) for name in named for key in ("kratos", "hydra", "hera")}
    chosen = {name: one for name, one in services.items() if name in theirs}
    return chosen, {name: probes[name] for name in named}


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


def endpoint(gate: GatePlan, colour: str, name: str) -> Endpoint:
    """Where a service of a colour answers."""
    if name not in gate.services:
        raise BluegreenError("unknown service", option="probes", value=name, fix="name it in bluegreen_services")
    return gate.reach.endpoint(colour, name, gate.services[name])


def domain(gate: GatePlan, colour: str, name: str, also: Sequence[str] = ()) -> Domain:
    """One domain as one colour serves it; ``also``: what of the probe must be there for what will be asked."""
    probe = gate.probes[name]
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
        kratos=endpoint(gate, colour, str(probe["kratos"])),
        hydra=endpoint(gate, colour, str(probe["hydra"])),
        hera=endpoint(gate, colour, str(hera)) if hera else None,
        scope=str(probe.get("scope") or Domain.scope),
    )


def plan(gate: GatePlan) -> tuple[Check, ...]:
    """Every check in order: the targets, then each service's own, then the journeys of each domain."""
    known(gate.checks, "checks")
    known(gate.skip, "skip")
    found = [Check("ready", one.name, one.name, _asks(one, gate.colour)) for one in gate.targets if one.kind != ORY]
    for name in [check for check in CHECKS if check in gate.checks and check not in gate.skip]:
        if name == "secrets":
            found.extend(_secrets(gate))
        elif name == "settings":
            found.extend(_settings(gate))
        elif name in ("ready", "version", "warm"):
            for service in [key for key, value in gate.services.items() if on_edge(value)]:
                run = _own(gate, name, service)
                group = str(gate.services[service].get("domain") or service)
                found += [Check(name, service, group, run)] if run else []
        else:
            found.extend(_journeys(gate, name))
    return tuple(found)


def _asks(target: Target, colour: str) -> Run:
    target.place(colour)
    return lambda http, left: ask(target, colour, http, left)


def known(names: Sequence[str], option: str) -> None:
    """Refuse a check that there is none of, with the one that it looks like."""
    unknown = [name for name in names if name not in CHECKS]
    if unknown:
        near = difflib.get_close_matches(str(unknown[0]), CHECKS, 1, 0.6)
        meant = "write %s" % near[0] if near else "known are %s" % ", ".join(CHECKS)
        raise BluegreenError("unknown check", option=option, value=unknown[0], fix=meant)


def _secrets(gate: GatePlan) -> list[Check]:
    """One a service, where there is another colour to compare with."""
    # A group of its own: what is wrong with the secrets is said even where a service never gets ready.
    return [Check("secrets", name, "secrets", _compare(gate, name)) for name in gate.services if gate.against]


def _compare(gate: GatePlan, name: str) -> Run:
    service = gate.services[name]
    here = gate.settings.get(gate.colour, {}).get(name, shared_secrets.UNSEEN)
    there = gate.settings.get(gate.against, {}).get(name, shared_secrets.UNSEEN)
    kind, alike = str(service.get("kind", "other")), service.get("alike")
    return lambda http, left: shared_secrets.judge(name, kind, here, there, alike)


def _settings(gate: GatePlan) -> list[Check]:
    probe = gate.cache
    if probe is None:
        raise BluegreenError(
            "the check settings needs it",
            option="cache_probe",
            value="",
            fix="set bluegreen_cache_probe, or remove the check",
        )
    readers = {
        "%s of %s" % (place.service, colour): endpoint(gate, colour, place.service)
        for colour in filter(None, (gate.colour, gate.against))
        for place in probe.read
    }
    writer = endpoint(gate, gate.colour, probe.write.service)
    return [
        Check("settings", writer.service, "settings", lambda http, left: cache.seen(http, probe, writer, readers, left))
    ]


def _own(gate: GatePlan, name: str, service: str) -> Run | None:
    """The check called ``name`` of one service; None where it has none."""
    given = gate.services[service]
    at = endpoint(gate, gate.colour, service)
    kind = str(given.get("kind", "other"))
    paths = (("public", str(given["ready"])),) if given.get("ready") else READY.get(kind, ())
    expected = gate.versions.get(service, "")
    if name == "ready" and paths:
        return lambda http, left: journeys.ready(http, at, paths, left)
    if name == "version" and (expected or kind in VERSION or kind in TELLS_VERSION) and (paths or kind in VERSION):
        path = VERSION.get(kind) or paths[0]
        return lambda http, left: journeys.version(http, at, path, expected, left)
    if name == "warm" and given.get("ui"):
        page = "/login" if kind == "hera" else "/"
        return lambda http, left: journeys.warm(http, at, page, gate.warm, left)
    return None


def _journeys(gate: GatePlan, name: str) -> list[Check]:
    found = []
    for key in gate.probes:
        here = domain(gate, gate.colour, key, CLIENT if name in OF_A_CLIENT else ())
        secrets = gate.secrets.get(key)
        if secrets is None:
            raise BluegreenError(
                "no secrets for this domain",
                option="probe_secrets",
                value=key,
                fix="give bluegreen_probe_secrets this key",
            )
        if cannot(name, gate.probes[key], secrets):
            continue
        run = _journey(gate, name, key, here, secrets)
        service = here.hydra.service if name in ("jwks", *OF_A_CLIENT) else here.kratos.service
        if run is not None:
            found.append(Check(name, service, key, run, bool(gate.against) and name in journeys.TWO_SIDES))
    return found


def cannot(name: str, probe: Mapping[str, Any], secrets: Secrets) -> str:
    """Why a check can't be asked with this probe, or ''."""
    if name in OF_A_UI and not probe.get("hera"):
        return "the probe names no hera"
    if name == "tokens" and not secrets.client_secret:
        return "the probe's client has no secret"
    return ""


def _journey(gate: GatePlan, name: str, key: str, here: Domain, secrets: Secrets) -> Run | None:
    if name == "code_flow" and gate.watched:
        return lambda http, left: journeys.seen_flow(http, here, secrets, left)
    if name == "code_flow":
        return lambda http, left: journeys.code_flow(http, here, secrets, left, gate.way)
    if name == "login":
        control = None if gate.watched else journeys.Control()
        return lambda http, left: journeys.login(http, here, secrets, left, control)
    if name in journeys.TWO_SIDES and gate.against:
        there = domain(gate, gate.against, key)
        return lambda http, left: journeys.TWO_SIDES[name](http, here, there, secrets, left)
    alone = journeys.ONE_SIDE.get(ALONE.get(name, name))
    return (lambda http, left: alone(http, here, secrets, left)) if alone else None


def addresses(gate: GatePlan) -> dict[str, str]:
    """Every address that the checks will speak to -> who lives there."""
    return {
        endpoint(gate, colour, name).address[0]: "%s %s" % (colour, name)
        for colour in filter(None, (gate.colour, gate.against))
        for name, service in gate.services.items()
        if on_edge(service)
    }


# What a pass proves


def untested(gate: GatePlan, found: Sequence[CheckResult] = ()) -> list[str]:
    """One sentence for each thing that was not tried; empty where all that was asked for was tried."""
    sentences: list[str] = []
    if level(gate) == OF_TARGETS:
        return sentences
    if level(gate) == NO_LOGIN:
        sentences.append("%s: %s" % (NO_LOGIN_TRIED, _why(gate)))
    sentences += ["%s was left out (bluegreen_checks.skip)" % name for name in gate.skip]
    sentences += [
        "%s of %s was not asked: %s" % (name, key, why)
        for name in gate.checks
        if name not in gate.skip and (name in OF_A_UI or name == "tokens")
        for key, probe in gate.probes.items()
        if (why := cannot(name, probe, gate.secrets.get(key, Secrets("", ""))))
    ]
    sentences += ["%s of %s: %s" % (one.name, one.service, one.untested) for one in found if one.untested]
    return sentences


def level(gate: GatePlan, found: Sequence[CheckResult] = ()) -> str:
    """FULL, PARTIAL, NO_LOGIN or OF_TARGETS."""
    if gate.targets and not gate.probes:
        return OF_TARGETS
    if not gate.probes or not any(name in gate.checks and name not in gate.skip for name in LOGINS):
        return NO_LOGIN
    left_out = any(cannot("code_flow", probe, Secrets("", "")) for probe in gate.probes.values())
    return PARTIAL if left_out or gate.skip or any(one.untested for one in found) else FULL


def _why(gate: GatePlan) -> str:
    if not gate.probes:
        return "bluegreen_probes names no probe"
    return "the checks login and code_flow were left out"
