#!/usr/bin/python
# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: release_boot
short_description: Brings the live colour back after a reboot of the host
version_added: 1.0.0
description:
  - Podman's own unit starts only containers of restart policy V(always). This module leaves a program for the
    rest. It starts the shared services, the live colour and the edge, joins their networks, and waits until
    the live colour answers. Then it starts the colour of a rollback, the couriers, and a watch that the reboot ended.
  - It also leaves C(return) in O(state_dir), which O(olympus.bluegreen.caddy_upstream#module:state=returned) runs there
    instead of sending its module.
  - For the case that Ansible itself is the problem, it leaves a shell script C(bluegreen-rollback) in O(bin_dir) and,
    as C(rollback), in O(state_dir). For another deployment than V(olympus) the script is C(bluegreen-rollback-NAME).
    The module does not touch a program of that name that it did not write, and names it in a warning.
  - Where systemd runs this host, a unit starts the program. Where it does not, O(state=installed) warns and names the
    command.
author: "olympus.bluegreen authors (@olympusoss)"
requirements:
  - podman
extends_documentation_fragment:
  - olympus.bluegreen.reach
  - olympus.bluegreen.attributes
  - olympus.bluegreen.deployment
attributes:
  check_mode:
    description: Reports what the module would write or remove.
  diff_mode:
    description: Whether everything is installed, before and after.
options:
  state:
    description:
      - V(read) changes nothing.
      - V(installed) writes the programs, their record, the script and the unit, and enables the unit. It starts
        nothing.
      - V(absent) removes them.
    type: str
    choices: [read, installed, absent]
    default: read
  state_dir:
    description: Directory of the programs, their record and its copy of this collection's library.
    type: path
    default: /var/lib/olympus-bluegreen
  unit_dir:
    description: Directory of the administrator's units.
    type: path
    default: /etc/systemd/system
  bin_dir:
    description: Directory of the administrator's commands.
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
    description: Services that run once, as M(olympus.bluegreen.podman_compose_release) takes them.
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
seealso:
  - module: olympus.bluegreen.podman_compose_release
    description: Starts and removes the colours.
  - module: olympus.bluegreen.caddy_upstream
    description: Flips the edge; uses the program C(return) for a fast rollback.
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

- name: See what a reboot would do now
  olympus.bluegreen.release_boot:
    project: prod
  register: boot

- name: Remove the programs, the script and the unit
  olympus.bluegreen.release_boot:
    state: absent
    project: prod
"""

RETURN = r"""
story:
  description: What a reboot would do now, in a sentence.
  type: str
  returned: success
  sample: olympus-bluegreen-boot-olympus.service is enabled
systemd: {description: Whether systemd runs this host., type: bool, returned: success, sample: true}
unit:
  description: Name of the unit.
  type: str
  returned: success
  sample: olympus-bluegreen-boot-olympus.service
installed: {description: Whether the unit is there., type: bool, returned: success, sample: true}
enabled: {description: Whether the unit is enabled., type: bool, returned: success, sample: true}
program:
  description: Path of the program; empty where there is none.
  type: str
  returned: success
  sample: /var/lib/olympus-bluegreen/boot
rollback:
  description: Path of the script that rolls back without Ansible; empty where there is none.
  type: str
  returned: success
  sample: /usr/local/sbin/bluegreen-rollback
last:
  description: The last boot as the ledger has it; empty before the first.
  type: dict
  returned: success
  contains:
    at: {description: "When it ended, in seconds since the epoch.", type: float, sample: 1795000000.0}
    live: {description: The live colour; empty where the switch named none., type: str, sample: green}
    ready: {description: Whether the live colour answered., type: bool, sample: true}
    seconds: {description: How long the boot took., type: float, sample: 41.7}
    started: {description: What the program started or joined., type: list, elements: str, sample: [start prod_caddy_1]}
    wrong: {description: "What went wrong, a sentence each.", type: list, elements: str, sample: []}
  sample: {}
live:
  description: The colour that the switch names, also where the edge has no container any more.
  type: str
  returned: success
  sample: green
return_to:
  description: Where a rollback goes, as the switch has it; empty before a cutover.
  type: dict
  returned: success
  contains:
    colour: {description: The colour., type: str, sample: blue}
    release: {description: Id of its release., type: str, sample: v1.4.0-1a630d11b8}
    flip: {description: Id of the cutover that a rollback reverts., type: str, sample: 5f3a1c9e0b7d2468}
    at: {description: "When that was, in seconds since the epoch.", type: float, sample: 1795000000.0}
  sample: {colour: blue, release: v1.4.0-1a630d11b8, flip: 5f3a1c9e0b7d2468, at: 1795000000.0}
watch:
  description: The last watch.
  type: dict
  returned: success
  contains:
    release: {description: Id of its release; empty before the first., type: str, sample: v1.5.0-0123456789}
    alive: {description: Whether it runs., type: bool, sample: true}
    died: {description: Whether it ended without a verdict., type: bool, sample: false}
  sample: {release: v1.5.0-0123456789, alive: true, died: false}
steps:
  description: What the module did, or would do in check mode.
  type: list
  elements: str
  returned: success
  sample: [write /var/lib/olympus-bluegreen/boot]
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
