#!/usr/bin/python
# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: schema_proof
short_description: Prove that the live colour keeps working after a migration
version_added: 1.0.0
description:
  - Starts a throw-away PostgreSQL and brings it to production's state by the live images' own migrations.
  - Starts the live programs on it, migrates it by the new images, and asks the old and the new programs for logins,
    code flows, settings, lists and logouts, each also with what the other one made.
  - What worked before the migration and fails after it is V(BREAKS). The message names the journey, the SQLSTATE and
    the object in the database.
  - Production is read and never written to. The network of the proof leads nowhere. Everything of it is removed at the
    end, also where this module was killed.
  - The verdict is kept in C(releases/<id>/schema/proof.json). A rerun of the same release takes over one that passed.
  - Fails where a target does not pass and O(accept) does not let it through.
extends_documentation_fragment:
  - olympus.bluegreen.deployment
options:
  state_dir:
    description: Directory of the collection's state on this host.
    type: path
    default: /var/lib/olympus-bluegreen
  colour:
    description: The live colour, whose running containers are the old programs.
    type: str
    required: true
    choices: [blue, green]
  targets:
    description: The databases to migrate.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name of this schema target.
        type: str
        required: true
      product:
        description: The product that migrates it.
        type: str
        required: true
        choices: [kratos, hydra]
      service:
        description: The service whose image migrates it and whose environment variable C(DSN) leads to it.
        type: str
        required: true
      database:
        description: The database's name; it has to be the one of the DSN.
        type: str
        required: true
  services:
    description: The services of a colour with their C(port) and C(admin_port).
    type: dict
  compose_file:
    description: The rendered compose file of the new release.
    type: path
    required: true
  network:
    description: The Podman network of the idle colour, from which an image can be asked for its migrations.
    type: str
    required: true
  project:
    description: Compose project that PostgreSQL runs in.
    type: str
    default: ""
  database_service:
    description: Service of PostgreSQL in O(project). The proof starts its image.
    type: str
    default: ""
  rehearsal_image:
    description:
      - Image of the proof's PostgreSQL. Empty takes the image of O(database_service).
      - Where the database is in no container of this host and this is empty, nothing can be judged.
    type: str
    default: ""
  release:
    description: Id of the new release.
    type: str
    required: true
  known:
    description: Names of all schema targets. A directory of C(bridges) that is called otherwise is refused.
    type: list
    elements: str
    default: []
  accept:
    description: Verdicts that the operator lets through.
    type: list
    elements: dict
    default: []
    suboptions:
      target:
        description: The schema target.
        type: str
        required: true
      hop:
        description: The hop as the refusal prints it.
        type: str
        required: true
      reason:
        description: Why it may go ahead.
        type: str
        required: true
      expires:
        description: A date or a moment with its zone; from then on the entry is refused.
        type: str
        required: true
  operator:
    description: Who runs this, for the record of what was let through.
    type: str
    default: ""
  forward:
    description:
      - What the live colour fails already, where the operator leaves it for the new one. The verdict is recorded and
        refuses nothing then.
    type: str
    default: ""
attributes:
  check_mode:
    description: Nothing is started.
    support: full
  diff_mode:
    description: Nothing of production is changed.
    support: none
author:
  - olympus.bluegreen authors (@olympusoss)
"""

EXAMPLES = r"""
- name: Prove that blue keeps working on green's schema
  olympus.bluegreen.schema_proof:
    colour: blue
    targets:
      - {name: ciam_kratos, product: kratos, service: ciam-kratos, database: ciam_kratos}
    services:
      ciam-kratos: {port: 5000, admin_port: 5001}
    compose_file: /var/lib/olympus-bluegreen/stacks/green/compose.yml
    network: olympus-green
    project: prod
    database_service: postgres
    release: v1.5.0-0123456789
"""

RETURN = r"""
targets:
  description: Each target that has migrations pending, by its name.
  returned: success
  type: dict
  contains:
    verdict:
      description: V(SAFE), V(SAFE_IF_EXERCISED) where C(untried) has entries, V(BREAKS) or V(NOT_JUDGED).
      type: str
    hop:
      description: Product, old and new version.
      type: str
    reasons:
      description: Why it does not pass, a sentence each.
      type: list
      elements: str
    untried:
      description: Journeys that fail before the migration too, so nothing is known of them.
      type: list
      elements: str
    journeys:
      description: How many were asked on the migrated schema.
      type: int
    accepted:
      description: Who let it through, why and until when; empty where it passed.
      type: dict
  sample:
    ciam_kratos:
      verdict: SAFE
      hop: kratos v1.0.0 -> v1.3.1
      journeys: 25
let_through:
  description: An event for the ledger for each verdict that O(accept) lets through.
  returned: success
  type: list
  elements: dict
steps:
  description: What check mode leaves open.
  returned: always
  type: list
  elements: str
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.argspec import DEPLOYMENT
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.clock import SystemClock
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import BluegreenError, refusal
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.podman import Podman
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.runner import SubprocessRunner
from ansible_collections.olympus.bluegreen.plugins.module_utils._deployment.inputs import described
from ansible_collections.olympus.bluegreen.plugins.module_utils._proof.options import PROOF, run
from ansible_collections.olympus.bluegreen.plugins.module_utils._schema.migrate import World
from ansible_collections.olympus.bluegreen.plugins.module_utils._state.heartbeat import beating


def main() -> None:
    module = described(AnsibleModule, DEPLOYMENT.merge(PROOF))
    world = World(Podman(SubprocessRunner()), SystemClock())
    try:
        with beating(module.params["state_dir"], not module.check_mode):
            result = run(module.params, module.check_mode, world)
    except (BluegreenError, OSError) as exc:
        module.fail_json(**refusal(exc))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
