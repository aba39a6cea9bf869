# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Each template as AWX runs it, on a host that has nothing yet: its command line, how it ends, no secret anywhere."""

from __future__ import annotations

import json
import re
import shutil
import stat
import sys
from pathlib import Path
from typing import Any

import pytest
from kit import awx_data, awx_runner

TEMPLATES = {one["name"]: one for one in awx_data.load()["controller_templates"]}
SECRET = "canary-55aa-secret"
# Nothing runs here. What each stage then says shows that it was reached: neither an answer nor a tag was in its way.
UNADOPTED, EMPTY = "Not adopted yet.", "no container"
SAYS = {
    "Olympus status": "not adopted",
    "Olympus preflight": "podman-compose is not installed",
    "Olympus adopt": EMPTY,
    "Olympus watch": "no cutover yet",
    "Olympus watch order": "no release was watched yet",
    "Olympus rollback": EMPTY,
    "Olympus rollback to a version": "version=v1.5.0: no such release is kept",
}
RESULT = {"v", "stage", "rc", "live", "release", "version", "verdict", "reasons", "report_markdown", "preview", "next"}
PODMAN = """#!/bin/sh
case "$1" in
version) echo '{"Client": {"Version": "4.3.1"}}' ;;
*) echo '[]' ;;
esac
"""
# For benchmarks (RFC 2544): no machine has a route there.
RANGE = "198.18.0.0/20"
TOOLS = ("sh", "mkdir", "chmod", "rm", "sleep", "echo", "cat", "id", "uname", "ls", "ip", "ps", "env", "ssh")


def host(place: Path) -> dict[str, Any]:
    """An empty host: Podman without a container, no podman-compose, and a record that names no service."""
    programs = place / "bin"
    programs.mkdir()
    for name in TOOLS:
        if found := shutil.which(name):
            (programs / name).symlink_to(found)
    (programs / "ansible-playbook").symlink_to(Path(sys.executable).parent / "ansible-playbook")
    (programs / "podman").write_text(PODMAN)
    (programs / "podman").chmod(stat.S_IRWXU)
    state = place / "state"
    state.mkdir(mode=0o750)
    (state / "deployment.json").write_text(json.dumps({"v": 1, "values": {"services": {}}}))
    return {"bluegreen_state_dir": str(state), "bluegreen_deployment": "empty", "bluegreen_network_range": RANGE}


def answers(template: dict[str, Any]) -> dict[str, Any]:
    """What a person has to type; all else stays as the survey begins."""
    asked = {one["variable"] for one in template.get("survey_spec", {"spec": []})["spec"] if one["required"]}
    given = {"version": "v1.5.0", "bluegreen_watch_do": "hold"}
    return {name: value for name, value in given.items() if name in asked}


def job(place: Path, name: str, **handed: Any) -> awx_runner.Job:
    inputs = {"password": SECRET, "client_secret": SECRET}
    variables, path = host(place), str(place / "bin")
    return awx_runner.run(place, TEMPLATES[name], answers(TEMPLATES[name]), inputs, variables, handed, PATH=path)


@pytest.mark.parametrize("name", [name for name, one in TEMPLATES.items() if one["playbook"] == "bluegreen.yml"])
def test_a_template_runs_as_awx_runs_it(name: str, tmp_path: Path) -> None:
    template = TEMPLATES[name]
    done = job(tmp_path, name)
    private = tmp_path / "job"
    wanted = ["ansible-playbook", "-u", "root"] + ["--check"] * (template["job_type"] == "check")
    wanted += ["-i", str(private / "inventory"), "-e", "@%s" % (private / "env/extravars")]
    wanted += ["--tags", template["job_tags"]] * bool(template["job_tags"]) + ["bluegreen.yml"]
    wanted = [one for one in wanted if one]
    assert done.command == wanted
    assert done.rc == (0 if template["job_tags"] == "status" else 2), done.said
    said = re.sub(r"\x1b\[[0-9;]*m", "", done.said)
    assert SAYS.get(name, UNADOPTED) in " ".join(said.split()), said
    assert done.warnings() == []
    result = done.artifacts["bluegreen_result"]
    assert set(result) - {"status"} == RESULT and result["rc"] == (1 if done.rc else 0), result
    assert result["stage"] == (template["job_tags"] or "migrate") and result["report_markdown"]
    assert bool(result["reasons"]) == bool(done.rc) and result["next"]["command"].startswith("ansible-playbook")
    assert SECRET in (private / "env/extravars").read_text() and SECRET not in awx_runner.kept(tmp_path)


@pytest.mark.slow
def test_what_a_job_leaves_comes_back_to_the_next_one(tmp_path: Path) -> None:
    (tmp_path / "first").mkdir()
    (tmp_path / "second").mkdir()
    first = job(tmp_path / "first", "Olympus status")
    assert first.artifacts["bluegreen_result"]["status"]["next_command"]["stage"] == "adopt"
    second = job(tmp_path / "second", "Olympus status", **first.artifacts)
    assert second.rc == 0 and second.warnings() == [], second.said
    assert second.artifacts == first.artifacts


@pytest.mark.parametrize(
    ("handed", "says"),
    [
        (
            {"version": "v1.5.0", "bluegreen_result": {
                "stage": "cutover", "live": "blue", "reasons": ["green is not ready."],
                "next": {"command": "Run Olympus status."}}},
            "v1.5.0 stopped at cutover. green is not ready. Live: blue. Next: Run Olympus status.",
        ),
        ({}, "The release stopped before its first stage, or at a question. Live: unknown. Next: run the template"),
    ],
)  # fmt: skip
def test_the_failure_edge_says_what_the_stage_said_and_fails(handed: Any, says: str, tmp_path: Path) -> None:
    done = job(tmp_path, "Olympus release failed", **handed)
    failed = [one["event_data"]["res"]["msg"] for one in done.events if one["event"] == "runner_on_failed"]
    assert done.rc == 2 and [says in " ".join(one.split()) for one in failed] == [True], failed
    assert done.warnings() == [] and done.command[-1] == "failed.yml"
