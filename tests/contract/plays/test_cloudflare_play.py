# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module as Ansible runs it, at its most talkative: check, diff, a failure; and the token is nowhere."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml
from kit.cloudflare_fake import TOKEN, Fault
from kit.cloudflare_kit import Deployment
from kit.compose_bench import named

ROOT = Path(__file__).resolve().parents[3]


def play(
    edge: Deployment, *options: str, states: tuple[str, ...], given: dict[str, str]
) -> subprocess.CompletedProcess[str]:
    params = {name: value for name, value in named(edge.params()).items() if value is not None and name != "api_token"}
    params["pools"] = {
        colour: {name: one for name, one in pool.items() if one is not None} for colour, pool in params["pools"].items()
    }
    params["pools"]["green"]["origins"] = [{"name": "edge-2", "address": "203.0.113.2"}]
    secret = {"api_token": "{{ the_token }}"} if "vars" in given else {}
    tasks: list[dict[str, Any]] = [
        {"olympus.bluegreen.cloudflare_lb_pool": {**params, **secret, "state": state, "colour": "green"}}
        for state in states
    ]
    path, variables = edge.root / "play.yml", edge.root / "vars.yml"
    path.write_text(yaml.safe_dump([{"hosts": "localhost", "gather_facts": False, "tasks": tasks}]))
    variables.write_text(yaml.safe_dump({"the_token": TOKEN}))
    env = {
        **{name: os.environ[name] for name in ("PATH", "HOME")},
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "collections"),
        "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
        "ANSIBLE_LOCAL_TEMP": str(edge.root / "local"),
        "ANSIBLE_NOCOLOR": "1",
        "LC_ALL": "C.UTF-8",
        **{name: value for name, value in given.items() if name != "vars"},
    }
    argv = [str(Path(sys.executable).parent / "ansible-playbook"), "-i", "localhost,", "-c", "local", "-vvv"]
    return subprocess.run(
        [*argv, "-e", "@%s" % variables, *options, str(path)],
        env=env, cwd=edge.root, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


def command_lines() -> str:
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found.append(path.read_text(errors="replace"))
        except OSError:
            continue
    return "\n".join(found)


def test_a_release_by_playbook_and_no_token_anywhere(tmp_path: Path) -> None:
    with Deployment(tmp_path) as edge:
        seen: list[str] = []
        edge.fake.meanwhile = {index: lambda: seen.append(command_lines()) for index in (1, 6, 12)}
        done = [
            play(edge, states=("adopted",), given={"vars": "yes"}),
            play(edge, "--check", "--diff", states=("live",), given={"vars": "yes"}),
        ]
        writes = len(edge.fake.mutating)
        assert writes == 1 and "default_pools" in done[1].stdout
        done.append(play(edge, "--diff", states=("live", "live", "returned"), given={"CLOUDFLARE_API_TOKEN": TOKEN}))
        assert edge.serving() == ["blue"] * 3 and len(edge.fake.mutating) == writes + 6
        edge.fake.fresh()
        edge.fake.faults = {at: Fault("429", 900) for at in range(5, 50)}
        failed = play(edge, states=("live",), given={"vars": "yes"})
    for one in done:
        assert one.returncode == 0, one.stdout + one.stderr
        assert "DEPRECATION" not in one.stdout + one.stderr
    assert failed.returncode == 2 and "refuses every call for" in failed.stdout
    for text in [one.stdout + one.stderr for one in (*done, failed)] + seen:
        assert TOKEN not in text
    assert len(seen) == 3 and any("ansible-playbook" in text for text in seen)
    assert all(TOKEN not in path.read_text() for path in (tmp_path / "edge").rglob("*") if path.is_file())
