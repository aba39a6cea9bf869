# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The option ``target`` of the modules that change a schema."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  target:
    description: The database, and what migrates it.
    type: dict
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
"""
