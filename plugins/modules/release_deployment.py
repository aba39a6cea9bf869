#!/usr/bin/python
# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: release_deployment
short_description: Learn a deployment from the running stack and record it
version_added: 1.0.0
description:
  - Learns project, directory, compose files, coloured and shared services, their kinds, ports and domains, public
    names, schema targets, database and edge. It reads the running containers, their labels, environment and health
    checks, and the configuration that the edge runs. It changes nothing on the way.
  - Behind Cloudflare the module also asks its API, with the token of C(edge.api_token_file), for the zone that holds
    the public names, its account, their load balancers and pools. The token is in no result.
  - The settings in O(told) go over what was learned, entry by entry.
  - The record is C(deployment.json) in O(state_dir). Every later stage goes by it.
author: "olympus.bluegreen authors (@olympusoss)"
requirements:
  - podman
  - PyYAML
  - psycopg2, where a service has a DSN
extends_documentation_fragment:
  - olympus.bluegreen.attributes
  - olympus.bluegreen.deployment
attributes:
  check_mode:
    description: Reports what the module would record or remove.
  diff_mode:
    description: The record before and after.
options:
  state:
    description:
      - V(read) returns the record. Where there is none, the module looks at the running stack.
      - V(learned) looks at the running stack, and keeps from the record what is gone since.
      - V(present) records O(learned).
      - V(absent) removes the record.
    type: str
    choices: [read, learned, present, absent]
    default: read
  state_dir:
    description: Directory of the record.
    type: path
    default: /var/lib/olympus-bluegreen
  told:
    description:
      - The operator's settings, by keys of the description (C(project), C(services), C(edge), ...).
    type: dict
    default: {}
  learned:
    description: The RV(learned) of an earlier run. Required with O(state=present).
    type: dict
    default: {}
  stages:
    description:
      - The tags of a run. With them the module reads the record where there is one, and for a rollback and a watch in
        any case. The operator's C(bluegreen_*) variables are the settings then, and every other option is left out.
    type: list
    elements: str
    default: []
  run:
    description:
      - With O(stages), the run's C(bluegreen_result) says that the run was cut off, until a stage ends and replaces it.
    type: bool
    default: false
seealso:
  - module: olympus.bluegreen.release_preflight
    description: Looks at what a release of the deployment will need.
  - module: olympus.bluegreen.podman_compose_release
    description: Starts and removes the colours of the deployment.
"""

EXAMPLES = r"""
- name: Say what this host runs
  olympus.bluegreen.release_deployment:
    state: learned
  register: found

- name: Describe the deployment for roles of a play of your own, from the record and the bluegreen_ variables
  olympus.bluegreen.release_deployment:
    stages: [preflight]
  register: known

- name: Record it
  olympus.bluegreen.release_deployment:
    state: present
    learned: "{{ found.learned }}"

- name: Remove the record
  olympus.bluegreen.release_deployment:
    state: absent
"""

RETURN = r"""
learned:
  description: What was learned, and where.
  type: dict
  returned: with O(state=read) and O(state=learned)
  contains:
    values: {description: Keys of the description., type: dict, sample: {project: prod, database: postgres}}
    found:
      description: Where each value was found.
      type: dict
      sample: {services.site.port: its health check}
    facts:
      description: What a setting of a service is compared with.
      type: dict
      sample: {site: {listens: [3000], image: "ghcr.io/olympusoss/site:v1.5.0", image_kind: site}}
    members: {description: Every service of the project., type: list, elements: str, sample: [site, postgres]}
    problems: {description: Why it can't be adopted., type: list, elements: str, sample: []}
  sample: {}
recorded:
  description: Whether it comes from the record.
  type: bool
  returned: with O(state=read) and O(state=learned)
  sample: true
described:
  description: The description of the deployment that the roles take. Settings go over what was learned.
  type: dict
  returned: with O(state=read) and O(state=learned)
  sample: {name: olympus, project: prod, database: postgres}
lines:
  description: What was learned and where, a line each.
  type: list
  elements: str
  returned: with O(state=read) and O(state=learned)
  sample: ["shared: postgres; database: postgres"]
problems:
  description: Why the deployment can't be adopted like this. A contradiction has both values.
  type: list
  elements: str
  returned: with O(state=read) and O(state=learned)
  sample: []
findings:
  description: The same as RV(problems) with its parts, for programs.
  type: list
  elements: dict
  returned: with O(state=read) and O(state=learned)
  contains:
    sentence: {description: The whole sentence., type: str, sample: "bluegreen_project='x'. Fix: correct it"}
    code: {description: Kind of the problem; empty for most., type: str, sample: no_container}
    setting: {description: The operator's variable; empty where it is none., type: str, sample: bluegreen_project}
    said: {description: The sentence without its fix., type: str, sample: "'x': the running edge is of prod"}
    fix: {description: What to do., type: str, sample: correct the setting}
    repair: {description: The stage that repairs it; empty where none does., type: str, sample: ""}
  sample: []
steps:
  description: What the module did, or would do in check mode.
  type: list
  elements: str
  returned: success
  sample: [record /var/lib/olympus-bluegreen/deployment.json]
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import BluegreenError, refusal
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.plan import Plan
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.runner import SubprocessRunner
from ansible_collections.olympus.bluegreen.plugins.module_utils._deployment.inputs import described
from ansible_collections.olympus.bluegreen.plugins.module_utils._discovery.states import SPEC, Deployment


def main() -> None:
    module = described(AnsibleModule, SPEC)
    deployment, plan, result = Deployment(module.params, SubprocessRunner()), Plan(), {}
    try:
        if module.params["state"] in ("present", "absent"):
            plan = deployment.plan()
            if not module.check_mode:
                deployment.apply(plan)
        else:
            result = deployment.result()
    except (BluegreenError, OSError) as exc:
        module.fail_json(**refusal(exc))
    module.exit_json(**plan.result(), diff=plan.diff(), **result)


if __name__ == "__main__":
    main()
