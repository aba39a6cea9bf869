#!/usr/bin/python
# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: release_look
short_description: Take the lock of a deployment, and read what runs and what is recorded
version_added: 1.0.0
description:
  - Does in one run what M(olympus.bluegreen.release_ledger) does with V(locked) and V(read), and
    M(olympus.bluegreen.podman_compose_release) with V(read).
  - M(olympus.bluegreen.release_stage) runs it at the beginning of each stage.
author: "olympus.bluegreen authors (@olympusoss)"
requirements:
  - podman
attributes:
  check_mode:
    description: Takes no lock and settles nothing.
    support: full
  diff_mode:
    description: There is never a difference.
    support: none
extends_documentation_fragment:
  - olympus.bluegreen.deployment
options:
  lock:
    description:
      - Take the lock for O(run) first. What an earlier run left half done in the networks is then settled too.
      - A holder that the controller says nothing of (O(seen)) keeps the lock, however old its beat is.
    type: bool
    default: false
  state_dir:
    description: The state directory.
    type: path
    default: /var/lib/olympus-bluegreen
  project:
    description: Compose project of the edge and the shared services.
    type: str
  source:
    description: The operator's project directory.
    type: path
  compose_files:
    description: Compose files, relative to O(source).
    type: list
    elements: str
    default: [compose.yml]
  services:
    description: The coloured services.
    type: dict
  shared:
    description: The shared services.
    type: list
    elements: str
    default: []
  singletons:
    description: What runs once, in the live colour alone.
    type: dict
    default: {}
  edge:
    description: The edge, of which C(service) and C(mount) are used to find the switch.
    type: dict
    default: {}
  edge_service:
    description: Compose service of the edge.
    type: str
    default: caddy
  network_range:
    description: The range that the deployment's networks are cut from.
    type: str
    default: 10.231.16.0/20
  publish:
    description: How the edge reaches a colour.
    type: str
    default: network
  port_base:
    description: First published port of each colour, where O(publish) is not V(network).
    type: dict
    default: {}
  run:
    description: Id of the run.
    type: str
    default: ''
  stage:
    description: The stage that wants the lock.
    type: str
    default: ''
  version:
    description: The version being released.
    type: str
    default: ''
  operator:
    description: Who runs this.
    type: str
    default: ''
  controller:
    description: Host, process and start of the controller.
    type: dict
    default: {}
  seen:
    description:
      - What the controller knows of the run that holds the lock, as O(olympus.bluegreen.release_ledger#module:seen).
    type: dict
  stale:
    description: Seconds after which a lock without a beat is taken over.
    type: float
    default: 120.0
  unlock:
    description: Id of the run whose lock is broken. Empty breaks none.
    type: str
    default: ''
  textfile:
    description: With O(lock), the file for the textfile collector of node_exporter is written. Empty writes none.
    type: str
    default: ''
seealso:
  - module: olympus.bluegreen.release_stage
"""

EXAMPLES = r"""
- name: Read what runs and what is recorded
  olympus.bluegreen.release_look:
    project: prod
    source: /opt/olympusoss/prod
    services: {site: {kind: site, port: 3000}}
  register: seen
"""

RETURN = r"""
compose:
  description: What M(olympus.bluegreen.podman_compose_release) returns of the whole deployment with V(read).
  type: dict
  returned: success
  sample: {colours: {blue: {release: v1.4.2-0123456789, running: true}}}
ledger:
  description: What M(olympus.bluegreen.release_ledger) returns with V(read).
  type: dict
  returned: success
  sample: {token: 7, marks: {stable: v1.4.2-0123456789}}
switch:
  description: What the switch says on its disk. Empty where there is none.
  type: dict
  returned: success
  sample: {live: blue, idle: green, token: 7}
held:
  description: The lock that another run holds.
  type: dict
  returned: when the lock was not taken
  sample: {run: ctl-4711-1f3a90bc, stage: cutover}
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.olympus.bluegreen.plugins.module_utils._compose import facts
from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.deployment.model import wanted_from
from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.options import SPEC as COMPOSE
from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.release import kept_releases
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.argspec import DEPLOYMENT, ArgumentSpec
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.clock import SystemClock
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import BluegreenError, refusal
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.podman import Podman
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.runner import SubprocessRunner
from ansible_collections.olympus.bluegreen.plugins.module_utils._deployment.inputs import described
from ansible_collections.olympus.bluegreen.plugins.module_utils._ledger.module import SPEC as LEDGER
from ansible_collections.olympus.bluegreen.plugins.module_utils._ledger.module import Ledger

OF_COMPOSE = (
    "project", "source", "compose_files", "services", "shared", "singletons", "edge", "edge_service", "network_range",
    "publish", "port_base",
)  # fmt: skip
OF_LEDGER = ("run", "stage", "version", "operator", "controller", "stale", "unlock", "textfile")
SPEC = DEPLOYMENT.merge(
    ArgumentSpec({name: COMPOSE.options[name] for name in OF_COMPOSE}),
    ArgumentSpec({name: LEDGER.options[name] for name in OF_LEDGER}),
    ArgumentSpec({"lock": {"type": "bool", "default": False}, "seen": {"type": "dict"}}),
)


def ledger_of(params: dict[str, Any], runner: SubprocessRunner) -> Ledger:
    given = {name: params[name] for name in ("deployment", "state_dir", "project", "edge", *OF_LEDGER)}
    wanted = {**given, "state": "locked" if params["lock"] else "read", "seen": params["seen"] or {}}
    return Ledger(LEDGER.validated(wanted)[0], runner, SystemClock())


def main() -> None:
    module = described(AnsibleModule, SPEC)
    params, runner = module.params, SubprocessRunner()
    acts = params["lock"] and not module.check_mode
    ledger = ledger_of(params, runner)
    try:
        if acts:
            held = ledger.held_by_another()
            if held and params["seen"] is None and not params["unlock"]:
                module.fail_json(msg="Run %s holds the lock." % held["run"], held=held)
            ledger.apply()
        given = {name: params[name] for name in ("deployment", "state_dir", *OF_COMPOSE)}
        podman, wanted = Podman(runner), wanted_from(COMPOSE.validated(given)[0])
        world, nets = facts.settle(podman, wanted) if acts else facts.look(podman, wanted, False)
        compose = {**facts.whole(world, nets), "releases": kept_releases.listed(wanted)}
        recorded, switch = ledger.result(), ledger.live()
    except (BluegreenError, OSError) as exc:
        module.fail_json(**refusal(exc))
    for warning in recorded.pop("warnings"):
        module.warn(str(warning))
    module.exit_json(changed=False, compose=compose, ledger=recorded, switch=switch)


if __name__ == "__main__":
    main()
