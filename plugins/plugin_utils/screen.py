# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What ``status`` says: one screen and one JSON from the same facts."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from ansible_collections.olympus.bluegreen.plugins.plugin_utils.stages import GOOD, World, world


def status_data(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Schema-versioned status: live, idle, releases, lock, last verdict, problems, what to type next."""
    seen = world(facts)
    return {
        "v": 1,
        "adopted": seen.adopted,
        "live": seen.live if seen.adopted else "",
        "idle": seen.idle if seen.adopted else "",
        "colours": {
            name: {"release": one.release, "version": one.version, "running": one.running, "adopted": one.adopted}
            for name, one in sorted(seen.colours.items())
        },
        "return_to": dict(seen.return_to),
        "stable": seen.stable,
        "fence": str(((facts.get("ledger") or {}).get("marks") or {}).get("fence") or ""),
        "lock": dict(seen.lock),
        "verdict": {
            key: seen.verdict.get(key) for key in ("verdict", "release", "flip", "reasons") if key in seen.verdict
        },
        "problems": list(seen.problems),
        "next": next_step(seen),
    }


def next_step(seen: World) -> str:
    """The one command that an operator would type now."""
    play = "ansible-playbook bluegreen.yml"
    if not seen.adopted:
        return play + " --tags adopt -e version=<running version>"
    if seen.problems:
        return play + " --tags adopt -e version=%s   (repairs what is named above)" % seen.colour(seen.live).version
    cut_over = seen.return_to.get("colour") == seen.idle and seen.stable != seen.colour(seen.live).release
    if cut_over and seen.verdict.get("flip") != seen.return_to.get("flip"):
        return play + " --tags watch"
    if cut_over and seen.verdict.get("verdict") in GOOD:
        return play + " --tags cleanup   (or --tags rollback)"
    if cut_over:
        return play + " --tags rollback"
    return play + " -e version=<new version>"


def status_screen(facts: Mapping[str, Any]) -> list[str]:
    """Lines of at most 110 columns."""
    seen, data = world(facts), status_data(facts)
    if not seen.adopted:
        return ["not adopted", "next       %s" % data["next"]]
    lines = []
    for name in (seen.live, seen.idle):
        one = seen.colour(name)
        what = "%s  %s" % (one.version or "-", "running" if one.running else "not running")
        lines.append(
            "%-10s %-6s %s%s"
            % ("live" if name == seen.live else "idle", name, what, "  (adopted)" if one.adopted else "")
        )
    back = seen.return_to
    lines.append(
        "rollback   %s" % ("to %s, %s" % (back.get("colour"), back.get("release")) if back else "nothing to go back to")
    )
    lines.append("stable     %s" % (seen.stable or "-"))
    verdict = data["verdict"].get("verdict") or "-"
    lines.append("verdict    %s %s" % (verdict, "; ".join(data["verdict"].get("reasons") or [])))
    lines.append("lock       %s" % _lock(seen.lock))
    lines.extend("PROBLEM    %s" % item for item in seen.problems)
    lines.append("next       %s" % data["next"])
    return lines


def _lock(lock: Mapping[str, Any]) -> str:
    if not lock.get("holder"):
        return "free"
    return "%s, stage %s, for %d s" % (lock["holder"], lock.get("stage"), time.time() - float(lock.get("since") or 0))
