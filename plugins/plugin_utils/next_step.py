# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one thing that comes next, from every state: a command that its stage does not refuse, or what a person does.

First what stands before everything (the edge, shared services), then a live colour that does not serve, then what
other hands did, then the course of a release. ``tests/unit/worlds`` walks through every state.
"""

from __future__ import annotations

import time

from ansible_collections.olympus.bluegreen.plugins.plugin_utils.commands import (
    NEW,
    RUNNING,
    WATCH,
    Command,
    Step,
    command,
    forward,
    release,
)
from ansible_collections.olympus.bluegreen.plugins.plugin_utils.external_changes import Finding
from ansible_collections.olympus.bluegreen.plugins.plugin_utils.stages import ready_at
from ansible_collections.olympus.bluegreen.plugins.plugin_utils.world import World, accepted

# Nothing of a colour can be reached before these are put right.
BEFORE_ALL = ("edge", "shared", "behind")
ROLLBACK, CLEANUP = command("rollback"), command("cleanup")
PROMOTE = command("watch", "you sign it off", bluegreen_watch_do="promote")


def next_step(seen: World, bake: int) -> Step:
    """What an operator would do now."""
    if not seen.adopted:
        return Step(command("adopt", version=RUNNING))
    stops = [found for found in seen.findings if found.stops]
    first = next((found for found in stops if found.kind in BEFORE_ALL), None)
    if first is not None:
        return first.step
    ill = _away_from_live(seen, stops)
    if ill is not None:
        return ill
    if stops:
        return stops[0].step
    if seen.misplaced:
        return _singletons(seen)
    return _after_cutover(seen, bake) if seen.back else Step(release(NEW))


def _away_from_live(seen: World, stops: list[Finding]) -> Step | None:
    """The way to a colour that serves, where the live one is known not to. None: it does, or that is not known."""
    live, idle = seen.colour(seen.live), seen.colour(seen.idle)
    if not (live.fails or seen.broken):
        return None
    # One that is not as it was made may serve all the same; a new flip to it is another matter.
    serves = idle.running and idle.asked and not idle.fails
    elsewhere = [found for found in stops if found.of != seen.live]
    if elsewhere:
        # No stage but a rollback runs before these are put right.
        return Step(ROLLBACK) if serves and seen.way_back else elsewhere[0].step
    if serves and seen.way_back:
        return Step(ROLLBACK)
    if idle.well and seen.idle not in seen.removing:
        return Step(forward(idle.version))
    if seen.broken:
        return seen.broken[0].step
    new = release(NEW, True)
    if not idle.fails:
        return Step(new)
    said = "both colours fail: look at their logs and at the database (%s: %s; %s: %s)"
    by_hand = said % (seen.live, live.sick, seen.idle, idle.sick)
    return Step(None, by_hand, other=Command(new.stage, new.extra, "a release that is known to be well"))


def _singletons(seen: World) -> Step:
    """Any stage puts a courier or singleton in its place; this is the smallest that ends well now."""
    note = "any stage puts a courier or singleton in its place"
    if seen.return_to.get("colour") == seen.live:
        return Step(Command("rollback", (), note))
    if seen.back and (not seen.judged or accepted(seen.judged)):
        return Step(Command("watch", (), note))
    return Step(Command("adopt", (), note))


def _after_cutover(seen: World, bake: int) -> Step:
    """What comes next while the flip in force is not accepted."""
    verdict = seen.judged
    if not verdict:
        return Step(WATCH)
    if accepted(verdict):
        return _to_accept(seen, bake)
    if seen.way_back and verdict.get("verdict") == "INCONCLUSIVE":
        return Step(ROLLBACK, other=PROMOTE)
    if seen.way_back:
        return Step(ROLLBACK)
    if verdict.get("verdict") == "INCONCLUSIVE":
        return Step(PROMOTE)
    return _without_a_way_back(seen)


def _to_accept(seen: World, bake: int) -> Step:
    if seen.idle in seen.removing:
        return Step(Command("cleanup", (), "goes on: it has begun to remove %s" % seen.idle))
    back = ROLLBACK if seen.way_back else None
    if seen.now >= ready_at(seen, bake):
        return Step(CLEANUP, other=back)
    wait = "nothing to do before %s, then --tags cleanup" % at(ready_at(seen, bake), seen.now)
    return Step(None, wait, other=back, at=ready_at(seen, bake), later=CLEANUP)


def _without_a_way_back(seen: World) -> Step:
    """The watch said FAIL, and the colour that it came from can't serve as it is."""
    old, wanted = seen.colour(seen.idle), str(seen.return_to.get("release") or "")
    ident = wanted or old.release
    if old.fails or ident not in seen.kept:
        # The operator's own containers go before only where that is asked for.
        return Step(release(NEW, old.adopted))
    return Step(command("rollback", "deploys that release again", version=ident))


def at(moment: float, now: float) -> str:
    """A time of the day, with its day where that is another one."""
    same = time.gmtime(moment)[:3] == time.gmtime(now)[:3]
    return time.strftime("%H:%M UTC" if same else "%Y-%m-%d %H:%M UTC", time.gmtime(moment))
