# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What preflight and status saw, reduced to what decisions need. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.deployment import singletons
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.colours import accepted as accepted_of
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.colours import colours_to_run
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import first_few
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.names import OTHER
from ansible_collections.olympus.bluegreen.plugins.plugin_utils.external_changes import Finding, detect_changes, lagging
from ansible_collections.olympus.bluegreen.plugins.plugin_utils.releases import deployable, version_of

# So many failures of a colour are written out.
SHOWN = 2
GOOD = ("PASS", "PASS_SYNTHETIC_ONLY")


def accepted(verdict: Mapping[str, Any]) -> bool:
    """Whether a watch found the release good, or a person answers for one that no watch could judge."""
    said = verdict.get("verdict")
    return said in GOOD or (said == "INCONCLUSIVE" and bool(verdict.get("signed_off")))


def failure(found: Mapping[str, Any]) -> str:
    """One thing that a colour can't do, as a gate tells it."""
    return "%(check)s of %(service)s: %(detail)s" % found


def few(fails: Sequence[str]) -> str:
    """The first ones in a few words, and how many more there are."""
    return first_few(fails, SHOWN, "; ")


@dataclass(frozen=True)
class Colour:
    """One colour as recorded and as it runs. ``release`` is empty where the colour was never used.

    ``pending``: its containers are of another release than the one rendered last. ``drifted``: not as they were made.
    ``fails``: what it itself can't do, a sentence each, ``since`` then; ``asked``: just now, else as it was last seen.
    """

    release: str = ""
    version: str = ""
    adopted: bool = False
    running: bool = False
    pending: bool = False
    drifted: bool = False
    fails: tuple[str, ...] = ()
    since: float = 0.0
    asked: bool = False

    @property
    def well(self) -> bool:
        """Its containers are as they were made, it was asked just now, and nothing was found."""
        return self.running and self.asked and not self.fails and not self.drifted

    @property
    def sick(self) -> str:
        """What it fails, in a few words; '' where it fails nothing that is known."""
        return few(self.fails)


@dataclass(frozen=True)
class World:
    """The facts of preflight, reduced to what decisions need."""

    adopted: bool
    live: str
    colours: Mapping[str, Colour]
    return_to: Mapping[str, Any] = field(default_factory=dict)
    token: int = 0
    lock: Mapping[str, Any] = field(default_factory=dict)
    stable: str = ""
    # Another flip to the stable release is in force than the one that was accepted.
    reopened: bool = False
    # Of the release that is live, and of the other one: a word on the flip that they name, and on no other.
    verdict: Mapping[str, Any] = field(default_factory=dict)
    left: Mapping[str, Any] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    # Whether anybody could tell who is live.
    known: bool = True
    # Couriers and other singletons that are not where they should be: the next stage fixes it, nothing is refused.
    misplaced: tuple[str, ...] = ()
    # Public names of a Cloudflare edge that do not follow the switch: a cutover or rollback stopped half way.
    behind: tuple[str, ...] = ()
    # Colours that a cleanup or a deploy has begun to remove, and those whose forms and assets are still reachable.
    removing: tuple[str, ...] = ()
    reachable: tuple[str, ...] = ("blue", "green")
    # Releases that ``--tags rollback -e version=`` may bring back.
    kept: tuple[str, ...] = ()
    # What the edge says is wrong where nothing is adopted yet.
    troubles: tuple[str, ...] = ()
    # The host's clock when it was asked, seconds since the epoch: every other time of the facts is of that clock too.
    now: float = 0.0

    @property
    def problems(self) -> tuple[str, ...]:
        """What stops every stage but rollback and adopt."""
        return tuple(str(found) for found in self.findings if found.stops)

    @property
    def broken(self) -> tuple[Finding, ...]:
        """What is wrong with the containers of the live colour alone: who goes forward leaves that behind."""
        return tuple(found for found in self.findings if found.stops and found.of == self.live)

    @property
    def idle_differs(self) -> bool:
        """Whether the idle colour holds another release than the live one, also of the same version."""
        return self.colour(self.idle).release not in ("", self.colour(self.live).release)

    @property
    def flipped(self) -> bool:
        """Whether a flip to the live colour is in force: by a cutover or by a hand, and not rolled back."""
        return self.return_to.get("colour") == self.idle

    @property
    def judged(self) -> Mapping[str, Any]:
        """The verdict on the flip in force; {} where there is none."""
        ours = self.flipped and self.verdict.get("flip") == self.return_to.get("flip")
        return self.verdict if ours else {}

    @property
    def way_back(self) -> bool:
        """Whether a rollback has somewhere to go: what the flip in force came from runs, whole and well."""
        old, wanted = self.colour(self.idle), self.return_to.get("release")
        whole = old.running and self.idle not in self.removing and wanted in (None, "", old.release)
        return self.back and whole and not old.fails

    @property
    def settled(self) -> str:
        """The stable release, where the flip in force is the one that was accepted."""
        return "" if self.reopened else self.stable

    @property
    def awake(self) -> tuple[str, ...]:
        """The colours whose containers have to run: the live one, and the one that a rollback goes back to."""
        return colours_to_run(self.live, self.return_to.get("colour"), self.settled, self.colour(self.live).release)

    @property
    def back(self) -> bool:
        """Whether a rollback would go to the idle colour: there was a cutover that was not accepted."""
        return self.idle in self.awake

    @property
    def idle(self) -> str:
        return OTHER[self.live]

    def colour(self, name: str) -> Colour:
        return self.colours.get(name, Colour())


def _colour(one: Mapping[str, Any], asked: Mapping[str, Any], kept: Mapping[str, Any]) -> Colour:
    """``asked``: a gate's answer of just now; ``kept``: what the colour was last seen to fail, at whatever release."""
    release = str(one.get("release") or "")
    known = asked.get("passed") is not None
    last = list((kept.get("fails") or {}).values()) if kept.get("release") == release else []
    fails = list(asked.get("fails") or []) if known else last
    return Colour(
        release=release,
        version=version_of(release),
        adopted=bool(one.get("adopted")),
        running=bool(one.get("running")),
        pending=bool(one.get("pending")),
        drifted=bool(one.get("drift")),
        fails=tuple(map(failure, fails)),
        since=min((float(fail.get("since") or 0) for fail in fails), default=0.0),
        asked=known,
    )


def _verdict(ledger: Mapping[str, Any], one: Colour | None) -> Mapping[str, Any]:
    """The last word of a watch on the release that a colour holds; {} where there is none."""
    return ((ledger.get("releases") or {}).get(one.release if one else "") or {}).get("verdict") or {}


def world(facts: Mapping[str, Any]) -> World:
    """Read the three modules' answers (``edge``, ``compose``, ``ledger``) of preflight, and of status also ``health``:
    by colour what it answered just now."""
    edge, compose, ledger, asked = (facts.get(name) or {} for name in ("edge", "compose", "ledger", "health"))
    kept = ledger.get("health") or {}
    colours = {
        name: _colour(one, asked.get(name) or {}, kept.get(name) or {})
        for name, one in (compose.get("colours") or {}).items()
    }
    boot = facts.get("boot") or {}
    told = str(edge.get("live") or boot.get("live") or "")
    live = told or "blue"
    # Recorded, it stays adopted whatever became of the edge's configuration meanwhile.
    adopted = bool(edge.get("adopted") or compose.get("recorded"))
    marks = ledger.get("marks") or {}
    stable = str(marks.get("stable") or "")
    back = edge.get("return_to") or boot.get("return_to") or {}
    settled = accepted_of(marks, str(back.get("flip") or ""))
    shall_run = colours_to_run(live, back.get("colour"), settled, colours.get(live, Colour()).release)
    return World(
        adopted=adopted,
        live=live,
        colours=colours,
        return_to=back,
        token=int(edge.get("token") or 0),
        lock=ledger.get("lock") or {},
        stable=stable,
        reopened=bool(stable) and not settled,
        verdict=_verdict(ledger, colours.get(live)),
        left=_verdict(ledger, colours.get(OTHER[live])),
        findings=detect_changes(edge, compose, live, shall_run[-1], boot) if adopted else (),
        known=bool(told),
        misplaced=tuple(singletons.problems(singletons.seen_from(compose.get("singletons") or []), live)),
        behind=tuple(lagging(edge, live)) if adopted else (),
        removing=tuple(edge.get("removing") or ()),
        reachable=tuple(edge.get("assets", ("blue", "green"))),
        kept=deployable(compose.get("releases") or [], str(marks.get("fence") or "")),
        troubles=() if adopted else tuple(str(one) for one in edge.get("problems") or []),
        now=float(ledger.get("now") or 0.0),
    )
