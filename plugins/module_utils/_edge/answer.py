# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What caddy_upstream answers to its options: for the module, and for the program that adopt leaves on the state host
so that a rollback does not wait until Ansible has packed, sent and compiled a module.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from .._core import program
from .._core.clock import SystemClock
from .._core.errors import BluegreenError, refusal
from .._core.http import DirectHttp
from .._core.podman import Podman
from .._core.runner import SubprocessRunner
from .options import reached
from .running.admin import Admin
from .running.find import edge_of, edge_options
from .running.reaches import Reaches, of_deployment
from .states import App, Result
from .traffic import rollback_checks


def answered(params: Mapping[str, Any], check_mode: bool = False) -> Result:
    """The module's result, ``diff`` and ``warnings`` included. Raises BluegreenError and OSError."""
    options = edge_options({**params["edge"], "state_dir": params["state_dir"]})
    runner = SubprocessRunner()
    podman = Podman(runner)
    edge, known = edge_of(runner, params["project"], options), reached(params, podman)
    http, admin = DirectHttp(options.ca or None), Admin(edge)
    # Addresses that were given are the colours themselves: no container has to be asked.
    clock, reaches = SystemClock(), Reaches() if params["upstreams"] else of_deployment(podman, params)
    result = App(params, edge, admin, known.upstreams, http, clock, check_mode, known.record, reaches).run()
    if params["state"] == "returned" and not params["upstreams"]:
        place = (params["deployment"], params["state_dir"], result["return_to"]["colour"])
        result["singletons"] = rollback_checks.singletons_follow(podman, *place)
    return result


def main(argv: Sequence[str]) -> int:
    """0 with an answer, a refusal too. Without options it only begins: adopt sees so that it can, and what it needs is
    compiled."""
    if not argv:
        return 0
    try:
        result: dict[str, Any] = answered(program.options(argv[0]))
    except (BluegreenError, OSError) as exc:
        result = {"failed": True, "changed": False, **refusal(exc)}
    sys.stdout.write(json.dumps(result) + "\n")
    return 0
