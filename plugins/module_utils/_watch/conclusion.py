# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From judgement to act: the rollback first, then the record of it. A full disk must not stop the rollback."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .._core.clock import wait_until
from .._core.errors import BluegreenError
from .._core.files import read_json, write_json
from .._report.write import write_report
from .._state import events as record
from .._verdict.judge import FAIL
from .._verdict.parameters import Judgement
from .watcher import Watcher

CONFIRM_SECONDS = 10.0
TOP_ROUTES = 5
IN_EVENT = ("verdict", "release", "version", "colour", "flip", "reasons", "signed_off")

# So long (seconds) an old colour that does not answer is asked again before a FAIL leaves the new one live.
ASK_AGAIN_SECONDS = 20.0
# Essential services of a colour that are not ready now, in plain words.
Unready = Callable[[str], "list[str]"]


def roll_back(watcher: Watcher, unready: Unready) -> dict[str, Any]:
    """Move the switch back if that helps. {done, to, why, ms, seen_ms, token, public}; ``to`` '' where it stays.

    A way back that another watcher had begun is gone to its end: the switch may be moved already.
    """
    old, clock = watcher.config.old, watcher.inputs.clock
    try:
        if not watcher.rolling and not watcher.still_ours(watcher.read_switch()):
            return _moved(watcher)
        dead = [] if watcher.rolling else _dead(watcher, unready)
        if not watcher.rolling and not watcher.still_ours(watcher.read_switch()):
            return _moved(watcher)
        if dead:
            return {"done": False, "to": "", "why": "%s is not alive (%s)" % (old, "; ".join(dead))}
        watcher.note({"event": "rolling_back", "to": old, "flip": watcher.flip})
        begun = clock.monotonic()
        after = watcher.inputs.switch.rollback(expect_flip=watcher.flip)
        ms = 1000 * (clock.monotonic() - begun)
        if watcher.inputs.switch.passed:
            watcher.note({"event": "not_kept", "to": after.live, "why": watcher.inputs.switch.passed})
        behind = watcher.inputs.follow(after, watcher.note)
    except (BluegreenError, OSError) as exc:
        return {"done": False, "to": "", "why": str(exc)}
    if behind:
        return {"done": False, "to": "", "why": behind}
    watcher.inputs.observer.live = after.live
    others = wait_until(
        clock, lambda: watcher.inputs.public.others(after.live), lambda found: not found, CONFIRM_SECONDS
    )
    return {
        "done": True,
        "to": after.live,
        "why": "",
        "at": round(clock.now(), 3),
        "ms": round(ms, 1),
        "seen_ms": round(1000 * (clock.monotonic() - begun), 1),
        "token": after.token,
        "public": others,
    }


def _held(watcher: Watcher) -> dict[str, Any]:
    """To a colour that is known to fail the watcher does not go: a person decides. {} where that is not so."""
    if not watcher.config.stays or watcher.rolling:
        return {}
    return {"done": False, "to": "", "why": watcher.config.stays, "held": True}


def _moved(watcher: Watcher) -> dict[str, Any]:
    """The switch was moved by another hand first: ``to`` is the colour that is live now."""
    return {"done": False, "to": watcher.read_switch().live, "why": "the switch was moved meanwhile"}


def _dead(watcher: Watcher, unready: Unready) -> list[str]:
    """What of the old colour does not answer, asked again for a while: the bad release may be what slows it down.

    No answer (podman hangs, the edge begins again, no thread can be had) is no reason to stay: moving the switch
    needs no answer.
    """
    clock, old = watcher.inputs.clock, watcher.config.old
    deadline = clock.monotonic() + ASK_AGAIN_SECONDS
    while True:
        try:
            dead = unready(old)
        except Exception as exc:  # what keeps the watcher from asking must not keep visitors on a bad release
            watcher.note({"event": "not_asked", "detail": str(exc)})
            return []
        if not dead or clock.monotonic() >= deadline or not watcher.still_ours(watcher.read_switch()):
            return dead
        clock.sleep(1)


def verdict_of(watcher: Watcher, judgement: Judgement, rolled: dict[str, Any]) -> dict[str, Any]:
    """verdict.json. ``images`` are the ids that the release names: a later stage sees whether they still run."""
    config = watcher.config
    release = read_json(watcher.state.release(config.release, "release.json")) or {}
    old = read_json(watcher.state.stack(config.old, "services.json")) or {}
    images = {name: image.get("id", "") for name, image in (release.get("images") or {}).items()}
    routes = [{"route": name, "bad": count} for name, count in watcher.counts.routes.most_common(TOP_ROUTES)]
    return {
        "v": 1,
        "kind": "watch",
        "verdict": judgement.verdict,
        "release": config.release,
        "version": release.get("version") or config.version,
        "colour": config.colour,
        "old": {"colour": config.old, "release": old.get("release", ""), "adopted": bool(old.get("adopted"))},
        "flip": watcher.flip,
        # Who named a stack has our plays for what comes next.
        "plays": bool(config.stack),
        "since": watcher.counts.flipped or watcher.since,
        "until": watcher.inputs.clock.now(),
        "images": images,
        "reasons": list(judgement.reasons),
        "rolled_back": rolled,
        "signed_off": watcher.window.signed,
        "evidence": {**judgement.evidence, "routes": routes, "parameters": watcher.parameters.as_dict()},
    }


def conclude(watcher: Watcher, judgement: Judgement, unready: Unready) -> dict[str, Any]:
    """Act on the judgement and write it down; the verdict as written."""
    rolled: dict[str, Any] = {}
    if judgement.verdict == FAIL:
        rolled = _held(watcher) or roll_back(watcher, unready)
        watcher.note({"event": "rolled_back" if rolled["done"] else "not_rolled_back", **rolled})
    verdict = verdict_of(watcher, judgement, rolled)
    event = {name: verdict[name] for name in IN_EVENT}
    watcher.note({"event": "evidence", **verdict["evidence"]})
    try:
        write_json(watcher.state.release(watcher.config.release, "verdict.json"), verdict)
        event["returned_to"] = rolled.get("to", "")
        record.append(watcher.state.ledger, {"event": "verdict", **event}, verdict["until"])
        write_report(watcher.state, watcher.config.release)
    except (BluegreenError, OSError) as exc:
        watcher.note({"event": "not_written", "detail": str(exc)})
    watcher.note({"event": "verdict", **event})
    return verdict
