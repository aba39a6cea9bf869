# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Away from a live colour that fails, to an idle one that passes its own checks: when, and what the watcher may do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.olympus.bluegreen.plugins.plugin_utils.commands import forward
from ansible_collections.olympus.bluegreen.plugins.plugin_utils.world import failure, few

Fails = Sequence[Mapping[str, Any]]


def said(fails: Fails) -> str:
    """What a colour fails, in a few words; each failure once, whichever check found it."""
    return few(list(dict.fromkeys(map(failure, fails))))


def forward_refused(
    decision: Mapping[str, Any], fails: Fails, fix_forward: bool = False, version: str = "", stage: str = "cutover"
) -> str:
    """Why a cutover does not go ahead after its gate, or ''.

    ``fails``: what the live colour itself can't do. Back to a kept release goes who wants to leave the live one anyway.
    """
    live, idle = str(decision["live"]), str(decision["idle"])
    known = list(decision.get("live_fails") or [])
    if stage == "rollback":
        return ""
    if fix_forward and not fails and not known:
        well = "%s is live and passes its own checks: there is nothing to leave. Fix: leave bluegreen_fix_forward away"
        return well % live
    if fails and not fix_forward:
        return "%s is live and fails: %s. %s passes its own checks. Fix: %s" % (
            live,
            said(fails),
            idle,
            forward(version).line,
        )
    return ""


def forward_stays(decision: Mapping[str, Any], fails: Fails) -> str:
    """Why the watcher of this cutover must not roll back by itself, or ''."""
    return "%s itself fails: %s" % (decision["live"], said(fails)) if fails else ""
