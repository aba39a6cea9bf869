#!/usr/bin/python
# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: ory_migrate
short_description: Bring the schema of one Ory database to a release
version_added: 1.0.0
description:
  - Runs the migrations that the NEW image of a service brings and its database lacks, once, in a one-shot container
    that is found again by its label if this run is killed.
  - Works under an advisory lock in that database and with a V(lock_timeout) that only the one-shot container's sessions
    have, so the live colour waits for a bounded time at worst.
  - Judges by the versions in table C(schema_migration) before and after, never by a return code.
  - The list of an image that can't tell its migrations (Kratos up to 1.3) is learnt once per image by migrating an
    empty throw-away PostgreSQL without a network. That happens in check mode too and touches nothing of the operator's.
extends_documentation_fragment:
  - olympus.bluegreen.deployment
options:
  state_dir:
    description: Directory of the collection's state on this host. Learnt lists are kept in its C(cache).
    type: path
    default: /var/lib/olympus-bluegreen
  state:
    description: V(read) tells what is pending, V(migrated) applies it.
    type: str
    choices: [read, migrated]
    default: migrated
  target:
    description: The schema target.
    type: dict
    required: true
    suboptions:
      name:
        description: Its name.
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
  compose_file:
    description: The rendered compose file of the new release; image, environment and mounts come from it.
    type: path
    required: true
  network:
    description: The Podman network from which the one-shot container reaches the database.
    type: str
    required: true
  extra_hosts:
    description: Host name to address for the one-shot container. Empty takes what the rendered service has.
    type: dict
    default: {}
  project:
    description: Compose project that PostgreSQL runs in.
    type: str
    default: ""
  database_service:
    description:
      - Service of PostgreSQL in O(project). Where the DSN names it, it is asked from its own network namespace.
      - Any other host of the DSN is asked from here, and every one where this is empty.
    type: str
    default: ""
  shadow_image:
    description: Image of the throw-away PostgreSQL. Empty takes the image of O(database_service).
    type: str
    default: ""
  lock_timeout:
    description: Seconds that a migration waits for a lock before it gives up and is tried again.
    type: float
    default: 2.0
  lock_wait:
    description: Seconds to wait for another run of this collection to end.
    type: float
    default: 60.0
  timeout:
    description: Seconds for all attempts together.
    type: float
    default: 900.0
  attempts:
    description: How often it is tried when a lock could not be had in time.
    type: int
    default: 5
  max_transaction_age:
    description: Refuse while a transaction has been open in the database for more seconds than this. 0 doesn't ask.
    type: float
    default: 60.0
  release:
    description: Id of the release; if given, the result is written to C(releases/<id>/schema/<target>.json).
    type: str
    default: ""
attributes:
  check_mode:
    description: Tells what would be applied.
    support: full
  diff_mode:
    description: Count and newest version before and after.
    support: full
author:
  - olympus.bluegreen authors (@olympusoss)
"""

EXAMPLES = r"""
- name: Apply what the new Kratos brings
  olympus.bluegreen.ory_migrate:
    target:
      name: ciam_kratos
      product: kratos
      service: ciam-kratos
      database: ciam_kratos
    compose_file: /var/lib/olympus-bluegreen/stacks/green/compose.yml
    network: olympus-green
    project: prod
    database_service: postgres
"""

RETURN = r"""
before:
  description: What was applied before.
  returned: always
  type: dict
  contains:
    count:
      description: How many migrations.
      type: int
    latest:
      description: The newest version, empty when there is none.
      type: str
after:
  description: What is applied now, as RV(before). In check mode what would be.
  returned: always
  type: dict
pending:
  description: What is still to be applied, each with C(version) and C(name) (empty where the image doesn't tell).
  returned: always
  type: list
  elements: dict
applied:
  description: What this run applied, as RV(pending).
  returned: always
  type: list
  elements: dict
unknown:
  description: Applied versions that the image doesn't list.
  returned: always
  type: list
  elements: str
invalid_indexes:
  description: Indexes that a broken concurrent build left behind.
  returned: always
  type: list
  elements: str
image:
  description: Id of the image whose migrations these are.
  returned: always
  type: str
learned_by:
  description: How the image's list was learnt, V(status), V(shadow) or V(cache).
  returned: always
  type: str
verdict:
  description:
    - What the proof of O(release) says of this target and this very image, V(SAFE), V(SAFE_IF_EXERCISED) or V(BREAKS).
    - V(NOT_JUDGED) where there is no such proof.
  returned: always
  type: str
hop:
  description: From which version to which, as the proof names it.
  returned: always
  type: str
  sample: kratos v1.0.0 -> v1.3.1
reasons:
  description: Why the verdict is not V(SAFE), a sentence each.
  returned: always
  type: list
  elements: str
untried:
  description: Journeys that the proof could not try, each with the reason.
  returned: always
  type: list
  elements: str
bridges:
  description: The bridges that the proof was made with, each with C(name) and C(sha256).
  returned: always
  type: list
  elements: dict
accepted:
  description: Who let the verdict through, with C(by), C(reason) and C(expires); empty where it was not let through.
  returned: always
  type: dict
attempts:
  description: How often the migration was started.
  returned: always
  type: int
seconds:
  description: How long applying took, waiting included.
  returned: always
  type: float
steps:
  description: What was planned.
  returned: always
  type: list
  elements: str
partial:
  description: On failure what had been applied (RV(applied)), what had not (RV(pending)) and RV(after).
  returned: failure
  type: dict
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.argspec import DEPLOYMENT
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.clock import SystemClock
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import BluegreenError, refusal
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.podman import Podman
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.runner import SubprocessRunner
from ansible_collections.olympus.bluegreen.plugins.module_utils._deployment.inputs import described
from ansible_collections.olympus.bluegreen.plugins.module_utils._schema.migrate import World
from ansible_collections.olympus.bluegreen.plugins.module_utils._schema.options import MIGRATE, run
from ansible_collections.olympus.bluegreen.plugins.module_utils._state.heartbeat import beating


def main() -> None:
    module = described(AnsibleModule, DEPLOYMENT.merge(MIGRATE))
    world = World(Podman(SubprocessRunner()), SystemClock())
    try:
        with beating(module.params["state_dir"], module.params["state"] != "read" and not module.check_mode):
            result, plan, warnings = run(module.params, module.check_mode, world)
    except (BluegreenError, OSError) as exc:
        module.fail_json(**refusal(exc))
    for warning in warnings:
        module.warn(warning)
    module.exit_json(diff=plan.diff(), **result)


if __name__ == "__main__":
    main()
