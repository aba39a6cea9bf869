# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Adopt and undo for an edge that is configured through its admin API alone (``caddy run --resume``).

There is no file: the running configuration is what the switch goes into, by one write that is refused when somebody
else wrote meanwhile. Undo takes out what is ours and leaves what others have added since.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible_collections.olympus.bluegreen.plugins.module_utils._caddy import configured, fixed, jsonconfig, jsonlog
from ansible_collections.olympus.bluegreen.plugins.module_utils._caddy.admin import Admin
from ansible_collections.olympus.bluegreen.plugins.module_utils._caddy.adopt import Change
from ansible_collections.olympus.bluegreen.plugins.module_utils._caddy.edge import (
    Edge,
    arguments,
    root_of,
)
from ansible_collections.olympus.bluegreen.plugins.module_utils._caddy.forms import Upstream
from ansible_collections.olympus.bluegreen.plugins.module_utils._caddy.install import Installer, cost
from ansible_collections.olympus.bluegreen.plugins.module_utils._caddy.saved import require_saved
from ansible_collections.olympus.bluegreen.plugins.module_utils._caddy.syntax import JsonSyntax, dumped
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.argspec import COLOURS
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import BluegreenError, Refused
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.files import read_json, write_json
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.plan import Plan, Step


class ApiAdopter:
    """As ``adopt.Adopter``."""

    def __init__(
        self, edge: Edge, admin: Admin, upstreams: Sequence[Upstream], step: Callable[[str], None] = lambda name: None
    ) -> None:
        self.edge = edge
        self.admin = admin
        self.step = step
        self.upstreams = upstreams
        self.installer = Installer(edge, admin, upstreams, step)
        self.switch = self.installer.switch
        self._journal = os.path.join(self.installer.directory, "journal", "api.json")
        self._groups: Mapping[str, Any] = {}
        self._tag = ""

    @property
    def syntax(self) -> JsonSyntax:
        colour = self.installer.live() if self.edge.options.method != "switch" else ""
        return JsonSyntax(self.edge, self.upstreams, colour)

    def adopted(self) -> Change:
        running = self._running()
        self._require_saved(running)
        base, form = running, configured.form(running, root_of(self.edge))
        if form and (form == "switch") != (self.edge.options.method == "switch"):
            # Adopted with another method: begun again with what the operator's handlers were.
            made = (read_json(self._journal) or {"made": {}})["made"]
            self._refuse_edited(running, made, False)
            base = self._taken_out(running, made)
        elif self.edge.options.method == "switch":
            base = self._without_ours(running)
        done = self.syntax.rewritten(dumped(base))
        self._groups = done.made
        return self._change(running, done.config, self.installer.steps(), done.warnings)

    def undone(self, force: bool = False) -> Change:
        """What others have changed since stays; what they have changed inside of ours is lost, so that is refused."""
        running, journal = self._running(), read_json(self._journal) or {"made": {}}
        if self._alike(running, journal.get("after")):
            wanted = journal["before"]
        else:
            self._refuse_edited(running, journal["made"], force)
            wanted = self._taken_out(running, journal["made"])
        self.installer.refuse_undo(force or wanted == running)
        return self._change(running, wanted, ())

    def apply(self, change: Change) -> None:
        for step in change.plan.steps:
            if step.action == "make":
                self.installer.make()
            elif step.action == "load":
                self._note(change)
                self.step("load")
                self.admin.replace(change.config, self._tag)
        if not change.plan.changed:
            return
        if self.admin.config() != change.config:
            raise BluegreenError("the edge does not run what it was told", mend="read its log and run adopt again")
        require_saved(self.edge, self.admin)

    def _running(self) -> Any:
        config, self._tag = self.admin.tagged()
        if not self._tag:
            raise Refused("this Caddy gives its configuration no ETag", mend="Caddy 2.5.2 or newer is needed")
        return config

    def _change(self, running: Any, wanted: Any, first: tuple[Step, ...], warnings: tuple[str, ...] = ()) -> Change:
        steps = list(first)
        if wanted != running:
            steps.append(Step("load", self.edge.place().name, cost(self.edge, self.admin, running)))
        root, before, after = root_of(self.edge), dumped(running), dumped(wanted)
        state = {"switch_running": bool(configured.form(running, root))}
        plan = Plan(state, {"switch_running": bool(configured.form(wanted, root))}, tuple(steps))
        return Change(before, before, after, wanted, plan, "", warnings)

    def _without_ours(self, running: Any) -> Any:
        """What adopt begins with: the operator's handlers where ours stand as they were made, in whatever form."""
        made = (read_json(self._journal) or {"made": {}})["made"]
        present = {jsonconfig.ours(value): value for _path, value in jsonconfig.places(running)}
        known = {group: made[group] for group in present if group in made}
        kept = {
            group: known[group]["operators"]
            for group, one in present.items()
            if known.get(group, {}).get("ours") == one
        }
        return jsonconfig.restored(running, {**present, **kept})

    def _note(self, change: Change) -> None:
        """Before the change, so that what is ours can always be told from the operator's, and be taken out."""
        self.step("journal")
        known = read_json(self._journal) or {"made": {}}
        present = {jsonconfig.ours(value): value for _path, value in jsonconfig.places(change.config)}
        made = {
            # ``was``: what another method made of it, which a run that is cut off now leaves running.
            group: {"operators": one, "ours": present.get(group), "was": known["made"].get(group, {}).get("ours")}
            for group, one in self._groups.items()
        }
        before = json.loads(change.current)
        if any(jsonconfig.ours(value) for _path, value in jsonconfig.places(before)):
            # Not what an undo goes back to: then it takes out what is ours.
            after: Any = None
        else:
            after = change.config if made else known.get("after")
            before = before if made else known.get("before")
        noted = {"made": {**known["made"], **made}, "before": before if after else None, "after": after}
        write_json(self._journal, noted, 0o600)

    @staticmethod
    def _taken_out(running: Any, made: Mapping[str, Any]) -> Any:
        operators = {group: one["operators"] for group, one in made.items()}
        return jsonlog.without_log(jsonconfig.restored(running, operators))

    def _alike(self, one: Any, other: Any) -> bool:
        """Equal, but for the colour that is named."""
        turned = (fixed.turned_config(one, self.upstreams, colour) for colour in COLOURS)
        return one == other or other in turned

    def _refuse_edited(self, running: Any, made: Mapping[str, Any], force: bool) -> None:
        for path, value in jsonconfig.places(running):
            group = jsonconfig.ours(value)
            ours = [made[group]["ours"], made[group].get("was")] if group in made else [value]
            if group and not force and not any(self._alike(value, one) for one in ours):
                raise Refused(
                    "%s was edited since adopt: undo would lose that" % path,
                    mend="keep a copy of it and undo with force",
                )

    def _require_saved(self, running: Any) -> None:
        asked = arguments(self.edge.place().pid)
        persist = ((running or {}).get("admin") or {}).get("config", {}).get("persist", True)
        if "--resume" in asked and persist:
            return
        raise Refused(
            "a restart of the edge would lose the switch: %s"
            % ("its `persist` is off" if not persist else "it does not run with --resume (%s)" % " ".join(asked[1:])),
            option="edge.config",
            value="api",
            mend="run it with `caddy run --resume`, or keep its configuration in a file and say edge.config=json"
            " (caddyfile)",
        )
