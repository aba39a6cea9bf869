# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Releases of other people's programs: which are refused or warned of, and why. Data, and how a version is compared."""

from __future__ import annotations

import re
from dataclasses import dataclass

Version = tuple[int, ...]


@dataclass(frozen=True)
class KnownRelease:
    """Versions from ``since`` on and below ``before`` are ``level`` because of ``why``."""

    level: str
    since: str
    before: str
    why: str


# What is named here was run: podman-compose 1.0.3 to 1.6.0 on Podman 4.3.1, Caddy 2.6.2 and 2.11.3.
KNOWN: dict[str, tuple[KnownRelease, ...]] = {
    "podman": (
        KnownRelease("refuse", "0", "4.0", "`network connect` takes no fixed address"),
        KnownRelease("warn", "4.0", "4.3", "was never run with this collection"),
    ),
    "podman-compose": (
        KnownRelease(
            "refuse", "0", "1.0.6", "`config` prints nothing, and a changed image recreates nothing with rc 0"
        ),
        KnownRelease("refuse", "1.0.6", "1.2.0", "takes no compose file from its standard input"),
        KnownRelease("refuse", "1.3.0", "1.3.1", "waits for ever on depends_on conditions with Podman before 4.6"),
        KnownRelease("warn", "1.4.0", "1.5.0", "`up -d` of a service that is there ends with rc 125"),
        KnownRelease("warn", "1.2.0", "1.3.0", "rc 0 for a missing image (found by looking afterwards, but later)"),
    ),
    "caddy": (
        KnownRelease("refuse", "0", "2.5.2", "its admin endpoint has no ETag: concurrent changes can't be told"),
        KnownRelease("warn", "2.5.2", "2.6.2", "was never run with this collection"),
    ),
    "postgresql": (
        KnownRelease("refuse", "0", "12", "has no pg_stat_progress_create_index: half-built indexes look broken"),
    ),
    "python": (KnownRelease("refuse", "0", "3.9", "the modules need 3.9"),),
    "ansible": (KnownRelease("refuse", "0", "2.16", "the collection needs 2.16"),),
}
# podman-compose releases that are bad with some Podman only: (level and range) counts below this Podman.
ONLY_BELOW_PODMAN = {("podman-compose", "1.3.0"): "4.6"}
WANTED = {
    "podman": ">= 4.3",
    "podman-compose": ">= 1.2, best 1.6.0",
    "caddy": ">= 2.6.2",
    "postgresql": ">= 12",
    "python": ">= 3.9",
    "ansible": ">= 2.16",
}


def parse(text: str) -> Version:
    """The first dotted number in a text; () where there is none."""
    found = re.search(r"\d+(\.\d+)*", text)
    return tuple(int(part) for part in found.group(0).split(".")) if found else ()


def below(one: Version, other: Version) -> bool:
    """1.6 and 1.6.0 are the same."""
    length = max(len(one), len(other))
    return one + (0,) * (length - len(one)) < other + (0,) * (length - len(other))


def verdict(program: str, version: str, podman: str = "") -> KnownRelease | None:
    """What is known against a version, the worst first. An unreadable version is nothing known."""
    found = parse(version)
    if not found:
        return None
    hits = [
        known
        for known in KNOWN[program]
        if not below(found, parse(known.since))
        and below(found, parse(known.before))
        and _counts(program, known, podman)
    ]
    return next((known for known in hits if known.level == "refuse"), hits[0] if hits else None)


def _counts(program: str, known: KnownRelease, podman: str) -> bool:
    limit = ONLY_BELOW_PODMAN.get((program, known.since))
    return limit is None or below(parse(podman), parse(limit))
