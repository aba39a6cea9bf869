# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, the olympus.bluegreen authors
"""The workflow on a real Olympus: each node's template by ansible-runner, with what earlier nodes handed on.

Adopt first, then the workflow to its second approval, then the rollback of one click.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from kit import awx_data, awx_runner
from lab_story import LOAD

from olympus_lab import binaries, config, operator_edit, release, stack, truth
from olympus_lab.load import Load

pytestmark = [pytest.mark.lab, pytest.mark.slow]
DATA = awx_data.load()
TEMPLATES = {one["name"]: one for one in DATA["controller_templates"]}
NODES = {one["identifier"]: one for one in DATA["controller_workflows"][0]["simplified_workflow_nodes"]}


@pytest.fixture(scope="module", autouse=True)
def lab() -> Iterator[None]:
    binaries.build(["lab-load"])
    stack.up(fresh=True)
    yield
    stack.down()


class Launcher:
    """What a person at AWX has: templates, and a credential with the probe's secrets."""

    def __init__(self, place: Path) -> None:
        self.place = place
        text = (config.OPERATOR / ".env").read_text()
        names = {"password": "PROBE_PASSWORD", "client_secret": "PROBE_CLIENT_SECRET"}
        self.inputs = {key: re.findall("^%s=(.*)$" % name, text, re.M)[0] for key, name in names.items()}
        # Whose settings, but for the secrets, are the inventory's.
        settings = yaml.safe_load((config.LAB / "release/group_vars/all/lab.yml").read_text())
        settings.pop("bluegreen_probe_secrets")
        self.host = {**settings, **release.beside(), "lab_root": str(config.ROOT)}

    def __call__(self, name: str, handed: dict[str, Any], **answers: Any) -> dict[str, Any]:
        """A job that has to succeed, and say nothing that it must not; its artifacts."""
        template = TEMPLATES[name]
        asked = {one["variable"] for one in template.get("survey_spec", {"spec": []})["spec"]}
        typed = {key: value for key, value in answers.items() if key in asked}
        # A node of a workflow gets all that the workflow asked, before what was handed on.
        done = awx_runner.run(
            self.place, template, typed, self.inputs, self.host, {**handed, **answers}, **release.environment()
        )
        assert done.rc == 0, done.said[-4000:]
        assert done.warnings() == []
        kept = awx_runner.kept(self.place)
        assert not [secret for secret in self.inputs.values() if secret in kept]
        result: dict[str, Any] = done.artifacts["bluegreen_result"]
        assert result["rc"] == 0 and result["stage"] == (template["job_tags"] or result["stage"])
        return done.artifacts


def test_the_workflow_upgrades_and_one_click_goes_back(tmp_path: Path) -> None:
    launch = Launcher(tmp_path)
    adopted = launch("Olympus adopt", {}, version="v1.4.2")["bluegreen_result"]
    assert adopted["live"] == "blue" == truth.on_disk()
    operator_edit.to("v1.5.0")
    load = Load(config.LOGS / "awx-load", LOAD)
    load.start()
    try:
        handed: dict[str, Any] = {}
        for identifier in ("preflight", "migrate", "deploy"):
            assert NODES[identifier]["failure_nodes"] == ["failed"]
            handed.update(launch(NODES[identifier]["unified_job_template"], handed, version="v1.5.0"))
        result = handed["bluegreen_result"]
        # What the approval needs: how the new colour is looked at.
        assert NODES["deploy"]["success_nodes"] == ["look"] and result["preview"] and truth.on_disk() == "blue"
        assert result["version"] == "v1.5.0" and "v1.5.0" in result["report_markdown"]
        handed.update(launch(NODES["cutover"]["unified_job_template"], handed, version="v1.5.0"))
        assert handed["bluegreen_result"]["live"] == "green" == truth.on_disk()
        handed.update(launch(NODES["watch"]["unified_job_template"], handed, version="v1.5.0"))
        assert handed["bluegreen_result"]["verdict"].startswith("PASS")
        back = launch("Olympus rollback", {})["bluegreen_result"]
        assert back["live"] == "blue" == truth.on_disk()
        assert set(truth.in_public().values()) == {"blue"}
    finally:
        load.kill()
    assert launch("Olympus status", {})["bluegreen_result"]["live"] == "blue"
