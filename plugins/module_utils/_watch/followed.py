# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is not the switch itself but has to follow it on the way back: the load balancers of a Cloudflare edge."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from ansible_collections.olympus.bluegreen.plugins.module_utils._caddy.switch import SwitchState
from ansible_collections.olympus.bluegreen.plugins.module_utils._cloudflare import app
from ansible_collections.olympus.bluegreen.plugins.module_utils._cloudflare.assemble import world_of
from ansible_collections.olympus.bluegreen.plugins.module_utils._cloudflare.world import World
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.clock import Clock
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import BluegreenError
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.http import DirectHttp

# Cloudflare refuses a token for five minutes at a time: two of these must not be the end.
SECONDS, PAUSE = 900.0, 5.0

Note = Callable[[Mapping[str, Any]], object]
# From the switch as it is now to why it is not followed; '' where it is.
Follow = Callable[[SwitchState, Note], str]


def nothing(state: SwitchState, note: Note) -> str:
    """Caddy looks at the switch itself."""
    return ""


class LoadBalancers:
    """``options`` are those of cloudflare_lb_pool; the token is read from its file at every try."""

    def __init__(self, options: Mapping[str, Any], clock: Clock) -> None:
        self._options = {**options, "state": "returned", "force": True, "keep_pinned": False}
        self._clock = clock

    def __call__(self, state: SwitchState, note: Note) -> str:
        """Tries until they do, or somebody else moved the switch, or ``SECONDS`` are over."""
        flip, deadline = state.return_to.flip if state.return_to else "", self._clock.monotonic() + SECONDS
        while True:
            try:
                self._back(flip)
            except (BluegreenError, OSError) as exc:
                why = str(exc)
            else:
                return ""
            note({"event": "not_followed", "to": state.live, "why": why})
            if self._moved(state, flip) or self._clock.monotonic() >= deadline:
                return "the switch says %s, Cloudflare does not follow: %s" % (state.live, why)
            self._clock.sleep(PAUSE)

    def _world(self) -> World:
        public = DirectHttp(self._options["observe"]["ca"] or None)
        return world_of(self._options, DirectHttp(), public, self._clock, False)

    def _back(self, flip: str) -> None:
        app.run(replace(self._world(), flip=flip))

    def _moved(self, state: SwitchState, flip: str) -> bool:
        now = self._world().switch.read()
        return bool(now.live != state.live or (now.return_to.flip if now.return_to else "") != flip)
