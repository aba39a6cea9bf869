#!/usr/bin/python
# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: release_preflight
short_description: Look at everything a release will need, before it begins
version_added: 1.0.0
description:
  - Looks at budgets, versions, clocks, names, routes, certificates, secrets, images and what a reboot would bring back,
    and judges each as one row with what was found, what is wanted, and how to fix it.
  - Changes nothing but the ledger (O(run)), with or without check mode.
    It never fails for what it finds; only rows of level V(refuse) that are
    not well are meant to stop a stage, and O(ignore:refused) lists them.
  - The controller prints the table.
author: "olympus.bluegreen authors (@olympusoss)"
requirements:
  - podman
  - podman-compose
  - psycopg2, where there are schema targets
  - PyYAML
  - python-dotenv
attributes:
  check_mode:
    description: Does the same with and without.
    support: full
  diff_mode:
    description: There is never a difference.
    support: none
extends_documentation_fragment:
  - olympus.bluegreen.deployment
options:
  state_dir:
    description: The state directory.
    type: path
    default: /var/lib/olympus-bluegreen
  project:
    description: Compose project of the edge and the shared services.
    type: str
    default: ''
  source:
    description: The operator's project directory.
    type: path
  git:
    description:
      - Where the project is taken from a git ref, C(repo) and C(ref). The repository is asked whether it has the ref;
        nothing is fetched.
    type: dict
    default: {}
  compose_files:
    description: Compose files, relative to O(source).
    type: list
    elements: str
    default: [compose.yml]
  podman_compose:
    description: Path of podman-compose.
    type: str
    default: podman-compose
  network_range:
    description: The range that the deployment's networks are cut from.
    type: str
    default: 10.231.16.0/20
  publish:
    description: How the edge reaches a colour.
    type: str
    default: network
  services:
    description: The coloured services.
    type: dict
  shared:
    description: The shared services.
    type: list
    elements: str
    default: []
  images:
    description: Coloured service to image reference or template, where it is not to be the compose file's.
    type: dict
    default: {}
  allow_mutable:
    description: Accept image references whose tag can move.
    type: bool
    default: false
  version:
    description: The version to go to. Empty means that no image is looked for.
    type: str
    default: ''
  edge:
    description: The edge, as O(olympus.bluegreen.caddy_upstream#module:edge).
    type: dict
    default: {}
  public:
    description: Public names to ask, each with C(host) and C(path).
    type: list
    elements: dict
    default: []
  probes:
    description:
      - Probe domains, as M(olympus.bluegreen.health_gate) takes them. Their C(login_host) and C(oauth_host) have to be
        served by the edge, and each probe logs in once at what is live (not in check mode).
    type: dict
    default: {}
  probe_secrets:
    description: Per domain the C(password) of the probe identity and the C(client_secret) of its client.
    type: dict
    default: {}
  skip:
    description: Checks of M(olympus.bluegreen.health_gate) that are left out. With C(code_flow) no probe logs in.
    type: list
    elements: str
    default: []
  schema_targets:
    description: Schema targets, of which C(service) and C(database) are used.
    type: list
    elements: dict
    default: []
  database:
    description: Compose service of PostgreSQL.
    type: str
    default: postgres
  rehearsal_image:
    description: Image of the PostgreSQL that migrations are proven on, where O(database) is in no container.
    type: str
    default: ""
  interval:
    description: Seconds between two questions of the watch to a public name.
    type: float
    default: 1.0
  port_base:
    description: First published port of each colour, where O(publish) is not V(network).
    type: dict
    default: {}
  live:
    description: The colour that is live. Empty before adopt; the project's own containers are looked at then.
    type: str
    choices: ['', blue, green]
    default: ''
  idle_running:
    description: Whether the other colour runs too, so that its share of memory and connections is taken already.
    type: bool
    default: false
  settings:
    description: What is wrong with the operator's variables, from filter P(olympus.bluegreen.wrong_settings#filter).
    type: list
    elements: dict
  run:
    description:
      - Id of the run that notes in the ledger what is not well. Empty notes nothing.
    type: str
    default: ''
  ansible_version:
    description: Version of ansible-core on the controller. The action plugin fills it in.
    type: str
    default: ''
  show:
    description: Which rows are printed on the controller.
    type: str
    choices: [everything, wrong, nothing]
    default: everything
"""

EXAMPLES = r"""
- name: Look before a release
  olympus.bluegreen.release_preflight:
    project: prod
    source: /opt/olympusoss/prod
    compose_files: [compose.prod.yml]
    services: "{{ bluegreen_services }}"
    shared: [postgres]
    version: v1.5.0
    edge: {caddyfile: /opt/olympusoss/prod/Caddyfile}
  register: looked

- name: Stop here if it can't go well
  ansible.builtin.assert:
    that: looked.refused | length == 0
    fail_msg: "{{ looked.refused | join(' ') }}"
"""

RETURN = r"""
rows:
  description: >-
    Every row: C(check), C(ok), C(level) (what a row that is not well does: V(refuse), V(warn), V(info)), C(found),
    C(wanted) and C(fix). What is wrong comes first. docs/preflight.md lists the checks.
  type: list
  elements: dict
  returned: success
refused:
  description: One sentence with its fix for each row that must stop a stage.
  type: list
  elements: str
  returned: success
table:
  description: The rows as aligned lines of at most 120 columns.
  type: list
  elements: str
  returned: success
steps:
  description: Always empty.
  type: list
  elements: str
  returned: success
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.clock import SystemClock
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import BluegreenError, refusal
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.http import DirectHttp
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.podman import Podman
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.runner import SubprocessRunner
from ansible_collections.olympus.bluegreen.plugins.module_utils._deployment.inputs import described
from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.running.find import edge_of, edge_options
from ansible_collections.olympus.bluegreen.plugins.module_utils._preflight.look import World
from ansible_collections.olympus.bluegreen.plugins.module_utils._preflight.options import SPEC, answer, record
from ansible_collections.olympus.bluegreen.plugins.module_utils._state.heartbeat import beating


def main() -> None:
    module = described(AnsibleModule, SPEC)
    params = module.params
    runner = SubprocessRunner()
    try:
        options = edge_options(params["edge"])
        world = World(
            Podman(runner),
            lambda: edge_of(runner, params["project"], options),
            DirectHttp(options.ca or None),
        )
        with beating(params["state_dir"], not module.check_mode):
            result = answer(params, world, module.check_mode)
            if params["run"] and not module.check_mode:
                record(params, result["rows"], SystemClock())
    except (BluegreenError, OSError) as exc:
        module.fail_json(**refusal(exc))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
