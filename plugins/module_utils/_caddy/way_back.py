# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a rollback asks before it moves the switch: is what it goes back to there, and alive? Never who has a lock."""

from __future__ import annotations

import os

from ansible_collections.olympus.bluegreen.plugins.module_utils._caddy.traffic import Traffic, release_of
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import BluegreenError, Refused
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.files import read_json
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.podman import KIND, LABEL, SINGLETON, Podman
from ansible_collections.olympus.bluegreen.plugins.module_utils._ledger.state import StateDir

FORCE = "-e bluegreen_force=true goes there all the same"


def require(traffic: Traffic, target: str, state_dir: str) -> None:
    """Refused where ``target`` is not what the way back names, or does not answer the edge."""
    state = traffic.switch.read()
    wanted = state.return_to.release if state.return_to else ""
    there = release_of(state_dir, target)
    if state.live != target and wanted and there and there != wanted:
        raise Refused(
            "%s holds %s by now, not %s, where the last cutover came from" % (target, there, wanted),
            mend="%s; %s" % (bring_back(wanted), FORCE),
        )
    try:
        traffic.require_alive(target)
    except Refused as dead:
        cleaned = "%s was cleaned up. " % target if _cleaned(state_dir) == target else ""
        raise Refused(cleaned + dead.msg, mend="%s; %s" % (bring_back(wanted), FORCE)) from dead


def bring_back(release: str) -> str:
    """The command that deploys a kept release again and goes there."""
    version = release.rpartition("-")[0] or "<version>"
    return "ansible-playbook bluegreen.yml --tags rollback -e version=%s brings it back" % version


def asleep(traffic: Traffic, target: str) -> BluegreenError | None:
    """The error to end with where no edge runs: the switch is moved, and nobody answers the public names."""
    place = traffic.edge.place()
    if place.pid:
        return None
    return BluegreenError(
        "the switch says %s, but the edge %s is not running: nobody answers the public names" % (target, place.name),
        mend="start it (podman start %s); it serves %s then" % (place.name, target),
    )


def singletons_follow(podman: Podman, deployment: str, state_dir: str, target: str) -> bool:
    """Whether a courier or another singleton may have to be moved to ``target``. A doubt is a yes.

    None of ours is there to be ended, and an adopted colour has none of ours to be started: then nothing has to.
    """
    asked = ["--filter", "label=%s=%s" % (LABEL, deployment), "--filter", "label=%s=%s" % (KIND, SINGLETON)]
    try:
        known = read_json(os.path.join(state_dir, "stacks", target, "services.json")) or {}
        return not known.get("adopted") or bool(podman.must("ps", "-a", "-q", *asked, timeout=10).split())
    except (AttributeError, BluegreenError, OSError):
        return True


def _cleaned(state_dir: str) -> str:
    """The colour that was cleaned up last, as far as the state directory can be read: it explains, it never decides."""
    try:
        return str(StateDir(state_dir).read_marks().get("cleaned") or "")
    except (BluegreenError, OSError):
        return ""
