# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Data in, three documents out. Pure: the caller reads and writes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ansible_collections.olympus.bluegreen.plugins.module_utils._report import schema, words
from ansible_collections.olympus.bluegreen.plugins.module_utils._report.page import page
from ansible_collections.olympus.bluegreen.plugins.module_utils._state.redact import redact

VERSION = 1
EMPTY: dict[str, Any] = {"verdict": {}, "release": {}, "watch": [], "ledger": [], "schema": [], "written": 0.0}


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
    organic = (verdict.get("evidence") or {}).get("organic")
    if organic:
        lines.append("- users met %d errors in %d answers" % (organic["bad"], organic["n"]))
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
