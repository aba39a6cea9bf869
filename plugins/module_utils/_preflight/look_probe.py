# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One login of each probe at what is live now: what keeps a probe out is better told here than by a gate.

An adopted colour is asked at its addresses, as a gate asks it. Before adopt only the public names are known.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from typing import Any

from .._core.http import Http
from .._core.podman import Podman
from .._health import checks, journeys
from .._health.checks import GatePlan
from .._health.model import CheckResult, Domain, Endpoint
from .._health.probe_origin import Standpoint
from .._health.through_edge import Through
from .model import REFUSE, WARN, Observed, PreflightInputs, Row, failed, info, row

CHECK, SECONDS = "code_flow", 20.0
Enter = Callable[[int], AbstractContextManager[None]]
# Before adopt no address of a service is known: only the edge is asked.
UNKNOWN = ("0.0.0.0", 0)


def probe(wanted: PreflightInputs, podman: Podman, http: Http, enter: Enter) -> dict[str, Any]:
    """{domain: {ok, busy, detail}} of those that can be tried; {} where none is."""
    gate = _gate(wanted)
    tried = {name: one for name, one in gate.probes.items() if one.get("hera") and name in gate.secrets}
    if CHECK in wanted.skip or not tried or not wanted.tries:
        return {}
    found = _adopted(wanted, gate, podman, http, enter) if wanted.live else _public(wanted, gate, tried, http)
    return {name: {"ok": one.ok, "busy": one.busy, "detail": one.detail} for name, one in found.items()}


def _gate(wanted: PreflightInputs) -> GatePlan:
    probes = {name: one for name, one in wanted.probes.items() if name in wanted.probe_secrets}
    return GatePlan.of({**vars(wanted), "probes": probes}, wanted.live, checks=(CHECK,))


def _adopted(
    wanted: PreflightInputs, gate: GatePlan, podman: Podman, http: Http, enter: Enter
) -> dict[str, CheckResult]:
    planned = checks.plan(gate)
    edge = "" if wanted.by_ports else podman.service(wanted.project, wanted.edge_service)
    with Standpoint(podman, edge, checks.addresses(gate), enter).enter():
        return {check.group: check.run(http, SECONDS) for check in planned}


def _public(wanted: PreflightInputs, gate: GatePlan, tried: Mapping[str, Any], http: Http) -> dict[str, CheckResult]:
    address = (str(wanted.edge.get("address") or "127.0.0.1"), int(wanted.edge.get("port") or 443))
    way = Through(http, address, str(wanted.edge.get("scheme") or "https"), "", {})
    return {
        name: journeys.code_flow(http, _domain(name, one), gate.secrets[name], SECONDS, way)
        for name, one in tried.items()
    }


def _domain(name: str, one: Mapping[str, Any]) -> Domain:
    def at(kind: str) -> Endpoint:
        return Endpoint(str(one.get(kind) or kind), UNKNOWN)

    keys = ("login_host", "oauth_host", "identifier", "client_id", "redirect_uri")
    told = {key: str(one.get(key) or "") for key in keys}
    scope = str(one.get("scope") or Domain.scope)
    return Domain(name, "what is live", **told, kratos=at("kratos"), hydra=at("hydra"), hera=at("hera"), scope=scope)


def rows(seen: Observed, wanted: PreflightInputs) -> Iterator[Row]:
    """A row a domain. What the operator can change, which the detail then says, refuses; a live colour that is ill
    only warns, as the release may be what heals it."""
    why = seen.errors.get("probe")
    if why:
        yield failed("probe", WARN, why, "a login")
    if not wanted.probes:
        yield info("probe", "no login is tried: bluegreen_probes names no probe", "one probe a domain")
    for name, one in wanted.probes.items():
        told = seen.probes.get(name)
        if CHECK in wanted.skip:
            yield info("probe", "no login is tried: %s is left out" % CHECK, "bluegreen_checks.skip")
            return
        if not wanted.tries:
            yield info("probe", "preflight will try %s" % name, "a login")
        elif name not in wanted.probe_secrets:
            yield row(
                "probe", False, REFUSE, "the probe has no secrets in bluegreen_probe_secrets", "a login", about=name
            )
        elif not one.get("hera"):
            yield info("probe", "no login is tried: %s names no hera" % name, "hera in bluegreen_probes")
        elif told is None:
            continue
        elif told["ok"]:
            yield row("probe", True, WARN, told["detail"], "a login", about=name)
        else:
            level = REFUSE if " Fix: " in told["detail"] and not told["busy"] else WARN
            yield failed("probe", level, told["detail"], "a login", about=name)
