# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What ``status`` says: one screen (at most 40 lines of 110 columns) and one JSON from the same facts."""

from __future__ import annotations

import textwrap
import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from ansible_collections.olympus.bluegreen.plugins.module_utils._report import schema
from ansible_collections.olympus.bluegreen.plugins.plugin_utils.stages import World, accepted, ready_at, world

PLAY = "ansible-playbook bluegreen.yml"
COLUMNS, LINES, LABEL = 110, 40, 11
# What Ansible adds to the result of a module, and says nothing of the deployment.
OF_A_RESULT = {
    "ansible_facts", "changed", "deprecations", "diff", "exception", "failed", "invocation", "skipped", "warnings",
}  # fmt: skip
BAKE = 3600
# So many things that are wrong are told on the screen, the worst first; the JSON has all.
PROBLEMS = 8


def status_data(facts: Mapping[str, Any], bake: int = BAKE, now: float | None = None) -> dict[str, Any]:
    """Schema-versioned status: live, idle, edge, releases, schema, lock, verdict, findings, boot, what to type next.

    ``bake`` is the bake time in seconds, ``now`` the time of the day in seconds since the epoch.
    """
    seen = world(facts)
    return {
        "v": 1,
        "adopted": seen.adopted,
        "live": seen.live if seen.adopted else "",
        "idle": seen.idle if seen.adopted else "",
        "colours": {
            name: {"release": one.release, "version": one.version, "running": one.running, "adopted": one.adopted}
            for name, one in sorted(seen.colours.items())
        },
        "edge": {name: str((facts.get("edge") or {}).get(name) or "") for name in ("method", "cost")},
        "return_to": dict(seen.return_to) if seen.back else {},
        "stable": seen.stable,
        "fence": str(((facts.get("ledger") or {}).get("marks") or {}).get("fence") or ""),
        "schema": _schema(facts, seen),
        "lock": _bare(seen.lock),
        "verdict": _verdict(facts, seen),
        "singletons": list((facts.get("compose") or {}).get("singletons") or []),
        "boot": _bare(facts.get("boot")),
        "preview": _bare((facts.get("edge") or {}).get("preview")),
        "findings": [asdict(found) for found in seen.findings],
        "problems": list(seen.problems or seen.troubles),
        "misplaced": list(seen.misplaced),
        "next": next_step(seen, bake, time.time() if now is None else now),
    }


def _bare(result: Mapping[str, Any] | None) -> dict[str, Any]:
    """What a module found, without what Ansible says of its run."""
    return {
        key: one for key, one in (result or {}).items() if key not in OF_A_RESULT and not key.startswith("_ansible")
    }


def _verdict(facts: Mapping[str, Any], seen: World) -> dict[str, Any]:
    """The verdict on what is live or, after a rollback, on what was left."""
    left = seen.return_to.get("colour") == seen.live
    releases = (facts.get("ledger") or {}).get("releases") or {}
    of_left = (releases.get(seen.colour(seen.idle).release) or {}).get("verdict") or {}
    told = of_left if left and of_left.get("flip") == seen.return_to.get("flip") else seen.verdict
    return {key: told[key] for key in ("verdict", "release", "flip", "reasons", "signed_off") if key in told}


def _schema(facts: Mapping[str, Any], seen: World) -> list[dict[str, Any]]:
    """The last migration of each target, of the newest release that had one."""
    releases = (facts.get("ledger") or {}).get("releases") or {}
    newest = sorted(releases.values(), key=lambda one: float(one.get("created") or 0))
    found: dict[str, dict[str, Any]] = {}
    for one in newest:
        for entry in one.get("schema") or []:
            found[str(entry.get("target"))] = {**entry, "release": one.get("id")}
    return [found[name] for name in sorted(found)]


def next_step(seen: World, bake: int, now: float) -> str:
    """The one command that an operator would type now."""
    if not seen.adopted:
        return PLAY + " --tags adopt -e version=<running version>"
    first = next((found for found in seen.findings if found.stops), None)
    if first is not None and first.mend.startswith("--tags"):
        return "%s %s" % (PLAY, first.mend)
    if first is not None:
        return first.mend
    if seen.misplaced:
        return PLAY + " --tags watch   (any stage mends a courier or singleton that is not in its place)"
    return _after_cutover(seen, bake, now) if seen.back else PLAY + " -e version=<new version>"


def _after_cutover(seen: World, bake: int, now: float) -> str:
    """What comes next while what is live is not accepted."""
    if seen.verdict.get("flip") != seen.return_to.get("flip"):
        return PLAY + " --tags watch"
    if accepted(seen.verdict) and seen.idle in seen.removing:
        return PLAY + " --tags cleanup   (goes on: it has begun to remove %s)" % seen.idle
    if accepted(seen.verdict) and now < ready_at(seen, bake):
        return PLAY + " --tags cleanup   (from %s on; until then --tags rollback)" % _at(ready_at(seen, bake), now)
    if accepted(seen.verdict):
        return PLAY + " --tags cleanup   (or --tags rollback)"
    if seen.verdict.get("verdict") == "INCONCLUSIVE":
        return PLAY + " --tags rollback   (or --tags watch -e bluegreen_watch_do=promote: you sign it off)"
    return PLAY + " --tags rollback"


def _at(moment: float, now: float) -> str:
    """A time of the day, with its day where that is another one."""
    same = time.gmtime(moment)[:3] == time.gmtime(now)[:3]
    return time.strftime("%H:%M UTC" if same else "%Y-%m-%d %H:%M UTC", time.gmtime(moment))


def status_screen(facts: Mapping[str, Any], bake: int = BAKE, now: float | None = None) -> list[str]:
    """At most LINES lines of at most COLUMNS columns. ``bake`` and ``now`` as for the JSON."""
    seen, data = world(facts), status_data(facts, bake, now)
    if not seen.adopted:
        return _fitting(_line("live", "not adopted"), list(seen.troubles), _line("next", data["next"]))
    lines: list[str] = []
    for label, name in (("live", seen.live), ("idle", seen.idle)):
        one = seen.colour(name)
        state = "running" if one.running else "not running"
        lines += _line(label, "%-6s %s  %s%s" % (name, one.release or "-", state, "  (adopted)" if one.adopted else ""))
    lines += _line("edge", "method %(method)s: %(cost)s" % data["edge"]) if data["edge"]["method"] else []
    lines += _line("rollback", _rollback(seen) + _by_hand(seen, data["boot"]))
    lines += _line("stable", seen.stable or "-")
    lines += _line("schema", _schema_words(data))
    verdict = data["verdict"].get("verdict") or "none"
    if data["verdict"].get("signed_off"):
        verdict += " (signed off by %s)" % data["verdict"]["signed_off"]["by"]
    about = data["verdict"].get("release") if data["verdict"].get("release") != seen.colour(seen.live).release else ""
    words = [verdict, "(%s)" % about if about else "", "; ".join(data["verdict"].get("reasons") or [])]
    lines += _line("verdict", " ".join(word for word in words if word))
    lines += _line("mails", _mails(data["singletons"]))
    lines += _line("lock", _lock(seen.lock))
    if data["boot"]:
        lines += _line("boot", str(data["boot"].get("story") or "-"))
    if data["preview"].get("commands"):
        lines += _line("preview", data["preview"]["commands"][0])
    ending = _line("next", data["next"])
    return _fitting(lines, [*map(str, seen.findings), *seen.misplaced], ending)


def _fitting(lines: list[str], wrong: list[str], ending: list[str]) -> list[str]:
    """As many problems as the screen has room for, and how many more there are."""
    room = LINES - len(ending) - 1
    for index, item in enumerate(wrong):
        told = _line("PROBLEM", item)
        if index == PROBLEMS or len(lines) + len(told) > room:
            lines = lines + _line("PROBLEM", "and %d more: bluegreen_status has them all" % (len(wrong) - index))
            break
        lines = lines + told
    return lines + ending


def _line(label: str, text: str) -> list[str]:
    """The text beside its label, wrapped."""
    wrapped = textwrap.wrap(text, COLUMNS - LABEL, break_on_hyphens=False) or [""]
    return [("%-*s%s" % (LABEL, label if not index else "", part)).rstrip() for index, part in enumerate(wrapped)]


def _rollback(seen: World) -> str:
    back = seen.return_to
    if not back:
        return "nothing to go back to"
    if back.get("colour") == seen.live:
        return "done: %s is live again" % seen.live
    if not seen.back:
        return "%s was accepted; earlier kept releases: --tags rollback -e version=<version>" % seen.stable
    if seen.idle in seen.removing:
        return "NOT POSSIBLE now: %s is being removed" % seen.idle
    word = "to" if seen.colour(seen.idle).running else "NOT POSSIBLE now: to"
    return "%s %s, %s" % (word, back.get("colour"), back.get("release"))


def _by_hand(seen: World, boot: Mapping[str, Any]) -> str:
    """The script on the edge host, where it would do something: it goes to no colour that was drained."""
    open_ = seen.idle in seen.reachable and seen.idle not in seen.removing and seen.colour(seen.idle).running
    there = boot.get("rollback") and seen.back and open_
    return "; without Ansible, on the edge host: %s" % boot["rollback"] if there else ""


def _schema_words(data: Mapping[str, Any]) -> str:
    told = [schema.short(one) for one in data["schema"]]
    fence = "fence at %s" % data["fence"] if data["fence"] else "no fence yet"
    return "; ".join([*told, fence])


def _mails(singletons: Iterable[Mapping[str, Any]]) -> str:
    places: dict[str, list[str]] = {}
    for one in singletons:
        held = [holder for holder in one.get("holders") or [] if holder.get("state") == "running"]
        for where in dict.fromkeys(str(holder.get("place")) for holder in held):
            places.setdefault(where, []).append(str(one.get("name")))
        if not held:
            places.setdefault("nobody", []).append(str(one.get("name")))
    return "; ".join("%s: %s" % (place, ", ".join(names)) for place, names in places.items()) or "-"


def _lock(lock: Mapping[str, Any]) -> str:
    if not lock.get("holder"):
        return "free"
    return "%s, stage %s, for %d s" % (lock["holder"], lock.get("stage"), time.time() - float(lock.get("since") or 0))
