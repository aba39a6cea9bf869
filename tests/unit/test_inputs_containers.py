# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two stacks of other people, line by line: what each has to come to, and the test that holds it.

inputs/shared_depends_on_coloured:
1 preflight/test_rows.py::test_dependents_are_said_before_anything_is_adopted,
  compose/test_dependents.py::test_the_operator_may_keep_them_and_is_told_early
2, 3 real/test_compose_life.py::test_cleanup_goes_through_at_the_first_try_and_plain_names_lead_to_live
4 compose/test_fence.py::test_a_cleanup_that_is_refused_before_it_removes_gives_forms_assets_and_the_way_back_back
5 here

inputs/shim_entrypoint:
1 here, real/test_courier_proof.py
2 here, compose/test_command_lines.py::test_the_migration_runs_through_the_service_s_entrypoint
3 here, compose/test_proving.py
4 worlds/test_worlds.py (the state "misplaced")
5 here
"""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml
from kit.caddyfile_bodies import body
from kit.typed import ROOT, play

from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.deployment.model import (
    Deployment,
    services_from,
)
from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.deployment.singletons import COMMAND, Singleton
from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.release.render import Renderer
from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.singletons import handover
from ansible_collections.olympus.bluegreen.plugins.plugin_utils.hooks import steps_before

SHIM = ["sh", "/check-secrets.sh", "ciam-kratos", "SECRETS_COOKIE", "DSN", "--"]
KRATOS = {
    "image": "docker.io/oryd/kratos:v1.3.1",
    "entrypoint": SHIM,
    "command": ["kratos", "serve", "-c", "/etc/config/kratos.yml", "--watch-courier"],
    "environment": {"DSN": "postgres://u:p@postgres/ciam_kratos", "SECRETS_COOKIE": "0123456789abcdef"},
}
TASKS = ROOT / "playbooks/tasks"


def test_the_edge_never_resolves_the_plain_name() -> None:
    """shared_depends_on_coloured, 5: `site` is the relay's after a cleanup, and the edge is in the relay's network."""
    done = body("site.example.org {\n\treverse_proxy site:3000\n}\n")
    assert "site:3000" not in done and "10.0.0.24:3000" in done and "10.0.1.24:3000" in done


def test_the_courier_and_what_is_declared_run_behind_the_shim_as_whole_commands() -> None:
    """shim_entrypoint, 1 and 2."""
    job = Singleton("expiry", "ciam-kratos", COMMAND, ("kratos", "cleanup", "sql", "-e"))
    wanted = Deployment(
        "olympus", "/nowhere", services=services_from({"ciam-kratos": {"kind": "kratos"}}), colour="green",
        singletons=(job,),
    )  # fmt: skip
    project = {"services": {"ciam-kratos": KRATOS}}
    services = Renderer(wanted, "r", {"ciam-kratos": "id"}, project, "/copy").render()["services"]
    run = {name: one["entrypoint"] + one["command"] for name, one in services.items()}
    assert run == {
        "ciam-kratos": SHIM + shlex.split("kratos serve -c /etc/config/kratos.yml"),
        "ciam-kratos-courier": SHIM + shlex.split("kratos courier watch -c /etc/config/kratos.yml"),
        "expiry": SHIM + shlex.split("kratos cleanup sql -e"),
    }


def tasks(name: str) -> list[dict[str, Any]]:
    found = yaml.safe_load((TASKS / name).read_text())
    assert isinstance(found, list)
    return found


@pytest.mark.parametrize(("stage", "rc"), [("cleanup", 2), ("deploy", 0), ("rollback", 0)])
def test_no_cleanup_ends_well_without_a_courier(tmp_path: Path, stage: str, rc: int) -> None:
    """shim_entrypoint, 3: what the handover says of it ends a cleanup, and no other stage."""
    (block,) = tasks("singletons.yml")
    block["block"] = [{"name": "Hand them over", "ansible.builtin.fail": {"msg": "was started and does not stay up"}}]
    path = tmp_path / "play.yml"
    path.write_text(yaml.safe_dump([{"hosts": "localhost", "gather_facts": False, "tasks": [block]}]))
    done, said = play(path, bluegreen_stage=stage)
    assert done == rc and "does not stay up" in said, said


def test_no_flip_waits_for_a_courier() -> None:
    """shim_entrypoint, 5: before a flip no stage hands over, and behind it the wait has an end."""
    flow = [json.dumps(task) for task in tasks("cutover.yml")]
    flip = next(n for n, task in enumerate(flow) if "switch" in task and "traffic" in task)
    assert [n > flip for n, task in enumerate(flow) if "singletons.yml" in task] == [True]
    late = {"decision": {"misplaced": ["kratos-courier does not run in green"], "proceed": True}}
    hands_over = {stage: bool(steps_before(late, {}, stage)) for stage in ("cutover", "deploy")}
    assert hands_over == {"cutover": False, "deploy": True}
    (tried,) = yaml.safe_load((ROOT / "roles/stack/tasks/handover.yml").read_text())
    assert tried["retries"] * (tried["delay"] + handover.TURNS * handover.STEADY) < 60
