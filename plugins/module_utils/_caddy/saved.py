# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a Caddy that runs with ``--resume`` has saved of what its admin API told it: a restart loads that."""

from __future__ import annotations

import json
import os
from typing import Any

from ansible_collections.olympus.bluegreen.plugins.module_utils._caddy.edge import Edge, environment, seen_file
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import BluegreenError


def require_saved(edge: Edge, config: Any) -> None:
    """Raises where a restart would not come up with ``config``."""
    pid = edge.place().pid
    known = environment(pid)
    base = known.get("XDG_CONFIG_HOME") or os.path.join(known.get("HOME", "/"), ".config")
    path = os.path.join(base, "caddy", "autosave.json")
    saved = seen_file(pid, path)
    if saved is None or json.loads(saved or b"null") != config:
        raise BluegreenError(
            "the edge runs the new configuration but did not save it to %s: a restart would lose it" % path,
            mend="let its user write there",
        )
