# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a rollback asks before it moves the switch: is what it goes back to there, and alive? Never who has a lock."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from ..._core.errors import BluegreenError, Refused
from ..._core.files import read_json
from ..._core.podman import KIND, LABEL, SINGLETON, Podman
from ..._state.directory import StateDir
from ..._switch.switch import Switch, SwitchState
from ..config.query import ways
from ..running.base import root_of
from . import anonymous_visit
from .traffic import Traffic, release_of

NOT_IN_FORCE = "the switch is not in the edge's running configuration"
ADOPT = "run ansible-playbook bluegreen.yml --tags adopt -e version=<running version>"
FORCE = "-e bluegreen_force_rollback=true goes there anyway"


def require_adopted(switch: Switch) -> None:
    """Refused where there is no switch that a rollback could move."""
    if not switch.exists():
        raise Refused("nothing to roll back: not adopted (no switch at %s)" % switch.path, fix=ADOPT)


def check_target(traffic: Traffic, target: str, state_dir: str) -> None:
    """Refused where ``target`` is not what the way back names, or does not answer the edge.

    An edge with the switch that does not answer is no reason to stay: the switch moves without it.
    """
    check_same_release(traffic.switch, target, state_dir)
    try:
        config = traffic.admin.config()
    except BluegreenError as exc:
        if traffic.method == "switch":
            return
        raise Refused(exc.msg, option=exc.option, value=exc.value, fix=exc.fix) from exc
    if not traffic.in_force(config):
        raise Refused("%s: a rollback would not reach the edge" % NOT_IN_FORCE, fix="run the adopt stage")
    try:
        traffic.require_alive(target, config)
    except Refused as dead:
        raise Refused(dead.msg, fix="%s; %s" % (bring_back(_wanted(traffic.switch.read())), FORCE)) from dead


def check_same_release(switch: Switch, target: str, state_dir: str) -> None:
    """Refused where ``target`` holds another release than the one that the last cutover came from, or none any more."""
    state, there = switch.read(), release_of(state_dir, target)
    wanted = _wanted(state)
    if state.live != target and wanted and there and there != wanted:
        raise Refused(
            "%s now holds %s instead of %s, where the last cutover came from" % (target, there, wanted),
            fix="%s; %s" % (bring_back(wanted), FORCE),
        )
    if state.live != target and switch.rollback_blocked(target) and _cleaned(state_dir) == target:
        raise Refused("%s was cleaned up" % target, fix="%s; %s" % (bring_back(wanted), FORCE))


def confirm(
    traffic: Traffic, target: str, public: Sequence[Mapping[str, str]], since: float, timeout: float
) -> dict[str, Any]:
    """What the public names say, with the switch at ``target`` ``since`` then, and ``warnings``: a name that says no
    colour to anybody says nothing against a rollback. BluegreenError where nothing at all could be seen of it."""
    config, why = None, ""
    try:
        config = traffic.admin.config()
    except BluegreenError as exc:
        why = exc.msg
    if config is not None and not traffic.in_force(config):
        raise BluegreenError("the switch says %s, but %s" % (target, NOT_IN_FORCE), fix="run the adopt stage")
    names = traffic.confirming([[one] for one in public] or ways(config, root_of(traffic.edge)))
    warnings = [anonymous_visit.left_out(one) for one in names.walled]
    if not names.to_ask and config is None:
        raise BluegreenError(
            "the switch says %s, but no public name could be asked: %s" % (target, why),
            fix="ask a public name yourself, or list them in bluegreen_public",
        )
    if not names.to_ask:
        warnings.append("the switch says %s and the edge looks at it, but no public name can confirm it" % target)
        found: dict[str, object] = {"flipped_at": since, "seen_at": None, "ms": None, "observed": list(names.walled)}
    else:
        found = traffic.confirm(target, names.to_ask, since, timeout).result()
    return {**found, "open": traffic.open(config) if config is not None else {}, "warnings": warnings}


def _wanted(state: SwitchState) -> str:
    return state.return_to.release if state.return_to else ""


def bring_back(release: str) -> str:
    """The command that deploys a kept release again and goes there."""
    version = release.rpartition("-")[0] or "<version>"
    return "run ansible-playbook bluegreen.yml --tags rollback -e version=%s, which brings it back" % version


def edge_stopped(traffic: Traffic, target: str) -> BluegreenError | None:
    """The error to end with where no edge runs: the switch is moved, and the public names get no answer."""
    place = traffic.edge.place()
    if place.pid or place.doubt:
        return None
    return BluegreenError(
        "the switch says %s, but the edge %s is not running: the public names get no answer" % (target, place.name),
        fix="start it (podman start %s); it serves %s then" % (place.name, target),
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
