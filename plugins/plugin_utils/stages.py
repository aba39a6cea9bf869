# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a stage may do, decided from what preflight saw: pure, so that every rule has a row in a table of tests."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

from ansible_collections.olympus.bluegreen.plugins.plugin_utils.commands import NEW, STATUS, WATCH
from ansible_collections.olympus.bluegreen.plugins.plugin_utils.commands import forward as forward_command
from ansible_collections.olympus.bluegreen.plugins.plugin_utils.commands import release as release_command
from ansible_collections.olympus.bluegreen.plugins.plugin_utils.world import (
    Colour,
    World,
    accepted,
    world,
)

__all__ = ["Colour", "Decision", "World", "accepted", "world"]


@dataclass(frozen=True)
class Decision:
    """``refusal`` is a sentence with its fix, or empty; ``proceed`` is false where there is nothing left to do.

    ``kept``: the kept release that is rendered instead of a new one; ``fast``: the switch alone does it.
    ``resume``: a cutover to the live colour stopped half way through the public names, and only that is left to do.
    ``since`` is when the live colour went live (seconds since the epoch), known to cleanup alone.
    ``follow``: the release whose watch speaks of the flip that is in force after a cutover stage; '' where none is.
    ``clears``: the operator's own containers on the idle colour go first.
    ``begin``: that flip has no watch yet. ``live_fails``: what is known to be wrong with the live colour, and
    ``idle_fails`` with the other one: no watcher rolls back to that by itself.
    """

    refusal: str = ""
    summary: str = ""
    proceed: bool = False
    live: str = "blue"
    idle: str = "green"
    release: str = ""
    misplaced: tuple[str, ...] = ()
    replaces_containers: bool = False
    kept: str = ""
    fast: bool = False
    start_colours: tuple[str, ...] = ()
    resume: bool = False
    since: float = 0.0
    follow: str = ""
    begin: bool = False
    clears: bool = False
    live_fails: tuple[str, ...] = ()
    idle_fails: str = ""

    def data(self) -> dict[str, Any]:
        return dict(vars(self))


def _base(seen: World) -> dict[str, Any]:
    old = seen.colour(seen.idle)
    return {"live": seen.live, "idle": seen.idle, "release": old.release, "misplaced": seen.misplaced}


def _unfit(seen: World, forward: bool = False) -> str:
    """``forward``: what is wrong with the live colour alone is what the stage leads away from."""
    if not seen.adopted:
        return "Not adopted yet. Fix: run ansible-playbook bluegreen.yml --tags adopt -e version=<running version>"
    stops = [found for found in seen.findings if found.stops and not (forward and found in seen.broken)]
    if stops:
        named = "; ".join(map(str, stops))
        changed = "Containers or configuration were changed outside this collection"
        return "%s: %s. Full list: %s" % (changed, named, STATUS.line)
    return ""


def repair_decision(seen: World) -> Decision:
    """What adopt finds: nothing yet, or a deployment of ours in which it brings back what has to run."""
    base = _base(seen)
    if not seen.adopted:
        return Decision(summary="the running stack becomes blue", proceed=True, **base)
    named = "; ".join(found.what for found in seen.findings) or "nothing to repair"
    said = "%s is live" % seen.live if seen.known else "the live colour is not known"
    return Decision(
        summary="%s. %s" % (said, named), proceed=True, start_colours=seen.awake if seen.known else (), **base
    )


def undo_decision(seen: World) -> Decision:
    """May the adoption be undone? Only to the adopted containers themselves; a managed colour goes before."""
    base = _base(seen)
    if seen.adopted and seen.known and seen.live != "blue":
        return Decision(
            refusal="green is live, and your own configuration only knows blue. Fix: run ansible-playbook "
            "bluegreen.yml --tags rollback, then undo",
            **base,
        )
    blue = seen.colour("blue")
    if blue.release and not blue.adopted:
        return Decision(
            refusal="Undo is not possible: cleanup has removed the original containers of blue. Fix: to leave "
            "blue/green, start your project in a maintenance window and stop the managed containers",
            **base,
        )
    return Decision(
        summary="the adoption is undone, blue runs on", proceed=True, replaces_containers=bool(base["release"]), **base
    )


def _is_live(seen: World, version: str) -> bool:
    return bool(version) and seen.colour(seen.live).version == version


def release_decision(seen: World, version: str, forward: bool = False, clears: bool = False) -> Decision:
    """May ``version`` be prepared (preflight, migrate, deploy) on the idle colour? A colour that a rollback could not
    go to anyway, as it is sick or not whole, is nothing to keep. ``clears``: the operator's own containers may go.
    """
    base = _base(seen)
    refusal = _unfit(seen, forward)
    if refusal:
        return Decision(refusal=refusal, **base)
    same = forward and seen.colour(seen.idle).version == version and seen.idle_differs
    if _is_live(seen, version) and not same:
        return Decision(summary="%s is live on %s already: nothing to do" % (version, seen.live), **base)
    if seen.way_back and seen.colour(seen.idle).version != version:
        return Decision(
            refusal="%s holds %s, where a rollback goes back to, and %s is not accepted yet. Fix: run ansible-playbook "
            "bluegreen.yml --tags %s, or --tags rollback (give it up)"
            % (seen.idle, seen.colour(seen.idle).version, seen.colour(seen.live).version, _settles(seen)),
            **base,
        )
    old = seen.colour(seen.idle)
    if old.adopted and seen.back and not (forward or clears):
        return Decision(
            refusal="%s is still your own project's containers, and %s is not accepted. Fix: %s removes them first"
            % (seen.idle, seen.colour(seen.live).version, release_command(version, True).line),
            **base,
        )
    return Decision(
        clears=old.adopted and forward,
        summary="%s goes to %s, %s stays live" % (version, seen.idle, seen.live),
        proceed=True,
        replaces_containers=old.pending or (old.running and old.version != version),
        **base,
    )


def _settles(seen: World) -> str:
    """What leads to the acceptance of the flip in force."""
    return "cleanup (accept it)" if accepted(seen.verdict) or seen.judged else "watch (judge it)"


def cutover_decision(seen: World, version: str, check_mode: bool = False, forward: bool = False) -> Decision:
    """Is the idle colour the one that ``version`` was deployed to? In check mode no run has deployed it."""
    if _half_way(seen, version):
        live = {**_base(seen), "release": seen.colour(seen.live).release, "follow": seen.colour(seen.live).release}
        return Decision(summary="%s goes on: %s to follow" % (version, ", ".join(seen.behind)), resume=True, **live)
    first = release_decision(seen, version, forward)
    idle = seen.colour(seen.idle)
    missing = idle.version != version or not idle.running or idle.drifted
    ahead = not (forward or missing) and not cutover_decision(seen, version, check_mode, True).refusal
    if first.refusal and ahead:
        return replace(first, refusal="%s. Or, where %s is well: %s" % (first.refusal, seen.idle, _forward(version)))
    if first.refusal or not first.proceed:
        return replace(first, follow=seen.colour(seen.live).release if seen.back else "", begin=_unwatched(seen))
    if missing and check_mode:
        return Decision(
            summary="will be checked: whether %s holds %s and passes its gate" % (seen.idle, version), **_base(seen)
        )
    if missing:
        held = idle.version or "nothing"
        return Decision(
            refusal="%s holds %s%s, not %s. Fix: run ansible-playbook bluegreen.yml --tags deploy -e version=%s"
            % (seen.idle, held, _lacks(idle), version, version),
            **_base(seen),
        )
    return Decision(
        summary="%s (%s) goes live" % (seen.idle, version),
        proceed=True,
        follow=idle.release,
        live_fails=_wrong_with_live(seen),
        **_base(seen),
    )


def _forward(version: str) -> str:
    return forward_command(version).line


def _wrong_with_live(seen: World) -> tuple[str, ...]:
    """What is known without asking it again."""
    failed = seen.judged.get("verdict") == "FAIL"
    watch = ("the watch of its cutover said FAIL",) if failed else ()
    return (*(found.what for found in seen.broken), *watch)


def _unwatched(seen: World) -> bool:
    """Whether the flip in force has no verdict and still needs one."""
    return seen.back and not seen.judged


def watch_decision(seen: World) -> Decision:
    """Whose watch is followed: that of the flip in force or, behind a rollback, of the flip that was left."""
    live, idle = seen.colour(seen.live), seen.colour(seen.idle)
    base = {**_base(seen), "release": live.release}
    if not seen.adopted or not (seen.return_to or seen.stable):
        return Decision(
            refusal="nothing to watch: no cutover yet. Fix: %s begins one" % release_command(NEW).line, **base
        )
    if seen.back:
        held = "%s itself fails: %s" % (seen.idle, idle.sick) if idle.fails else ""
        said = "%s is live on %s since its cutover" % (live.version, seen.live)
        begin = _unwatched(seen)
        return Decision(summary=said, proceed=True, follow=live.release, begin=begin, idle_fails=held, **base)
    # Its watcher may be about to write its verdict down: that is what is asked for.
    left = not seen.left or seen.left.get("flip") == seen.return_to.get("flip")
    if seen.return_to.get("colour") == seen.live and idle.release and left:
        return Decision(summary="%s is live again" % live.version, proceed=True, **base, follow=idle.release)
    said = "accepted" if seen.flipped else "live, and no cutover is in force"
    return Decision(summary="%s is %s" % (live.version, said), **base)


def _half_way(seen: World, version: str) -> bool:
    """Nothing else is wrong than that public names do not follow the cutover to this very version."""
    alone = all(found.kind == "behind" for found in seen.findings if found.stops)
    return bool(seen.adopted and seen.behind and seen.back and alone and _is_live(seen, version))


def _lacks(idle: Colour) -> str:
    if not idle.running:
        return " (not running)"
    return " (not as it was made)" if idle.drifted else ""


def cleanup_decision(seen: World, bake: int) -> Decision:
    """May the old colour go? Only after a good verdict of this very cutover and the bake time (seconds)."""
    live = seen.colour(seen.live)
    base = {**_base(seen), "release": live.release, "since": float(seen.return_to.get("at") or 0)}
    refusal = _unfit(seen)
    if refusal:
        return Decision(refusal=refusal, **base)
    if not seen.return_to and not seen.stable:
        return Decision(
            refusal="There was no cutover yet. Fix: run ansible-playbook bluegreen.yml -e version=<new>", **base
        )
    if live.release and seen.settled == live.release and not seen.colour(seen.idle).running:
        return Decision(summary="%s is stable and %s is empty: nothing to do" % (live.version, seen.idle), **base)
    why = _unproven(seen, bake)
    if why:
        return Decision(refusal=why, **base)
    return Decision(
        summary="%s becomes the stable release, %s is removed" % (live.version, seen.idle), proceed=True, **base
    )


def ready_at(seen: World, bake: int) -> float:
    """When the bake time (seconds) of what is live is over."""
    return float(seen.return_to.get("at") or 0) + bake


def _unproven(seen: World, bake: int) -> str:
    live, verdict = seen.colour(seen.live), seen.verdict
    if seen.return_to.get("colour") == seen.live:
        return "%s is live again after a rollback; there is nothing to accept." % seen.live
    if not accepted(verdict) or verdict.get("flip") != seen.return_to.get("flip"):
        said = verdict.get("verdict") or "no verdict"
        # A watch that has judged says the same again.
        leads = STATUS if seen.judged else WATCH
        return "This cutover to %s has %s. Fix: run %s" % (live.version, said, leads.line)
    # One that has begun to remove was over it then.
    if seen.now < ready_at(seen, bake) and seen.idle not in seen.removing:
        since = seen.now - float(seen.return_to.get("at") or 0)
        if since < 0:
            return (
                "The host's clock went back by %d s since the cutover to %s, so its bake time of %d s is not known. "
                "Fix: wait that long, then give -e bluegreen_bake=0" % (math.ceil(-since), live.version, bake)
            )
        said = "%s is live for %d of %d s of bake time. Fix: wait, or give -e bluegreen_bake=0"
        return said % (live.version, since, bake)
    return ""
