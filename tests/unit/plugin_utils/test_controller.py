# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a controller may say about the holder of a lock: dead or alive only where it can really know."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.olympus.bluegreen.plugins.plugin_utils import controller

HOST = "pid:[4026531836]"
ME = {"host": "ctl", "machine": "m1", "boot": "b1", "namespace": HOST, "pid": 10, "start": "5"}
GONE = {"run": "r", "alive": False}


def lock(**changes: Any) -> dict[str, Any]:
    return {"run": "r", "controller": {**ME, "pid": os.getpid(), "start": controller._started(os.getpid()), **changes}}


@pytest.mark.parametrize(
    ("held", "told"),
    [
        ({}, {}),
        (lock(), {"run": "r", "alive": True}),
        (lock(start="1"), GONE),
        (lock(host="other"), {}),
        (lock(boot="b0"), GONE),
        (lock(namespace="pid:[2]"), {}),
        ({"run": "r", "controller": {}}, {}),
    ],
)
def test_what_it_knows(held: dict[str, Any], told: dict[str, Any]) -> None:
    assert controller.knows(ME, held) == told


@pytest.mark.parametrize(
    ("held", "me"),
    [
        # Two machines that are both called debian; of one of them no id is known; of neither.
        (lock(boot="b0", machine="m2"), ME),
        (lock(machine="m2", start="1"), ME),
        (lock(boot="b0", machine=""), ME),
        (lock(boot="b0"), {**ME, "machine": ""}),
        (lock(boot="b0", machine=""), {**ME, "machine": ""}),
        # A lock of before there was an id.
        ({"run": "r", "controller": {"host": "ctl", "boot": "b0", "namespace": HOST, "pid": 7, "start": "1"}}, ME),
        # Two containers of one image, on two hosts.
        (lock(boot="b0", namespace="pid:[4026532001]"), {**ME, "namespace": "pid:[4026532001]"}),
        # No start to compare (macOS): the pid may be another program's by now.
        (lock(boot="", namespace="", start=""), {**ME, "boot": "", "namespace": ""}),
    ],
)  # fmt: skip
def test_another_machine_of_that_name_is_never_dead(held: dict[str, Any], me: dict[str, Any]) -> None:
    """B3."""
    assert controller.knows(me, held) == {}


def test_a_pid_that_is_gone_is_dead_without_a_start() -> None:
    nowhere = {"boot": "", "namespace": ""}
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    assert controller.knows({**ME, **nowhere}, lock(pid=child.pid, start="", **nowhere)) == GONE


def test_a_machine_without_an_id_keeps_one_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "one"))
    known = controller.myself()["machine"]
    monkeypatch.setattr(controller, "MACHINE", str(tmp_path / "none"))
    first = controller.myself()["machine"]
    assert first and first != known and controller.myself()["machine"] == first
    monkeypatch.setenv("HOME", str(tmp_path / "two"))
    assert controller.myself()["machine"] not in ("", first)
    # Nowhere to keep it: it is unknown.
    (tmp_path / "file").touch()
    monkeypatch.setenv("HOME", str(tmp_path / "file"))
    assert controller.myself()["machine"] == ""


def test_a_dead_process_is_dead() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    start = controller._started(child.pid)
    assert controller.knows(ME, lock(pid=child.pid, start=start)) == {"run": "r", "alive": True}
    child.communicate(b"\n")
    assert controller.knows(ME, lock(pid=child.pid, start=start)) == {"run": "r", "alive": False}


def test_one_id_a_run() -> None:
    mine = controller.run_id(ME, {})
    assert mine.startswith("ctl-10-") and controller.run_id(dict(ME), {}) == mine
    for other in ("machine", "boot", "namespace", "start"):
        assert controller.run_id({**ME, other: "x"}, {}) != mine
    assert controller.operator({"awx_user_name": "anna"}) == "anna"


def test_a_job_of_another_awx_is_another_run() -> None:
    """B3: both count from 1."""
    job = {"awx_job_id": 77}
    mine = controller.run_id(ME, job)
    assert mine.startswith("job-77-") and controller.run_id(dict(ME), job) == mine
    assert controller.run_id({**ME, "machine": "m2"}, job) != mine
    assert controller.run_id({**ME, "host": "automation-job-77-x"}, job) != mine


def test_the_address_is_the_variable_s_else_that_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BLUEGREEN_NOTIFY_URL", "http://env/")
    assert controller.notify_url({"bluegreen_notify_url": " http://set/ "}, lambda one: one) == "http://set/"
    for blank in ({}, {"bluegreen_notify_url": ""}, {"bluegreen_notify_url": None}):
        assert controller.notify_url(blank, lambda one: one) == "http://env/"


def test_a_template_that_can_not_be_made_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BLUEGREEN_NOTIFY_URL", raising=False)

    def broken(_value: object) -> object:
        raise ValueError("vault is locked")

    assert controller.notify_url({"bluegreen_notify_url": "{{ x }}"}, broken) == ""
