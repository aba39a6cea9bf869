# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a stage begins: lock and look, decide, and once a run look at what a release needs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.olympus.bluegreen.plugins.plugin_utils import controller
from ansible_collections.olympus.bluegreen.plugins.plugin_utils.decide import stage_decision
from ansible_collections.olympus.bluegreen.plugins.plugin_utils.edge_modules import chosen

LOOK = "olympus.bluegreen.release_look"
PREFLIGHT = "olympus.bluegreen.release_preflight"
RELEASE_STAGES = ("migrate", "deploy", "cutover")

Result = dict[str, Any]


class ModuleFailed(Exception):
    """A module said no; ``result`` is what it said."""

    def __init__(self, result: Result) -> None:
        self.result = result
        super().__init__(str(result.get("msg")))


@dataclass(frozen=True)
class Begin:
    """``asked``: the options of M(olympus.bluegreen.release_stage). ``run_module``: its name and options to its result.
    ``me``: the controller's process; ``run`` and ``operator``: its id and who started it."""

    asked: Mapping[str, Any]
    run_module: Callable[[str, Result], Result]
    me: Mapping[str, Any]
    run: str
    operator: str
    check_mode: bool

    def result(self) -> Result:
        """The result of the task. Raises ModuleFailed."""
        facts = self._facts()
        found: Result = {"facts": facts, "token": int(facts["ledger"]["token"]), "rows": self.asked["rows"]}
        if not self.asked["stage"]:
            return found
        decision = self._decision(facts)
        found.update(decision=decision, msg=decision["summary"])
        if self.asked["lock"] and self._looks(decision):
            found.update(self._rows(facts))
            if found["refused"]:
                return {"failed": True, "msg": "\n".join(found["refused"]), "table": found["table"]}
        if self.asked["lock"] and decision["refusal"]:
            return {"failed": True, "msg": decision["refusal"], "table": found.get("table", [])}
        return found

    def _facts(self) -> Result:
        """What the host records and runs, then what the edge says. A watch goes by the switch alone."""
        looked = self._lock_and_look()
        if self.asked["stage"] == "watch":
            edge = {**looked["switch"], "adopted": bool(looked["switch"])}
        else:
            edge = self._run(*chosen({"state": "read", "deployment": self.asked["deployment"]}))
        return {"edge": edge, "compose": looked["compose"], "ledger": looked["ledger"]}

    def _lock_and_look(self) -> Result:
        """A lock that another run holds is asked for again with what this controller knows of that run."""
        options: Result = {"deployment": self.asked["deployment"], "lock": self.asked["lock"], "run": self.run}
        if self.asked["lock"]:
            options.update({name: self.asked[name] for name in ("stage", "version", "stale", "unlock")})
            options.update(operator=self.operator, controller=self.me)
            found = self.run_module(LOOK, options)
            if not found.get("held"):
                return succeeded(found)
            options = {**options, "seen": controller.knows(self.me, found["held"])}
        return self._run(LOOK, options)

    def _decision(self, facts: Result) -> Result:
        asked = self.asked
        stage = "undo" if asked["undo"] and asked["stage"] == "adopt" else asked["stage"]
        flags = self.check_mode, asked["ignore_fence"], asked["fix_forward"]
        return stage_decision(facts, stage, asked["version"], asked["bake"], *flags)

    def _looks(self, decision: Result) -> bool:
        """Once a run, before its first stage that does something; preflight alone whatever was decided."""
        if self.asked["rows"] is not None:
            return False
        return self.asked["stage"] == "preflight" or (decision["proceed"] and self.asked["stage"] in RELEASE_STAGES)

    def _rows(self, facts: Result) -> Result:
        asked, deployment, alone = self.asked, self.asked["deployment"], self.asked["stage"] == "preflight"
        edge, compose = facts["edge"], facts["compose"]
        idle = (compose["colours"].get(edge.get("idle") or "") or {}).get("running")
        options = {
            "deployment": deployment,
            "version": asked["version"],
            "probe_secrets": asked["probe_secrets"],
            "rehearsal_image": asked["rehearsal_image"],
            "interval": (deployment.get("watch") or {}).get("interval", 1),
            "live": edge["live"] if edge["adopted"] else "",
            "idle_running": bool(idle),
            "settings": asked["settings"],
            "show": "everything" if alone else "wrong",
            "run": "" if alone else self.run,
        }
        found = self._run(PREFLIGHT, options)
        return {name: found[name] for name in ("rows", "refused", "table")}

    def _run(self, module: str, options: Result) -> Result:
        return succeeded(self.run_module(module, options))


def succeeded(result: Result) -> Result:
    """The result without what is Ansible's own in it."""
    if result.get("failed"):
        raise ModuleFailed(result)
    return {name: one for name, one in result.items() if name != "invocation" and not name.startswith("_ansible")}
