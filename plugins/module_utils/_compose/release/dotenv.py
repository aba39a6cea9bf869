# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Environment files, read by python-dotenv as podman-compose reads them (it needs python-dotenv too).

``dotenv_values`` would fill in the variables of whoever runs us; here only the file and ``outside`` count.
"""

from __future__ import annotations

import io
from collections.abc import Mapping

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import BluegreenError

try:
    from dotenv.parser import parse_stream
    from dotenv.variables import parse_variables

    HAS_DOTENV = True
except ImportError:
    HAS_DOTENV = False


def parse(text: str, outside: Mapping[str, str] | None = None) -> dict[str, str | None]:
    """Names to values; a name without ``=`` has None. ``outside`` is what ``${NAME}`` may refer to besides the file."""
    if not HAS_DOTENV:
        raise BluegreenError("python-dotenv is missing on this host", fix="install python3-dotenv")
    values: dict[str, str | None] = {}
    for found in parse_stream(io.StringIO(text, newline="")):
        if found.key is not None:
            known = {**(outside or {}), **values}
            parts = None if found.value is None else [one.resolve(known) for one in parse_variables(found.value)]
            values[found.key] = None if parts is None else "".join(parts)
    return values
