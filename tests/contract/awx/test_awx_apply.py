# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""awx/apply.yml with the real modules of awx.awx against an AWX on loopback: everything, once, and no secret said."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from kit import awx_bundle, awx_data
from kit.awx_fake import HIDDEN, Awx
from kit.awx_server import Server

ROOT = Path(__file__).resolve().parents[3]
TOKEN = "canary-1f0e-token"
SECRETS = {
    "OLYMPUS_SSH_KEY": "canary-77aa-key",
    "OLYMPUS_PROBE_PASSWORD": "canary-55bb-password",
    "OLYMPUS_PROBE_CLIENT_SECRET": "canary-44cc-client",
}
PLAYBOOKS = [path.name for path in (ROOT / "awx/project").glob("*.yml")]


def apply(url: str, home: Path, **given: str) -> tuple[int, str]:
    env = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "ANSIBLE_COLLECTIONS_PATH": str(awx_bundle.ensure()),
        "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_PIPELINING": "1",
        "LC_ALL": "C.UTF-8",
        "CONTROLLER_HOST": url,
        "CONTROLLER_OAUTH_TOKEN": TOKEN,
        **given,
    }
    argv = [
        str(Path(sys.executable).parent / "ansible-playbook"),
        "-i",
        "localhost,",
        "-vvv",
        str(ROOT / "awx/apply.yml"),
    ]
    done = subprocess.run(argv, env=env, cwd=home, capture_output=True, text=True, timeout=600, check=False)
    return done.returncode, done.stdout + done.stderr


def changed(said: str) -> int:
    (count,) = re.findall(r"localhost .*changed=(\d+)", said)
    return int(count)


class Once:
    """Applied to an empty AWX, then again without any secret."""

    def __init__(self, home: Path) -> None:
        self.awx = Awx(PLAYBOOKS)
        with Server(self.awx, TOKEN) as server:
            self.first = apply(server.url, home, **SECRETS)
            self.wrote = len(self.awx.log)
            self.second = apply(server.url, home)
            self.later = self.awx.log[self.wrote :]


# Two minutes of awx.awx.
@pytest.mark.slow
def test_everything_is_written_once(tmp_path: Path) -> None:
    """One test: the two runs take their time, and each worker of pytest would make them again."""
    once = Once(tmp_path)
    a_second_run_changes_nothing(once)
    nothing_warns_and_no_secret_is_said(once)
    awx_has_what_the_data_say(once)
    the_workflow_is_as_it_is_drawn(once)
    secrets_lie_sealed_and_injectors_unrendered(once)


def a_second_run_changes_nothing(once: Once) -> None:
    assert once.first[0] == 0, once.first[1]
    assert changed(once.first[1]) > 10
    assert once.second[0] == 0, once.second[1]
    assert changed(once.second[1]) == 0, once.later
    # The project of the rollback is brought up to date by each run.
    assert [(method, path.split("/")[-2]) for method, path, _body in once.later] == [("POST", "update")]


def nothing_warns_and_no_secret_is_said(once: Once) -> None:
    for _rc, said in (once.first, once.second):
        assert "[WARNING]" not in said and "[DEPRECATION" not in said
        assert not [secret for secret in (*SECRETS.values(), TOKEN) if secret in said]
        assert "hooks.example.com" not in said


def awx_has_what_the_data_say(once: Once) -> None:
    data = awx_data.load()
    templates, kept = {one["name"]: one for one in data["controller_templates"]}, once.awx.named("job_templates")
    assert set(kept) == set(templates)
    for name, one in templates.items():
        for key in ("job_type", "job_tags", "playbook", "timeout", "diff_mode", "allow_simultaneous"):
            assert kept[name][key] == one[key], (name, key)
        assert once.awx.listed(kept[name], "credentials") == one["credentials"]
        assert once.awx.survey(kept[name]) == one.get("survey_spec", {})
        assert kept[name]["survey_enabled"] == ("survey_spec" in one)
    groups = once.awx.named("groups")
    assert once.awx.listed(groups["olympus_edge"], "hosts") == ["olympus.example.com"]


def the_workflow_is_as_it_is_drawn(once: Once) -> None:
    (drawn,) = awx_data.load()["controller_workflows"]
    nodes = once.awx.named("workflow_job_template_nodes")
    templates = {one["id"]: name for name, one in once.awx.named("job_templates").items()}
    approvals = {one["id"]: one for one in once.awx.named("workflow_approval_templates").values()}
    assert set(nodes) == {one["identifier"] for one in drawn["simplified_workflow_nodes"]}
    for one in drawn["simplified_workflow_nodes"]:
        node = nodes[one["identifier"]]
        for edge in ("success_nodes", "failure_nodes"):
            assert once.awx.listed(node, edge) == one.get(edge, []), one
        if asked := one.get("approval_node"):
            kept = approvals[node["unified_job_template"]]
            assert {name: kept[name] for name in asked} == asked
        else:
            assert templates[node["unified_job_template"]] == one["unified_job_template"]


def secrets_lie_sealed_and_injectors_unrendered(once: Once) -> None:
    probe = once.awx.named("credentials")["Olympus probe"]
    assert probe["inputs"] == {"password": HIDDEN, "client_secret": HIDDEN}
    assert once.awx.secrets[probe["id"]]["password"] == SECRETS["OLYMPUS_PROBE_PASSWORD"]
    kinds = once.awx.named("credential_types")
    assert kinds["Cloudflare API token"]["injectors"] == {"env": {"CLOUDFLARE_API_TOKEN": "{{ token }}"}}


@pytest.mark.slow
def test_a_wrong_token_and_a_missing_playbook_are_said(tmp_path: Path) -> None:
    with Server(Awx(PLAYBOOKS), "another") as server:
        rc, said = apply(server.url, tmp_path, **SECRETS)
        assert rc == 2 and "Invalid authentication credentials" in said
    with Server(Awx(["bluegreen.yml"]), TOKEN) as server:
        rc, said = apply(server.url, tmp_path, **SECRETS)
        assert rc == 2 and "Playbook not found for project" in said
