# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a watch is allowed to decide by: numbers that are recorded with its events, so that a replay uses the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, TypeVar

from . import stats

R = TypeVar("R", bound="Recorded")


@dataclass(frozen=True)
class Recorded:
    """Read from what was written of it; a name that is not known is passed over."""

    @classmethod
    def of(cls: type[R], values: Mapping[str, Any]) -> R:
        known = {item.name for item in fields(cls)}
        return cls(**{name: value for name, value in values.items() if name in known})


@dataclass(frozen=True)
class Parameters(Recorded):
    """``alpha`` is the chance that a watch of a release as good as the old one rolls it back, over all its metrics.

    ``ratio`` and ``floor`` say how much worse than the old colour the new one may be, ``margin`` how much more a
    PASS may leave open. ``slot`` (seconds) and ``min_slots``: bad answers count only when spread over so many slots.
    ``ceiling`` is the allowed share where the old colour answered too little to tell.
    """

    alpha: float = 0.01
    ratio: float = 1.5
    floor: float = 0.005
    margin: float = 0.005
    ceiling: float = 0.1
    slot: float = 5.0
    min_slots: int = 3
    consecutive: int = 3
    min_events: int = 300
    min_traffic: int = 60
    metrics: int = 2

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    @property
    def share_of_alpha(self) -> float:
        """Each metric's part of the error budget."""
        return self.alpha / max(1, self.metrics)

    @property
    def error_limit(self) -> float:
        """E of the error share that rolls back: half of the metric's budget, the baseline's bound has the other."""
        return 2 / self.share_of_alpha

    @property
    def pair_limit(self) -> float:
        return 1 / self.share_of_alpha


@dataclass(frozen=True)
class Baseline(Recorded):
    """The old colour's answers before the flip: ``n``, of them ``bad``, over ``seconds``; ``dispersion`` of the bad."""

    n: int = 0
    bad: int = 0
    dispersion: float = 1.0
    seconds: float = 0.0

    @property
    def share(self) -> float:
        return self.bad / self.n if self.n else 0.0

    def allowed(self, parameters: Parameters) -> float:
        """The share that the error test holds the new colour to."""
        return stats.allowed_share(
            self.bad,
            self.n,
            error=parameters.share_of_alpha / 2,
            ratio=parameters.ratio,
            floor=parameters.floor,
            ceiling=parameters.ceiling,
        )

    def passing(self, parameters: Parameters) -> float:
        """The share that the upper bound of the new colour has to stay under for a PASS: no credit for ignorance."""
        return max(parameters.ratio * self.share, parameters.floor) + parameters.margin


@dataclass(frozen=True)
class Judgement:
    """``verdict`` is '' while nothing is decided. ``evidence`` holds only counts, names and numbers."""

    verdict: str
    reasons: tuple[str, ...] = ()
    evidence: Mapping[str, Any] = field(default_factory=dict)
