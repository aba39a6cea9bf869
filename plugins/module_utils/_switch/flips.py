# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The flip in force: who was live before, since when, and by which id its verdict is found. Pure."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass

from .._core.names import OTHER

# Ids of flips that no cutover made begin so.
HAND = "hand"
PLAIN = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]{0,99})?")


@dataclass(frozen=True)
class ReturnTo:
    """``flip`` is the id of the cutover that wrote it (16 hex digits, or HAND and 12), ``at`` seconds since the epoch.

    ``release`` is '' where a hand moved the switch and no run wrote down what the colour held.
    """

    colour: str
    release: str
    flip: str
    at: float


def parsed(content: bytes) -> ReturnTo:
    """What a cutover wrote down. Raises TypeError and ValueError for another shape: the edge's volume is no place that
    only we write, and a release or a flip is part of the name of a file."""
    value = json.loads(content.decode())
    found = ReturnTo(**value)
    named = all(isinstance(one, str) and PLAIN.fullmatch(one) for one in (found.release, found.flip))
    if not named or found.colour not in OTHER or isinstance(found.at, bool) or not isinstance(found.at, (int, float)):
        raise TypeError(content)
    return found


def by_hand(recorded: ReturnTo | None, live: str, drained: bool, at: float) -> ReturnTo:
    """The way back of a marker that a hand moved to ``live`` at ``at``; ``recorded`` is that of the last cutover.

    To where the last cutover came from it is a rollback, and the record says all. To a ``drained`` colour it is none:
    that one was emptied or got another release since, so the way back is to the colour that was left.
    """
    if recorded is not None and recorded.colour == live and not drained:
        return recorded
    old = OTHER[live]
    release = recorded.release if recorded is not None and recorded.colour == old else ""
    said = "%s %s %.6f" % (recorded.flip if recorded else "", live, at)
    return ReturnTo(old, release, HAND + hashlib.sha256(said.encode()).hexdigest()[:12], at)
