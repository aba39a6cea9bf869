#!/usr/bin/python
# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: release_deployment
short_description: What a deployment is, learned from the running stack and recorded
version_added: 1.0.0
description:
  - Learns project, directory, compose files, coloured and shared services, their kinds, ports and domains, public
    names, schema targets, database and edge from the running containers, their labels, environment and health checks,
    and from the configuration that the edge runs. Nothing is changed on the way.
  - Behind Cloudflare its API is asked too, with the token of C(edge.api_token_file), for the zone that holds the public
    names, its account, their load balancers and pools. The token is in no result.
  - What is told in O(told) goes over it, entry by entry.
  - The record is C(deployment.json) in O(state_dir), which every later stage goes by.
author: "olympus.bluegreen authors (@olympusoss)"
attributes:
  check_mode:
    description: Can run in check mode and say what it would do without changing anything.
    support: full
  diff_mode:
    description: Says what it changes or would change.
    support: full
extends_documentation_fragment:
  - olympus.bluegreen.deployment
options:
  state:
    description:
      - V(read) reads the record, or looks where there is none.
      - V(learned) looks, and keeps of the record what is not there any more.
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
      - What the operator says himself, by keys of the description (C(project), C(services), C(edge), ...).
    type: dict
    default: {}
  learned:
    description: What RV(learned) of an earlier run says. Needed for O(state=present).
    type: dict
    default: {}
  stages:
    description:
      - The tags of a run. With them the record is only read where there is one, for a rollback and a watch in any
        case, and the operator's C(bluegreen_*) variables are what is told. Every other option is left out then.
    type: list
    elements: str
    default: []
  undo:
    description: Whether O(stages) undo what V(adopt) did, so that nothing has to be learned.
    type: bool
    default: false
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
"""

RETURN = r"""
learned:
  description:
    - What was learned (C(values)), where each value was found (C(found)), what settings are held against (C(facts)),
      every service of the project (C(members)).
  type: dict
  returned: with O(state=read) and O(state=learned)
recorded:
  description: Whether it comes from the record.
  type: bool
  returned: with O(state=read) and O(state=learned)
described:
  description: The description of the deployment that the roles take, with what was told over what was learned.
  type: dict
  returned: with O(state=read) and O(state=learned)
lines:
  description: What was learned and where, a line each.
  type: list
  elements: str
  returned: with O(state=read) and O(state=learned)
problems:
  description: Why it can't be adopted like this; contradictions have both values. Each sentence says what to do.
  type: list
  elements: str
  returned: with O(state=read) and O(state=learned)
findings:
  description:
    - For programs, the same as C(problems) with its parts, C(sentence), C(code), C(setting), C(said), C(fix) and
      C(repair), the stage that puts it right.
  type: list
  elements: dict
  returned: with O(state=read) and O(state=learned)
steps:
  description: What was done, or would be done in check mode.
  type: list
  elements: str
  returned: success
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
