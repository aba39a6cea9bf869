#!/usr/bin/python
# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: ory_migrate
short_description: Bring the schema of one database to a release, by Ory or any other migrator
version_added: 1.0.0
description:
  - Runs the migrations that the new image of a service brings and its database lacks, in a one-shot container. The
    next run finds the container of one that was killed by its label.
  - Holds an advisory lock in that database. Only the one-shot container's sessions have O(lock_timeout), so the live
    colour waits for a bounded time at worst.
  - Judges Ory's by the versions in table C(schema_migration) before and after, never by a return code.
  - A target with a C(command) is that of any other migrator (Flyway, Alembic, Rails, psql). It has the same lock, the
    same bounded waits and the same retries, and is judged by its own status and the database's list before and after.
  - Every PostgreSQL address in the environment of the migrator gets O(lock_timeout), and so does C(PGOPTIONS). No
    migration starts before a session by the same address has shown that the server took it.
  - Where the proof of O(release) has rehearsed the migration, the schema has to be the one that the rehearsal began
    with, and afterwards the one that it left.
  - No attempt leaves an invalid index. Where the migrator counts one as made, the module builds it again.
  - How far a migration is stands in C(migrating/<target>.json) of O(state_dir), and C(status) prints it.
  - An image that can't list its migrations (Kratos up to 1.3) migrates an empty throw-away PostgreSQL without a network
    once, and the module keeps the list. That happens in check mode too, and touches nothing of the operator's.
requirements:
  - podman
  - psycopg2
  - PyYAML
extends_documentation_fragment:
  - olympus.bluegreen.attributes
  - olympus.bluegreen.deployment
  - olympus.bluegreen.schema_target
  - olympus.bluegreen.schema_apply
options:
  state_dir:
    description: Directory of the collection's state on this host. Its C(cache) keeps the lists of migrations.
    type: path
    default: /var/lib/olympus-bluegreen
  state:
    description: With V(read) the module lists what is pending. With V(migrated) it applies that.
    type: str
    choices: [read, migrated]
    default: migrated
  compose_file:
    description:
      - The rendered compose file of the new release. Image, environment and mounts come from it.
      - Without it the target itself says its C(image) and C(environment).
    type: path
    default: ""
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
      - Service of PostgreSQL in O(project). Where the DSN names it, the module connects from its network namespace.
      - To any other host of the DSN, and where this is empty, the module connects from this host.
    type: str
    default: ""
  shadow_image:
    description: Image of the throw-away PostgreSQL. Empty takes the image of O(database_service).
    type: str
    default: ""
  lock_timeout:
    description: Seconds that a migration waits for a lock. Then it gives up, and the module tries again.
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
    description: How often to try when PostgreSQL gives no lock in time.
    type: int
    default: 5
  max_transaction_age:
    description:
      - Refuse while a transaction has been open in the database for more seconds than this. V(0) switches that off.
      - A prepared transaction counts like one that is open.
    type: float
    default: 60.0
  release:
    description: Id of the release. If given, the module writes its result to C(releases/<id>/schema/<target>.json).
    type: str
    default: ""
attributes:
  check_mode:
    description: Reports what the module would apply. It may learn an image's list of migrations.
  diff_mode:
    description: Count and newest version of the migrations, before and after.
author:
  - olympus.bluegreen authors (@olympusoss)
seealso:
  - module: olympus.bluegreen.schema_proof
    description: Proves before the migration that the live colour keeps working.
  - module: olympus.bluegreen.schema_bridge
    description: Lets the old colour write to the new schema.
"""

EXAMPLES = r"""
- name: See what a release would apply
  olympus.bluegreen.ory_migrate:
    state: read
    target: {name: ciam_kratos, product: kratos, service: ciam-kratos, database: ciam_kratos}
    compose_file: /var/lib/olympus-bluegreen/stacks/green/compose.yml
    network: olympus-green
    project: prod
    database_service: postgres

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

- name: Run any migrator, here plain psql
  olympus.bluegreen.ory_migrate:
    network: shop_default
    target:
      name: shop
      image: docker.io/library/postgres:18-alpine
      command: [sh, -c, "psql -v ON_ERROR_STOP=1 -f /migrations/001.sql"]
      applied_query: SELECT version FROM schema_version
      volumes: ["/srv/shop/migrations:/migrations:ro"]
      environment:
        PGHOST: db
        PGDATABASE: shop
        PGUSER: shop
        PGPASSWORD: "{{ shop_password }}"
"""

RETURN = r"""
before:
  description: The migrations that were applied before.
  returned: always
  type: dict
  contains: &summary
    count:
      description: Number of migrations.
      type: int
      sample: 118
    latest:
      description: The newest version; empty where there is none.
      type: str
      sample: "20230706000000000001"
  sample: {count: 118, latest: "20230706000000000001"}
after:
  description: The migrations that are applied now. In check mode those that would be.
  returned: always
  type: dict
  contains: *summary
  sample: {count: 142, latest: "20241001000000000000"}
pending:
  description: The migrations that are still to be applied.
  returned: always
  type: list
  elements: dict
  contains: &migration
    version:
      description: The version as table C(schema_migration) holds it.
      type: str
      sample: "20241001000000000000"
    name:
      description: The name; empty where the image has none.
      type: str
      sample: identity_id
  sample: [{version: "20241001000000000000", name: identity_id}]
applied:
  description: The migrations that this run applied.
  returned: always
  type: list
  elements: dict
  contains: *migration
  sample: []
unknown:
  description: Applied versions that the image does not list.
  returned: always
  type: list
  elements: str
  sample: []
invalid_indexes:
  description: Indexes that a broken concurrent build left behind.
  returned: always
  type: list
  elements: str
  sample: [public.identities_nid_idx]
image:
  description: Id of the image that brings the migrations.
  returned: always
  type: str
  sample: 5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03
learned_by:
  description:
    - How the module learned what is pending, V(status), V(shadow) or V(cache).
    - Of any other migrator V(status_command) or V(applied_query).
  returned: always
  type: str
  sample: cache
verdict:
  description:
    - What the proof of O(release) says of this target and this image, V(SAFE), V(SAFE_IF_EXERCISED) or V(BREAKS).
    - V(NOT_JUDGED) where there is no such proof.
  returned: always
  type: str
  sample: SAFE
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
  sample: []
untried:
  description: Journeys that the proof could not try, each with the reason.
  returned: always
  type: list
  elements: str
  sample: []
bridges:
  description: The bridges that the proof was made with.
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
  sample: []
accepted:
  description: Who accepted the verdict; empty where it passed.
  returned: always
  type: dict
  contains:
    by:
      description: The operator.
      type: str
      sample: alice
    reason:
      description: Why the operator accepted it.
      type: str
      sample: this journey is not used here
    expires:
      description: The end of the exception, as C(bluegreen_accept) has it.
      type: str
      sample: "2026-12-31"
  sample: {}
backup:
  description: The last backup as it was found before the migration. Empty where nothing was migrated.
  returned: always
  type: dict
  contains:
    at:
      description: When it was made, in seconds since the epoch; 0 where that is not known.
      type: float
      sample: 1796090400.0
    age:
      description: Seconds since then.
      type: float
      sample: 5400.0
  sample: {at: 1796090400.0, age: 5400.0}
restore_point:
  description: The place in the server's WAL to which a backup can be played forward. Empty where nothing was migrated.
  returned: always
  type: dict
  contains:
    name:
      description: The name; empty where none could be made.
      type: str
      sample: olympus_bluegreen_v2-0123456789
    lsn:
      description: Where it is.
      type: str
      sample: 0/1A2B3C4
    why:
      description: Why none could be made.
      type: str
      sample: ""
  sample: {name: olympus_bluegreen_v2-0123456789, lsn: 0/1A2B3C4, why: ""}
drift:
  description: What the migrated schema has otherwise than the rehearsed one, a sentence an object.
  returned: always
  type: list
  elements: str
  sample: []
not_compared:
  description: Why the schema was not compared with a rehearsal; empty where it was, and where nothing was migrated.
  returned: always
  type: str
  sample: ""
noticed:
  description: What the live colour's logs said that may come from the migration and is no failure.
  returned: always
  type: list
  elements: str
  sample: []
attempts:
  description: How often the migration was started.
  returned: always
  type: int
  sample: 1
seconds:
  description: How long the migration took, waiting included.
  returned: always
  type: float
  sample: 3.4
steps:
  description: What was planned.
  returned: always
  type: list
  elements: str
  sample: [migrate ciam_kratos 24 pending]
partial:
  description: After a failure, what had been applied and what had not.
  returned: failure
  type: dict
  contains:
    applied:
      description: The migrations that this run applied.
      type: list
      elements: dict
      contains: *migration
    pending:
      description: The migrations that it did not apply.
      type: list
      elements: dict
      contains: *migration
    after:
      description: The migrations that are applied now.
      type: dict
      contains: *summary
  sample:
    applied: []
    pending: [{version: "20241001000000000000", name: identity_id}]
    after: {count: 118, latest: "20230706000000000001"}
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
