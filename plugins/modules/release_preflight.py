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
  - Looks at budgets, versions, clocks, names, routes, certificates, secrets, images and what a reboot would bring back.
    It judges each as one row with what it found, what is wanted, and how to fix it.
  - Changes nothing but the ledger (O(run)), with or without check mode. It never fails for what it finds. Only rows of
    level V(refuse) that are not well are meant to stop a stage, and RV(refused) lists them.
  - Each probe logs in once to what is live and out again, but not in check mode.
  - The controller prints the table.
author: "olympus.bluegreen authors (@olympusoss)"
requirements:
  - podman
  - podman-compose
  - psycopg2, where there are schema targets
  - PyYAML
  - python-dotenv
extends_documentation_fragment:
  - olympus.bluegreen.attributes
  - olympus.bluegreen.deployment
  - olympus.bluegreen.notify
attributes:
  check_mode:
    description: Does the same with and without, but tries no login with it.
  diff_mode:
    description: There is never a difference.
    support: none
options:
  state_dir:
    description: Directory of the collection's state on this host.
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
      - Where the project is taken from a git ref, C(repo) and C(ref). The module asks the repository for the ref
        and fetches nothing.
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
    description: The IPv4 range of the deployment's networks.
    type: str
    default: 10.231.16.0/20
  publish:
    description: How the edge reaches a colour, V(network), V(loopback) or an IPv4 address of this host.
    type: str
    default: network
  services:
    description: The coloured services, as M(olympus.bluegreen.podman_compose_release) takes them.
    type: dict
  shared:
    description: Services of the project that both colours use.
    type: list
    elements: str
    default: []
  images:
    description: Coloured service to image reference or template, where it differs from the compose file's.
    type: dict
    default: {}
  allow_mutable:
    description: Accept image references whose tag can move.
    type: bool
    default: false
  version:
    description: Version of the release. Without one the module looks for no image.
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
      - Probe domains, as M(olympus.bluegreen.health_gate) takes them. The edge has to serve their C(login_host) and
        C(oauth_host), and each probe logs in once to what is live (not in check mode).
    type: dict
    default: {}
  probe_secrets:
    description: Per domain the C(password) of the probe identity and the C(client_secret) of its client.
    type: dict
    default: {}
  skip:
    description: Checks of M(olympus.bluegreen.health_gate) to leave out. With V(code_flow) no probe logs in.
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
    description: The live colour. Empty before adopt. The module then looks at the project's own containers.
    type: str
    choices: ['', blue, green]
    default: ''
  idle_running:
    description: Whether the other colour runs too, so that it uses its share of memory and connections already.
    type: bool
    default: false
  settings:
    description: What is wrong with the operator's variables, from filter P(olympus.bluegreen.wrong_settings#filter).
    type: list
    elements: dict
  run:
    description: Id of the run for which the ledger records what is not well. Without one the module records nothing.
    type: str
    default: ''
  ansible_version:
    description: Version of ansible-core on the controller. The action plugin sets it.
    type: str
    default: ''
  show:
    description: Which rows the controller prints.
    type: str
    choices: [everything, wrong, nothing]
    default: everything
seealso:
  - module: olympus.bluegreen.health_gate
    description: Asks a colour whether it can serve.
  - module: olympus.bluegreen.release_deployment
    description: Learns the options of this module from the running stack.
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

- name: Print only what is wrong, and let every probe log in to blue
  olympus.bluegreen.release_preflight:
    project: prod
    source: /opt/olympusoss/prod
    services: "{{ bluegreen_services }}"
    probes: "{{ bluegreen_probes }}"
    probe_secrets: "{{ bluegreen_probe_secrets }}"
    live: blue
    show: wrong
"""

RETURN = r"""
rows:
  description: Every row, what is wrong first. docs/preflight.md lists the checks.
  type: list
  elements: dict
  returned: success
  contains:
    check:
      description: Name of the check, and of what it judged where there are several.
      type: str
      sample: certificate www.example.com
    ok:
      description: Whether it is well.
      type: bool
      sample: false
    level:
      description: What a row that is not well does, V(refuse), V(warn) or V(info).
      type: str
      sample: warn
    found:
      description: What the module found.
      type: str
      sample: 45.6 h left
    wanted:
      description: What is wanted.
      type: str
      sample: renewed in time
    fix:
      description: What to do; empty where the row is well.
      type: str
      sample: let Caddy renew it (its log says why it could not), or name its authority in bluegreen_edge.ca
  sample:
    - {check: rootless, ok: true, level: refuse, found: as root, wanted: as root, fix: ""}
refused:
  description: One sentence with its fix for each row that must stop a stage.
  type: list
  elements: str
  returned: success
  sample: ["rootless: rootless. Fix: run as root (become): rootless networks can't have fixed addresses"]
table:
  description: The rows as aligned lines of at most 120 columns.
  type: list
  elements: str
  returned: success
  sample: ["ok     rootless                      as root                                         as root"]
steps:
  description: Always empty.
  type: list
  elements: str
  returned: success
  sample: []
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
