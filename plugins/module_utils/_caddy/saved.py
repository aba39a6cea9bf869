# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a Caddy that runs with ``--resume`` has saved of what its admin API told it: a restart loads that."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from typing import Any

from ansible_collections.olympus.bluegreen.plugins.module_utils._caddy.admin import Admin
from ansible_collections.olympus.bluegreen.plugins.module_utils._caddy.edge import Edge, environment, seen_file
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.clock import SystemClock, wait_until
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import BluegreenError

# Caddy saves just after it has begun to run a configuration, and somebody may give it another one meanwhile.
PATIENCE = 2.0


def require_saved(edge: Edge, admin: Admin) -> None:
    """Raises where a restart would not come up with what runs."""
    pid = edge.place().pid
    known = environment(pid)
    base = known.get("XDG_CONFIG_HOME") or os.path.join(known.get("HOME", "/"), ".config")
    path = os.path.join(base, "caddy", "autosave.json")
    if not wait_until(SystemClock(), lambda: _saved(pid, path) == admin.config(), bool, PATIENCE):
        raise BluegreenError(
            "the edge runs the new configuration but did not save it to %s: a restart would lose it" % path,
            mend="let its user write there",
        )


def _saved(pid: int, path: str) -> Any:
    """What the file holds, None where it is not there or half of it is."""
    with suppress(ValueError):
        return json.loads(seen_file(pid, path) or b"null")
    return None
