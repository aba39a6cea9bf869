# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The switch: one directory that says which colour is live.

::

    <path>/switch/blue|green     the marker: exactly one of them
    <path>/switch/ready          the sentinel, which no flip touches: without it and ``green`` the edge says 503
    <path>/switch/warm-<colour>  a POST pinned to that colour by its cookie goes there
    <path>/switch/assets-<colour>  a static file that the other colour doesn't have is asked there
    <path>/switch/removing-<colour>  its containers are being removed or replaced: no rollback goes there
    <path>/preview/<secret>      a request whose header says this name goes to the colour that is not live
    <path>/return_to             JSON {"colour", "release", "flip", "at"}: where a rollback goes
    <path>/moved-<colour>        where our own last move put the marker; if the marker is elsewhere, a hand moved it
    <path>/token-<12 digits>     the fencing token
    <path>/claimed               a run took the token and no rollback has fenced it since
    <path>/lock                  every change is made under its flock
    <path>/deployment            whose switch it is

Live, as the edge decides it on every request: ``green`` there? green; else ``ready`` there? blue; else none.

**A flip by hand** (``mv green blue``) is a flip: ``read`` gives it an id, a time and a way back of its own (``flips``),
and the next run that takes the token writes them down.

**A full disk.** Flip and rollback only rename and unlink names that exist, so they need no space. That is why the
token is part of a name (always twelve digits: the new name fits where the old one was) and not content, and why the
warm files are made in ``prepare``, before the flip, together with ``return_to``. ``install``, ``claim`` and ``prepare``
are the only acts that need space; a stage for which they fail has not flipped anything.

**A killed process.** Every step leaves a state from which the same call again converges, and the marker moves in one
rename, so no observer ever sees two colours live, or none.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from functools import partial

from .._core.argspec import COLOURS
from .._core.errors import BluegreenError, Refused
from .._core.names import OTHER
from . import flips, preview_secret
from .directory import MODES, MOVED, NAME, TOKEN, Directory
from .flips import ReturnTo

# Before a colour's name.
REMOVING = "removing-"
# A rollback that did not wait for the lock looks so often whether it stays where it is, in seconds.
LOOKS, PAUSE = 4, 0.25
LOOK = "inspect it; to flip by hand, run mv green blue (or mv blue green) in the directory switch beside it"


__all__ = ["ReturnTo", "Switch", "SwitchState", "describe"]


@dataclass(frozen=True)
class SwitchState:
    """``live`` is '' where the edge answers 503. ``damage`` names what install or a flip would fix. ``removing``: the
    colours that a cleanup or a deploy takes away, so that no rollback goes there. ``return_to`` is that of the flip in
    force, also where a hand made it (``by_hand``: and no run has written it down)."""

    live: str
    ready: bool
    warm: tuple[str, ...]
    assets: tuple[str, ...]
    return_to: ReturnTo | None
    token: int
    claimed: bool = False
    damage: str = ""
    removing: tuple[str, ...] = ()
    by_hand: bool = False


class Switch(Directory):
    """``step`` is called with a name before every change on disk: tests stop there, nothing else needs it."""

    def exists(self) -> bool:
        try:
            self._files("switch")
        except (BluegreenError, OSError):
            return False
        return True

    def markers(self) -> tuple[str, ...]:
        """The colours that a marker names: one, unless the switch is damaged."""
        return tuple(colour for colour in COLOURS if self._exists("switch", colour))

    def read(self) -> SwitchState:
        """The state as the edge sees it. Raises BluegreenError where there is no switch directory."""
        try:
            names = self._files("switch")
        except OSError as exc:
            raise BluegreenError("no switch at %s: %s" % (self.path, exc.strerror), fix="run the adopt stage") from exc
        ready = "ready" in names
        markers = self.markers()
        damage = "" if len(markers) == 1 else "markers: %s" % (", ".join(markers) or "none")
        live = "green" if "green" in names else "blue" if ready else ""
        recorded, moved = self._return_to(), self._moved_to()
        by_hand = bool(ready and not damage and moved and moved != live)
        drained = live in OTHER and (REMOVING + live in names or "assets-" + live not in names)
        return SwitchState(
            live=live,
            ready=ready,
            warm=tuple(colour for colour in COLOURS if "warm-" + colour in names),
            assets=tuple(colour for colour in COLOURS if "assets-" + colour in names),
            return_to=flips.by_hand(recorded, live, drained, self._changed(live)) if by_hand else recorded,
            token=self._token(),
            claimed=self._exists("claimed"),
            damage=damage if ready else "no sentinel" + ("; " + damage if damage else ""),
            removing=tuple(colour for colour in COLOURS if REMOVING + colour in names),
            by_hand=by_hand,
        )

    def install(self, live: str = "blue", owner: tuple[int, int] = (0, 0), deployment: str = "") -> None:
        """Make what is missing and touch nothing that is there; ``live`` counts only where no marker is.

        The sentinel comes last: until all is there the edge says 503 and never serves a colour by accident.
        ``owner`` (uid, gid) owns the log directory, which the edge itself writes.
        """
        for name, mode in MODES.items():
            self._directory(name, mode, owner if name == "log" else None)
        with self._alone():
            if deployment and not self._exists(NAME):
                self._write(NAME, deployment + "\n")
            if not self._tokens():
                self._touch(TOKEN + "%012d" % 0)
            if not self.markers():
                self._touch("switch", live)
            self._settle()
            serving = self.read().live or live
            if not self._moved_to():
                self._touch(MOVED + serving)
            self._touch("switch", "warm-" + serving)
            self._touch("switch", "assets-" + serving)
            self._touch("switch", "ready")

    def claim(self, token: int) -> int:
        """Make ``token`` (or the next free one, if that is higher) the one that may write, and return it."""
        with self._alone():
            self._settle()
            wanted = max(token, self._token() + 1)
            self._touch("claimed")
            self._raise_token(wanted)
            return wanted

    def unclaim(self, token: int) -> None:
        """The run of ``token`` is over and writes no more."""
        with self._alone():
            if self._token() == token and self._exists("claimed"):
                self._remove("claimed")

    def prepare(self, return_to: ReturnTo, token: int) -> None:
        """Write the way back and warm both colours, before a flip. A token older than the switch's is Fenced.

        A newer token is taken over. ``return_to`` must name the live colour: preparing after the flip would
        overwrite the way back with the way forward.
        """
        with self._alone():
            still = partial(self._require_way_back, return_to, token)
            still()
            self._raise_token(token)
            self._touch("claimed")
            self._step("return_to")
            self._write("return_to", json.dumps(asdict(return_to)) + "\n", still)
            for colour in COLOURS:
                self._touch("switch", "warm-" + colour)
                self._touch("switch", "assets-" + colour)

    def _require_way_back(self, return_to: ReturnTo, token: int) -> None:
        self._check(token, exact=False)
        if return_to.colour not in COLOURS or return_to.colour != self.read().live:
            raise Refused(
                "return_to names %s, which is not live" % return_to.colour,
                fix="check the status stage, then run the stage again",
            )

    def preview(self, wanted: str, token: int) -> bool:
        """Let requests with the secret ``wanted``, and of no other, reach the idle colour; a token older than the
        switch's is Fenced. False where it is so already."""
        with self._alone():
            self._check(token, exact=False)
            return preview_secret.let_in(self.path, wanted, self._step)

    def previews(self, wanted: str) -> bool:
        return preview_secret.known(self.path) == [wanted]

    def flip(self, colour: str, token: int) -> bool:
        """One rename. False where ``colour`` is live already; Fenced where the token isn't ours."""
        with self._alone():
            self._check(token, exact=True)
            # Asked again right before each rename: stopped here, this process may wake up after a rollback that did
            # not wait for it.
            still = partial(self._check, token, exact=True)
            # First: a reader in between takes it for no flip yet, and never for one by hand.
            self._note_move(colour, still)
            return self._move(colour, still)

    def rollback(self, keep_sticky: bool = False, expect_flip: str = "", force: bool = False) -> SwitchState:
        """Back to ``return_to``, with no other permission; twice is the same as once.

        ``expect_flip``: only while ``return_to`` is that cutover's (Refused otherwise); the watcher of one cutover
        must not undo the next. ``force``: also to a colour that is being removed (an operator insists).
        Raises the token first (a stage still running stops at its next write, also one that has prepared nothing
        yet), then stops pinned POSTs to the colour that is left (unless ``keep_sticky``, for a colour that is not
        bad), then moves the marker. Its static files stay reachable: pages that it served are still open in browsers.
        """
        with self._alone(passing=True) as held:
            state = self._back(keep_sticky, expect_flip, force, held)
            for _look in range(0 if held else LOOKS):
                # The process that holds the lock may have looked at the token just before it was raised.
                time.sleep(PAUSE)
                state = self._back(keep_sticky, "", force, held=True)
            return state

    def _back(self, keep_sticky: bool, expect_flip: str, force: bool, held: bool) -> SwitchState:
        """Not ``held``: another process may be at any step of its own act, so its run is fenced in any case."""
        state = self.read()
        back = state.return_to
        if expect_flip and (back is None or back.flip != expect_flip):
            raise Refused(
                "the switch was moved meanwhile: cutover %s is in force" % (back.flip if back else "none"),
                fix="check the status stage",
            )
        if back is None:
            raise self._nothing(state, held)
        target = back.colour
        if state.live != target and not force and self.rollback_blocked(target):
            # A cutover on its way flips no more; a cleanup has gone too far to be stopped.
            self._fenced(state, held)
            raise Refused(
                "%s is being removed or replaced" % target,
                fix="wait until that ends, or run its stage again if it was killed; then check the status stage",
            )
        bad = "warm-" + OTHER[target]
        pinned = self._exists("switch", bad) and not keep_sticky
        if held and state.live == target and not (pinned or state.claimed or state.damage):
            self._note_move(target)
            return self.read()
        self._end_runs(state, held)
        if pinned:
            self._remove("switch", bad)
        self._move(target)
        self._note_move(target)
        self._reachable(target)
        return self.read()

    def _settle(self) -> None:
        """Write down what a hand did: from now on it is a flip as any other. A full disk leaves it as it is read."""
        if not self.exists():
            return
        state = self.read()
        if not state.by_hand:
            return
        if state.return_to != self._return_to() and state.return_to is not None:
            with suppress(OSError):
                self._step("return_to")
                self._write("return_to", json.dumps(asdict(state.return_to)) + "\n")
        if state.return_to == self._return_to():
            self._note_move(state.live)

    def _reachable(self, colour: str) -> None:
        """Its two names that a drain takes away. A full disk is no reason not to be back."""
        with suppress(OSError):
            self._touch("switch", "warm-" + colour)
            self._touch("switch", "assets-" + colour)

    def _nothing(self, state: SwitchState, held: bool) -> Refused:
        """The refusal where no cutover yet; a run on its way to the first one is fenced all the same."""
        stopped = self._fenced(state, held)
        said = "nothing to roll back: no cutover yet%s" % stopped
        return Refused(said, fix="check the status stage", partial={"stopped": stopped})

    def _fenced(self, state: SwitchState, held: bool) -> str:
        """A refusal of a rollback stops the run in progress all the same, and says so."""
        if held and not state.claimed:
            return ""
        self._end_runs(state, held)
        return "; the run in progress was stopped"

    def _end_runs(self, state: SwitchState, held: bool) -> None:
        """By two where the lock is not ours: who holds it may be about to raise it by one."""
        self._raise_token(state.token + (1 if held else 2))
        if state.claimed:
            self._remove("claimed")

    def fence(self) -> str:
        """Stop the run that is on its way. What to add to a refusal, '' where there is none."""
        with self._alone(passing=True) as held:
            return self._fenced(self.read(), held)

    @contextmanager
    def stopping(self, check_mode: bool) -> Iterator[None]:
        """Around what may refuse a rollback: the run in progress is stopped all the same."""
        try:
            yield
        except Refused as no:
            stopped = "" if check_mode else self.fence()
            about = {**no.partial, "stopped": stopped}
            raise Refused(no.msg + stopped, option=no.option, value=no.value, fix=no.fix, partial=about) from no

    def block_rollback(self, colour: str, token: int | None = None) -> None:
        """Around each removal of one of its containers: from now on no rollback goes to ``colour``, and no cookie: what
        takes its name next has not been checked yet. Refused while it is live. ``token``: that of the run that removes;
        Fenced where it is older than the switch's.

        A rollback that was refused, because this very removal goes on, does not stop it: half of it helps no user.
        """
        with self._alone():
            self._require_idle(colour)
            alone = self.rollback_blocked(colour) and not self._exists("claimed")
            if token is not None and not alone:
                self._check(token, exact=False)
            self._touch("switch", REMOVING + colour)
            try:
                # Again: a rollback that does not wait for the lock looks for that name after it has moved the marker.
                self._require_idle(colour)
            except Refused:
                self._remove("switch", REMOVING + colour)
                raise
            for name in ("warm-" + colour, "assets-" + colour):
                if self._exists("switch", name):
                    self._remove("switch", name)

    def _require_idle(self, colour: str) -> None:
        if self.read().live == colour:
            raise Refused(
                "%s is live now: a rollback went there" % colour,
                option="colour",
                value=colour,
                fix="check the status stage",
            )

    def allow_rollback(self, colour: str, token: int | None = None) -> None:
        """It is whole again. Fenced where ``token`` is older than the switch's: a newer run may be removing it."""
        with self._alone():
            if not self.rollback_blocked(colour):
                return
            if token is not None:
                self._check(token, exact=False)
            self._remove("switch", REMOVING + colour)

    def undrain(self, colour: str, token: int) -> None:
        """A removal of ``colour`` was refused before it began: where a rollback goes there, its forms and static files
        are reachable again. A newer run's drain stays."""
        with self._alone():
            state = self.read()
            back = state.return_to.colour if state.return_to else ""
            if back == colour != state.live and state.token <= token and colour not in state.removing:
                self._reachable(colour)

    def token_for(self, token: int | None) -> int:
        """An act without a token goes by the token of now: what fences from here on fences it too."""
        return token if token is not None else self.read().token if self.exists() else 0

    def require(self, token: int) -> None:
        """Fenced where ``token`` is older than the switch's."""
        with self._alone():
            self._check(token, exact=False)

    def rollback_blocked(self, colour: str) -> bool:
        return self._exists("switch", REMOVING + colour)

    def unpin(self, colour: str) -> bool:
        """No pinned POST, static file or preview is sent to ``colour`` any more. Refused while it is live."""
        with self._alone():
            if self.read().live == colour:
                raise Refused(
                    "%s is live" % colour, option="colour", value=colour, fix="drain or replace the other colour"
                )
            names = [kind + colour for kind in ("warm-", "assets-")]
            gone = [name for name in names if self._exists("switch", name)]
            for name in gone:
                self._remove("switch", name)
            return preview_secret.forget(self.path, self._step) or bool(gone)

    def _return_to(self) -> ReturnTo | None:
        content = self._read("return_to")
        try:
            return None if content is None else flips.parsed(content)
        except (TypeError, ValueError) as exc:
            raise BluegreenError("%s has another shape" % self._in("return_to"), fix=LOOK) from exc


def describe(state: SwitchState) -> dict[str, object]:
    """The switch as a module returns it."""
    back = asdict(state.return_to) if state.return_to else None
    lists = {name: list(getattr(state, name)) for name in ("warm", "assets", "removing")}
    return {**asdict(state), "idle": OTHER.get(state.live, ""), "return_to": back, **lists}
