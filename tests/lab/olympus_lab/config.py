# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, the olympus.bluegreen authors
"""Names, ports, hosts and paths of the lab. Everything that another part may want to know, and no behaviour."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

LAB = Path(__file__).resolve().parent.parent
ROOT = LAB.parent.parent
TEMPLATES = LAB / "operator"
BUILD = ROOT / "build" / "lab"
# Several labs can stand beside each other: each slot has its own project, range, loopback address and directory.
SLOT = int(os.environ.get("LAB_SLOT", "0"))
PLACE = BUILD / f"slot-{SLOT}" if SLOT else BUILD
# LAB_SHAPE=other: another operator's names and ports for the same parts (shape.py).
OTHER = os.environ.get("LAB_SHAPE", "") == "other"
OPERATOR = PLACE / ("identity/live" if OTHER else "operator")
# Where the collection keeps its state for this deployment.
STATE = PLACE / "state"
CA_FILE = PLACE / "caddy-root.crt"
LOGS = PLACE / "log"
CONTAINERS_CONF = BUILD / "containers.conf"
VENV = ROOT / ".venv"

PROJECT = f"olympuslab{SLOT or ''}"
NETWORK = f"{PROJECT}_intranet"
LABEL = "olympus.lab=1"
# What belongs to this lab: made by the operator's project, or by the collection for it. LABEL alone is not enough:
# tests that run beside the lab put it on containers of their own.
OF_PROJECT = f"com.docker.compose.project={PROJECT}"
OF_COLLECTION = f"olympus.bluegreen.deployment={PROJECT}"
OWNED = (OF_PROJECT, OF_COLLECTION)
# What the templates say is slot 0; another slot has the same with its own prefix and loopback address.
TEMPLATE_PREFIX, TEMPLATE_LOOPBACK = "10.231.", "127.0.0.1"
PREFIX = f"10.{231 + SLOT}."
RANGE = f"{PREFIX}0.0/16"

LOOPBACK = f"127.0.0.{1 + SLOT}"
HTTPS_PORT = int(os.environ.get("LAB_HTTPS_PORT", "8443"))
HTTP_PORT = int(os.environ.get("LAB_HTTP_PORT", "8080"))
MAIL_PORT = int(os.environ.get("LAB_MAIL_PORT", "8025"))

COMPOSE_TEMPLATE, JANITOR_FILE = "compose.prod.yml", "compose.janitor.yml"
COMPOSE_FILE = "compose.yml" if OTHER else COMPOSE_TEMPLATE

DOMAINS = ("ciam",) if OTHER else ("ciam", "iam")
DATABASES = ("ciam_kratos", "ciam_hydra", "iam_kratos", "iam_hydra", "olympus")
PRODUCTS = ("kratos", "hydra", "hera", "athena", "site")
DATABASE_USER = "olympus"

SHARED = ("postgres", "mail")
# Shared as well, but it depends on a coloured service and dials one.
PGADMIN = () if OTHER else ("pgadmin",)
MIGRATIONS = tuple(f"{domain}-{product}-migrate" for domain in DOMAINS for product in ("kratos", "hydra"))
ORY = tuple(f"{domain}-{product}" for domain in DOMAINS for product in ("kratos", "hydra"))
APPS = tuple(f"{domain}-{product}" for domain in DOMAINS for product in ("hera", "athena")) + ("site",)
# What must run once, whichever colour is live; of JANITOR_FILE, which only some tests take.
SINGLETONS = ("ciam-janitor",)
EDGE = ("caddy",)
SEED = ("seed",)
SERVICES = SHARED + ORY + APPS + EDGE + PGADMIN

# The public names: domain -> those of Hera, Hydra and Athena; then that of the site, and of what has no colour.
HOSTS: dict[str, tuple[str, str, str]] = (
    {"ciam": ("sign-in.shop.test", "tokens.shop.test", "desk.shop.test")}
    if OTHER
    else {of: (f"login.{of}.olympus.test", f"oauth.{of}.olympus.test", f"admin.{of}.olympus.test") for of in DOMAINS}
)
SITE_HOST, PGADMIN_HOST = ("shop.test" if OTHER else "olympus.test"), "pgadmin.olympus.test"
PUBLIC_URLS = {
    "SITE": f"https://{SITE_HOST}",
    "PGADMIN": f"https://{PGADMIN_HOST}",
    **{
        f"{domain.upper()}_{app}": f"https://{host}"
        for domain, hosts in HOSTS.items()
        for app, host in zip(("HERA", "HYDRA", "ATHENA"), hosts, strict=True)
    },
}
# Public probes: host, path -> status. They go to the published port on loopback, the host name only as SNI and Host.
PUBLIC_PROBES: tuple[tuple[str, str, int], ...] = (
    *(
        probe
        for hera, hydra, athena in HOSTS.values()
        for probe in ((hera, "/health", 200), (hydra, "/.well-known/jwks.json", 200), (athena, "/api/health", 200))
    ),
    (SITE_HOST, "/health", 200),
    (HOSTS["ciam"][0], "/api/policy/password", 404),
)

# What the other operator calls it, and its ports; those that are published follow.
OTHER_NAMES = {
    "postgres": "db",
    "mail": "smtp",
    "caddy": "gateway",
    "ciam-kratos": "customer-accounts",
    "ciam-hydra": "customer-tokens",
    "ciam-hera": "customer-login",
    "ciam-athena": "customer-desk",
    "site": "shop",
    "seed": "first-run",
}
INSIDE = {5000: 6100, 5001: 6101, 5002: 6200, 5003: 6201, 3000: 8000}
PUBLISHED = {3100: 13100, 3101: 13101, 3102: 13102, 3103: 13103, 2000: 12000}
OTHER_PORTS = {**INSIDE, **PUBLISHED} if OTHER else {}


def _port(number: int) -> int:
    return OTHER_PORTS.get(number, number)


# Fixed host ports, as the real deployment has them: Ory service -> (public, admin) on loopback.
HOST_PORTS = {
    f"{domain}-{product}": (_port(base + at), _port(base + at + 1))
    for domain, base in (("ciam", 3100), ("iam", 4100))
    for product, at in (("kratos", 0), ("hydra", 2))
    if domain in DOMAINS
}
SITE_PORT, PGADMIN_PORT = _port(2000), 5433
# Where each listens in its container, in the order of the compose file: service -> (public, admin), or the one it has.
PORTS: dict[str, tuple[int, ...]] = {
    name: tuple(map(_port, ports))
    for name, ports in {
        "ciam-kratos": (5000, 5001),
        "ciam-hydra": (5002, 5003),
        "ciam-hera": (3000,),
        "ciam-athena": (3000,),
        "iam-kratos": (7000, 7001),
        "iam-hydra": (7002, 7003),
        "iam-hera": (4000,),
        "iam-athena": (3000,),
        "site": (3000,),
    }.items()
    if name == "site" or name.partition("-")[0] in DOMAINS
}


def named(service: str) -> str:
    """What this lab's operator calls ``service``, or its one-shot ``SERVICE-migrate``."""
    base = service.removesuffix("-migrate")
    return OTHER_NAMES.get(base, base) + service[len(base) :] if OTHER else service


@dataclass(frozen=True)
class Release:
    """One Olympus version: which Ory binaries, which build of the apps, which faults are baked in."""

    version: str
    kratos: str
    hydra: str
    build_id: str
    faults: dict[str, dict[str, str]] = field(default_factory=dict)


# Bad where no gate looks: the pages are well, half of what they ask for in the background is an error.
HALF_OF_THE_API_FAILS = {"FAULT_ERROR_SHARE": "0.5", "FAULT_UNDER": "/api/"}
RELEASES = (
    Release("v1.4.2", "v1.0.0", "v2.3.0", "build-a"),
    Release("v1.5.0", "v1.3.1", "v2.3.0", "build-b"),
    Release("v1.5.2-errors", "v1.3.1", "v2.3.0", "build-c", {"hera": HALF_OF_THE_API_FAILS}),
)


def release(version: str) -> Release:
    """The release of that version; KeyError if the lab has none."""
    return {one.version: one for one in RELEASES}[version]


def image(service: str, version: str) -> str:
    """What the operator's compose file says of a coloured ``service`` at that release."""
    product = service.rpartition("-")[2]
    if product in ("kratos", "hydra"):
        return f"docker.io/oryd/{product}:{getattr(release(version), product)}"
    return f"ghcr.io/olympusoss/{product}:{version}"


def container(service: str) -> str:
    """Name that podman-compose gives the container of ``service``."""
    return f"{PROJECT}_{named(service)}_1"
