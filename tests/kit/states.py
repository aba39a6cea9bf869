# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A deployment's state, small enough to have every one of them, and what the stages' modules would say of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.finding import as_data

OTHER = {"blue": "green", "green": "blue"}
# How a colour is. ``sick``: it runs and can't do what it should. ``cleaned``: a cleanup removed its containers.
RUNS = ("well", "sick", "drifted", "pending")
LIVE = ("well", "sick", "stopped", "gone", "drifted", "pending")
IDLE = ("none", "cleaned", *LIVE)
HANDS = ("", "edge off", "edge stopped", "edge gone", "shared stopped", "strangers", "public", "misplaced")
VERDICTS = ("", "PASS", "FAIL", "INCONCLUSIVE", "signed", "of another flip")
GOOD = ("PASS", "signed")
NOW, BAKE = 1_000_000.0, 3600
SERVICES = ("ciam-kratos", "ciam-hydra", "ciam-hera", "site")


@dataclass(frozen=True)
class Side:
    """``number`` of the release that it holds, 0 for none; ``known``: that it is sick was seen."""

    number: int = 0
    state: str = "none"
    adopted: bool = False
    known: bool = False

    @property
    def runs(self) -> bool:
        return self.state in RUNS

    @property
    def release(self) -> str:
        return "v%d-%010d" % (self.number, self.number) if self.number else ""


@dataclass(frozen=True)
class State:
    """``flip``: '' none yet, ``forward`` in force (a rollback goes to the idle colour), ``back`` rolled back.

    ``by_hand``: no cutover made it. ``back``: the number of the release that the way back names, 0 where unknown.
    ``removing``, ``drained``: the idle colour. ``baked``: the bake time is over. ``stable``: number of the accepted
    release, ``ours``: by the flip in force. ``kept``: the idle colour's release can be deployed again. ``refused``: a
    version whose migration was.
    """

    adopted: bool = True
    live: str = "blue"
    here: Side = Side(1, "well", True)
    there: Side = Side()
    flip: str = ""
    by_hand: bool = False
    back: int = 0
    verdict: str = ""
    stable: int = 0
    ours: bool = True
    baked: bool = True
    removing: bool = False
    drained: bool = False
    hands: str = ""
    kept: bool = True
    refused: bool = False

    @property
    def idle(self) -> str:
        return OTHER[self.live]

    @property
    def accepted(self) -> bool:
        return self.ours and bool(self.stable) and self.stable == self.here.number

    @property
    def open(self) -> bool:
        """A flip is in force and not accepted."""
        return self.flip == "forward" and not self.accepted


def every() -> Iterator[State]:
    """Every state that the decisions know, once."""
    yield State(adopted=False)
    seen = set()
    for one in _crossed():
        if possible(one) and one not in seen:
            seen.add(one)
            yield one


def _crossed() -> Iterator[State]:
    flips = [("", False), ("forward", False), ("forward", True), ("back", False)]
    for (flip, hand), live, here, there in product(flips, OTHER, LIVE, IDLE):
        verdicts = VERDICTS if flip == "forward" else ("",)
        known = (False, True) if there == "sick" else (False,)
        kept = (True, False) if there in ("stopped", "gone", "cleaned", "pending") else (True,)
        gone = ("", "drained", "removing") if there != "none" else ("",)
        for verdict, baked, left, seen, stays in product(verdicts, (True, False), gone, known, kept):
            if not baked and verdict not in GOOD:
                continue
            one = State(
                live=live,
                here=Side(2, here, False, here == "sick"),
                there=Side(0 if there == "none" else 1, there, False, seen),
                flip=flip,
                by_hand=hand,
                back=0 if flip == "" else 2 if flip == "back" else 0 if hand and stays else 1,
                verdict=verdict,
                baked=baked,
                removing=left == "removing",
                drained=bool(left),
                kept=stays,
            )
            yield from _with_hands(one)


def _with_hands(one: State) -> Iterator[State]:
    """The same with the operator's own containers, after an acceptance, and with what other hands did."""
    sides = [one, _adopted(one)]
    for each in sides:
        yield each
        yield replace(each, stable=2)
        yield replace(each, stable=2, ours=False)
        yield replace(each, stable=1)
    if one.baked and one.kept and not one.drained:
        for hands in HANDS[1:]:
            yield replace(one, hands=hands)
            yield replace(_adopted(one), hands=hands)
        yield replace(one, refused=True)
        # A deploy that put another release where a rollback would go.
        yield replace(one, back=7) if one.flip == "forward" else one


def _adopted(one: State) -> State:
    """Blue is what the operator had running."""
    if one.live == "blue":
        return replace(one, here=replace(one.here, adopted=True))
    return replace(one, there=replace(one.there, adopted=one.there.number > 0))


def possible(one: State) -> bool:
    """What no sequence of stages, hands and failures leads to is left out."""
    here, there = one.here, one.there
    whole = not (one.flip == "forward" and there.state == "none")
    cleaned = there.state != "cleaned" or (not there.adopted and not one.removing)
    judged = one.verdict == "" or one.flip == "forward"
    accepted = not (here.adopted and one.stable) and not (there.adopted and one.stable == 1)
    # The operator's own containers were live first of all, and are left by the first cutover until its acceptance.
    adopted = not (here.adopted and (here.state == "pending" or one.flip == "forward"))
    adopted = adopted and not (there.adopted and (there.state in ("pending", "none") or not one.open))
    accepted = accepted and not (one.accepted and one.flip == "forward" and one.verdict not in GOOD)
    removing = not one.removing or (there.number > 0 and there.state != "cleaned")
    drained = not one.drained or there.number > 0
    known = not there.known or there.state == "sick"
    bake = one.baked or (one.flip == "forward" and one.verdict in GOOD)
    return all((whole, cleaned, judged, adopted, accepted, removing, drained, known, bake))


# What the modules say


def facts(one: State) -> dict[str, Any]:
    """As preflight and status hand it to the decisions. A sick colour that is asked is known from then on."""
    ask_idle = (one.here.state in ("sick", "stopped", "gone")) or one.here.state in ("drifted", "pending")
    health = {one.live: _asked(one.here)} if one.here.state != "gone" else {}
    if ask_idle and one.there.runs:
        health[one.idle] = _asked(one.there)
    return {
        "edge": _edge(one),
        "compose": _compose(one),
        "ledger": _ledger(one),
        "boot": {"live": one.live if one.adopted else "", "rollback": "bluegreen-rollback"},
        "health": health if one.adopted else {},
    }


FAIL = {"check": "login", "service": "ciam-kratos", "detail": "status 500", "since": 5.0}


def _asked(side: Side) -> dict[str, Any]:
    bad = side.state in ("sick", "stopped", "gone")
    return {"passed": not bad, "fails": [FAIL] if bad else []}


def return_to(one: State) -> dict[str, Any] | None:
    if not one.flip:
        return None
    colour = one.idle if one.flip == "forward" else one.live
    back = "v%d-%010d" % (one.back, one.back) if one.back else ""
    at = NOW - (2 * BAKE if one.baked else 60)
    return {"colour": colour, "release": back, "flip": flip_id(one), "at": at}


def flip_id(one: State) -> str:
    return "hand0123456789ab" if one.by_hand else "0123456789abcdef"


def _edge(one: State) -> dict[str, Any]:
    if not one.adopted:
        return {"adopted": False, "live": "", "problems": []}
    gone = one.hands in ("edge stopped", "edge gone")
    seen = OTHER[one.live] if one.hands == "public" else one.live
    said = ["no container of service caddy is running"] if gone else []
    return {
        "adopted": not gone,
        "live": "" if gone else one.live,
        "return_to": None if gone else return_to(one),
        "token": 4,
        "problems": said,
        "findings": as_data(said),
        "observed": [] if gone else [{"host": "login.test", "path": "/", "colour": seen, "status": 200}],
        "removing": [one.idle] if one.removing else [],
        "assets": [one.live] if one.drained else [one.live, one.idle],
        "warm": [one.live] if one.drained else [one.live, one.idle],
        "method": "switch",
    }


def _colour(one: State, side: Side) -> dict[str, Any]:
    if side.state == "none":
        return {"release": "", "adopted": False, "running": False, "services": {}}
    states = {"stopped": "exited", "gone": "absent"}
    has = {} if side.state == "cleaned" else {name: {"state": states.get(side.state, "running")} for name in SERVICES}
    return {
        "release": side.release,
        "adopted": side.adopted,
        "running": side.runs and side.state != "pending",
        "pending": side.state == "pending",
        "drift": ["ciam-hera runs image x, not y"] if side.state == "drifted" else [],
        "services": {name: {**about, "container": "c_" + name} for name, about in has.items()},
    }


def _compose(one: State) -> dict[str, Any]:
    edge = {"container": "p_caddy_1", "state": "running", "edge": True}
    shared = {"container": "p_postgres_1", "state": "running", "edge": False}
    off = [{"container": "p_caddy_1", "network": "olympus-edge-%s" % one.live}] if one.hands == "edge off" else []
    edge["state"] = {"edge stopped": "exited", "edge gone": "absent"}.get(one.hands, "running")
    shared["state"] = "exited" if one.hands == "shared stopped" else "running"
    strange = {"container": "p_other_1", "service": "ciam-hera", "state": "running", "replaces_adopted": False}
    courier = {"name": "courier", "service": "ciam-kratos", "kind": "courier", "files": ["blue", "green"]}
    misplaced = [{**courier, "holders": []}] if one.hands == "misplaced" else []
    numbers = {one.here.number, one.there.number if one.kept else 0, 7 if one.back == 7 else 0} - {0}
    kept = [{"id": "v%d-%010d" % (n, n), "version": "v%d" % n, "created": n, "migrated": False} for n in numbers]
    return {
        "recorded": one.adopted,
        "colours": {one.live: _colour(one, one.here), one.idle: _colour(one, one.there)} if one.adopted else {},
        "shared": {"caddy": edge, "postgres": shared},
        "off_networks": off,
        "unmanaged": [strange] if one.hands == "strangers" else [],
        "singletons": misplaced,
        "releases": sorted(kept, key=lambda release: -int(str(release["created"]))),
    }


def _ledger(one: State) -> dict[str, Any]:
    said = {"signed": "INCONCLUSIVE", "of another flip": "PASS"}.get(one.verdict, one.verdict)
    verdict: dict[str, Any] = {"verdict": said, "release": one.here.release} if said else {}
    if said:
        verdict["flip"] = "ffffffffffffffff" if one.verdict == "of another flip" else flip_id(one)
    if one.verdict == "signed":
        verdict["signed_off"] = {"by": "op", "at": 1.0}
    releases: dict[str, Any] = {one.here.release: {"id": one.here.release, "verdict": verdict}}
    if one.refused:
        releases["v8-8888888888"] = {"id": "v8-8888888888", "schema": [{"target": "ciam_kratos", "verdict": "BREAKS"}]}
    sick = {name: side for name, side in ((one.live, one.here), (one.idle, one.there)) if side.known}
    fails = {"login ciam-kratos": FAIL}
    return {
        "now": NOW,
        "lock": {},
        "releases": releases,
        "marks": {
            "stable": "v%d-%010d" % (one.stable, one.stable) if one.stable else None,
            "fence": None,
            "flip": flip_id(one) if one.ours else "eeeeeeeeeeeeeeee",
        },
        "health": {name: {"release": side.release, "fails": fails} for name, side in sick.items()},
    }
