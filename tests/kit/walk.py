# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""From every state, follow what ``status`` prints as next until all is settled. ``make worlds`` prints the figures.

Each command that is printed is asked of the real decision of its stage (of the real switch, for a rollback), and its
effect is the model's own. More than LONGEST commands, a circle, or a command that refuses is a dead end.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import BluegreenError
from ansible_collections.olympus.bluegreen.plugins.module_utils._switch.switch import ReturnTo, Switch
from ansible_collections.olympus.bluegreen.plugins.plugin_utils.decide import stage_decision
from ansible_collections.olympus.bluegreen.plugins.plugin_utils.forward import forward_refused
from ansible_collections.olympus.bluegreen.plugins.plugin_utils.next_step import next_step
from ansible_collections.olympus.bluegreen.plugins.plugin_utils.world import world
from kit.effects import Cannot, dead, deploy, done, person, settled
from kit.states import BAKE, OTHER, State, every, facts, return_to

LONGEST = 5
VERSION = "v9"


@dataclass(frozen=True)
class Path:
    """``steps`` to the end; ``why`` is '' where that is settled, else what kind of dead end it is."""

    steps: tuple[str, ...] = ()
    why: str = ""


def real(extra: Mapping[str, str]) -> dict[str, str]:
    """What an operator puts where a version has to be named."""
    return {key: VERSION if value.startswith("<") else value for key, value in extra.items()}


def refusal(one: State, stage: str, extra: Mapping[str, str]) -> str:
    """What the real code says to the command: '' where it goes ahead."""
    given, known = real(extra), facts(one)
    version, forward = given.get("version", ""), given.get("bluegreen_fix_forward") == "true"

    def decided(name: str, about: Mapping[str, Any]) -> Any:
        return stage_decision(about, name, version, BAKE, False, False, forward)

    if stage == "rollback" and not version:
        return _switch_says(one)
    if stage == "watch" and "bluegreen_watch_do" in given:
        return "" if decided("watch", known)["follow"] else "no flip to sign off"
    if stage == "cutover":
        return _gated(one, decided("cutover", known), forward, version)
    if stage:
        return str(decided(stage, known)["refusal"])
    refused = str(decided("migrate", known)["refusal"] or decided("deploy", known)["refusal"])
    if refused:
        return refused
    try:
        after = deploy(one, version, forward)
    except Cannot as exc:
        return str(exc)
    return _gated(after, decided("cutover", facts(after)), forward, version)


def _gated(one: State, decision: Mapping[str, Any], forward: bool, version: str) -> str:
    fails = [{"check": "login", "service": "k", "detail": "x"}] if one.here.state in ("sick", "stopped", "gone") else []
    if not (decision["proceed"] or decision["refusal"]):
        return "nothing was done: %s" % decision["summary"]
    return str(decision["refusal"] or forward_refused(decision, fails, forward, version))


def _switch_says(one: State) -> str:
    back = return_to(one)
    named = (str(back["colour"]), str(back["release"])) if back else None
    if one.hands == "edge gone":
        return "no edge"
    said = _switch(one.live, named, one.removing, one.drained)
    alive = one.there.runs or one.flip != "forward"
    held = one.there.release if one.flip == "forward" else ""
    if named and named[1] and held and named[1] != held:
        return "the target holds another release"
    return said or ("" if alive else "the target is not alive")


@cache
def _switch(live: str, back: tuple[str, str] | None, removing: bool, drained: bool) -> str:
    """The real switch in that state, rolled back."""
    with tempfile.TemporaryDirectory() as where:
        switch = Switch(os.path.join(where, "s"))
        switch.install(live, (os.getuid(), os.getgid()))
        if back:
            first = back[0]
            os.rename(os.path.join(switch.path, "switch", live), os.path.join(switch.path, "switch", first))
            switch.prepare(ReturnTo(first, back[1], "0" * 16, 1.0), switch.claim(0))
            if first != live:
                switch.flip(live, switch.read().token)
        if drained:
            switch.unpin(OTHER[live])
        if removing:
            switch.block_rollback(OTHER[live])
        try:
            switch.rollback()
        except BluegreenError as exc:
            return exc.msg
        return ""


def step(one: State) -> tuple[State, dict[str, Any]]:
    """What status prints as next; a state that status has asked is known better from then on."""
    known = replace(one, here=replace(one.here, known=one.here.state == "sick"))
    if one.here.state != "well" and one.there.state == "sick":
        known = replace(known, there=replace(one.there, known=True))
    return known, dict(next_step(world(facts(one)), BAKE).data())


Known = dict[State, Path]


def follow(one: State, known: Known, way: tuple[State, ...] = ()) -> Path:
    """From a state to its end; what is ``known`` already is not walked again."""
    if one in known:
        return known[one]
    seen, data = step(one)
    path = _end(seen, data, way)
    if path is None:
        words = "%s %s" % (data["stage"] or "release", sorted(data["extra"].items()))
        path = _beyond(seen, data, words, known, (*way, one))
    known[one] = path
    return path


def _end(seen: State, data: Mapping[str, Any], way: tuple[State, ...]) -> Path | None:
    """The end, good or bad; None where the command leads on."""
    other = data["other"]
    if other and not dead(seen) and (bad := refusal(seen, str(other["stage"]), other["extra"])):
        return Path((), "the other command refuses: %s" % bad)
    if settled(seen):
        refused = refusal(seen, data["stage"], data["extra"]) if data["stage"] is not None else ""
        return Path((), "settled, and the next command refuses: %s" % refused if refused else "")
    if data["stage"] is None:
        told = dead(seen) and "database" in data["by_hand"]
        return Path((), "" if told else "no command, and not settled: %s" % data["by_hand"])
    return Path((), "longer than %d commands" % LONGEST) if len(way) > 2 * LONGEST else None


def _beyond(seen: State, data: Mapping[str, Any], words: str, known: Known, way: tuple[State, ...]) -> Path:
    """What the command makes of it, and the way from there."""
    try:
        ready = person(seen, data["by_hand"]) if data["by_hand"] else seen
        refused = refusal(ready, data["stage"], data["extra"])
        if refused:
            return Path((words,), "it refuses: %s" % refused)
        after = done(ready, data["stage"], real(data["extra"]))
    except Cannot as exc:
        return Path((words,), "it can't: %s" % exc)
    if after in way:
        return Path((words,), "a circle")
    rest = follow(after, known, way)
    longer = "longer than %d commands" % LONGEST if len(rest.steps) >= LONGEST else ""
    return Path((words, *rest.steps), rest.why or longer)


def walk(report: Callable[[State, Path], None] = lambda _state, _path: None) -> tuple[int, int, int]:
    """(states, settled, commands of the longest way)."""
    total = well = longest = 0
    known: Known = {}
    for one in every():
        path = follow(one, known)
        total, longest = total + 1, max(longest, len(path.steps))
        well += not path.why
        if path.why:
            report(one, path)
    return total, well, longest


def main() -> int:
    begun, kinds, shown = time.monotonic(), Counter[str](), []

    def report(one: State, path: Path) -> None:
        kinds[path.why[:90]] += 1
        if kinds[path.why[:90]] == 1:
            shown.append("%s\n  %s: %s" % (one, " -> ".join(path.steps), path.why))

    total, well, longest = walk(report)
    for line in [*shown, *("%6d  %s" % (count, why) for why, count in kinds.most_common())]:
        print(line, file=sys.stderr)
    print("worlds=%d settled=%d longest=%d" % (total, well, longest))
    print("%.1f s" % (time.monotonic() - begun), file=sys.stderr)
    return int(total != well)


if __name__ == "__main__":
    sys.exit(main())
