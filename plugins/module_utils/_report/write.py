# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Collect what is known of a release and write its report beside it."""

from __future__ import annotations

import os
import shlex
import time
from typing import Any

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.files import read_json, write_atomic
from ansible_collections.olympus.bluegreen.plugins.module_utils._report.render import render
from ansible_collections.olympus.bluegreen.plugins.module_utils._report.schema import with_proof
from ansible_collections.olympus.bluegreen.plugins.module_utils._state import events
from ansible_collections.olympus.bluegreen.plugins.module_utils._state.directory import PROOF, StateDir

# The program of the watcher, which also judges a recorded watch.
JUDGE = "ansible_collections.olympus.bluegreen.plugins.module_utils._watch.main"


def collect(state: StateDir, release: str) -> dict[str, Any]:
    """What ``render`` takes; whatever is missing is left empty."""
    about = read_json(state.release(release, "release.json")) or {}
    mine = (release, about.get("version"))
    return {
        "release": {key: about[key] for key in ("id", "version", "created", "images") if key in about},
        "verdict": read_json(state.release(release, "verdict.json")) or {},
        "watch": events.read(state.release(release, "watch", "events.jsonl")),
        "ledger": [
            event
            for event in events.read(state.ledger)
            if event.get("release") in mine or (about and event.get("version") == about.get("version"))
        ],
        "schema": with_proof(state.schema_results(release), read_json(state.release(release, "schema", PROOF)) or {}),
        "written": time.time(),
        "replay": replay(state, release),
    }


def replay(state: StateDir, release: str) -> str:
    """The command that judges the recorded watch again, as a shell takes it; '' where the code of a judge is not kept.

    The code is the copy that the watcher runs from. Without site-packages: an `ansible_collections` there comes first.
    """
    library, record = state.path("lib"), state.release(release, "watch", "events.jsonl")
    # Of one that a power cut has torn, or that is being written, the name has a dot.
    names = [name for name in os.listdir(library) if "." not in name] if os.path.isdir(library) else []
    kept = [os.path.join(library, name) for name in names]
    if not kept or not os.path.exists(record):
        return ""
    mine = [path for path in kept if os.path.abspath(__file__).startswith(path + os.sep)]
    code = mine[0] if mine else max(kept, key=os.path.getmtime)
    return "PYTHONPATH=%s python3 -S -m %s --replay %s" % (shlex.quote(code), JUDGE, shlex.quote(record))


def write_report(state: StateDir, release: str) -> str:
    """Write report.html, report.json and report.md; the path of the first."""
    written = render(collect(state, release))
    for name, content in written.items():
        write_atomic(state.release(release, name), content)
    return state.release(release, "report.html")
