# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module of the ledger: metrics when the lock is taken and given back, a message at the end, no failure."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from kit.clocks import Clock
from kit.receiver import SECRET, Receiver
from prometheus_client.parser import text_string_to_metric_families as parsed

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.runner import SubprocessRunner
from ansible_collections.olympus.bluegreen.plugins.module_utils._ledger.module import SPEC, Ledger
from ansible_collections.olympus.bluegreen.plugins.module_utils._notify.send import stage_ended
from ansible_collections.olympus.bluegreen.plugins.module_utils._state import events
from ansible_collections.olympus.bluegreen.plugins.module_utils._switch.switch import Switch


@pytest.fixture
def where(tmp_path: Path) -> dict[str, Any]:
    switch = Switch(str(tmp_path / "switch"))
    switch.install("blue")
    return {
        "state_dir": str(tmp_path / "state"),
        "switch_dir": switch.path,
        "textfile": str(tmp_path / "olympus.prom"),
        "run": "ctl-1",
        "stage": "cutover",
    }


def run(given: dict[str, Any], state: str, **more: Any) -> list[str]:
    """Its warnings."""
    params, wrong = SPEC.validated({**given, "state": state, **more})
    assert wrong == []
    ledger = Ledger(params, SubprocessRunner(), Clock(), stage_ended=stage_ended)
    ledger.apply()
    return ledger.warnings


def held(given: dict[str, Any]) -> float:
    found = {one.name: one.samples[0].value for one in parsed(Path(given["textfile"]).read_text())}
    return float(found["olympus_bluegreen_lock_held"])


def recorded(given: dict[str, Any]) -> list[str]:
    return [event["event"] for event in events.read(given["state_dir"] + "/ledger.jsonl")]


def test_the_metrics_follow_the_lock(where: dict[str, Any]) -> None:
    assert run(where, "locked") == [] and held(where) == 1
    assert run(where, "unlocked") == [] and held(where) == 0
    assert recorded(where) == ["stage_began", "stage_ended"]


def test_the_end_is_told_once_the_lock_is_given_back(where: dict[str, Any]) -> None:
    run(where, "locked")
    with Receiver() as receiver:
        assert run(where, "unlocked", notify_url=receiver.url, outcome={"stage": "cutover", "version": "v2"}) == []
    assert receiver.texts[0].endswith("v2 is live on blue. The watcher judges it now.")
    assert recorded(where) == ["stage_began", "stage_ended", "notified"] and held(where) == 0


def test_a_rollback_is_recorded_whether_or_not_a_message_is_sent(where: dict[str, Any]) -> None:
    assert run(where, "told", outcome={"stage": "rollback"}) == []
    assert recorded(where) == ["rolled_back"]


def test_nothing_that_goes_wrong_is_a_failure(where: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    broken = {**where, "textfile": "/nowhere/o.prom", "notify_url": "nonsense/" + SECRET}
    warnings = run(broken, "told", outcome={"stage": "cutover"})
    assert len(warnings) == 2 and "not delivered" in warnings[0] and "not written" in warnings[1]
    assert SECRET not in str(warnings)
    # No state directory can be made: as on a full disk.
    full = {**where, "state_dir": str(tmp_path / "file" / "state"), "textfile": ""}
    with Receiver() as receiver:
        Ledger(SPEC.validated({**full, "state": "told"})[0], SubprocessRunner(), Clock()).apply()
        assert run(full, "told", outcome={"stage": "rollback"}, notify_url=receiver.url)
    assert len(receiver.texts) == 1
