# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The metrics, read by Prometheus' own parser."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families as parsed

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.process import identity
from ansible_collections.olympus.bluegreen.plugins.module_utils._notify import textfile
from ansible_collections.olympus.bluegreen.plugins.module_utils._notify.textfile import Facts, render
from ansible_collections.olympus.bluegreen.plugins.module_utils._state.directory import StateDir

RELEASE = "v2-1111111111"


def samples(text: str) -> dict[str, list[tuple[dict[str, str], float]]]:
    """Metric without its prefix -> its samples; every one has a help text and is a gauge."""
    found: dict[str, list[tuple[dict[str, str], float]]] = {}
    for family in parsed(text):
        assert family.type == "gauge" and family.documentation and family.name.startswith(textfile.PREFIX)
        found[family.name[len(textfile.PREFIX) :]] = [(dict(one.labels), one.value) for one in family.samples]
    return found


def labelled(rows: list[tuple[dict[str, str], float]], name: str) -> dict[str, float]:
    return {labels[name]: value for labels, value in rows}


def test_everything_that_is_known() -> None:
    releases = {"blue": {"release": "v1-0", "version": "v1"}, "green": {"release": RELEASE, "version": "v2"}}
    facts = Facts("shop", "green", releases, RELEASE, "PASS", True, 1796000000.25, 1796000100.0)
    found = samples(render(facts))
    assert labelled(found["live"], "colour") == {"blue": 0, "green": 1}
    assert labelled(found["release_info"], "version") == {"v1": 0, "v2": 1}
    assert labelled(found["verdict"], "verdict") == {
        "PASS": 1, "PASS_SYNTHETIC_ONLY": 0, "FAIL": 0, "INCONCLUSIVE": 0
    }  # fmt: skip
    assert found["watch_running"] == [({"deployment": "shop"}, 1)]
    assert found["last_rollback_timestamp_seconds"][0][1] == 1796000000.25
    assert (found["lock_held"][0][1], found["lock_taken_timestamp_seconds"][0][1]) == (1, 1796000100.0)


def test_what_never_was_is_left_out() -> None:
    found = samples(render(Facts("shop")))
    assert labelled(found["live"], "colour") == {"blue": 0, "green": 0}
    assert set(found) == {"live", "watch_running", "lock_held"}


@given(st.text(), st.text(), st.floats(min_value=0, max_value=1e11))
def test_any_name_and_any_moment_is_read_back(name: str, version: str, at: float) -> None:
    found = samples(render(Facts(name, "blue", {"blue": {"release": "r", "version": version}}, rolled_back=at)))
    assert found["release_info"][0][0]["version"] == version and found["live"][0][0]["deployment"] == name
    assert found["last_rollback_timestamp_seconds"][0][1] == pytest.approx(at, abs=1e-3)


@pytest.fixture
def state(tmp_path: Path) -> StateDir:
    state = StateDir(str(tmp_path / "state"))
    for colour, release in (("blue", "v1-0000000000"), ("green", RELEASE)):
        put(Path(state.ensure("stacks", colour)) / "services.json", {"release": release})
        put(Path(state.ensure("releases", release)) / "release.json", {"version": release[:2]})
    return state


def put(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value))


def test_what_is_on_disk(state: StateDir, tmp_path: Path) -> None:
    put(Path(state.path("watch.json")), {**identity(os.getpid()), "release": RELEASE})
    put(Path(state.lock), {"run": "x", "since": 50.0})
    seen = textfile.observe(state, "shop", "green")
    assert seen.watching and (seen.verdict, seen.locked, seen.rolled_back) == ("", 50.0, None)
    put(Path(state.release(RELEASE, "verdict.json")), {"verdict": "FAIL"})
    events = (
        {"event": "verdict", "colour": "green", "returned_to": "blue", "at": 70.0},
        {"event": "rolled_back", "to": "blue", "at": 60.0},
        {"event": "verdict", "colour": "green", "returned_to": "", "at": 90.0},
    )
    Path(state.ledger).write_text("".join(json.dumps(one) + "\n" for one in events))
    seen = textfile.observe(state, "shop", "blue")
    assert not seen.watching and (seen.verdict, seen.rolled_back) == ("FAIL", 70.0)
    assert seen.releases["green"] == {"release": RELEASE, "version": "v2"}


def test_it_is_there_whole_and_the_collector_may_read_it(state: StateDir, tmp_path: Path) -> None:
    path = tmp_path / "olympus.prom"
    assert textfile.write(str(path), state, "shop", "blue") == ""
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert labelled(samples(path.read_text())["live"], "colour")["blue"] == 1
    # What is left over is no file that a collector reads.
    assert [one.name for one in tmp_path.glob("*.prom")] == ["olympus.prom"]


@pytest.mark.parametrize("name", ["olympus.txt", "none/olympus.prom"])
def test_a_place_where_no_collector_finds_it_is_named(state: StateDir, tmp_path: Path, name: str) -> None:
    why = textfile.write(str(tmp_path / name), state, "shop", "blue")
    assert "bluegreen_textfile" in why and "Fix: " in why and not (tmp_path / name).exists()
