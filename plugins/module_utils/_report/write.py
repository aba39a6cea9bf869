# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Collect what is known of a release and write its report beside it."""

from __future__ import annotations

import json
import os
import shlex
import time
from collections.abc import Mapping
from typing import Any

from .._core.files import read_json, write_atomic
from .._state import events
from .._state.directory import PROOF, StateDir
from .._state.redact import redact
from . import schema, words
from .page import page

# The program of the watcher, which also judges a recorded watch.
JUDGE = "ansible_collections.olympus.bluegreen.plugins.module_utils._watch.main"
VERSION = 1
EMPTY: dict[str, Any] = {"verdict": {}, "release": {}, "watch": [], "ledger": [], "schema": [], "written": 0.0}


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
        "schema": schema.with_proof(
            state.schema_results(release), read_json(state.release(release, "schema", PROOF)) or {}
        ),
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


def render(data: Mapping[str, Any]) -> dict[str, str]:
    """report.html, report.json and report.md from {verdict, release, watch, ledger, schema, written}.

    ``verdict`` and ``release`` are verdict.json and release.json ({} when there is none), ``watch`` and ``ledger``
    lists of events, ``schema`` the results of the schema targets, ``written`` epoch seconds. What looks like a secret
    is masked.
    """
    clean = redact({**EMPTY, **data})
    short = {key: clean[key] for key in ("verdict", "release", "schema", "ledger", "written")}
    return {
        "report.html": page(clean),
        "report.json": json.dumps({"v": VERSION, **short}, indent=2, sort_keys=True, default=str) + "\n",
        "report.md": markdown(clean),
    }


def markdown(data: Mapping[str, Any]) -> str:
    """About ten lines for a chat or a CI summary."""
    verdict = data["verdict"]
    lines = ["# %s: %s" % (verdict.get("verdict") or "no verdict", words.headline(verdict)), ""]
    lines += ["- %s" % reason for reason in verdict.get("reasons", [])[:5]]
    traffic = (verdict.get("evidence") or {}).get("traffic")
    if traffic:
        lines.append("- visitors met %d errors in %d answers" % (traffic["bad"], traffic["n"]))
    rolled = verdict.get("rolled_back") or {}
    if rolled.get("done"):
        lines.append("- back on %s in %.0f ms, seen after %.0f ms" % (rolled["to"], rolled["ms"], rolled["seen_ms"]))
    drain = words.last_drain(data["ledger"])
    for service, what, age in words.open_rows(drain.get("left") or [])[:5]:
        lines.append("- still connected to %s when it was stopped: %s, %s%s" % (
            drain["colour"], service, what, ", " + age if age else "",
        ))  # fmt: skip
    lines += ["- %s" % line for line in schema.lines(data["schema"])]
    lines += ["", "Now: %s" % words.next_step(verdict), ""]
    release = data["release"].get("id") or verdict.get("release") or "-"
    lines.append("Release %s, written %s" % (release, words.moment(data["written"])))
    return "\n".join(lines) + "\n"
