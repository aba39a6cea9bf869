# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""``bluegreen_accept``: verdicts on a migration that the operator lets through, each with a reason and an end. Pure."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

KEYS = ("target", "hop", "reason", "expires")
DATE = re.compile(r"\d{4}-\d\d-\d\d\Z")
UTC = datetime.timezone.utc
WHEN = "a date (2026-12-31) or a moment with its zone (2026-12-31T18:00:00Z)"
LONGEST = 500
# What the ledger calls it.
EVENT = "schema_accepted"


@dataclass(frozen=True)
class Entry:
    """``expires`` is as the operator wrote it; ``until`` is that moment in seconds since the epoch."""

    reason: str
    expires: str
    until: float


class Accepted(Entry):
    def noted(self, by: str) -> dict[str, str]:
        """What proof.json keeps as ``accepted``."""
        return {"reason": self.reason, "expires": self.expires, "by": by}


class Expired(Entry):
    def __str__(self) -> str:
        return (
            "bluegreen_accept has an entry for it that ended with %s (%s). Fix: give it a later `expires`, or delete it"
            % (self.expires, self.reason)
        )


def moment(expires: object) -> float | None:
    """When an entry ends: a date at the end of its day in UTC. None for what is neither date nor moment with a zone.

    YAML makes a date of a date that is not quoted.
    """
    text = expires.isoformat() if isinstance(expires, datetime.date) else str(expires).strip()
    try:
        if DATE.match(text):
            day = datetime.datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
            return (day + datetime.timedelta(days=1)).timestamp()
        given = datetime.datetime.fromisoformat(re.sub(r"[zZ]\Z", "+00:00", text))
    except (ValueError, OverflowError):
        return None
    return given.timestamp() if given.tzinfo is not None else None


def accepted(entries: Iterable[Mapping[str, Any]], target: str, hop: str, now: float) -> Accepted | Expired | None:
    """The entry for exactly this target and hop (as the refusal prints it), the one that ends last."""
    found = [
        (until, one)
        for one in entries
        for until in [moment(one.get("expires"))]
        if until is not None and one.get("target") == target and one.get("hop") == hop
    ]
    if not found:
        return None
    until, one = max(found, key=lambda pair: pair[0])
    written = one["expires"]
    expires = written.isoformat() if isinstance(written, datetime.date) else str(written).strip()
    made = Accepted if now < until else Expired
    return made(str(one["reason"]), expires, until)


def events(release: str, targets: Mapping[str, Mapping[str, Any]]) -> list[dict[str, str]]:
    """One for the ledger for each target of proof.json that was let through."""
    return [
        {
            "event": EVENT,
            "release": release,
            "target": name,
            "hop": str(one.get("hop") or ""),
            "verdict": str(one.get("verdict") or ""),
            **{key: str(one["accepted"].get(key) or "") for key in ("by", "reason", "expires")},
        }
        for name, one in sorted(targets.items())
        if one.get("accepted")
    ]


def wrong(entries: Iterable[Any]) -> Iterator[tuple[int, str, str, str, str]]:
    """(index, key, found, wanted, what to do) of everything that can't be meant."""
    for at, one in enumerate(entries):
        if not isinstance(one, Mapping):
            yield at, "", repr(one), "a dictionary", "write its %s" % ", ".join(KEYS)
            continue
        for key in sorted(str(key) for key in one if key not in KEYS):
            yield at, key, "unknown", "a key of an entry", "known are %s" % ", ".join(KEYS)
        for key in KEYS[:3]:
            value = one.get(key)
            if not isinstance(value, str) or not value.strip() or len(value) > LONGEST:
                shown = "missing" if value is None else repr(value)[:60]
                yield at, key, shown, "a text of at most %d letters" % LONGEST, FIXES[key]
        if moment(one.get("expires")) is None:
            shown = "missing" if one.get("expires") is None else repr(one["expires"])
            yield at, "expires", shown, "a date", "give " + WHEN


FIXES = {
    "target": "name the schema target, as the refusal prints it",
    "hop": "copy the hop from the refusal",
    "reason": "say in a sentence why it may go through",
}
