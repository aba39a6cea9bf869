# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a watcher that died left on disk, so that the next one goes on where it stopped. Pure but for the reading."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Event = Mapping[str, Any]


@dataclass(frozen=True)
class Past:
    """``armed`` is empty where the watch had not seen the flip yet; ``events`` are all there are, it included.

    ``until`` is up to when the access log was counted (epoch seconds), ``containers`` what the new colour's were before
    the flip, ``rolling`` whether the way back had begun.
    """

    events: tuple[Event, ...] = ()
    armed: Event = field(default_factory=dict)
    until: float = 0.0
    containers: Mapping[str, tuple[str, int, int]] = field(default_factory=dict)
    rolling: bool = False

    @classmethod
    def of(cls, events: Sequence[Event]) -> Past:
        armed = next((event for event in events if event["event"] == "armed"), {})
        counted = [float(event["at"]) for event in events if event["event"] in ("armed", "sample")]
        seen: Event = next((event["seen"] for event in events if event["event"] == "containers"), {})
        return cls(
            tuple(events),
            armed,
            max(counted, default=0.0),
            {name: (str(state), int(start), int(restarts)) for name, (state, start, restarts) in seen.items()},
            any(event["event"] == "rolling_back" for event in events),
        )
