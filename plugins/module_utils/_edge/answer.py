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

from ansible_collections.olympus.bluegreen.plugins.module_utils._core import program
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.clock import SystemClock
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import BluegreenError, refusal
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.http import DirectHttp
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.podman import Podman
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.runner import SubprocessRunner
from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.options import reached
from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.running.admin import Admin
from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.running.find import edge_of, edge_options
from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.running.reaches import of_deployment
from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.states import App, Result
from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.traffic import rollback_checks


def answered(params: Mapping[str, Any], check_mode: bool = False) -> Result:
    """The module's result, ``diff`` and ``warnings`` included. Raises BluegreenError and OSError."""
    options = edge_options({**params["edge"], "state_dir": params["state_dir"]})
    runner = SubprocessRunner()
    podman = Podman(runner)
    edge, known = edge_of(runner, params["project"], options), reached(params, podman)
    http, admin = DirectHttp(options.ca or None), Admin(edge)
    clock, reaches = SystemClock(), of_deployment(podman, params)
    result = App(params, edge, admin, known.upstreams, http, clock, check_mode, known.record, reaches).run()
    if params["state"] == "returned":
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
