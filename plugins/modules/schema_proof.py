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
  - Starts a throw-away PostgreSQL and brings it to production's state with the live images' own migrations.
  - Starts the live programs on it, migrates it by the new images, and asks the old and the new programs for logins,
    code flows, settings, lists and logouts, each also with what the other one made.
  - What worked before the migration and fails after it is V(BREAKS). The message names the journey, the SQLSTATE and
    the object in the database.
  - The module reads production and never writes to it. The network of the proof leads nowhere. The module removes
    everything of the proof at the end, also where it was killed.
  - C(releases/<id>/schema/proof.json) keeps the verdict. A rerun of the same release takes over one that passed.
  - The program of another migrator than Ory's is V(NOT_JUDGED), because no journey of its application is known.
  - Fails where a target does not pass and no entry of O(accept) allows it.
requirements:
  - podman
  - psycopg2
  - PyYAML
extends_documentation_fragment:
  - olympus.bluegreen.attributes
  - olympus.bluegreen.deployment
options:
  state_dir:
    description: Directory of the collection's state on this host.
    type: path
    default: /var/lib/olympus-bluegreen
  state:
    description:
      - V(judged) does all of it on this host, or takes from O(bundle) what the rehearsal host showed.
      - V(exported) writes what a rehearsal on another host needs to O(bundle), and tries nothing.
      - V(rehearsed) tries it on that other host, and writes what it saw to O(bundle) in its place.
    type: str
    default: judged
    choices: [judged, exported, rehearsed]
  bundle:
    description:
      - A file that only its owner may read, with production's schema, the programs and their configuration. Copy it
        with mode 0600, and remove it at the end.
      - The images have to be on the rehearsal host.
    type: path
    default: ""
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
        description: The product of Ory that migrates it. Any other migrator has a C(command) in its place.
        type: str
        choices: [kratos, hydra]
      service:
        description:
          - The service whose image migrates it, with its environment and mounts. Its variable C(dsn_env) leads to the
            database.
          - Not needed where there is no compose file.
        type: str
      database:
        description: Name of the database, to which the DSN must lead. Only a C(product) needs it.
        type: str
      image:
        description: Image of the migrator, where it is not that of C(service). It has to be on this host.
        type: str
      command:
        description:
          - What the image runs to migrate, behind its entrypoint. It must do nothing where nothing is pending.
          - A password does not belong here, since every user of the host can read it. Migrators read it from their
            environment.
        type: list
        elements: str
      status_command:
        description:
          - What the image runs to say what is pending. Each line of its output that C(status_pattern) finds is one
            migration.
          - It must change nothing, because it also runs in check mode.
        type: list
        elements: str
      status_pattern:
        description:
          - Regular expression for the lines of C(status_command) that name a pending migration. Without it every line
            counts that is not blank. The first group is the name.
          - Empty means that the exit code says it, and 0 is nothing pending.
        type: str
      applied_query:
        description:
          - SQL whose first column lists the applied versions. A table that is not there yet means none.
          - Without C(status_command) nothing says what is pending. The migrator then runs each time, and it is changed
            where this list changed.
        type: str
      dsn_env:
        description:
          - The variable of its environment with the database's address, as C(postgres://user:password@host/name). The
            default is C(DSN). The forms of SQLAlchemy and JDBC are understood too.
          - Where it is not set, C(PGHOST), C(PGDATABASE), C(PGUSER) and C(PGPASSWORD) say it.
        type: str
      environment:
        description: Environment of the migrator, added to that of C(service). It goes by no command line.
        type: dict
      volumes:
        description: Mounts of the migrator as C(/host/path:/path:ro), added to those of C(service).
        type: list
        elements: str
      replay:
        description:
          - What the proof asks of the service's program on the migrated schema, beside its health path and C(/).
          - Only for a target without a C(product), whose service is a coloured one.
        type: dict
        suboptions:
          paths:
            description: Pages that it reads as a browser does. One that was well before must stay of the same kind.
            type: list
            elements: str
            default: []
          command:
            description:
              - What runs in the live image with the throw-away database in place of production's. It ends with 0 if all
                is well.
            type: list
            elements: str
            default: []
      migrator_dsn_env:
        description:
          - The variable of its environment with the address for a role of its own. It is used only where a pooler keeps
            the bounds of C(dsn_env) from PostgreSQL.
          - That role is a member of the service's role, and its C(lock_timeout) is set by C(ALTER ROLE). What it makes
            is given to the service's role.
        type: str
  services:
    description: The services of a colour with their C(port) and C(admin_port).
    type: dict
  compose_file:
    description: The rendered compose file of the new release.
    type: path
    required: true
  network:
    description: The Podman network of the idle colour. From it the module asks an image for its migrations.
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
  rehearsal_data:
    description:
      - Which rows the throw-away database gets beside production's schema. V(lookup) is those of small tables that
        refer to no other, V(schema) is none but the migrations' own, V(sample) is some of every table.
      - The path of a dump of C(pg_dump) takes that backup in place of production's own schema.
    type: str
    default: lookup
  lock_budget:
    description:
      - Seconds that a migration may hold a lock which stops reads or writes. Three times the estimate must lie below
        it.
    type: float
    default: 2.0
  policy:
    description:
      - Verdict to V(proceed), V(ask) (an entry of O(accept) lets it through) or V(refuse). C(IN_FLIGHT) is for flows
        that are lost between the colours.
      - V(SAFE) and V(SAFE_IF_EXERCISED) proceed, and all others ask.
    type: dict
    default: {}
  release:
    description: Id of the new release.
    type: str
    required: true
  known:
    description: Names of all schema targets. The module refuses a directory of C(bridges) with another name.
    type: list
    elements: str
    default: []
  accept:
    description: Verdicts that the operator accepts.
    type: list
    elements: dict
    default: []
    suboptions:
      target:
        description: The schema target.
        type: str
        required: true
      hop:
        description: The hop, copied from the refusal.
        type: str
        required: true
      reason:
        description: Why it may go ahead.
        type: str
        required: true
      expires:
        description: A date, or a moment with its zone. The entry no longer counts after it.
        type: str
        required: true
  operator:
    description: The operator, for the record of what was accepted.
    type: str
    default: ""
  forward:
    description:
      - What the live colour fails already, where the operator leaves it for the new one. The module then records the
        verdict and refuses nothing.
    type: str
    default: ""
attributes:
  check_mode:
    description: Starts nothing.
  diff_mode:
    description: Production does not change, so there is no difference.
    support: none
author:
  - olympus.bluegreen authors (@olympusoss)
seealso:
  - module: olympus.bluegreen.ory_migrate
    description: Runs the migration after the proof.
  - module: olympus.bluegreen.schema_bridge
    description: Installs the bridges that the proof was made with.
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

- name: The same, with a verdict that the operator accepts until the end of the year
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
    accept:
      - target: ciam_kratos
        hop: kratos v1.0.0 -> v1.3.1
        reason: this journey is not used here
        expires: "2026-12-31"
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
      sample: SAFE
    hop:
      description: Product, old and new version.
      type: str
      sample: kratos v1.0.0 -> v1.3.1
    reasons:
      description: Why it does not pass, a sentence each.
      type: list
      elements: str
      sample: []
    untried:
      description: Journeys that fail before the migration too, so that the proof says nothing of them.
      type: list
      elements: str
      sample: []
    journeys:
      description: Number of journeys that were tried on the migrated schema.
      type: int
      sample: 25
    accepted:
      description: Who accepted it (C(by)), why (C(reason)) and until when (C(expires)); empty where it passed.
      type: dict
      sample: {}
  sample:
    ciam_kratos:
      verdict: SAFE
      hop: kratos v1.0.0 -> v1.3.1
      reasons: []
      untried: []
      journeys: 25
      accepted: {}
let_through:
  description: An event for the ledger for each verdict that O(accept) allows.
  returned: success
  type: list
  elements: dict
  contains:
    event:
      description: Always V(schema_accepted).
      type: str
      sample: schema_accepted
    release:
      description: Id of the release.
      type: str
      sample: v1.5.0-0123456789
    target:
      description: Name of the schema target.
      type: str
      sample: ciam_kratos
    hop:
      description: Product, old and new version.
      type: str
      sample: kratos v1.0.0 -> v1.3.1
    verdict:
      description: The verdict that was accepted.
      type: str
      sample: BREAKS
    by:
      description: The operator.
      type: str
      sample: alice
    reason:
      description: Why the operator accepted it.
      type: str
      sample: this journey is not used here
    expires:
      description: The end of the exception.
      type: str
      sample: "2026-12-31"
  sample: []
bundle:
  description: The file for the other host, or from it. Empty where nothing is pending, and with O(state=judged).
  returned: success
  type: str
  sample: ""
steps:
  description: What check mode leaves open.
  returned: always
  type: list
  elements: str
  sample: []
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
