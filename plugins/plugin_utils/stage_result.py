# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a stage leaves for a program: ``bluegreen_result``, from what its roles have registered. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.olympus.bluegreen.plugins.plugin_utils.commands import NEW, STATUS, Command, command, release
from ansible_collections.olympus.bluegreen.plugins.plugin_utils.world import GOOD

NAME = "bluegreen_result"
# Every task of ours registers one of these, so that a stage knows why it failed; a test holds it.
REGISTERED = (
    "preflight_result", "stack_result", "schema_result", "watch_result", "traffic_result", "report_result",
    "schema_record", "schema_bridges", "schema_exported", "schema_rehearsed", "schema_proof", "stack_boot_result",
    "traffic_wanted", "traffic_record", "watch_ready", "watch_wait", "adopt_record", "bluegreen_refused",
)  # fmt: skip
FOLLOWING = {"preflight": "migrate", "migrate": "deploy", "deploy": "cutover"}
UNTOLD = ("watch", "status", "guard")
SILENT = "the stage ended without a reason that could be kept; the output of the run has it"
CUT_OFF = "the run ended before its stage did: a host could not be reached, or the run was stopped"

Data = dict[str, Any]


@dataclass(frozen=True)
class Ended:
    """``results``: what was registered last, by its name. ``failed``: whether the stage did. ``status``: the data of
    status, in its stage. ``hooks``: {stage, hook, said} of each hook that failed. ``rescued``: what a failure said from
    which the stage went on."""

    stage: str
    version: str
    results: Mapping[str, Mapping[str, Any]]
    failed: bool = False
    status: Mapping[str, Any] = field(default_factory=dict)
    hooks: tuple[Mapping[str, Any], ...] = ()
    rescued: str = ""

    def data(self) -> Data:
        step = self._next()
        made = {
            "v": 1,
            "stage": self.stage,
            "rc": int(self.failed),
            "live": self._live(),
            "release": self._release(),
            "version": self.version or self.status.get("version", ""),
            "verdict": self._verdict(),
            "reasons": self._reasons(),
            "preview": self._preview(),
            "next": {**step.data(), "command": step.line} if isinstance(step, Command) else step,
        }
        made["report_markdown"] = markdown(made, self._decision().get("summary") or "", self._changes())
        return {**made, "status": dict(self.status)} if self.status else made

    def told(self) -> Data:
        """{stage, failed, why, version, release, idle} for the message of a stage that acted or failed, {} of another.
        Of a watch its watcher tells."""
        decision = self._decision()
        # A rollback without a lock has no decision: it acted where the switch moved.
        acted = any(decision.get(name) for name in ("proceed", "resume", "fast")) if decision else self._moved()
        if self.stage in UNTOLD or not (self.failed or acted):
            return {}
        return {
            "stage": self.stage,
            "failed": self.failed,
            "why": "; ".join(self._reasons()) if self.failed else "",
            "version": self.version,
            "release": self._release(),
            "idle": str(decision.get("idle") or ""),
        }

    def _moved(self) -> bool:
        return self.stage == "rollback" and bool(self._of("traffic").get("changed"))

    def _of(self, role: str) -> Mapping[str, Any]:
        return self.results.get(role + "_result") or {}

    def _decision(self) -> Mapping[str, Any]:
        return self._of("preflight").get("decision") or {}

    def _live(self) -> str:
        """After the stage. '' where that is not known, as behind a flip that failed."""
        seen = (self._of("preflight").get("facts") or {}).get("edge") or {}
        before = str(self.status.get("live") or seen.get("live") or "")
        if self.stage == "watch":
            # After a cutover of this run, what was seen before it is the colour that was left.
            return str(self._of("watch").get("returned_to") or self._of("traffic").get("live") or before)
        if self.stage in ("adopt", "cutover", "rollback") and self._of("traffic"):
            known = self._of("traffic").get("live")
            return str(known or ("" if self._of("traffic").get("failed") else before))
        return before

    def _release(self) -> str:
        """That the stage is about; of status, the live one."""
        if self.status:
            return str((self.status["colours"].get(self.status["live"]) or {}).get("release") or "")
        if self.stage in ("migrate", "deploy"):
            return str((self._of("stack").get("release") or {}).get("id") or "")
        told = self._of("watch").get("release") if self.stage == "watch" else ""
        decision = self._decision()
        return str(told or decision.get("kept") or decision.get("release") or "")

    def _verdict(self) -> str:
        about = self.status.get("verdict") if self.status else self._of("watch") if self.stage == "watch" else {}
        return str((about or {}).get("verdict") or "")

    def _reasons(self) -> list[str]:
        said = [text for one in self.results.values() for text in failures(one)] if self.failed else []
        said = [one for one in said if one != self.rescued] or said
        if self.stage == "watch":
            said += map(str, self._of("watch").get("reasons") or [])
        if self.failed and not any(said):
            said = [SILENT]
        said += ["%(hook)s failed: %(said)s" % one for one in self.hooks if one.get("stage") == self.stage]
        return list(dict.fromkeys(one.strip() for one in said if one.strip()))

    def _preview(self) -> Data:
        """How the idle colour is looked at; the secret is in a file of the host and not here."""
        about = self.status if self.status else self._of("traffic") if self.stage == "deploy" else {}
        return dict(about.get("preview") or {})

    def _changes(self) -> list[str]:
        made = self._of("stack").get("release") if self.stage in ("migrate", "deploy") else None
        return [str(line) for line in (made or {}).get("lines") or []]

    def _next(self) -> Command | Data:
        if self.status:
            return {**self.status["next_command"], "command": self.status["next"]}
        verdict, watch = self._verdict(), self._of("watch")
        if self.stage == "watch" and verdict and not (verdict in GOOD or watch.get("signed_off")):
            if watch.get("returned_to"):
                return release(NEW)
            return STATUS if watch.get("held") else command("rollback")
        if self.failed:
            return STATUS
        if self.stage == "cutover" or (self.stage == "rollback" and self._decision().get("proceed")):
            return command("watch")
        if self.stage in FOLLOWING:
            return command(FOLLOWING[self.stage], version=self.version or NEW)
        return command("cleanup", "after the bake time") if self.stage == "watch" and verdict else release(NEW)


def failures(result: Mapping[str, Any]) -> list[str]:
    """Why a registered task failed; of a loop each item that did."""
    items = [one for one in result.get("results") or [] if isinstance(one, Mapping) and one.get("failed")]
    if not result.get("failed"):
        return []
    return [text for one in items for text in failures(one)] or [str(result.get("msg") or "")]


def cut_off(stage: str = "") -> Data:
    """What stands until a stage has ended: an unreachable host or a stopped run can't say more."""
    found = Ended(stage, "", {}, True).data()
    return {**found, "reasons": [CUT_OFF], "report_markdown": markdown({**found, "reasons": [CUT_OFF]}, "", [])}


def refused(said: list[str]) -> Data:
    """What the guard leaves where it refuses."""
    results = {"guard": {"failed": True, "msg": "\n".join(said)}}
    return Ended("guard", "", results, True).data()


def markdown(made: Mapping[str, Any], summary: str, changes: list[str]) -> str:
    """A few lines for a person: the outcome, what changed, the verdict, what comes next."""
    stage = made["stage"] or "run"
    lines = ["### %s: %s" % (stage, "failed" if made["rc"] else "done"), ""]
    about = [part for part in (made["version"], made["release"]) if part]
    lines += ["* release: %s" % " / ".join(about)] if about else []
    lines += ["* live: **%s**" % made["live"]] if made["live"] else []
    lines += ["* %s" % summary] if summary and not made["rc"] else []
    lines += ["* verdict: **%s**" % made["verdict"]] if made["verdict"] else []
    lines += ["* %s" % line for one in made["reasons"] for line in one.splitlines()]
    lines += ["* changed: %s" % line for line in changes]
    lines += ["* preview: `%s`" % one for one in (made["preview"].get("commands") or [])[:1]]
    return "\n".join([*lines, "", "Next: `%s`" % made["next"]["command"], ""])
