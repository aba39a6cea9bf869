# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the live colour's own log says while its schema changes below it, and for a while after.

A sign is a SQLSTATE and the names in its message. No other word of a log leaves this file: the rest may be a row.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone

from .._core.clock import Clock
from .._core.podman import Podman

# What a program that was written for another schema gets from the server, and what a Go program says by itself.
UNREAD = "missing destination"
BREAKS = ("23502", "42703", "42P01", "42P10", "42883", "42501", UNREAD)
# Once a session and prepared statement, and never again: a failure only where it goes on.
HEALS = "0A000"
# A value that a user sent may be what is wrong.
DOUBTFUL = ("22P02",)
CODE = re.compile(r"(?:SQLSTATE|\bcode)\W{1,6}(%s)\b" % "|".join([*BREAKS[:-1], HEALS, *DOUBTFUL]), re.IGNORECASE)
NAME = r'"?(?P<%s>[A-Za-z_][\w.$]*)"?'
TABLE, COLUMN = NAME % "table", NAME % "column"
# The message of a driver that tells no code.
MESSAGES = (
    ("23502", re.compile("null value in column %s(?: of relation %s)?" % (COLUMN, TABLE))),
    ("42703", re.compile("column %s(?: of relation %s)? does not exist" % (COLUMN, TABLE))),
    ("42P01", re.compile("relation %s does not exist" % TABLE)),
    ("42P10", re.compile("no unique or exclusion constraint matching the ON CONFLICT")),
    ("42501", re.compile(r"permission denied for \w+ %s" % TABLE)),
    ("42883", re.compile(r"function (?P<table>[A-Za-z_][\w.$]*)\(.*\) does not exist")),
    (HEALS, re.compile("cached plan must not change result type")),
    (UNREAD, re.compile("missing destination name %s" % COLUMN)),
)
# Seconds of the log from before the migration: what failed then already is none of its doing.
EARLIER = 600.0
EVERY = 1.0
SAME = 3600.0
LOG_SECONDS = 30.0


@dataclass(frozen=True, order=True)
class Sign:
    state: str
    object: str = ""

    def __str__(self) -> str:
        what = self.state if self.state == UNREAD else "SQLSTATE %s" % self.state
        return "%s (%s)" % (what, self.object) if self.object else what


Signs = Mapping[str, Mapping[Sign, int]]


def signs(log: str) -> Counter[Sign]:
    """Pure. How often each sign is in a log, a line at a time."""
    found: Counter[Sign] = Counter()
    for line in log.splitlines():
        one = _sign(line.replace('\\"', '"'))
        if one:
            found[one] += 1
    return found


def _sign(line: str) -> Sign | None:
    for state, pattern in MESSAGES:
        seen = pattern.search(line)
        if seen:
            parts = seen.groupdict()
            return Sign(state, ".".join(str(parts[key]) for key in ("table", "column") if parts.get(key)))
    code = CODE.search(line)
    return Sign(code.group(1).upper()) if code else None


@dataclass(frozen=True)
class Found:
    """By container. ``broken``: the live colour fails on the new schema; ``noticed``: it may not have been that."""

    broken: Sequence[str] = ()
    noticed: Sequence[str] = ()


def judge(before: Signs, half: Signs, end: Signs, sessions: int) -> Found:
    """Pure. ``half`` and ``end``: what was logged since the migration began, seen twice. ``sessions``: of the service.

    What was there before it is no sign of it, unless it names nothing.
    """
    broken: list[str] = []
    noticed: list[str] = []
    for container, counted in end.items():
        for sign, times in sorted(counted.items()):
            if sign in before.get(container, {}):
                continue
            text = "%s logged %s, %d times" % (container, sign, times)
            goes_on = times > half.get(container, {}).get(sign, 0) and times > sessions
            heals = sign.state in DOUBTFUL or (sign.state == HEALS and not goes_on)
            (noticed if heals else broken).append(text)
    return Found(tuple(broken), tuple(noticed))


@dataclass
class LiveLog:
    """``containers`` by name; ``unread``: of these Podman has no log."""

    podman: Podman
    clock: Clock
    containers: Sequence[str]
    began: float = 0.0
    before: Signs = field(default_factory=dict)
    unread: list[str] = field(default_factory=list)

    def begin(self, since: float = 0.0) -> None:
        """Right before the migration. ``since``: when the release's first target was, whose late effects are not this
        one's past; an hour later what is logged has other causes too."""
        now = self.clock.now()
        self.began = since if now - SAME <= since <= now else now
        self.before = self._read(self.began - EARLIER, self.began)

    def watch(self, seconds: float, sessions: int) -> Found:
        """From the end of the migration on. Ends early where the live colour fails."""
        ends = self.clock.monotonic() + seconds
        middle = self.clock.monotonic() + seconds / 2
        read = self.clock.now()
        half = seen = self._read(self.began)
        while self.clock.monotonic() < ends and not judge(self.before, half, seen, sessions).broken:
            self.clock.sleep(min(EVERY, max(0.05, ends - self.clock.monotonic())))
            # Only what is new: the log of an hour is long.
            since, read = read, self.clock.now()
            more = self._read(since)
            seen = {name: Counter(seen.get(name)) + Counter(more.get(name)) for name in more}
            half = seen if self.clock.monotonic() < middle else half
        return judge(self.before, half, seen, sessions)

    def _read(self, since: float, until: float = 0.0) -> Signs:
        return {name: self._one(name, since, until) for name in self.containers if name not in self.unread}

    def _one(self, name: str, since: float, until: float) -> Mapping[Sign, int]:
        words = ["--until", _moment(until)] if until else []
        said = self.podman.run("logs", "--since", _moment(since), *words, name, timeout=LOG_SECONDS)
        if said.rc != 0:
            self.unread.append(name)
        return signs(said.out + "\n" + said.err)


def _moment(at: float) -> str:
    """As Podman takes it, with its fraction: in whole seconds a line would count as older or newer than it is."""
    return datetime.fromtimestamp(at, timezone.utc).isoformat()
