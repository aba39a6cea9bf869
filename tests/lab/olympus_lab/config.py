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
OPERATOR = PLACE / "operator"
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

COMPOSE_FILE, JANITOR_FILE = "compose.prod.yml", "compose.janitor.yml"

DOMAINS = ("ciam", "iam")
DATABASES = ("ciam_kratos", "ciam_hydra", "iam_kratos", "iam_hydra", "olympus")
PRODUCTS = ("kratos", "hydra", "hera", "athena", "site")
DATABASE_USER = "olympus"

SHARED = ("postgres", "mail")
# Shared as well, but it depends on a coloured service and dials one.
PGADMIN = ("pgadmin",)
MIGRATIONS = tuple(f"{domain}-{product}-migrate" for domain in DOMAINS for product in ("kratos", "hydra"))
ORY = tuple(f"{domain}-{product}" for domain in DOMAINS for product in ("kratos", "hydra"))
APPS = tuple(f"{domain}-{product}" for domain in DOMAINS for product in ("hera", "athena")) + ("site",)
# What must run once, whichever colour is live; of JANITOR_FILE, which only some tests take.
SINGLETONS = ("ciam-janitor",)
EDGE = ("caddy",)
SEED = ("seed",)
SERVICES = SHARED + ORY + APPS + EDGE + PGADMIN

# Public probes: host, path -> status. They go to the published port on loopback, the host name only as SNI and Host.
PUBLIC_PROBES: tuple[tuple[str, str, int], ...] = tuple(
    probe
    for domain in DOMAINS
    for probe in (
        (f"login.{domain}.olympus.test", "/health", 200),
        (f"oauth.{domain}.olympus.test", "/.well-known/jwks.json", 200),
        (f"admin.{domain}.olympus.test", "/api/health", 200),
    )
) + (("olympus.test", "/health", 200), ("login.ciam.olympus.test", "/api/policy/password", 404))
# Also behind the edge, but of no colour.
PGADMIN_HOST = "pgadmin.olympus.test"
PUBLIC_URLS = {
    "SITE": "https://olympus.test",
    "PGADMIN": f"https://{PGADMIN_HOST}",
    **{
        f"{domain.upper()}_{app}": f"https://{name}.{domain}.olympus.test"
        for domain in DOMAINS
        for app, name in (("HERA", "login"), ("HYDRA", "oauth"), ("ATHENA", "admin"))
    },
}

# Fixed host ports, as the real deployment has them: Ory service -> (public, admin) on loopback.
HOST_PORTS = {
    "ciam-kratos": (3100, 3101),
    "ciam-hydra": (3102, 3103),
    "iam-kratos": (4100, 4101),
    "iam-hydra": (4102, 4103),
}
SITE_PORT, PGADMIN_PORT = 2000, 5433
# Where each listens in its container, in the order of the compose file: service -> (public, admin), or the one it has.
PORTS = {
    "ciam-kratos": (5000, 5001),
    "ciam-hydra": (5002, 5003),
    "ciam-hera": (3000,),
    "ciam-athena": (3000,),
    "iam-kratos": (7000, 7001),
    "iam-hydra": (7002, 7003),
    "iam-hera": (4000,),
    "iam-athena": (3000,),
    "site": (3000,),
}


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
    return f"{PROJECT}_{service}_1"
