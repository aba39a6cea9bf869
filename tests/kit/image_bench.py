# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A deployment of two services, and Podman's answers about their images."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.deployment.model import Deployment, Service
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.runner import Result

WANTED = Deployment(
    "olympus", "/state", "prod", "/source", services=(Service("kratos", "kratos"), Service("hera", "hera")),
    shared=("db",), edge_service="caddy", colour="green", version="v2",
    images={"kratos": "example.org/kratos:{version}"},
)  # fmt: skip


class Recorded:
    """Answers by the start of the command line; everything asked is kept."""

    def __init__(self, answers: Mapping[str, Result]) -> None:
        self.answers = dict(answers)
        self.asked: list[str] = []

    def run(self, argv: Sequence[str], **_given: Any) -> Result:
        line = " ".join(argv)
        self.asked.append(line)
        if line == "podman pull --quiet example.org/kratos:v2":
            self.answers["podman image inspect " + argv[-1]] = image("pulled")
            return Result(0, "pulled", "")
        return self.answers.get(line, Result(125, "[]", "Error: x: image not known"))


def image(ident: str) -> Result:
    return Result(0, json.dumps([{"Id": ident, "Digest": "sha256:d"}]), "")
