# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What each stage does to a state: from what docs/operations.md promises, never from the decisions read backwards.

A stage that can't do it raises Cannot: a gate that fails, a rollback to what is not alive.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from kit.states import GOOD, OTHER, Side, State

NEW = 9


class Cannot(Exception):
    """The stage refuses, fails, or would do nothing."""


def person(one: State, words: str) -> State:
    """What a person does by hand, as the screen says, before the command."""
    if "podman-compose up" in words and one.hands == "edge gone":
        return replace(one, hands="edge off")
    if "podman-compose up" in words and one.here.state == "gone":
        return replace(one, here=replace(one.here, state="stopped"))
    raise Cannot("no known work of a person: %s" % words)


def adopt(one: State, extra: Mapping[str, str]) -> State:
    """Puts back what other hands took, starts what should run, makes our own containers again."""
    if not one.adopted:
        return State()
    away = ("edge off", "edge stopped", "shared stopped", "public", "misplaced")
    if one.hands in away or (one.hands == "strangers" and extra.get("bluegreen_remove_unmanaged") == "true"):
        one = replace(one, hands="")
    here = _again(one.here)
    there = _again(one.there) if one.open and not one.there.adopted else one.there
    if one.open and one.there.state == "stopped":
        there = replace(one.there, state="well")
    return replace(one, here=here, there=there)


def _again(side: Side) -> Side:
    """Of the adopted project only what still exists can be started."""
    if side.state == "stopped" or (side.state == "gone" and not side.adopted):
        return replace(side, state="well")
    return side


def deploy(one: State, version: str, forward: bool) -> State:
    """The idle colour holds the version and passed its gate; migrate came before."""
    _settled_hands(one, forward)
    if one.there.adopted and one.there.state != "none" and not forward:
        raise Cannot("the operator's own containers are there")
    return replace(one, there=Side(_number(version), "well"), removing=False, drained=False)


def _number(version: str) -> int:
    return NEW if version.startswith("<") else int(version.lstrip("v").partition("-")[0])


def _settled_hands(one: State, forward: bool) -> None:
    """No stage but adopt and rollback runs where other hands were."""
    if one.hands not in ("", "misplaced"):
        raise Cannot("other hands were there: %s" % one.hands)
    if one.here.state not in ("well", "sick") and not forward:
        raise Cannot("the live colour is %s" % one.here.state)


def cutover(one: State, version: str, forward: bool) -> State:
    _settled_hands(one, forward)
    if one.there.number != _number(version) or one.there.state != "well":
        raise Cannot("the idle colour is %s at v%d" % (one.there.state, one.there.number))
    ill = one.here.state != "well" or one.verdict == "FAIL"
    if forward and not ill:
        raise Cannot("the live colour is well")
    if one.here.state == "sick" and not forward:
        raise Cannot("the live colour is sick")
    old = replace(one.here, known=one.here.state == "sick")
    return flipped(one, old, by_hand=False)


def flipped(one: State, old: Side, by_hand: bool) -> State:
    """The idle colour is live; the way back is to what was."""
    hands = "" if one.hands == "misplaced" else one.hands
    return replace(
        one, live=one.idle, here=one.there, there=old, flip="forward", by_hand=by_hand, verdict="", baked=False,
        back=old.number, removing=False, drained=False, hands=hands, ours=False,
    )  # fmt: skip


def release(one: State, version: str, forward: bool) -> State:
    """migrate, deploy, cutover, watch."""
    return watch(cutover(deploy(one, version, forward), version, forward))


def watch(one: State) -> State:
    """To the verdict. A colour that fails is rolled back from, but to no colour that is known to fail."""
    hands = "" if one.hands == "misplaced" else one.hands
    if one.flip != "forward" or one.accepted or one.verdict in VERDICTS_ON_IT:
        if one.verdict in ("FAIL", "INCONCLUSIVE"):
            raise Cannot("the watch has said %s" % one.verdict)
        return replace(one, hands=hands)
    if one.here.state == "well":
        return replace(one, verdict="PASS", hands=hands)
    judged = replace(one, verdict="FAIL", hands=hands)
    return rolled_back(judged) if one.there.runs and not one.there.known else judged


VERDICTS_ON_IT = ("PASS", "FAIL", "INCONCLUSIVE", "signed")


def rollback(one: State) -> State:
    """The switch alone, to a colour that is alive and still holds what the last cutover came from."""
    if one.flip == "back":
        return replace(one, hands="" if one.hands == "misplaced" else one.hands)
    if one.flip != "forward":
        raise Cannot("nothing was cut over")
    if not one.there.runs or one.removing:
        raise Cannot("the target is %s" % (one.there.state if not one.removing else "being removed"))
    if one.back not in (0, one.there.number):
        raise Cannot("the target holds another release")
    return rolled_back(one)


def rolled_back(one: State) -> State:
    hands = "" if one.hands == "misplaced" else one.hands
    return replace(
        one, live=one.idle, here=one.there, there=replace(one.here, known=one.here.state == "sick"), flip="back",
        back=one.there.number, verdict="", baked=True, drained=False, hands=hands, ours=False,
    )  # fmt: skip


def back_to(one: State, version: str, forward: bool) -> State:
    """A kept release on the idle colour, gated, and cut over to; what is left of the adopted project goes first."""
    _settled_hands(one, forward)
    if not one.kept:
        raise Cannot("that release is not kept")
    again = replace(one, there=Side(_number(version), "well"), removing=False, drained=False)
    old = replace(one.here, known=one.here.state == "sick")
    return flipped(again, old, by_hand=False)


def cleanup(one: State) -> State:
    _settled_hands(one, False)
    if one.flip != "forward" or one.verdict not in GOOD:
        raise Cannot("nothing to accept: %s" % (one.verdict or "no verdict"))
    if not (one.baked or one.removing):
        raise Cannot("the bake time is not over")
    there = replace(one.there, state="cleaned", adopted=False, known=False)
    return replace(one, there=there, stable=one.here.number, ours=True, removing=False, drained=True, hands="")


def promote(one: State) -> State:
    if one.flip != "forward" or one.verdict != "INCONCLUSIVE":
        raise Cannot("nothing to sign off")
    return replace(one, verdict="signed")


def done(one: State, stage: str, extra: Mapping[str, str]) -> State:
    """The state after a command."""
    forward, version = extra.get("bluegreen_fix_forward") == "true", extra.get("version", "")
    if stage == "adopt":
        return adopt(one, extra)
    if stage == "cutover":
        return cutover(one, version, forward)
    if stage == "watch":
        return promote(one) if extra.get("bluegreen_watch_do") == "promote" else watch(one)
    if stage == "rollback":
        return back_to(one, version, forward) if version else rollback(one)
    if stage == "cleanup":
        return cleanup(one)
    if stage == "":
        return release(one, version, forward)
    raise Cannot("no such stage: %s" % stage)


def settled(one: State) -> bool:
    """One colour live and well and nothing pending; what bakes may bake."""
    waits = one.open and not (one.verdict in GOOD and not one.baked and not one.removing)
    return one.adopted and one.here.state == "well" and not one.hands and not waits


def dead(one: State) -> bool:
    """Neither colour can serve as it is, and no stage makes a person's work needless."""
    return one.here.state == "sick" and one.there.state == "sick"


__all__ = ["OTHER", "Cannot", "dead", "deploy", "done", "flipped", "person", "settled"]
