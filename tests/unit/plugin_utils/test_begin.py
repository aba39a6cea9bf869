# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a stage begins: what is asked, in which order, how often, and what stops it."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from ansible_collections.olympus.bluegreen.plugins.action.release_stage import ARGUMENTS
from ansible_collections.olympus.bluegreen.plugins.module_utils._preflight.options import SPEC as PREFLIGHT_SPEC
from ansible_collections.olympus.bluegreen.plugins.modules import release_look, release_stage
from ansible_collections.olympus.bluegreen.plugins.plugin_utils.begin import (
    LOOK,
    PREFLIGHT,
    Begin,
    ModuleFailed,
)

BLUE = {"release": "v1-0", "running": True, "services": {}, "drift": [], "pending": False}
DEPLOYMENT = {"name": "olympus", "project": "prod", "source": "/o", "services": {}, "edge": {"service": "caddy"}}
EDGE = {"live": "blue", "idle": "green", "adopted": True, "problems": [], "findings": []}
ME = {"host": "ctl", "machine": "m", "boot": "b", "namespace": "n", "pid": 1, "start": "1"}


class Host:
    """Answers as the modules do; ``holder`` has the lock until it is known to be dead."""

    def __init__(self, holder: dict[str, Any] | None = None, refused: list[str] | None = None) -> None:
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.holder, self.refused = holder, refused or []

    def __call__(self, module: str, options: dict[str, Any]) -> dict[str, Any]:
        self.asked.append((module, options))
        if module == PREFLIGHT:
            return {"rows": [{"check": "x", "ok": not self.refused}], "refused": self.refused, "table": ["x"]}
        if module != LOOK:
            return {**EDGE, "invocation": {}, "_ansible_no_log": False}
        if self.holder and options["lock"]:
            seen = options.get("seen")
            if seen is None:
                return {"failed": True, "msg": "held", "held": self.holder}
            if not seen or seen["alive"]:
                return {"failed": True, "msg": "%s holds the lock" % self.holder["run"]}
        compose = {"colours": {"blue": BLUE, "green": {}}, "places": {}, "recorded": True, "singletons": []}
        switch = {"live": "blue", "idle": "green", "return_to": None}
        return {
            "switch": switch,
            "compose": compose,
            "ledger": {"token": 7, "lock": {}, "marks": {}, "releases": {}, "now": 1.0},
        }

    @property
    def modules(self) -> list[str]:
        return [module.rpartition(".")[2] for module, _options in self.asked]


def begin(host: Host, **given: Any) -> dict[str, Any]:
    defaults = {name: one.get("default") for name, one in ARGUMENTS.items()}
    asked = {**defaults, "deployment": DEPLOYMENT, "stage": "migrate", "version": "v2", "lock": True, **given}
    return Begin(asked, host, ME, "run-1", "op", False).result()


def test_a_stage_costs_two_looks_and_the_first_one_the_table() -> None:
    host = Host()
    found = begin(host)
    assert host.modules == ["release_look", "caddy_upstream", "release_preflight"]
    assert found["token"] == 7 and found["decision"]["proceed"] and "invocation" not in found["facts"]["edge"]
    again = Host()
    assert begin(again, stage="deploy", rows=found["rows"])["rows"] == found["rows"]
    assert again.modules == ["release_look", "caddy_upstream"]


@pytest.mark.parametrize(("stage", "noted"), [("migrate", "run-1"), ("preflight", "")])
def test_a_stage_notes_the_rows_and_the_table_alone_does_not(stage: str, noted: str) -> None:
    host = Host()
    begin(host, stage=stage)
    assert host.asked[-1][1]["run"] == noted and host.asked[-1][1]["live"] == "blue"


def test_where_nothing_is_to_be_done_nothing_is_checked() -> None:
    host = Host()
    assert begin(host, version="v1")["decision"]["proceed"] is False
    assert PREFLIGHT not in host.modules and len(host.asked) == 2


def test_a_row_that_refuses_stops_it() -> None:
    found = begin(Host(refused=["no memory", "no disk"]))
    assert found["failed"] and found["msg"] == "no memory\nno disk" and found["table"] == ["x"]


def test_a_decision_that_refuses_stops_a_stage_and_no_look() -> None:
    found = begin(Host(), stage="cleanup")
    assert found["failed"] and "There was no cutover yet" in found["msg"]
    looked = begin(Host(), stage="cleanup", lock=False)
    assert not looked.get("failed") and looked["decision"]["refusal"] == found["msg"]


@pytest.mark.parametrize("stage", ["", "watch"])
def test_a_look_takes_no_lock(stage: str) -> None:
    host = Host(holder={"run": "other"})
    found = begin(host, stage=stage, lock=False)
    assert ("decision" in found) is bool(stage) and "stage" not in host.asked[0][1]
    assert host.modules == (["release_look"] if stage else ["release_look", "caddy_upstream"])


def test_a_lock_of_another_run_is_asked_for_with_what_is_known_of_that_run() -> None:
    """Never without: a holder that is alive here keeps its lock however old its beat is."""
    unknown = Host(holder={"run": "other"})
    with pytest.raises(ModuleFailed, match="other holds the lock"):
        begin(unknown)
    assert [options.get("seen") for _module, options in unknown.asked] == [None, {}]
    dead: dict[str, Any] = {"run": "other", "controller": {**ME, "boot": "before", "pid": 99}}
    gone = Host(holder=dead)
    machine = {**ME, "namespace": "pid:[4026531836]"}
    dead["controller"]["namespace"] = machine["namespace"]
    asked = {**{name: one.get("default") for name, one in ARGUMENTS.items()}, "deployment": DEPLOYMENT}
    asked.update(stage="cutover", version="v2", lock=True)
    Begin(asked, gone, machine, "run-1", "op", False).result()
    assert gone.asked[1][1]["seen"] == {"run": "other", "alive": False}


def test_undo_is_about_the_adoption_alone() -> None:
    assert begin(Host(), undo=True, stage="migrate")["decision"]["stage"] == "migrate"
    assert begin(Host(), undo=True, stage="adopt", lock=False)["decision"]["stage"] == "undo"


def test_each_module_knows_what_it_is_handed() -> None:
    host = Host()
    begin(host)
    for (_name, given), spec in zip(host.asked[::2], (release_look.SPEC, PREFLIGHT_SPEC)):
        assert set(given) - {"deployment"} <= set(spec.options) and given["deployment"] == DEPLOYMENT
    documented = yaml.safe_load(release_stage.DOCUMENTATION)["options"]
    assert set(documented) == set(ARGUMENTS)
