#!/usr/bin/python
# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: release_boot
short_description: What brings the live colour back after a reboot of the host
version_added: 1.0.0
description:
  - Podman's own unit starts only containers of restart policy V(always). So a program of ours starts the shared
    services, the live colour and the edge, joins their networks, waits until the live colour answers, and then starts
    the colour that a rollback goes back to, the couriers and a watch that was cut off.
  - And C(return) in O(state_dir), what O(olympus.bluegreen.caddy_upstream#module:state=returned) runs there instead of
    sending its module.
  - And the way back when Ansible is the problem, a shell script C(bluegreen-rollback) (for another deployment than
    V(olympus) C(bluegreen-rollback-NAME)), in O(bin_dir) and, as C(rollback), in O(state_dir). A program of that name
    which is not ours is left alone and named in a warning.
  - Where systemd runs this host, a unit starts the program. Where it does not, O(state=installed) warns and names
    the command.
author: "olympus.bluegreen authors (@olympusoss)"
extends_documentation_fragment:
  - olympus.bluegreen.reach
  - olympus.bluegreen.deployment
attributes:
  check_mode:
    description: Can run in check mode and say what it would do without changing anything.
    support: full
  diff_mode:
    description: Says what it changes or would change.
    support: full
options:
  state:
    description:
      - V(read) only looks.
      - V(installed) writes the programs, what they have to know, the script and the unit, and enables the unit. It
        starts nothing.
      - V(absent) removes them.
    type: str
    choices: [read, installed, absent]
    default: read
  state_dir:
    description: Directory of the programs, their record and its copy of this collection's library.
    type: path
    default: /var/lib/olympus-bluegreen
  unit_dir:
    description: Where units of the administrator lie.
    type: path
    default: /etc/systemd/system
  bin_dir:
    description: Where commands of the administrator lie.
    type: path
    default: /usr/local/sbin
  project:
    description: Name of the compose project that was adopted.
    type: str
  source:
    description: The operator's project directory.
    type: path
    default: ""
  compose_files:
    description: Compose files, relative to O(source).
    type: list
    elements: str
    default: [compose.yml]
  edge:
    description: The edge, as M(olympus.bluegreen.caddy_upstream) takes it.
    type: dict
    default: {}
  services:
    description: Coloured services, as M(olympus.bluegreen.podman_compose_release) takes them.
    type: dict
    default: {}
  singletons:
    description: What runs once, as M(olympus.bluegreen.podman_compose_release) takes it.
    type: dict
    default: {}
  shared:
    description: Services of the project that both colours use.
    type: list
    elements: str
    default: []
  network_range:
    description: IPv4 range of the networks.
    type: str
    default: 10.231.16.0/20
  podman_compose:
    description: Path of podman-compose.
    type: str
    default: podman-compose
"""

EXAMPLES = r"""
- name: The live colour comes back after a reboot
  olympus.bluegreen.release_boot:
    state: installed
    project: prod
    source: /opt/olympusoss/prod
    edge: "{{ bluegreen_edge }}"
    services: "{{ bluegreen_services }}"
    shared: [postgres]
"""

RETURN = r"""
story:
  description: What a reboot would do now, in a sentence.
  type: str
  returned: success
systemd:
  description: Whether systemd runs this host.
  type: bool
  returned: success
unit:
  description: Name of the unit.
  type: str
  returned: success
installed:
  description: Whether the unit is there.
  type: bool
  returned: success
enabled:
  description: Whether the unit is enabled.
  type: bool
  returned: success
program:
  description: Path of the program; empty where there is none.
  type: str
  returned: success
rollback:
  description: Path of the script that rolls back without Ansible; empty where there is none.
  type: str
  returned: success
last:
  description: The last boot as the ledger has it (C(at), C(live), C(ready), C(seconds), C(started), C(wrong)).
  type: dict
  returned: success
live:
  description: The colour that the switch names, also where the edge has no container any more.
  type: str
  returned: success
return_to:
  description: Where a rollback goes, as the switch has it; empty where nothing was cut over.
  type: dict
  returned: success
watch:
  description: The last watch (C(release), C(alive), C(died) without a verdict).
  type: dict
  returned: success
steps:
  description: What was done, or would be done in check mode.
  type: list
  elements: str
  returned: success
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.olympus.bluegreen.plugins.module_utils._boot import unit
from ansible_collections.olympus.bluegreen.plugins.module_utils._boot.install import SPEC, Boot
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import BluegreenError, refusal
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.plan import Plan
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.runner import SubprocessRunner
from ansible_collections.olympus.bluegreen.plugins.module_utils._deployment.inputs import described


def main() -> None:
    module = described(AnsibleModule, SPEC)
    boot, state = Boot(module.params, SubprocessRunner(), unit.systemd()), module.params["state"]
    try:
        plan = Plan()
        if state == "installed":
            plan = boot.install(module.check_mode)
        elif state == "absent":
            plan = boot.remove(module.check_mode)
        result = boot.result()
    except (BluegreenError, OSError) as exc:
        module.fail_json(**refusal(exc))
    if state == "installed" and not boot.systemd:
        module.warn(str(result["story"]))
    if state == "installed" and boot.complaint():
        module.warn(boot.complaint())
    module.exit_json(**plan.result(), diff=plan.diff(), **result)


if __name__ == "__main__":
    main()
