# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is told of an end, as values: one sentence for people, the same facts for machines. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from .._report import words
from .._state.redact import redact

VERSION = 1
FAILED, VERDICT = "failed", "verdict"
LONGEST = 600
# What the end of a stage says. ``idle`` is the colour that was idle when the stage began.
ENDS = {
    "migrate": "The schemas are migrated for %(version)s. %(live)s stays live.",
    "deploy": "%(version)s runs on %(idle)s and passed its gate. %(live)s stays live.",
    "cutover": "%(version)s is live on %(live)s. The watcher judges it now.",
    "rollback": "Rolled back: %(live)s is live.",
    "cleanup": "%(version)s is accepted on %(live)s. The containers of %(idle)s are removed.",
}


def of_stage(outcome: Mapping[str, Any], live_now: Callable[[], str]) -> dict[str, Any]:
    """{event, text, ...} of the end of a stage; ``outcome``: {stage, failed, why, version, idle}. {} for nothing."""
    stage = str(outcome.get("stage") or "")
    failed = bool(outcome.get("failed"))
    if not failed and stage not in ENDS:
        return {}
    live = live_now()
    if failed:
        text = "%s failed. Live: %s. %s" % (stage.capitalize(), live or "unknown", outcome.get("why") or "")
    else:
        said = {
            "version": outcome.get("version") or outcome.get("release") or "the release",
            "idle": outcome.get("idle") or "the other colour",
        }
        text = ENDS[stage] % {**said, "live": live or "no colour"}
    about = {name: outcome.get(name) or "" for name in ("stage", "version", "release")}
    return {"event": FAILED if failed else stage, "text": text.strip(), "live": live, **about}


def of_verdict(verdict: Mapping[str, Any]) -> dict[str, Any]:
    """Of the end of a watch, which the watcher tells; verdict.json as it is written."""
    rolled = verdict.get("rolled_back") or {}
    reasons = list(verdict.get("reasons") or [])
    text = "%s: %s %s %s" % (
        verdict.get("verdict"), words.headline(verdict), "; ".join(reasons[:3]), words.next_step(verdict)
    )  # fmt: skip
    return {
        "event": VERDICT,
        "text": text,
        "live": rolled.get("to") or verdict.get("colour") or "",
        "stage": "watch",
        "version": verdict.get("version") or "",
        "release": verdict.get("release") or "",
        "verdict": verdict.get("verdict") or "",
        "reasons": reasons,
        "rolled_back": bool(rolled.get("done")),
        "returned_to": rolled.get("to") or "",
    }


def chosen(notify: Mapping[str, Any], event: str) -> bool:
    """Whether the operator wants to hear of it."""
    events = notify.get("events") or ()
    return not events or event in events


def body(notify: Mapping[str, Any], message: Mapping[str, Any], about: Mapping[str, Any]) -> bytes:
    """The JSON that is sent; ``about``: {deployment, host, at}. Slack gets its ``text`` alone."""
    clean = redact({"v": VERSION, **message, **about})
    text = "%s on %s: %s" % (about["deployment"], about["host"], clean["text"])
    clean["text"] = text if len(text) <= LONGEST else text[: LONGEST - 3] + "..."
    return json.dumps({"text": clean["text"]} if notify.get("kind") == "slack" else clean, default=str).encode()
