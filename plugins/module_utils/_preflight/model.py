# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What preflight was told, what it saw and what it says of it: values only."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from .._core.errors import first_few
from .._core.hostname import spelled
from .._core.names import Networks
from .._core.publish import NETWORK
from .checks import CHECKS

REFUSE, WARN, INFO = "refuse", "warn", "info"
LEVELS = (REFUSE, WARN, INFO)
Section = Mapping[str, Any]
# Which variables hold a secret, by their names. Values are only asked whether they are empty.
SECRET = re.compile(r"(^|_)(SECRETS?|PASSWORD|PASSWD|DSN|SALT|TOKEN|KEY|CREDENTIALS?)(_|$)", re.I)
# What holds the name of something, or a setting of it.
NO_SECRET = re.compile(r"(_(FILE|PATH|URL|URI|ID|TTL|LIFESPAN|HEADER|NAME)|^PUBLIC_.*|_PUBLIC_KEY)$", re.I)


@dataclass(frozen=True)
class Row:
    """One line of the table. ``level`` is what a row that is not ``ok`` does; only ``refuse`` stops a stage."""

    check: str
    ok: bool
    level: str
    found: str
    wanted: str
    fix: str = ""

    def data(self) -> dict[str, Any]:
        return asdict(self)


def row(check: str, ok: bool, level: str, found: object, wanted: object = "", fix: str = "", about: str = "") -> Row:
    """A row of a known check; ``about`` says of which name, ``fix`` replaces the check's own."""
    name = "%s %s" % (check, about) if about else check
    return Row(name, ok, level, str(found), str(wanted), "" if ok else fix or CHECKS[check].fix)


def failed(check: str, level: str, why: str, wanted: str, about: str = "") -> Row:
    """The row of a question that ended in an error (its text, with the fix that it brings)."""
    found, _mark, fix = why.partition(" Fix: ")
    return row(check, False, level, found.rstrip("."), wanted, fix, about)


def info(check: str, found: object, wanted: object = "") -> Row:
    return row(check, True, INFO, found, wanted)


@dataclass(frozen=True)
class PreflightInputs:
    """The deployment as the operator describes it. ``live`` is a colour, or '' before it is adopted."""

    deployment: str = "olympus"
    state_dir: str = "/var/lib/olympus-bluegreen"
    project: str = ""
    source: str = ""
    git: Section = field(default_factory=dict)
    compose_files: Sequence[str] = ()
    podman_compose: str = "podman-compose"
    network_range: str = "10.231.16.0/20"
    publish: str = NETWORK
    services: Mapping[str, Section] = field(default_factory=dict)
    shared: Sequence[str] = ()
    images: Mapping[str, str] = field(default_factory=dict)
    allow_mutable: bool = False
    version: str = ""
    edge: Section = field(default_factory=dict)
    public: Sequence[Section] = ()
    probes: Mapping[str, Section] = field(default_factory=dict)
    probe_secrets: Mapping[str, Section] = field(default_factory=dict, repr=False)
    skip: Sequence[str] = ()
    # Whether the probes may log in: not in check mode.
    tries: bool = True
    schema_targets: Sequence[Section] = ()
    database: str = "postgres"
    port_base: Mapping[str, Any] = field(default_factory=dict)
    live: str = ""
    idle_running: bool = False
    interval: float = 1.0
    rehearsal_image: str = ""
    notify: Section = field(default_factory=dict)
    notify_url: str = field(default="", repr=False)
    textfile: str = ""

    @property
    def by_ports(self) -> bool:
        """Whether the edge, and every probe that asks as it does, dials published ports of this host."""
        return self.publish != NETWORK

    @property
    def edge_service(self) -> str:
        return str(self.edge.get("service") or "caddy")

    def of_kind(self, *kinds: str) -> list[str]:
        return [name for name, one in self.services.items() if one.get("kind", "other") in kinds]

    def networks(self) -> Networks:
        """Only for what follows from the range alone."""
        return Networks(self.deployment, self.network_range, tuple(self.services), tuple(self.shared))

    def hosts(self) -> dict[str, str]:
        """Public host, as DNS has it -> a path that is asked there."""
        found = {spelled(str(one["host"])): str(one.get("path") or "/") for one in self.public}
        for probe in self.probes.values():
            for key in ("login_host", "oauth_host"):
                if probe.get(key):
                    found.setdefault(spelled(str(probe[key])), "/")
        return found


@dataclass(frozen=True)
class Observed:
    """One look. Every section is a mapping without a secret in it; ``errors`` says why a section is empty."""

    host: Section = field(default_factory=dict)
    podman: Section = field(default_factory=dict)
    containers: Section = field(default_factory=dict)
    edge: Section = field(default_factory=dict)
    database: Section = field(default_factory=dict)
    services: Section = field(default_factory=dict)
    release: Section = field(default_factory=dict)
    probes: Section = field(default_factory=dict)
    controller: Section = field(default_factory=dict)
    errors: Mapping[str, str] = field(default_factory=dict)


def size(count: float) -> str:
    """Bytes for people."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if abs(count) < 1024 or unit == "GiB":
            return "%.*f %s" % (0 if unit == "B" or count >= 100 else 1, count, unit)
        count /= 1024
    return ""


def listed(names: Sequence[object], most: int = 4) -> str:
    """Some names, and how many more there are."""
    return first_few(list(names), most)


def secret(name: str) -> bool:
    return bool(SECRET.search(name)) and not NO_SECRET.search(name)


def empty_names(values: Mapping[str, str | None]) -> list[str]:
    return sorted(name for name, value in values.items() if secret(name) and not (value or "").strip())
