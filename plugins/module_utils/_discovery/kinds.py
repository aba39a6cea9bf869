# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a container is: a coloured service and of which kind, a shared one, or a job that ended. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from .observed import Seen

KINDS = ("kratos", "hydra", "hera", "athena", "site")
ORY = ("kratos", "hydra")
UI = ("hera", "athena", "site")
# Programs of others that belong to no colour, by the last part of their image's name.
THIRD_PARTY = re.compile(
    r"(postgres|postgresql|pgbouncer|pgadmin|pgadmin4|adminer|mysql|mariadb|redis|valkey|memcached|rabbitmq|nats|minio"
    r"|grafana|prometheus|alertmanager|loki|promtail|tempo|jaeger|cadvisor|.*exporter|mailpit|mailhog|maildev|mailslurper"
    r"|smtp|postfix|exim|caddy|nginx|traefik|haproxy|vault|watchtower|portainer|curl|busybox|alpine|debian|ubuntu"
    r"|mail|opentelemetry-collector(-contrib)?)"
)


def last_part(image: str) -> str:
    """``ghcr.io/olympusoss/hera:latest`` -> ``hera``."""
    return image.partition("@")[0].rpartition("/")[2].partition(":")[0].lower()


def of_image(image: str) -> str:
    """The kind that an image's name says; '' where it says none or several."""
    parts = re.split(r"[-_.]", last_part(image))
    said = [kind for kind in KINDS if kind in parts]
    return said[0] if len(said) == 1 else ""


def third_party(image: str) -> bool:
    return bool(THIRD_PARTY.fullmatch(last_part(image)))


def program(seen: Seen) -> str:
    """``kratos``, ``hydra`` or ``caddy`` where its command line runs one, behind whatever shim."""
    names = [token.rpartition("/")[2].strip("\"'") for token in seen.tokens]
    after = names[names.index("--") + 1 :] if "--" in names else names
    return next((name for name in [*after, *names] if name in (*ORY, "caddy")), "")


def of(seen: Seen) -> tuple[str, str]:
    """(kind, what says so) of a service; ('', '') where neither image, program nor environment tells."""
    if of_image(seen.image):
        return of_image(seen.image), "image %s" % seen.image
    if program(seen) in ORY:
        return program(seen), "its command runs %s" % program(seen)
    if "SERVE_PUBLIC_PORT" in seen.env or "SERVE_ADMIN_PORT" in seen.env:
        hydra = any(name in seen.env for name in ("URLS_SELF_ISSUER", "URLS_LOGIN", "SECRETS_SYSTEM"))
        return ("hydra" if hydra else "kratos"), "its environment"
    return "", ""


def job(seen: Seen) -> bool:
    """Whether it runs something else than a service: a migration, a seed, a courier of its own."""
    tokens = [token.strip("\"'") for token in seen.tokens]
    kind = of(seen)[0]
    if kind in ORY and tokens and (program(seen) in ORY or len(tokens) > 1):
        return "serve" not in tokens
    return not kind and not seen.running and seen.exit_code == 0 and seen.restart in ("", "no")


def told_kind(told: Mapping[str, Any], service: str) -> str:
    """The kind that the operator gives a service; ``other`` where he names it coloured and gives none."""
    given = told.get("services") or {}
    if service not in given:
        return ""
    one = given[service]
    return str((one if isinstance(one, Mapping) else {}).get("kind") or "other")
