# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, the olympus.bluegreen authors
"""LAB_SHAPE=other: the same parts as another operator has them. One domain, other names, ports, files and public names.

Nothing that is learned from a running stack may depend on how the published one calls things.
"""

from __future__ import annotations

import re
from typing import Any

import yaml

from olympus_lab import config

# What the other operator does not have, in a line of `environment`.
ABSENT = re.compile(r"(?<!C)IAM|PGADMIN|(?<!c)iam-")
DIALLED = re.compile(r"(?:(?<=//)|(?<=[@ ]))([\w-]+)(?=:\d)")


def template(name: str, text: str) -> str:
    """The template ``name`` for this lab's shape."""
    if not config.OTHER:
        return text
    if name.startswith("compose."):
        return _compose(text)
    if name == "Caddyfile":
        text = re.sub(r"^\{\$(IAM|PGADMIN)_\w+\} \{\n.*?^\}\n", "", text, flags=re.S | re.M)
    if name == "seed.sh":
        text = text.replace(' "$IAM_HYDRA_ADMIN_URL"; do', "; do")
        text = "".join(line for line in text.splitlines(keepends=True) if not re.search(r"\$(IAM|PGADMIN)_", line))
    return _called(text)


def _called(text: str) -> str:
    """``text`` with the other names where one is dialled, and the other ports."""
    text = DIALLED.sub(lambda name: config.named(name[1]), text)
    return re.sub(r"\b\d{4}\b", lambda port: str(config.OTHER_PORTS.get(int(port[0]), port[0])), text)


def _compose(text: str) -> str:
    project: dict[str, Any] = yaml.safe_load(text)
    services = {}
    for name, service in project["services"].items():
        if re.match(r"iam-|pgadmin", name):
            continue
        if name in ("ciam-athena", "site"):
            service["environment"].append("PORT=3000")
        if "environment" in service:
            service["environment"] = [line for line in service["environment"] if not ABSENT.search(line)]
        if "depends_on" in service:
            kept = {on: how for on, how in service["depends_on"].items() if not on.startswith("iam-")}
            service["depends_on"] = {config.named(on): how for on, how in kept.items()}
        services[config.named(name)] = service
    return _called(yaml.safe_dump({**project, "services": services}, sort_keys=False, width=1000))
