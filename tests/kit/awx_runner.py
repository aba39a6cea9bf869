# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A job template as AWX runs it: ansible-runner, a private data directory, answers and credentials as extra vars."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ansible_runner
import yaml

from kit import awx_data, awx_survey

ROOT = awx_data.ROOT
# What AWX itself adds to each job.
META = {"awx_job_id": 17, "awx_job_launch_type": "manual", "awx_user_name": "anna", "awx_job_template_id": 3}


@dataclass(frozen=True)
class Job:
    """``artifacts``: what set_stats left, which AWX keeps and hands to the next node of a workflow."""

    rc: int
    command: list[str]
    events: list[dict[str, Any]]
    artifacts: dict[str, Any]
    said: str

    def warnings(self) -> list[str]:
        return [one["stdout"] for one in self.events if one["event"] in ("warning", "deprecated")]


def _private(place: Path, host: Mapping[str, Any]) -> tuple[Path, Path]:
    """The private data directory of one job, and where its execution environment has the collection."""
    private, collections = place / "job", place / "collections"
    shutil.rmtree(private, ignore_errors=True)
    shutil.copytree(ROOT / "awx/project", private / "project")
    if not collections.exists():
        collections.symlink_to(ROOT / "collections")
    (private / "inventory").mkdir()
    hosts = {"edge.example.com": {"ansible_connection": "local", "ansible_python_interpreter": sys.executable, **host}}
    (private / "inventory/hosts.yml").write_text(yaml.safe_dump({"olympus_edge": {"hosts": hosts}}))
    return private, collections


def run(
    place: Path,
    template: Mapping[str, Any],
    answers: Mapping[str, Any],
    inputs: Mapping[str, str],
    host: Mapping[str, Any],
    handed: Mapping[str, Any] | None = None,
    **environment: str,
) -> Job:
    """``answers`` to its survey, ``inputs`` of the probe's credential, what earlier nodes ``handed`` on."""
    private, collections = _private(place, host)
    survey = awx_survey.extra_vars(template.get("survey_spec", {}), answers)
    probe = next(one for one in awx_data.load()["controller_credential_types"] if one["name"] == "Olympus probe")
    secrets = awx_survey.injected(probe["injectors"], inputs).get("extra_vars", {}) if inputs else {}
    flags = ["-u root"] + ["--check"] * (template["job_type"] == "check") + ["--diff"] * bool(template["diff_mode"])
    done = ansible_runner.run(
        private_data_dir=str(private),
        playbook=template["playbook"],
        inventory=str(private / "inventory"),
        tags=template["job_tags"] or None,
        cmdline=" ".join(flags),
        extravars={**(handed or {}), **META, **survey, **secrets},
        envvars={
            "ANSIBLE_COLLECTIONS_PATH": str(collections),
            "ANSIBLE_LOCAL_TEMP": str(place / "local"),
            "HOME": str(place),
            "LC_ALL": "C.UTF-8",
            **environment,
        },
        quiet=True,
    )
    events = list(done.events)
    stats = [one["event_data"] for one in events if one["event"] == "playbook_on_stats"]
    artifacts = dict(stats[-1].get("artifact_data") or {}) if stats else {}
    return Job(int(done.rc or 0), list(done.config.command), events, artifacts, "".join(done.stdout))


def kept(place: Path) -> str:
    """All that ansible-runner leaves of a job and AWX shows: events, output, facts. The inputs are AWX's own."""
    texts = [one.read_text(errors="replace") for one in (place / "job/artifacts").rglob("*") if one.is_file()]
    return json.dumps(sorted(os.listdir(place / "job"))) + "\n".join(texts)
