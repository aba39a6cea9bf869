# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The migration command of a product's image, learnt from its own ``--help``. Pure.

It must be learnt: an old Kratos has no ``status`` and takes the word for nothing, so ``migrate sql status -e --yes``
MIGRATES there.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import BluegreenError
from ansible_collections.olympus.bluegreen.plugins.module_utils._ory.cli import config_files

# Asked in this order; the answers go to ``form``.
HELP = (("migrate", "sql", "--help"), ("migrate", "--help"))
COMMANDS = re.compile(r"^Available Commands:\n((?:[ \t]+\S.*\n?)+)", re.MULTILINE)


@dataclass(frozen=True)
class Form:
    """Arguments after the program's name; ``status`` is empty where the binary can't tell without a database."""

    up: tuple[str, ...]
    status: tuple[str, ...] = ()


def commands(help_text: str) -> frozenset[str]:
    found = COMMANDS.search(help_text)
    return frozenset(line.split()[0] for line in found.group(1).splitlines()) if found else frozenset()


def form(sql_help: str, migrate_help: str) -> Form:
    of_sql = commands(sql_help)
    if {"up", "status"} <= of_sql:
        return Form(("migrate", "sql", "up", "-e", "--yes"), ("migrate", "sql", "status", "-e", "--format", "json"))
    if "--read-from-env" not in sql_help:
        raise BluegreenError("the image's `migrate sql` is none that we know", fix="is it the product's own image?")
    status = ("migrate", "status", "-e", "--format", "json") if "status" in commands(migrate_help) else ()
    return Form(("migrate", "sql", "-e", "--yes"), status)


def config_arguments(command: Sequence[str]) -> tuple[str, ...]:
    """The ``-c FILE`` parts of the service's own command, so that the migration reads the same configuration."""
    return tuple(part for path in config_files(command) for part in ("-c", path))
