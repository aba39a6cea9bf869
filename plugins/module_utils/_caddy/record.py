# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How an edge is made to follow its switch, written down beside it: for who knows the directory alone, as the watcher
does. Adopt writes it, a cutover renews it. Without it the edge looks at the switch itself."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ansible_collections.olympus.bluegreen.plugins.module_utils._caddy.admin import Admin
from ansible_collections.olympus.bluegreen.plugins.module_utils._caddy.edge import EdgeOptions
from ansible_collections.olympus.bluegreen.plugins.module_utils._caddy.edges import edge_of
from ansible_collections.olympus.bluegreen.plugins.module_utils._caddy.follow import Follower
from ansible_collections.olympus.bluegreen.plugins.module_utils._caddy.forms import Upstream
from ansible_collections.olympus.bluegreen.plugins.module_utils._caddy.switch import Switch, SwitchState
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.clock import Clock
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import BluegreenError
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.files import read_json, write_json
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.runner import Runner

NAME = "follow.json"
# So often, and so far apart (seconds), a watcher tries to bring the edge back.
TRIES, PAUSE = 5, 1.0


@dataclass(frozen=True)
class Record:
    project: str
    edge: EdgeOptions
    upstreams: Sequence[Upstream]


def changes(directory: str, wanted: Record | None) -> bool:
    """Whether something else is written down in the switch directory; None is written as nothing."""
    return bool(read_json(os.path.join(directory, NAME)) != _values(wanted))


def write(directory: str, wanted: Record | None) -> None:
    path, values = os.path.join(directory, NAME), _values(wanted)
    if values is not None and changes(directory, wanted):
        write_json(path, values, 0o600)
    elif values is None and os.path.exists(path):
        os.unlink(path)


def _values(wanted: Record | None) -> Any:
    if wanted is None or wanted.edge.method == "switch":
        return None
    upstreams = [asdict(one) for one in wanted.upstreams]
    return {"project": wanted.project, "edge": asdict(wanted.edge), "upstreams": upstreams}


def read(directory: str) -> Record | None:
    """Raises BluegreenError for a record of another shape."""
    found = read_json(os.path.join(directory, NAME))
    if found is None:
        return None
    try:
        upstreams = tuple(Upstream(**one) for one in found["upstreams"])
        return Record(str(found["project"]), EdgeOptions(**found["edge"]), upstreams)
    except (KeyError, TypeError) as exc:
        raise BluegreenError(
            "%s has another shape" % os.path.join(directory, NAME), mend="run the adopt stage"
        ) from exc


def method(directory: str) -> str:
    """The method in force."""
    found = read(directory)
    return found.edge.method if found else "switch"


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
        for left in reversed(range(TRIES if found else 0)):
            try:
                self._follow(found)
                break
            except BluegreenError:
                if not left:
                    raise
                self._clock.sleep(PAUSE)
        return state

    def _follow(self, found: Any) -> None:
        edge = edge_of(self._runner, found.project, found.edge)
        Follower(edge, Admin(edge), found.upstreams, found.edge.method, self._step).follow(back=True)
