# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The verdict on a migration in page, Markdown, JSON and status, in words that a person understands."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.files import write_json
from ansible_collections.olympus.bluegreen.plugins.module_utils._ledger.module import _migrated
from ansible_collections.olympus.bluegreen.plugins.module_utils._report import schema
from ansible_collections.olympus.bluegreen.plugins.module_utils._report.write import write_report
from ansible_collections.olympus.bluegreen.plugins.module_utils._schema import options
from ansible_collections.olympus.bluegreen.plugins.module_utils._state.directory import StateDir

HOP = "kratos v25.4.0 -> v26.2.0"
BREAKS = "login by API: 400, SQLSTATE 23502, column identity_id of session_devices"
LET = {"by": "op", "reason": "an hour without logins <b>", "expires": "2026-12-31"}
PROOF: dict[str, Any] = {
    "verdict": "BREAKS", "hop": HOP, "new": "sha256:new", "reasons": [BREAKS], "untried": ["settings: no flow"],
    "bridges": [{"name": "010-identity-id", "sha256": "5" * 64}], "accepted": LET,
}  # fmt: skip
RELEASE = "v2-0123456789"


@pytest.fixture
def state(tmp_path: Path) -> StateDir:
    """A kratos that was migrated although it breaks, and a hydra whose verdict refused it."""
    found = StateDir(str(tmp_path))
    found.ensure("releases", RELEASE, "schema")
    write_json(found.release(RELEASE, "release.json"), {"id": RELEASE, "version": "v2", "created": 1})
    hydra = {"verdict": "NOT_JUDGED", "hop": "hydra v1 -> v2", "new": "sha256:h", "reasons": ["no image"]}
    write_json(found.release(RELEASE, "schema", "proof.json"), {"v": 1, "targets": {"k": PROOF, "h": hydra}})
    judged = options.verdict_of(found.root, RELEASE, "k", "sha256:new")
    write_json(found.release(RELEASE, "schema", "k.json"), {"target": "k", "applied": [{}, {}], **judged})
    return found


def test_page_markdown_and_json_tell_all_of_it(state: StateDir) -> None:
    page = Path(write_report(state, RELEASE)).read_text()
    for words in (
        "breaks the old release",
        HOP.replace(">", "&gt;"),
        BREAKS,
        "not tried: settings: no flow",
        "2 applied",
    ):
        assert words in page
    assert "with bridge 010-identity-id; let through by op: an hour without logins &lt;b&gt;, until 2026-12-31" in page
    text = Path(state.release(RELEASE, "report.md")).read_text()
    assert "- schema h: not judged (hydra v1 -> v2); no image\n" in text
    assert "- schema k: breaks the old release (%s); 2 applied; %s; not tried: " % (HOP, BREAKS) in text
    rows = json.loads(Path(state.release(RELEASE, "report.json")).read_text())["schema"]
    assert [row["target"] for row in rows] == ["h", "k"] and rows[1]["accepted"] == LET


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ({"target": "k", "applied": 0, "verdict": "NOT_JUDGED"}, "k 0 applied, not judged"),
        ({"target": "k", "applied": 3, "verdict": "SAFE", "hop": HOP}, "k 3 applied, safe (%s)" % HOP),
        ({"target": "k", "verdict": "SAFE_IF_EXERCISED", "untried": ["a", "b"]}, "as far as it was tried, 2 not tried"),
        ({"target": "k", "applied": 1, "verdict": "SAFE", "bridges": [{"name": "x"}]}, "safe, with bridge x"),
        ({"target": "k", "applied": 1, **PROOF}, "let through by op: an hour without logins <b>, until 2026-12-31"),
        ({"target": "k", "applied": 1, **PROOF}, "breaks the old release (%s), %s, 1 not tried" % (HOP, BREAKS)),
        ({"target": "k", "applied": 1, "verdict": "BLOCKING_LOCK"}, "k 1 applied, locks a table for too long"),
    ],
)  # fmt: skip
def test_on_a_screen(entry: dict[str, Any], words: str) -> None:
    assert words in schema.short(entry)


def test_what_the_ledger_hands_to_status_has_it(state: StateDir) -> None:
    found = _migrated(json.loads(Path(state.release(RELEASE, "schema", "k.json")).read_text()))
    assert (found["hop"], found["applied"], found["accepted"]) == (HOP, 2, LET) and found["reasons"] == [BREAKS]


@pytest.mark.parametrize(
    ("target", "image", "verdict", "reasons"),
    [
        ("k", "sha256:new", "BREAKS", [BREAKS]),
        ("k", "sha256:other", "NOT_JUDGED", ["the proof was made with another image"]),
        ("x", "sha256:new", "NOT_JUDGED", []),
    ],
)
def test_a_verdict_is_that_of_the_target_and_of_the_image(
    state: StateDir, target: str, image: str, verdict: str, reasons: list[str]
) -> None:
    found = options.verdict_of(state.root, RELEASE, target, image)
    assert (found["verdict"], found["reasons"]) == (verdict, reasons) and set(found) == set(options.NO_VERDICT)


def test_a_proof_that_cannot_be_read_judges_nothing(state: StateDir) -> None:
    Path(state.release(RELEASE, "schema", "proof.json")).write_text("{")
    assert options.verdict_of(state.root, RELEASE, "k", "sha256:new")["reasons"] == ["proof.json can't be read"]
    assert options.verdict_of(state.root, "", "k", "sha256:new") == options.NO_VERDICT
    odds: tuple[Any, ...] = (
        {"targets": []},
        {"targets": {"k": 1}},
        {"targets": {"k": {"new": "i", "verdict": "MAYBE"}}},
    )
    for odd in odds:
        assert options.chosen_verdict(odd, "k", "i")["verdict"] == "NOT_JUDGED"


def test_the_objects_of_a_proof_are_in_the_report(state: StateDir) -> None:
    path = state.release(RELEASE, "schema", "proof.json")
    proof = json.loads(Path(path).read_text())
    proof["targets"]["h"].update(
        objects=[{"kind": "column", "name": "public.t.c", "verdict": "BREAKS", "why": "column c <b> is gone"}],
        locks=[{"table": "public.t", "mode": "AccessExclusiveLock", "seconds": 0.1, "estimate": 4.5, "statement": "A"}],
        statements=[{"sql": "ALTER TABLE t DROP COLUMN c", "seconds": 0.004}],
        in_flight=["a flow begun on v1: login"],
        exercised=[1, 3],
    )
    write_json(path, proof)
    page = Path(write_report(state, RELEASE)).read_text()
    for words in (
        "h: changed objects (1), 1 of 3 changed objects were used by the old program",
        "column c &lt;b&gt; is gone",
        "<td>AccessExclusiveLock</td><td>0.100 s</td><td>4.500 s</td>",
        "ALTER TABLE t DROP COLUMN c",
        "a flow begun on v1: login",
        "flows lost between the colours: 1",
    ):
        assert words in page
