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
    "BREAKS": "breaks the old release",
    "NOT_JUDGED": "not judged",
}
HEAD = ("Target", "Verdict", "Hop", "Migrations", "Why")


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


def with_proof(results: Sequence[Mapping[str, Any]], proof: Mapping[str, Any]) -> list[dict[str, Any]]:
    """``results`` and those targets of proof.json that were never migrated: their verdict refused it."""
    targets = proof.get("targets")
    there = {str(one.get("target")) for one in results}
    refused = targets if isinstance(targets, Mapping) else {}
    more = [{"target": name, **one} for name, one in refused.items() if isinstance(one, Mapping) and name not in there]
    return sorted([*map(dict, results), *more], key=lambda one: str(one.get("target")))
