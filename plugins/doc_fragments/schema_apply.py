# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of what surrounds a migration: the backup before it, the schema it must leave, the live colour behind."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  transaction_timeout:
    description:
      - Seconds that a transaction of the migration may last and hold its locks. V(0) means as long as O(timeout).
      - Before PostgreSQL 17 it bounds a single statement, and the idle time within a transaction.
    type: float
    default: 0.0
  backup:
    description: The last backup, which is looked at before anything is migrated, and the restore point.
    type: dict
    default: {}
    suboptions:
      path:
        description: Files of the backups on this host, as a glob. The newest counts.
        type: str
        default: ""
      command:
        description:
          - Program that prints when the last backup was made, on its first line, as C(2026-11-30T02:00:00Z) or in
            seconds since the epoch.
        type: list
        elements: str
        default: []
      max_age:
        description: Seconds that the last backup may be old.
        type: float
        default: 86400.0
      policy:
        description:
          - What becomes of a migration without such a backup, or without a restore point. V(warn) warns of the backup.
          - V(ignore) asks for no backup and makes no restore point.
        type: str
        default: warn
        choices: [ignore, warn, refuse]
  drift:
    description: What becomes of a migration whose schema is not the one that was rehearsed.
    type: str
    default: refuse
    choices: [refuse, warn, ignore]
  watch:
    description: The live colour, whose logs are read after the migration and before any traffic moves.
    type: dict
    default: {}
    suboptions:
      colour:
        description: The live colour. Empty watches only C(containers).
        type: str
        default: ""
        choices: ["", blue, green]
      services:
        description: The compose services of that colour.
        type: list
        elements: str
        default: []
      containers:
        description: Names of further containers.
        type: list
        elements: str
        default: []
      seconds:
        description: How long to read on after the migration. V(0) reads the logs once.
        type: float
        default: 10.0
"""
