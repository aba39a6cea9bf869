# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The switch for who knows its directory alone, as the watcher does: its way back moves the edge too."""

from __future__ import annotations

from collections.abc import Callable

from ansible_collections.olympus.bluegreen.plugins.module_utils._caddy.admin import Admin
from ansible_collections.olympus.bluegreen.plugins.module_utils._caddy.edges import edge_of
from ansible_collections.olympus.bluegreen.plugins.module_utils._caddy.follow import Follower
from ansible_collections.olympus.bluegreen.plugins.module_utils._caddy.record import Record, read
from ansible_collections.olympus.bluegreen.plugins.module_utils._caddy.switch import Switch, SwitchState
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.clock import Clock
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import BluegreenError
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.runner import Runner

# So often, and so far apart (seconds), a watcher tries to bring the edge back.
TRIES, PAUSE = 5, 1.0


class FollowedSwitch(Switch):
    """A switch whose way back the edge is made to follow, whatever its method is."""

    def __init__(
        self, path: str, runner: Runner, clock: Clock, step: Callable[[str], None] = lambda name: None
    ) -> None:
        super().__init__(path, step)
        self._runner = runner
        self._clock = clock

    def rollback(self, keep_pinned: bool = False, expect_flip: str = "") -> SwitchState:
        state = super().rollback(keep_pinned, expect_flip)
        found = read(self.path)
        if found is not None:
            self._followed(found)
        return state

    def _followed(self, found: Record) -> None:
        for left in reversed(range(TRIES)):
            try:
                return self._follow(found)
            except BluegreenError:
                if not left:
                    raise
                self._clock.sleep(PAUSE)

    def _follow(self, found: Record) -> None:
        edge = edge_of(self._runner, found.project, found.edge)
        Follower(edge, Admin(edge), found.upstreams, found.edge.method, self._step).follow(back=True)
