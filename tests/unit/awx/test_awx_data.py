# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The data of awx/ against what they run: surveys against settings, tags against the guard, nodes against templates."""

from __future__ import annotations

import configparser
import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import yaml
from kit import awx_data, awx_survey

from ansible_collections.olympus.bluegreen.plugins.module_utils._watch import orders
from ansible_collections.olympus.bluegreen.plugins.plugin_utils.setting_checks import wrong_settings
from ansible_collections.olympus.bluegreen.plugins.plugin_utils.settings import SETTINGS

ROOT = awx_data.ROOT
DATA = awx_data.load()
TEMPLATES = {one["name"]: one for one in DATA["controller_templates"]}
(WORKFLOW,) = DATA["controller_workflows"]
SURVEYS = {name: one["survey_spec"] for name, one in [*TEMPLATES.items(), (WORKFLOW["name"], WORKFLOW)]
           if "survey_spec" in one}  # fmt: skip
NODES = {one["identifier"]: one for one in WORKFLOW["simplified_workflow_nodes"]}
EDGES = ("success_nodes", "failure_nodes")
# What a question of each type may ask, by the type of the setting.
ASKED = {"int": "integer", "number": "integer", "count": "integer", "bool": "multiplechoice", "str": "text"}


def guard() -> dict[str, Any]:
    plays = yaml.safe_load((ROOT / "playbooks/guard.yml").read_text())
    found: dict[str, Any] = next(play["vars"] for play in plays if "guard_known_tags" in play.get("vars", {}))
    return found


def questions() -> Iterator[tuple[str, Mapping[str, Any]]]:
    return ((name, one) for name, spec in SURVEYS.items() for one in spec["spec"])


@pytest.mark.parametrize("name", SURVEYS)
def test_awx_takes_the_survey(name: str) -> None:
    assert awx_survey.wrong(SURVEYS[name]) == ""


def test_a_template_with_questions_asks_them() -> None:
    assert {name for name, one in TEMPLATES.items() if one.get("survey_enabled")} | {WORKFLOW["name"]} == set(SURVEYS)


def test_a_question_is_of_its_settings_type() -> None:
    for name, one in questions():
        field = SETTINGS["bluegreen_version" if one["variable"] == "version" else one["variable"]]
        choices = ["false", "true"] if field.type == "bool" else list(field.choices)
        if one["variable"] == "bluegreen_watch_do":
            choices = list(orders.ORDERS)
        assert one["type"] == ("multiplechoice" if choices else ASKED[field.type]), name
        assert one.get("choices", []) == choices, name
        # A default that is not blank would win over the inventory's own value, so it is the setting's.
        assert one["default"] in ("", str(field.default).lower()), name


def test_the_ends_of_a_range_are_taken_and_what_is_outside_is_not() -> None:
    for _name, one in questions():
        for value in {one["min"], one["max"]} if one["type"] == "integer" else one.get("choices", []):
            assert not wrong_settings({one["variable"]: value}), one
        if one["variable"] == "bluegreen_bake":
            assert wrong_settings({one["variable"]: one["min"] - 1})
        if one["variable"] == "bluegreen_watch_extend":
            assert (one["min"], one["max"]) == (1, orders.LONGEST)


def test_a_version_is_as_long_as_the_guard_allows() -> None:
    (rule,) = {one["max"] for _name, one in questions() if one["variable"] == "version"}
    pattern = re.compile(re.findall(r"match\('(.+?)'\)", str(guard()["guard_rules"]).replace("\\", ""))[0])
    assert pattern.match("v" * rule) and not pattern.match("v" * (rule + 1))


def test_a_version_is_required_where_the_guard_needs_one() -> None:
    needs = set(re.findall(r"'(\w+)'", guard()["guard_needs_version"]))
    for name, one in TEMPLATES.items():
        asks = {q["variable"]: q["required"] for q in one.get("survey_spec", {"spec": []})["spec"]}
        wanted = one["playbook"] == "bluegreen.yml" and (one["job_tags"] or "all") in needs
        assert asks.get("version", False) or not wanted, name


def test_every_tag_is_a_stage_and_every_stage_has_a_template() -> None:
    stages = {one["job_tags"] for one in TEMPLATES.values()} - {""}
    assert stages == set(guard()["guard_known_tags"]) - {"all", "always", "untagged"}
    assert {one["playbook"] for one in TEMPLATES.values()} == {"bluegreen.yml", "failed.yml"}


def test_a_rollback_asks_nothing_and_waits_for_no_git_server() -> None:
    one, projects = TEMPLATES["Olympus rollback"], {one["name"]: one for one in DATA["controller_projects"]}
    assert "survey_spec" not in one and not projects[one["project"]]["scm_update_on_launch"]
    assert one["job_tags"] == "rollback" and one["job_type"] == "run"


def test_no_template_shows_a_diff_or_runs_twice_at_once() -> None:
    assert not [name for name, one in TEMPLATES.items() if one["diff_mode"] or one["allow_simultaneous"]]
    window, least = int(SETTINGS["bluegreen_watch"].keys[0].default), DATA["olympus_watch_window"]
    assert SETTINGS["bluegreen_watch"].keys[0].name == "window" and window == least
    for name in ("Olympus release", "Olympus watch"):
        assert TEMPLATES[name]["timeout"] >= window + 1800


def test_no_two_have_one_name() -> None:
    # A node of a workflow is found by it.
    names = [*TEMPLATES, WORKFLOW["name"], *(one["name"] for one in DATA["controller_projects"])]
    assert len(names) == len(set(names))


def test_the_workflow_goes_from_preflight_to_cleanup_and_each_failure_is_told() -> None:
    way, at = [], "preflight"
    while at:
        way.append(at)
        at = next(iter(NODES[at].get("success_nodes", [])), "")
        assert len(NODES[way[-1]].get("success_nodes", [])) <= 1
    assert way == ["preflight", "migrate", "deploy", "look", "cutover", "watch", "accept", "cleanup"]
    assert {NODES[one]["failure_nodes"][0] for one in way} == {"failed"} and set(NODES) == {*way, "failed"}
    assert not any(NODES["failed"].get(edge) for edge in EDGES)
    assert TEMPLATES[NODES["failed"]["unified_job_template"]]["notification_templates_error"]


def test_the_nodes_run_the_stages_by_their_templates() -> None:
    for identifier, node in NODES.items():
        if "approval_node" in node:
            assert node["approval_node"]["timeout"] > 0 and WORKFLOW["notification_templates_approvals"]
        elif identifier != "failed":
            assert TEMPLATES[node["unified_job_template"]]["job_tags"] == identifier
    # On a bad verdict the watcher has rolled back already.
    used = {TEMPLATES[one["unified_job_template"]]["job_tags"] for one in NODES.values() if "approval_node" not in one}
    assert "rollback" not in used


def test_the_workflow_asks_what_its_stages_need() -> None:
    asked = {one["variable"]: one for one in WORKFLOW["survey_spec"]["spec"]}
    for node in NODES.values():
        template = TEMPLATES.get(node.get("unified_job_template", ""), {})
        for one in template.get("survey_spec", {"spec": []})["spec"]:
            assert asked[one["variable"]] == one, node


def test_credential_types_fill_what_the_collection_reads() -> None:
    kinds = {one["name"]: one for one in DATA["controller_credential_types"]}
    made = awx_survey.injected(kinds["Olympus probe"]["injectors"], {"password": "p", "client_secret": "c"})
    assert made == {"extra_vars": {"bluegreen_probe_secrets": {"password": "p", "client_secret": "c"}}}
    assert not wrong_settings(made["extra_vars"])
    # Without a client secret: a client that is public.
    blank = awx_survey.injected(kinds["Olympus probe"]["injectors"], {"password": "p"})["extra_vars"]
    assert not wrong_settings(blank)
    token = awx_survey.injected(kinds["Cloudflare API token"]["injectors"], {"token": "t"})
    assert token == {"env": {"CLOUDFLARE_API_TOKEN": "t"}}
    for kind in kinds.values():
        assert all(one["secret"] for one in kind["inputs"]["fields"])


def test_everything_that_is_named_is_there() -> None:
    notes = {one["name"] for one in DATA["controller_notifications"]}
    projects = {one["name"] for one in DATA["controller_projects"]}
    for one in [*TEMPLATES.values(), WORKFLOW]:
        told = {*one.get("notification_templates_error", []), *one.get("notification_templates_approvals", [])}
        assert told <= notes and one.get("project", "Olympus") in projects
    assert {one["name"] for one in DATA["controller_credentials"]} == set(DATA["olympus_credentials"])


def test_the_template_repository_is_the_collections_own_entry() -> None:
    assert (ROOT / "awx/project/bluegreen.yml").read_text() == (ROOT / "bluegreen.yml").read_text()
    config = configparser.ConfigParser()
    config.read(ROOT / "awx/project/ansible.cfg")
    assert (ROOT / "awx/project" / config["defaults"]["inventory"]).is_file()
    group_vars = yaml.safe_load((ROOT / "awx/project/group_vars/all/bluegreen.yml").read_text())
    assert not wrong_settings(group_vars)
    inventory = yaml.safe_load((ROOT / "awx/project/inventory.yml").read_text())
    assert set(inventory["all"]["children"]) == {one["name"] for one in DATA["controller_groups"]}


def test_the_page_has_each_template_with_what_it_asks() -> None:
    page = (ROOT / "docs/awx.md").read_text()
    rows = {}
    for name, one in TEMPLATES.items():
        asks = [
            "`%s`%s" % (asked["variable"], "" if asked["required"] else " (may be blank)")
            for asked in one.get("survey_spec", {"spec": []})["spec"]
        ]
        tags = "`%s`" % one["job_tags"] if one["job_tags"] else "-"
        rows[name] = "| %s | %s | %s |" % (name, tags, ", ".join(asks) or "-")
    assert re.findall(r"^\| Olympus (?!probe).*$", page, re.MULTILINE) == list(rows.values())
    for name in ("OLYMPUS_SSH_KEY", "OLYMPUS_PROBE_PASSWORD", "OLYMPUS_PROBE_CLIENT_SECRET"):
        assert name in page and name in (ROOT / "awx/data/access.yml").read_text()
    settings = set(re.findall(r"olympus_[a-z_]+", page)) - {"olympus_edge"}
    known = yaml.safe_load((ROOT / "awx/settings.yml").read_text())
    given = set(re.findall(r"(olympus_[a-z_]+) \| default", (ROOT / "awx/apply.yml").read_text()))
    assert settings <= set(known) | given
