# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whatever serves the public without looking at the switch itself has to be made to follow it on the way back: the load
balancers of a Cloudflare edge, and the configuration of a Caddy whose method is not ``switch``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from .._cloudflare import states
from .._cloudflare.context import context_of
from .._core.clock import Clock
from .._core.errors import BluegreenError
from .._core.http import DirectHttp
from .._core.runner import Runner
from .._edge.adopt.reload_method import ReloadMethod
from .._edge.running.admin import Admin
from .._edge.running.find import edge_of, read_record
from .._switch.switch import Switch, SwitchState

SECONDS, PAUSE = 900.0, 5.0

Note = Callable[[Mapping[str, Any]], object]
Follow = Callable[[SwitchState, Note], str]
# One try to go to where the switch is, after the cutover of this id: what is left to fix, '' when nothing is. Raises
# BluegreenError and OSError.
Back = Callable[[str], str]


@dataclass(frozen=True)
class EdgeFollowup:
    """``edge`` is its name in sentences. After a rollback: '' when it follows, else why it does not."""

    edge: str
    back: Back
    switch: Switch
    clock: Clock

    def __call__(self, state: SwitchState, note: Note) -> str:
        """Tries until it does, or the switch was moved again, or ``SECONDS`` are over."""
        flip, deadline = state.return_to.flip if state.return_to else "", self.clock.monotonic() + SECONDS
        while True:
            try:
                left = self.back(flip)
            except (BluegreenError, OSError) as exc:
                why = str(exc)
            else:
                if left:
                    note({"event": "not_kept", "to": state.live, "why": left})
                return ""
            note({"event": "not_followed", "to": state.live, "why": why})
            if self._moved(state, flip) or self.clock.monotonic() >= deadline:
                return "the switch says %s, %s does not follow: %s" % (state.live, self.edge, why)
            self.clock.sleep(PAUSE)

    def _moved(self, state: SwitchState, flip: str) -> bool:
        now = self.switch.read()
        return now.live != state.live or (now.return_to.flip if now.return_to else "") != flip


def load_balancers(options: Mapping[str, Any], switch: Switch, clock: Clock) -> EdgeFollowup:
    """``options`` are those of cloudflare_lb_pool; the token is read from its file at every try."""
    given = {**options, "state": "returned", "force": True, "keep_sticky": False}

    def back(flip: str) -> str:
        public = DirectHttp(given["observe"]["ca"] or None)
        states.run(replace(context_of(given, DirectHttp(), public, clock, False), flip=flip))
        return ""

    return EdgeFollowup("Cloudflare", back, switch, clock)


def configuration(
    runner: Runner, switch: Switch, clock: Clock, state_dir: str, step: Callable[[str], None] = lambda name: None
) -> EdgeFollowup:
    """By what adopt wrote down in the state directory; nothing has to be done where that is nothing."""

    def back(_flip: str) -> str:
        found = read_record(state_dir)
        if found is None:
            return ""
        edge = edge_of(runner, found.project, found.edge)
        return ReloadMethod(edge, Admin(edge), found.upstreams, step).follow(back=True)

    return EdgeFollowup("the edge", back, switch, clock)
