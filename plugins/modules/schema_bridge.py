#!/usr/bin/python
# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: schema_bridge
short_description: Install and remove the bridges of one schema target
version_added: 1.0.0
description:
  - A bridge is SQL that lets the old colour go on writing while the database already has the new release's schema. It
    is mostly a guarded trigger that fills a column which the old binary does not know.
  - Bridges are the files C(bridges/<target>/NAME.sql) of the release's source. C(NAME.down.sql) beside one removes it.
    Without that file a bridge may make triggers and functions only, which the module drops by name.
  - The service's own role installs all bridges of a target in one transaction, with O(lock_timeout). The module reads
    from the catalog which objects they made. It keeps that, and the SQL of both directions, in C(bridges/<target>.json)
    of the state directory, so that a cleanup can remove them when the release's files are gone.
  - A bridge that is installed as the release has it stays. The next run detects and finishes one that was killed.
requirements:
  - podman
  - psycopg2
  - PyYAML
extends_documentation_fragment:
  - olympus.bluegreen.attributes
  - olympus.bluegreen.deployment
  - olympus.bluegreen.schema_target
options:
  state_dir:
    description: Directory of the collection's state on this host. Its C(bridges) keeps the record.
    type: path
    default: /var/lib/olympus-bluegreen
  state:
    description:
      - V(present) installs the bridges of O(release). Those of an earlier release stay, a colour may need them.
      - V(absent) removes every bridge that is recorded for the target, whichever release brought it.
    type: str
    choices: [present, absent]
    default: present
  release:
    description: Id of the release that has the bridges. Required with O(state=present).
    type: str
    default: ""
  targets:
    description:
      - Names of all schema targets. The module refuses a directory of C(bridges) with another name.
      - With an empty list the module compares no names.
    type: list
    elements: str
    default: []
  compose_file:
    description: The rendered compose file of a colour, which has the service. With V(absent) that of the live colour.
    type: path
    required: true
  extra_hosts:
    description: Host name to address for the database's host. Empty takes what the rendered service has.
    type: dict
    default: {}
  project:
    description: Compose project that PostgreSQL runs in.
    type: str
    default: ""
  database_service:
    description:
      - Service of PostgreSQL in O(project). Where the DSN names it, the module connects from its network namespace.
      - To any other host of the DSN, and where this is empty, the module connects from this host.
    type: str
    default: ""
  lock_timeout:
    description: Seconds that a statement waits for a lock. Then PostgreSQL rolls back, and the module tries again.
    type: float
    default: 2.0
  lock_wait:
    description: Seconds to wait for another run of this collection to end.
    type: float
    default: 60.0
  attempts:
    description: How often to try when PostgreSQL gives no lock in time.
    type: int
    default: 5
attributes:
  check_mode:
    description: Reports what the module would install or remove.
  diff_mode:
    description: Names and hashes of the bridges before and after.
author:
  - olympus.bluegreen authors (@olympusoss)
seealso:
  - module: olympus.bluegreen.ory_migrate
    description: Runs the migration that the bridges belong to.
  - module: olympus.bluegreen.schema_proof
    description: Proves that the bridges are needed and sufficient.
"""

EXAMPLES = r"""
- name: Install the bridges of a release before it migrates
  olympus.bluegreen.schema_bridge:
    state: present
    release: v1.5.0-1a630d11b8
    target: &kratos
      name: ciam_kratos
      product: kratos
      service: ciam-kratos
      database: ciam_kratos
    compose_file: /var/lib/olympus-bluegreen/stacks/green/compose.yml
    project: prod
    database_service: postgres

- name: Remove them when the old colour is gone
  olympus.bluegreen.schema_bridge:
    state: absent
    target: *kratos
    compose_file: /var/lib/olympus-bluegreen/stacks/green/compose.yml
    project: prod
    database_service: postgres
"""

RETURN = r"""
bridges:
  description: What is installed and recorded now; in check mode what was found.
  returned: always
  type: list
  elements: dict
  contains:
    name:
      description: File name without C(.sql).
      type: str
      sample: 010-identity-id
    sha256:
      description: Hash of the file.
      type: str
      sample: 5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03
    release:
      description: The release that brought it.
      type: str
      sample: v1.5.0-1a630d11b8
    objects:
      description: What it made, in PostgreSQL's words.
      type: list
      elements: str
      sample: ["function public.bridge_identity_id()"]
  sample:
    - name: 010-identity-id
      sha256: 5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03
      release: v1.5.0-1a630d11b8
      objects: ["function public.bridge_identity_id()", "trigger bridge_identity_id on public.session_devices"]
steps:
  description: What was planned.
  returned: always
  type: list
  elements: str
  sample: [install 010-identity-id ciam_kratos]
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.argspec import DEPLOYMENT
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.clock import SystemClock
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import BluegreenError, refusal
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.podman import Podman
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.runner import SubprocessRunner
from ansible_collections.olympus.bluegreen.plugins.module_utils._deployment.inputs import described
from ansible_collections.olympus.bluegreen.plugins.module_utils._schema.bridge_run import BRIDGE, run
from ansible_collections.olympus.bluegreen.plugins.module_utils._schema.migrate import World
from ansible_collections.olympus.bluegreen.plugins.module_utils._state.heartbeat import beating


def main() -> None:
    module = described(AnsibleModule, DEPLOYMENT.merge(BRIDGE))
    world = World(Podman(SubprocessRunner()), SystemClock())
    try:
        with beating(module.params["state_dir"], not module.check_mode):
            result, plan = run(module.params, module.check_mode, world)
    except (BluegreenError, OSError) as exc:
        module.fail_json(**refusal(exc))
    module.exit_json(diff=plan.diff(), **result)


if __name__ == "__main__":
    main()
