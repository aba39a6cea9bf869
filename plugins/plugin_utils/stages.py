# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a stage may do, decided from what preflight saw: pure, so that every rule has a row in a table of tests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from ansible_collections.olympus.bluegreen.plugins.module_utils._boot.awake import awake
from ansible_collections.olympus.bluegreen.plugins.module_utils._compose import singletons
from ansible_collections.olympus.bluegreen.plugins.plugin_utils.hands import Finding, findings, lagging

OTHER = {"blue": "green", "green": "blue"}
GOOD = ("PASS", "PASS_SYNTHETIC_ONLY")


def accepted(verdict: Mapping[str, Any]) -> bool:
    """Whether a watch found the release good, or a person answers for one that no watch could judge."""
    said = verdict.get("verdict")
    return said in GOOD or (said == "INCONCLUSIVE" and bool(verdict.get("signed_off")))


@dataclass(frozen=True)
class Colour:
    """One colour as recorded and as it runs. ``release`` is empty where the colour was never used.

    ``pending``: its containers are of another release than the one rendered last. ``drifted``: not as they were made.
    """

    release: str = ""
    version: str = ""
    adopted: bool = False
    running: bool = False
    pending: bool = False
    drifted: bool = False


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
    verdict: Mapping[str, Any] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    # Whether anybody could tell who is live.
    known: bool = True
    # Couriers and other singletons that are not where they shall be: the next stage mends it, nothing is refused.
    misplaced: tuple[str, ...] = ()
    # Public names of a Cloudflare edge that do not follow the switch: a cutover or rollback stopped half way.
    behind: tuple[str, ...] = ()
    # Colours that a cleanup or a deploy has begun to remove, and those whose forms and assets are still reachable.
    removing: tuple[str, ...] = ()
    reachable: tuple[str, ...] = ("blue", "green")
    # What the edge says is wrong where nothing is adopted yet.
    troubles: tuple[str, ...] = ()

    @property
    def problems(self) -> tuple[str, ...]:
        """What stops every stage but rollback and adopt."""
        return tuple(str(found) for found in self.findings if found.stops)

    @property
    def awake(self) -> tuple[str, ...]:
        """The colours whose containers shall run: the live one, and the one that a rollback goes back to."""
        return awake(self.live, self.return_to.get("colour"), self.stable, self.colour(self.live).release)

    @property
    def back(self) -> bool:
        """Whether a rollback would go to the idle colour: there was a cutover and nobody accepted it."""
        return self.idle in self.awake

    @property
    def idle(self) -> str:
        return OTHER[self.live]

    def colour(self, name: str) -> Colour:
        return self.colours.get(name, Colour())


@dataclass(frozen=True)
class Decision:
    """``refused`` is a sentence with its mend, or empty; ``go`` is false where there is nothing left to do.

    ``kept``: the kept release that is rendered instead of a new one; ``fast``: the switch alone does it.
    ``resume``: a cutover to the live colour stopped half way through the public names, and only that is left to do.
    ``since`` is when the live colour went live (seconds since the epoch), known to cleanup alone.
    ``follow``: the release whose watch speaks of the flip that is in force after a cutover stage; '' where none is.
    """

    refused: str = ""
    summary: str = ""
    go: bool = False
    live: str = "blue"
    idle: str = "green"
    release: str = ""
    misplaced: tuple[str, ...] = ()
    replaces: bool = False
    kept: str = ""
    fast: bool = False
    wake: tuple[str, ...] = ()
    resume: bool = False
    since: float = 0.0
    follow: str = ""

    def data(self) -> dict[str, Any]:
        return asdict(self)


def version_of(release: str) -> str:
    """The version in a release id ``<version>-<10 hex digits>``."""
    return release.rpartition("-")[0]


def _colour(one: Mapping[str, Any]) -> Colour:
    release = str(one.get("release") or "")
    return Colour(
        release=release,
        version=version_of(release),
        adopted=bool(one.get("adopted")),
        running=bool(one.get("running")),
        pending=bool(one.get("pending")),
        drifted=bool(one.get("drift")),
    )


def world(facts: Mapping[str, Any]) -> World:
    """Read the three modules' answers (``edge``, ``compose``, ``ledger``) of preflight."""
    edge, compose, ledger = (facts.get(name) or {} for name in ("edge", "compose", "ledger"))
    colours = {name: _colour(one) for name, one in (compose.get("colours") or {}).items()}
    boot = facts.get("boot") or {}
    told = str(edge.get("live") or boot.get("live") or "")
    live = told or "blue"
    releases = ledger.get("releases") or {}
    # Recorded, it stays adopted whatever became of the edge's configuration meanwhile.
    adopted = bool(edge.get("adopted") or compose.get("recorded"))
    stable = str((ledger.get("marks") or {}).get("stable") or "")
    back = edge.get("return_to") or boot.get("return_to") or {}
    shall_run = awake(live, back.get("colour"), stable, colours.get(live, Colour()).release)
    return World(
        adopted=adopted,
        live=live,
        colours=colours,
        return_to=back,
        token=int(edge.get("token") or 0),
        lock=ledger.get("lock") or {},
        stable=stable,
        verdict=(releases.get(colours.get(live, Colour()).release) or {}).get("verdict") or {},
        findings=findings(edge, compose, live, shall_run[-1], boot) if adopted else (),
        known=bool(told),
        misplaced=tuple(singletons.problems(singletons.seen_from(compose.get("singletons") or []), live)),
        behind=tuple(lagging(edge, live)) if adopted else (),
        removing=tuple(edge.get("removing") or ()),
        reachable=tuple(edge.get("assets", ("blue", "green"))),
        troubles=() if adopted else tuple(str(one) for one in edge.get("problems") or []),
    )


def _base(seen: World) -> dict[str, Any]:
    old = seen.colour(seen.idle)
    return {"live": seen.live, "idle": seen.idle, "release": old.release, "misplaced": seen.misplaced}


def _unfit(seen: World) -> str:
    if not seen.adopted:
        return "Not adopted yet. Type: ansible-playbook bluegreen.yml --tags adopt -e version=<running version>"
    if seen.problems:
        return "Other hands were there: %s. All of it: ansible-playbook bluegreen.yml --tags status" % "; ".join(
            seen.problems
        )
    return ""


def repair_decision(seen: World) -> Decision:
    """What adopt finds: nothing yet, or a deployment of ours in which it brings back what shall run."""
    base = _base(seen)
    if not seen.adopted:
        return Decision(summary="the running stack becomes blue", go=True, **base)
    named = "; ".join(found.what for found in seen.findings) or "nothing to repair"
    said = "%s is live" % seen.live if seen.known else "nobody can tell who is live"
    return Decision(summary="%s. %s" % (said, named), go=True, wake=seen.awake if seen.known else (), **base)


def undo_decision(seen: World) -> Decision:
    """May the adoption be taken back? Only to the adopted containers themselves; a colour of ours goes before."""
    base = _base(seen)
    if seen.adopted and seen.known and seen.live != "blue":
        return Decision(
            refused="green is live, and your own configuration only knows blue. Type: ansible-playbook bluegreen.yml "
            "--tags rollback, then undo",
            **base,
        )
    blue = seen.colour("blue")
    if blue.release and not blue.adopted:
        return Decision(
            refused="blue runs in containers of ours: your own went with its cleanup, so there is nothing to go back "
            "to. Start your project in a maintenance window instead, and stop ours then",
            **base,
        )
    return Decision(summary="the adoption is taken back, blue runs on", go=True, replaces=bool(base["release"]), **base)


def _is_live(seen: World, version: str) -> bool:
    return bool(version) and seen.colour(seen.live).version == version


def release_decision(seen: World, version: str) -> Decision:
    """May ``version`` be prepared (preflight, migrate, deploy) on the idle colour?"""
    base = _base(seen)
    refused = _unfit(seen)
    if refused:
        return Decision(refused=refused, **base)
    if _is_live(seen, version):
        return Decision(summary="%s is live on %s already: nothing to do" % (version, seen.live), **base)
    if seen.back and seen.colour(seen.idle).running and seen.colour(seen.idle).version != version:
        return Decision(
            refused="%s holds %s, where a rollback goes back to, and %s is not accepted yet. Type: ansible-playbook "
            "bluegreen.yml --tags cleanup (accept it), or --tags rollback (give it up)"
            % (seen.idle, seen.colour(seen.idle).version, seen.colour(seen.live).version),
            **base,
        )
    old = seen.colour(seen.idle)
    return Decision(
        summary="%s goes to %s, %s stays live" % (version, seen.idle, seen.live),
        go=True,
        replaces=old.pending or (old.running and old.version != version),
        **base,
    )


def cutover_decision(seen: World, version: str, check_mode: bool = False) -> Decision:
    """Is the idle colour the one that ``version`` was deployed to? In check mode nobody has deployed it."""
    if _half_way(seen, version):
        live = {**_base(seen), "release": seen.colour(seen.live).release, "follow": seen.colour(seen.live).release}
        return Decision(summary="%s goes on: %s to follow" % (version, ", ".join(seen.behind)), resume=True, **live)
    first = release_decision(seen, version)
    if first.refused or not first.go:
        return replace(first, follow=seen.colour(seen.live).release if seen.back else "")
    idle = seen.colour(seen.idle)
    missing = idle.version != version or not idle.running or idle.drifted
    if missing and check_mode:
        return Decision(
            summary="will be checked: whether %s holds %s and passes its gate" % (seen.idle, version), **_base(seen)
        )
    if missing:
        held = idle.version or "nothing"
        return Decision(
            refused="%s holds %s%s, not %s. Type: ansible-playbook bluegreen.yml --tags deploy -e version=%s"
            % (seen.idle, held, _lacks(idle), version, version),
            **_base(seen),
        )
    return Decision(summary="%s (%s) goes live" % (seen.idle, version), go=True, follow=idle.release, **_base(seen))


def _half_way(seen: World, version: str) -> bool:
    """Nothing else is wrong than that public names do not follow the cutover to this very version."""
    alone = all(found.kind == "behind" for found in seen.findings if found.stops)
    return bool(seen.adopted and seen.behind and seen.back and alone and _is_live(seen, version))


def _lacks(idle: Colour) -> str:
    if not idle.running:
        return " (not running)"
    return " (not as it was made)" if idle.drifted else ""


def cleanup_decision(seen: World, bake: int, now: float) -> Decision:
    """May the old colour go? Only after a good verdict of this very cutover and the bake time (seconds)."""
    live = seen.colour(seen.live)
    base = {**_base(seen), "release": live.release, "since": float(seen.return_to.get("at") or 0)}
    refused = _unfit(seen)
    if refused:
        return Decision(refused=refused, **base)
    if not seen.return_to and not seen.stable:
        return Decision(
            refused="Nothing was cut over yet. Type: ansible-playbook bluegreen.yml -e version=<new>", **base
        )
    if seen.stable == live.release and not seen.colour(seen.idle).running:
        return Decision(summary="%s is stable and %s is empty: nothing to do" % (live.version, seen.idle), **base)
    why = _unproven(seen, bake, now)
    if why:
        return Decision(refused=why, **base)
    return Decision(summary="%s becomes the stable release, %s is removed" % (live.version, seen.idle), go=True, **base)


def ready_at(seen: World, bake: int) -> float:
    """When the bake time (seconds) of what is live is over."""
    return float(seen.return_to.get("at") or 0) + bake


def _unproven(seen: World, bake: int, now: float) -> str:
    live, verdict = seen.colour(seen.live), seen.verdict
    if seen.return_to.get("colour") == seen.live:
        return "%s is live again after a rollback; there is nothing to accept." % seen.live
    if not accepted(verdict) or verdict.get("flip") != seen.return_to.get("flip"):
        said = verdict.get("verdict") or "no verdict"
        return "This cutover to %s has %s. Type: ansible-playbook bluegreen.yml --tags watch" % (live.version, said)
    if now < ready_at(seen, bake):
        return "%s is live for %d of %d s of bake time. Wait, or say -e bluegreen_bake=0" % (
            live.version,
            now - float(seen.return_to.get("at") or 0),
            bake,
        )
    return ""
