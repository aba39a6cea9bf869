# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The fake AWX refuses what AWX refuses, and shows no secret: else a green test of the data would prove nothing."""

from __future__ import annotations

from typing import Any

import pytest
from kit import awx_survey
from kit.awx_fake import HIDDEN, Awx


@pytest.fixture
def awx() -> Awx:
    return Awx(["bluegreen.yml"])


def post(awx: Awx, path: str, **body: Any) -> Any:
    status, answer = awx.answer("POST", path, {}, body)
    return answer if status < 300 else status


def made(awx: Awx, path: str, **body: Any) -> int:
    return int(post(awx, path, **body)["id"])


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("inventories", {"name": "x"}),
        ("inventories", {"name": "x", "organization": 999}),
        ("organizations", {"name": "Default"}),
        ("credential_types", {"name": "x", "kind": "cloud", "injectors": {"env": {"A": "{{ typo }}"}}}),
        ("credential_types", {"name": "x", "kind": "cloud", "injectors": {"environment": {}}}),
        ("credential_types", {"name": "x", "kind": "cloud", "inputs": {"fields": [], "required": ["typo"]}}),
        ("credentials", {"name": "x", "credential_type": 2, "inputs": {"typo": "y"}}),
        ("job_templates", {"name": "x", "project": 1, "playbook": "bluegreen.yml"}),
    ],
)
def test_it_refuses(path: str, body: dict[str, Any], awx: Awx) -> None:
    assert post(awx, path, **body) == 400


def test_a_playbook_has_to_be_in_the_project(awx: Awx) -> None:
    project = made(awx, "projects", name="p", organization=1, scm_type="git")
    assert post(awx, "job_templates", name="x", project=project, playbook="typo.yml") == 400
    template = made(awx, "job_templates", name="x", project=project, playbook="bluegreen.yml", timeout=5)
    assert awx.answer("PATCH", "job_templates/%d" % template, {}, {"timeout": "5"})[0] == 400
    assert awx.answer("PATCH", "job_templates/%d" % template, {}, {"timeout": 6})[1]["timeout"] == 6


def test_a_secret_goes_in_and_never_comes_out(awx: Awx) -> None:
    inputs = {"username": "root", "password": "canary"}
    one = post(awx, "credentials", name="x", credential_type=2, inputs=inputs)
    assert one["inputs"] == {"username": "root", "password": HIDDEN}
    awx.answer("PATCH", "credentials/%d" % one["id"], {}, {"inputs": {"username": "anna", "password": HIDDEN}})
    assert awx.secrets[one["id"]]["password"] == "canary"


def test_a_template_takes_one_credential_of_a_type(awx: Awx) -> None:
    project = made(awx, "projects", name="p", organization=1, scm_type="git")
    template = made(awx, "job_templates", name="x", project=project, playbook="bluegreen.yml")
    for name, status in (("a", 204), ("b", 400)):
        number = made(awx, "credentials", name=name, credential_type=2, inputs={"username": name})
        assert awx.answer("POST", "job_templates/%d/credentials" % template, {}, {"id": number})[0] == status


def test_nodes_make_no_circle(awx: Awx) -> None:
    workflow = made(awx, "workflow_job_templates", name="w", organization=1)
    a, b = (
        made(awx, "workflow_job_template_nodes", workflow_job_template=workflow, identifier=one) for one in ("a", "b")
    )
    path = "workflow_job_template_nodes/%d/%s"
    assert awx.answer("POST", path % (a, "success_nodes"), {}, {"id": b})[0] == 204
    assert awx.answer("POST", path % (b, "failure_nodes"), {}, {"id": a})[0] == 400


QUESTION = {"type": "integer", "question_name": "n", "variable": "v", "required": False, "default": "", "min": 1}


@pytest.mark.parametrize(
    "change",
    [{"type": "number"}, {"default": "1"}, {"required": "no"}, {"min": "1"}, {"type": "multiplechoice"},
     {"type": "multiplechoice", "choices": ["a"], "default": "b"}],
)  # fmt: skip
def test_a_survey_that_is_none(change: dict[str, Any]) -> None:
    spec = {"name": "", "description": "", "spec": [QUESTION]}
    assert awx_survey.wrong(spec) == ""
    assert awx_survey.wrong({**spec, "spec": [{**QUESTION, **change}]}) != ""
    assert awx_survey.wrong({**spec, "spec": [QUESTION, QUESTION]}) != ""


def test_what_a_launch_sends() -> None:
    text = {"type": "text", "question_name": "t", "variable": "t", "required": False, "default": "", "min": 0}
    spec = {"name": "", "description": "", "spec": [QUESTION, text]}
    # A blank text is sent, a blank number is not, and what no question asks is left out.
    assert awx_survey.extra_vars(spec, {"other": 1}) == {"t": ""}
    assert awx_survey.extra_vars(spec, {"v": 3}) == {"t": "", "v": 3}
    with pytest.raises(ValueError, match="v is too short"):
        awx_survey.extra_vars(spec, {"v": 0})
    with pytest.raises(ValueError, match="t is required"):
        awx_survey.extra_vars({**spec, "spec": [{**text, "required": True, "min": 1}]}, {})
