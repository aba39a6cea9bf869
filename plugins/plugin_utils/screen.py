# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What ``status`` says: one screen (at most 40 lines of 110 columns) and one JSON from the same facts."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.olympus.bluegreen.plugins.module_utils._report import schema
from ansible_collections.olympus.bluegreen.plugins.plugin_utils.next_step import at, next_step
from ansible_collections.olympus.bluegreen.plugins.plugin_utils.world import World, world

COLUMNS, LINES, LABEL = 110, 40, 11
# What Ansible adds to the result of a module, and says nothing of the deployment.
OF_A_RESULT = {
    "ansible_facts", "changed", "deprecations", "diff", "exception", "failed", "invocation", "skipped", "warnings",
}  # fmt: skip
BAKE = 3600
# So many things that are wrong are told on the screen, the worst first; the JSON has all.
PROBLEMS = 8


def status_data(facts: Mapping[str, Any], bake: int = BAKE) -> dict[str, Any]:
    """Schema-versioned status: live, idle, edge, releases, schema, lock, verdict, findings, boot, what to type next.

    ``bake`` is the bake time in seconds. The time is the host's, as the facts have it.
    """
    seen = world(facts)
    step = next_step(seen, bake)
    return {
        "v": 1,
        "adopted": seen.adopted,
        "live": seen.live if seen.adopted else "",
        "idle": seen.idle if seen.adopted else "",
        "colours": {
            name: {
                "release": one.release,
                "version": one.version,
                "running": one.running,
                "adopted": one.adopted,
                "fails": list(one.fails),
                "fails_since": one.since,
            }
            for name, one in sorted(seen.colours.items())
        },
        "edge": {name: str((facts.get("edge") or {}).get(name) or "") for name in ("method", "cost")},
        "return_to": dict(seen.return_to) if seen.back else {},
        "stable": seen.stable,
        "fence": str(((facts.get("ledger") or {}).get("marks") or {}).get("fence") or ""),
        "schema": _schema(facts, seen),
        "migrating": list((facts.get("ledger") or {}).get("migrating") or []),
        "lock": _bare(seen.lock),
        "verdict": _verdict(seen),
        "singletons": list((facts.get("compose") or {}).get("singletons") or []),
        "boot": _bare(facts.get("boot")),
        "preview": _bare((facts.get("edge") or {}).get("preview")),
        "findings": [found.data() for found in seen.findings],
        "problems": list(seen.problems or seen.troubles),
        "misplaced": list(seen.misplaced),
        "next": step.line,
        "next_command": step.data(),
    }


def _bare(result: Mapping[str, Any] | None) -> dict[str, Any]:
    """What a module found, without what Ansible says of its run."""
    return {
        key: one for key, one in (result or {}).items() if key not in OF_A_RESULT and not key.startswith("_ansible")
    }


def _verdict(seen: World) -> dict[str, Any]:
    """The verdict on the flip in force or, after a rollback, on the one that was left: never on an earlier one."""
    both = (seen.verdict, seen.left) if seen.return_to else ()
    told = next((one for one in both if one and one.get("flip") == seen.return_to.get("flip")), {})
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


def status_screen(facts: Mapping[str, Any], bake: int = BAKE) -> list[str]:
    """At most LINES lines of at most COLUMNS columns. ``bake`` as for the JSON."""
    seen, data = world(facts), status_data(facts, bake)
    if not seen.adopted:
        return _fitting(_line("live", "not adopted"), list(seen.troubles), _line("next", data["next"]))
    lines = [line for label in ("live", "idle") for line in _one_colour(label, seen)]
    lines += _line("edge", "method %(method)s: %(cost)s" % data["edge"]) if data["edge"]["method"] else []
    lines += _line("rollback", _rollback(seen) + _by_hand(seen, facts, data["boot"]))
    lines += _line("stable", seen.stable or "-")
    lines += _line("schema", _schema_words(data))
    lines += [line for one in data["migrating"] for line in _line("migrating", _migrating(one, seen.now))]
    verdict = data["verdict"].get("verdict") or "none"
    if data["verdict"].get("signed_off"):
        verdict += " (signed off by %s)" % data["verdict"]["signed_off"]["by"]
    about = data["verdict"].get("release") if data["verdict"].get("release") != seen.colour(seen.live).release else ""
    words = [verdict, "(%s)" % about if about else "", "; ".join(data["verdict"].get("reasons") or [])]
    lines += _line("verdict", " ".join(word for word in words if word))
    lines += _line("mails", _mails(data["singletons"]))
    lines += _line("lock", _lock(seen, (facts.get("ledger") or {}).get("silent")))
    if data["boot"]:
        lines += _line("boot", str(data["boot"].get("story") or "-"))
    if data["preview"].get("commands"):
        lines += _line("preview", data["preview"]["commands"][0])
    ending = _line("next", data["next"])
    return _fitting(lines, [*map(str, seen.findings), *seen.misplaced], ending)


def _one_colour(label: str, seen: World) -> list[str]:
    name = seen.live if label == "live" else seen.idle
    one = seen.colour(name)
    state = "running" if one.running else "not running"
    ill = ""
    if one.fails:
        ill = "  SICK%s: %s since %s" % ("" if one.asked else ", as last seen", one.sick, at(one.since, seen.now))
    adopted = "  (adopted)" if one.adopted else ""
    return _line(label, "%-6s %s  %s%s%s" % (name, one.release or "-", state, adopted, ill))


def _fitting(lines: list[str], wrong: list[str], ending: list[str]) -> list[str]:
    """As many problems as the screen has room for, and how many more there are."""
    room = LINES - len(ending) - 1
    for index, item in enumerate(wrong):
        told = _line("PROBLEM", item)
        if index == PROBLEMS or len(lines) + len(told) > room:
            lines = lines + _line("PROBLEM", "and %d more: bluegreen_result.status has them all" % (len(wrong) - index))
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
    old = seen.colour(seen.idle)
    held = "" if old.release == (back.get("release") or old.release) else " (it holds %s by now)" % old.release
    word = "to" if old.running and not held else "NOT POSSIBLE now: to"
    return "%s %s, %s%s" % (word, back.get("colour"), back.get("release") or old.release, held)


def _by_hand(seen: World, facts: Mapping[str, Any], boot: Mapping[str, Any]) -> str:
    """The script on the edge host, where it would do something: it goes to no colour that was drained, and moves no
    edge that does not look at the switch itself."""
    edge = facts.get("edge") or {}
    looks = edge.get("edge") != "cloudflare" and str(edge.get("method") or "switch") == "switch"
    there = boot.get("rollback") and looks and seen.way_back and seen.idle in seen.reachable
    return "; without Ansible, on the edge host: %s" % boot["rollback"] if there else ""


def _migrating(one: Mapping[str, Any], now: float) -> str:
    return "%s, since %s" % (one["text"], at(float(one.get("began") or 0), now))


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
            places.setdefault("no colour", []).append(str(one.get("name")))
    return "; ".join("%s: %s" % (place, ", ".join(names)) for place, names in places.items()) or "-"


def _lock(seen: World, silent: float | None) -> str:
    """``silent``: seconds since the last beat of its run, None where that is unknown."""
    lock = seen.lock
    if not lock.get("holder"):
        return "free"
    held = max(0, int(seen.now - float(lock.get("since") or 0)))
    beat = "" if silent is None else ", last beat %d s ago" % silent
    return "%s, stage %s, for %d s%s (run %s)" % (lock["holder"], lock.get("stage"), held, beat, lock.get("run"))
