# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What became of each schema target, in words: for the page, for the Markdown and for ``status``. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

SENTENCES = {
    "SAFE": "safe: the old release works on the new schema",
    "SAFE_IF_EXERCISED": "safe as far as it was tried",
    "BLOCKING_LOCK": "locks a table for too long",
    "BRIDGE_REQUIRED": "needs a bridge",
    "BREAKS": "breaks the old release",
    "NOT_JUDGED": "not judged",
}
HEAD = ("Target", "Verdict", "Hop", "Migrations", "Why")
OBJECTS = ("Object", "Verdict", "Why")
LOCKS = ("Table", "Lock", "On the shadow", "On production, about", "Statement")
STATEMENTS = ("Seconds", "Statement")
# What of proof.json is beside the verdict.
DETAILS = ("objects", "locks", "statements", "in_flight", "exercised", "rows", "stalls", "probes")


def verdict(entry: Mapping[str, Any]) -> str:
    given = str(entry.get("verdict") or "NOT_JUDGED")
    return SENTENCES.get(given, given)


def migrations(entry: Mapping[str, Any]) -> str:
    """``applied`` is a list in a release's directory, and a count in what the ledger returns."""
    applied = entry.get("applied")
    if applied is None:
        return ""
    return "%d applied" % (len(applied) if isinstance(applied, (list, tuple)) else int(applied))


def let_through(entry: Mapping[str, Any]) -> str:
    """Who did it, why and until when; '' where it was not let through."""
    given = entry.get("accepted") or {}
    return "let through by %(by)s: %(reason)s, until %(expires)s" % given if given else ""


def bridges(entry: Mapping[str, Any]) -> str:
    names = [str(one["name"] if isinstance(one, Mapping) else one) for one in entry.get("bridges") or ()]
    return "with bridge %s" % ", ".join(names) if names else ""


def why(entry: Mapping[str, Any]) -> list[str]:
    untried = [str(one) for one in entry.get("untried") or ()]
    found = [*map(str, entry.get("reasons") or ()), "not tried: %s" % "; ".join(untried) if untried else ""]
    flows = len(entry.get("in_flight") or ())
    found += ["flows lost between the colours: %d" % flows if flows else ""]
    found += [exercised(entry)]
    return [one for one in (*found, bridges(entry), let_through(entry)) if one]


def rows(results: Sequence[Mapping[str, Any]]) -> list[tuple[str, ...]]:
    """Under HEAD, one for each target."""
    return [
        (
            str(entry.get("target") or entry.get("name") or "?"),
            verdict(entry),
            str(entry.get("hop") or ""),
            migrations(entry),
            "; ".join(why(entry)),
        )
        for entry in results
    ]


def lines(results: Sequence[Mapping[str, Any]]) -> list[str]:
    """One sentence for each target."""
    found = []
    for entry in results:
        hop = " (%s)" % entry["hop"] if entry.get("hop") else ""
        parts = [verdict(entry) + hop, migrations(entry), *why(entry)]
        found.append("schema %s: %s" % (entry.get("target") or "?", "; ".join(part for part in parts if part)))
    return found


def short(entry: Mapping[str, Any]) -> str:
    """For a screen: the first reason alone, and of what was not tried only how much that was."""
    reasons, untried = entry.get("reasons") or [], entry.get("untried") or []
    shown = verdict(entry).partition(":")[0]
    hop = " (%s)" % entry["hop"] if entry.get("hop") else ""
    parts = [shown + hop, str(reasons[0]) if reasons and entry.get("verdict") != "SAFE" else ""]
    parts += ["%d not tried" % len(untried) if untried else "", bridges(entry), let_through(entry)]
    applied = migrations(entry) or "0 applied"
    return "%s %s, %s" % (entry.get("target"), applied, ", ".join(part for part in parts if part))


Rows = list[tuple[str, ...]]


def exercised(entry: Mapping[str, Any]) -> str:
    """How many of the objects whose use decides the old program used; '' where none was to be decided so."""
    used, asked = entry.get("exercised") or (0, 0)
    return "%d of %d changed objects were used by the old program" % (used, asked) if asked else ""


def details(entry: Mapping[str, Any]) -> list[tuple[str, Sequence[str], Rows]]:
    """(title, head, rows) of each table with what the proof of a target saw; only those with rows."""
    name = str(entry.get("target") or "?")
    objects: Rows = [
        ("%(kind)s %(name)s" % one, str(one["verdict"]), str(one["why"])) for one in entry.get("objects") or ()
    ]
    locks: Rows = [
        (
            str(one["table"]),
            str(one["mode"]),
            _seconds(one["seconds"]),
            _seconds(one["estimate"]),
            str(one["statement"]),
        )
        for one in entry.get("locks") or ()
    ]
    ran: Rows = [(_seconds(one["seconds"]), str(one["sql"])) for one in entry.get("statements") or ()]
    flows: Rows = [(str(one),) for one in entry.get("in_flight") or ()]
    found: list[tuple[str, Sequence[str], Rows]] = [
        ("%s: changed objects (%d), %s" % (name, len(objects), exercised(entry)), OBJECTS, objects),
        ("%s: locks that its migration takes (%d)" % (name, len(locks)), LOCKS, locks),
        ("%s: flows that are lost on the way (%d)" % (name, len(flows)), ("Flow",), flows),
        ("%s: what its migration ran (%d statements)" % (name, len(ran)), STATEMENTS, ran),
    ]
    return [(title.rstrip(", "), head, rows) for title, head, rows in found if rows]


def _seconds(value: object) -> str:
    return "%.3f s" % float(str(value)) if value is not None else "not known"


def with_proof(results: Sequence[Mapping[str, Any]], proof: Mapping[str, Any]) -> list[dict[str, Any]]:
    """``results`` with what proof.json saw of the same image, and those of its targets that were never migrated: their
    verdict refused it."""
    told = proof.get("targets")
    targets = {
        name: one for name, one in (told if isinstance(told, Mapping) else {}).items() if isinstance(one, Mapping)
    }
    found = [_joined(one, targets.get(str(one.get("target"))) or {}) for one in results]
    there = {str(one.get("target")) for one in results}
    more = [{"target": name, **one} for name, one in targets.items() if name not in there]
    return sorted([*found, *more], key=lambda one: str(one.get("target")))


def _joined(result: Mapping[str, Any], proof: Mapping[str, Any]) -> dict[str, Any]:
    same = proof.get("new") == result.get("image")
    seen = {key: proof[key] for key in DETAILS if key in proof} if same else {}
    return {**result, **seen}
