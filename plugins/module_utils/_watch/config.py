# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The configuration of a watcher: a JSON file, mode 0600, from which the secrets are struck once it was read."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from .._core.errors import BluegreenError
from .._core.files import read_json, write_json
from .._core.names import OTHER
from .._core.publish import NETWORK
from .._health import checks
from .._health.checks import GatePlan
from .._verdict.parameters import Recorded

# In a watch's directory: a watcher that is stopped on purpose finds it there.
STOP = "stop"


@dataclass(frozen=True)
class Config(Recorded):
    """``window``, ``interval``, ``wait`` (for the flip) and ``baseline`` are seconds.

    ``edge``: {container, address, port, ca, log}; an empty container means that probes speak from the host,
    ``unlogged`` that there is no access log, and with ``cloudflare`` (the options of cloudflare_lb_pool) the load
    balancers follow the switch. ``public``: [{host, path}] asked at the edge. ``skip`` names checks that are left out.
    ``parameters``: the judge's. ``targets`` are asked in place of services and probes. ``stack``: {project,
    edge_service, podman_compose, singletons}, for what follows the switch when the watch is over. ``stays``: why a FAIL
    does not roll back (the old colour is known to fail), '' where it does.
    ``notify``, ``notify_url``: where the verdict is told. ``textfile``: where metrics are written.
    """

    deployment: str
    state_dir: str
    release: str
    colour: str
    switch_dir: str
    window: float = 300.0
    interval: float = 1.0
    wait: float = 120.0
    baseline: float = 1800.0
    probe: bool = True
    run: str = ""
    version: str = ""
    network_range: str = "10.231.16.0/20"
    publish: str = "network"
    port_base: Mapping[str, Any] = field(default_factory=dict)
    services: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    shared: tuple[str, ...] = ()
    edge: Mapping[str, Any] = field(default_factory=dict)
    public: tuple[Mapping[str, str], ...] = ()
    probes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    probe_secrets: Mapping[str, Mapping[str, str]] = field(default_factory=dict, repr=False)
    skip: tuple[str, ...] = ()
    targets: tuple[Mapping[str, Any], ...] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict)
    stack: Mapping[str, Any] = field(default_factory=dict)
    stays: str = ""
    notify: Mapping[str, Any] = field(default_factory=dict)
    notify_url: str = field(default="", repr=False)
    textfile: str = ""

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Config:
        lists = {name: tuple(values.get(name) or ()) for name in ("shared", "public", "skip", "targets")}
        return super().of({**values, **lists})

    @property
    def old(self) -> str:
        return OTHER[self.colour]

    @property
    def log(self) -> str:
        """The edge's access log; '' where there is none."""
        beside = os.path.join(self.switch_dir, "log", "access.log")
        named = str(self.edge.get("log") or "")
        # The operator's own path may be a link; what lies beside the switch must not be one.
        none = "cloudflare" in self.edge or self.edge.get("unlogged")
        return os.path.realpath(named) if named else "" if none else beside

    @property
    def watches_containers(self) -> bool:
        """Not where only a switch is known: nothing says then that its colours are containers."""
        return bool(self.edge.get("container")) or self.publish != NETWORK

    def askable(self) -> Config:
        """Without the probes whose secrets the disk has no more: what is left is still worth asking."""
        probes = {name: one for name, one in self.probes.items() if name in self.probe_secrets}
        targets = tuple(one for one in self.targets if not one.get("ory") or one["ory"] in probes)
        return replace(self, probes=probes, targets=targets)

    def without_secrets(self) -> Config:
        return replace(self, probe_secrets={}, notify_url="")

    def write(self, path: str) -> None:
        write_json(path, asdict(self), 0o600)

    def gate_plan(self, colour: str) -> GatePlan:
        """The gate's plan for one colour asked alone, so that both colours get the very same questions."""
        asked = ("ready", "warm", "jwks", "tokens", "admin", "login", "code_flow")
        plan = GatePlan.of(vars(self), colour, strict=False, checks=asked, warm=1, watched=True)
        if colour == self.colour:
            return plan
        # The version that is expected is the new one's.
        return replace(plan, targets=[replace(one, version="") for one in plan.targets])

    def asks(self) -> list[str]:
        """The checks that its probes send, as pairs name them."""
        plan = checks.plan(self.gate_plan(self.colour)) if self.probe else []
        return sorted({"%s %s" % (check.name, check.service) for check in plan})

    def untested(self) -> list[str]:
        """What no probe of this watch tries, in plain sentences."""
        if not self.probe:
            return ["%s: the watch was started without probes" % checks.NO_LOGIN_TRIED]
        return checks.untested(self.gate_plan(self.colour))


def load(path: str) -> Config:
    """Read the configuration and strike its secrets from the disk."""
    values = read_json(path)
    if not isinstance(values, dict):
        raise BluegreenError("%s is missing" % path, fix="start the watch again")
    config = Config.of(values)
    config.without_secrets().write(path)
    return config
