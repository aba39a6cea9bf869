# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Flows that are under way when the traffic changes sides. They last minutes, so they are evidence of their own."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..._health.session import Failed
from .side import Side


def begun(side: Side[Any], steps: Iterable[str]) -> dict[str, Any]:
    """Step -> a flow that stands there. One that can't be begun is missing: the side's own journeys say why."""
    found = {}
    for step in steps:
        try:
            found[step] = side.begin(step)
        except Failed:
            continue
    return found
