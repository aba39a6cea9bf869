# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What podman-compose says when it cannot read a project: its own words may quote a secret, names alone may not."""

from __future__ import annotations

import os
import re

from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.deployment.model import Wanted
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import CommandError

SHELL = "write it into %s/.env: what the shell of an operator or a deploy script exports is no part of a release"
# What it says, what is wrong, what fixes it; only a name is taken over.
KNOWN = (
    (r"required variable (\w+) is missing a value", "variable %s has no value", SHELL),
    (
        r"(No closing brace) found|Invalid (?:variable )?interpolation",
        "a ${...} cannot be read (%s); a command is split at its spaces before variables are filled in",
        "write $$ for a plain dollar, and a command with such a variable as a list",
    ),
    (r"volume \[([\w./ -]+)\] not defined in top level", "volume %s is not declared", "declare it below volumes"),
    (r"missing networks: ([\w., -]+)", "network %s is not declared", "declare it below networks"),
    (
        r"KeyError: '(\S+) not found at services\.",
        "service %s is extended but not there, or only in a profile",
        "move it into a file of its own, or take it out of its profile",
    ),
    (r"Object of type (date(?:time)?) is not JSON", "a value is an unquoted %s", "put it in quotes"),
    (
        r"'(set)' object has no attribute 'extend'",
        "a service that extends another one of the same file is extended or depended on itself (a %s is in its way)",
        "use a YAML anchor, or move the base into a file of its own",
    ),
    (
        r"'(dict)' object has no attribute 'strip'",
        "an entry of include is a mapping (%s)",
        "write the path alone, or use podman-compose 1.6.0",
    ),
    (
        r"could not determine a constructor for the tag '(!\w+)'",
        "this podman-compose does not know the tag %s",
        "do without it, or use podman-compose 1.4 or later",
    ),
    (
        r"No such file or directory: '([\w./-]+)'",
        "this podman-compose looks for %s in the wrong folder",
        "put the compose file into bluegreen_source itself, or use podman-compose 1.4 or later",
    ),
    (r"can't merge value of \[([\w.-]+)\]", "the files give %s as a list and as a mapping", "write it one way"),
)


def error(wanted: Wanted, directory: str, code: int, said: str) -> CommandError:
    where = "podman-compose cannot read %s in %s (rc %d)" % (", ".join(wanted.compose_files), directory, code)
    for pattern, wrong, fix in KNOWN:
        match = re.search(pattern, said)
        if match:
            fix = fix % directory if "%s" in fix else fix
            return CommandError(
                "%s: %s" % (where, wrong % match.group(1)), option="source", value=wanted.source, fix=fix
            )
    asked = "run '%s config -q' there and read its message" % os.path.basename(wanted.podman_compose)
    return CommandError(where, option="source", value=wanted.source, fix=asked)
