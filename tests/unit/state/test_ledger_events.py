# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The record: whole lines or none, concurrent writers, no secret; and the module's states end to end."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.clock import SystemClock
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import BluegreenError, Refused
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.runner import SubprocessRunner
from ansible_collections.olympus.bluegreen.plugins.module_utils._ledger.module import SPEC, Ledger
from ansible_collections.olympus.bluegreen.plugins.module_utils._report.write import write_report
from ansible_collections.olympus.bluegreen.plugins.module_utils._state import events
from ansible_collections.olympus.bluegreen.plugins.module_utils._state.directory import StateDir
from ansible_collections.olympus.bluegreen.plugins.module_utils._state.redact import redact
from ansible_collections.olympus.bluegreen.plugins.module_utils._switch.switch import Switch

CANARY = "canary-9c1d-hunter2"


@pytest.mark.parametrize("torn", range(1, 60, 7))
def test_a_torn_line_is_passed_over_and_the_next_event_is_whole(tmp_path: Path, torn: int) -> None:
    path = tmp_path / "ledger.jsonl"
    events.append(str(path), {"event": "first"}, 1.0)
    whole = path.read_bytes()
    events.append(str(path), {"event": "lost", "text": "x" * 60}, 2.0)
    path.write_bytes(path.read_bytes()[: len(whole) + torn])
    assert [event["event"] for event in events.read(str(path))] == ["first"]
    events.append(str(path), {"event": "third"}, 3.0)
    assert [event["event"] for event in events.read(str(path))] == ["first", "third"]


def test_no_file_is_no_event(tmp_path: Path) -> None:
    assert events.read(str(tmp_path / "none")) == []


def test_writers_do_not_mix(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    code = (
        "import sys\n"
        "from ansible_collections.olympus.bluegreen.plugins.module_utils._state import events\n"
        "for n in range(50): events.append(sys.argv[1], {'event': 'e', 'who': sys.argv[2], 'n': n, 'x': 'y'*500}, n)\n"
    )
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(item for item in sys.path if item)}
    writers = [subprocess.Popen([sys.executable, "-c", code, str(path), str(who)], env=env) for who in range(4)]
    assert [writer.wait(60) for writer in writers] == [0, 0, 0, 0]
    assert len(path.read_text().splitlines()) == 200
    for who in range(4):
        assert [event["n"] for event in events.read(str(path)) if event["who"] == str(who)] == list(range(50))


@pytest.mark.parametrize(
    "event",
    [
        {"password": CANARY},
        {"nested": {"client_secret": CANARY}},
        {"list": [{"DSN": CANARY}]},
        {"text": "postgres://user:%s@postgres/db" % CANARY},
        {"text": "Authorization: Bearer %s" % CANARY},
        {"detail": "password=%s was refused" % CANARY},
        {"detail": "client_secret: '%s'" % CANARY},
        {"detail": '{"access_token": "%s"}' % CANARY},
        {"detail": "basic %s" % CANARY},
        {"headers": {"Cookie": CANARY}},
        {"text": "postgres://user:p@%s@postgres/db" % CANARY},
        {"text": 'export DSN="postgres://hydra:p/%s@db/hydra"; exec hydra serve' % CANARY},
        {"text": "postgres://db/kratos?user=k&password=%s" % CANARY[:5]},
        {"text": "smtp://me:%s/x@mail:1025/" % CANARY},
    ],
)
def test_no_secret_is_written(tmp_path: Path, event: dict[str, Any]) -> None:
    events.append(str(tmp_path / "l"), {"event": "x", **event}, 1.0)
    assert CANARY[:5] not in (tmp_path / "l").read_text()


def test_what_is_no_secret_stays() -> None:
    event = {"event": "stage_began", "token": 7, "detail": "token (client_credentials) on green: status 500", "n": [1]}
    assert redact(event) == event
    text = "http://10.0.0.1:3000/login?mail=me@example.org and https://a.test:8443/x answered"
    assert redact(text) == text


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)
    )
)
def test_masking_keeps_the_shape(value: Any) -> None:
    masked = redact(value)
    json.dumps(masked)
    assert redact(masked) == masked
    assert isinstance(value, (dict, list)) == isinstance(masked, (dict, list))


def params(tmp_path: Path, state: str, **changes: Any) -> dict[str, Any]:
    given_ = {name: option.get("default") for name, option in SPEC.options.items()}
    paths = {"state_dir": str(tmp_path / "state"), "switch_dir": str(tmp_path / "switch")}
    return {**given_, **paths, "state": state, **changes}


def ledger(tmp_path: Path, state: str, **changes: Any) -> Ledger:
    return Ledger(params(tmp_path, state, **changes), SubprocessRunner(), SystemClock(), write_report)


def run(tmp_path: Path, state: str, **changes: Any) -> tuple[bool, dict[str, Any]]:
    one = ledger(tmp_path, state, **changes)
    changed = one.plan().changed
    one.apply()
    return changed, one.result()


def test_the_states_end_to_end(tmp_path: Path) -> None:
    os.mkdir(tmp_path / "switch")
    Switch(str(tmp_path / "switch")).install()
    assert run(tmp_path, "read")[1]["lock"] == {}
    changed, took = run(tmp_path, "locked", run="r1", stage="cutover", version="v2", operator="op")
    assert changed and took["token"] == 1 and took["lock"]["stage"] == "cutover"
    assert run(tmp_path, "locked", run="r1", stage="watch")[0] is False
    with pytest.raises(Refused):
        run(tmp_path, "locked", run="r2")
    run(tmp_path, "appended", run="r1", stage="watch", event={"event": "note", "text": "hello"})
    assert run(tmp_path, "accepted", release="v2-1")[0] is True
    assert run(tmp_path, "accepted", release="v2-1")[0] is False
    assert run(tmp_path, "accepted", release="v2-1", colour="blue")[1]["marks"] == {
        "stable": "v2-1",
        "fence": "v2-1",
        "cleaned": "blue",
    }
    changed, ended = run(tmp_path, "unlocked", run="r1")
    assert changed and ended["lock"] == {}
    assert run(tmp_path, "unlocked", run="r1")[0] is False
    kept = run(tmp_path, "read")[1]["events"]
    assert (kept[-1]["stage"], kept[-1]["version"]) == ("watch", "v2")
    told = [event["event"] for event in kept]
    assert told == ["stage_began", "note", "accepted", "accepted", "stage_ended"]


def test_planning_changes_nothing(tmp_path: Path) -> None:
    for state, changes in (
        ("locked", {"run": "r"}),
        ("appended", {"event": {"event": "x"}}),
        ("accepted", {"release": "v2-1"}),
    ):
        one = ledger(tmp_path, state, **changes)
        assert one.plan().changed
        one.result()
    assert not (tmp_path / "state").exists()


def test_releases_carry_their_verdicts(tmp_path: Path) -> None:
    folder = tmp_path / "state" / "releases" / "v2-1"
    folder.mkdir(parents=True)
    (folder / "release.json").write_text(json.dumps({"id": "v2-1", "version": "v2", "created": 5}))
    (folder / "verdict.json").write_text(json.dumps({"verdict": "PASS", "flip": "ab", "reasons": []}))
    found = run(tmp_path, "read")[1]["releases"]["v2-1"]
    assert found["version"] == "v2" and found["verdict"]["flip"] == "ab"
    _changed, reported = run(tmp_path, "reported", release="v2-1")
    assert reported["report"].endswith("v2-1/report.html")


def test_a_release_id_can_not_leave_the_directory(tmp_path: Path) -> None:
    for bad in ("../x", "a/b", "", ".new-x"):
        with pytest.raises(BluegreenError):
            StateDir(str(tmp_path)).release(bad, "verdict.json")
