# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which verdict goes ahead, which needs an entry of ``bluegreen_accept``, which no entry lets through. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from .._core.errors import Refused
from .evidence import BLOCKING_LOCK, BREAKS, BRIDGE_REQUIRED, NOT_JUDGED, SAFE, SAFE_IF_EXERCISED

PROCEED, ASK, REFUSE = "proceed", "ask", "refuse"
# A flow that is begun before the flip and lost behind it: no verdict of the schema, and lost all the same.
IN_FLIGHT = "IN_FLIGHT"
DEFAULT = {
    SAFE: PROCEED,
    SAFE_IF_EXERCISED: PROCEED,
    BLOCKING_LOCK: ASK,
    BRIDGE_REQUIRED: ASK,
    BREAKS: ASK,
    NOT_JUDGED: ASK,
    IN_FLIGHT: ASK,
}


def policy(given: Mapping[str, str]) -> dict[str, str]:
    """The default with what the operator says otherwise. Raises Refused for an unknown verdict or word."""
    for name, word in given.items():
        if name not in DEFAULT:
            fix = "name one of %s" % ", ".join(DEFAULT)
            raise Refused("no such verdict", option="policy", value=str(name), fix=fix)
        if word not in (PROCEED, ASK, REFUSE):
            fix = "write proceed, ask or refuse"
            raise Refused("%s has an unknown word" % name, option="policy", value=str(word), fix=fix)
    return {**DEFAULT, **given}


def decision(verdict: str, in_flight: bool, said: Mapping[str, str]) -> str:
    """The stricter of what is said of the verdict and of flows in flight."""
    words = [said[verdict], *([said[IN_FLIGHT]] if in_flight else [])]
    return max(words, key=(PROCEED, ASK, REFUSE).index)
