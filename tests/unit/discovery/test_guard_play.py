# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The guard as it is played: which host, which version, and the description that it hands to the stages."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from kit.stacks import published

from ansible_collections.olympus.bluegreen.plugins.module_utils._discovery import record
from ansible_collections.olympus.bluegreen.plugins.module_utils._discovery.learn import learn

ROOT = Path(__file__).resolve().parents[3]
HOSTS = yaml.safe_load((ROOT / "playbooks/deploy.yml").read_text())[0]["hosts"]
CONTENT = (
    "{{ {'host': inventory_hostname, 'version': bluegreen_version, 'd': bluegreen_described,"
    " 'rows': bluegreen_settings} | to_json }}"
)
SHOW = {
    "hosts": HOSTS,
    "gather_facts": False,
    "tags": ["always"],
    "tasks": [{"ansible.builtin.copy": {"dest": "{{ shown }}", "mode": "0600", "content": CONTENT}}],
}
# A host with podman and nothing in it.
PODMAN = "#!/bin/sh\ncase \"$*\" in *inspect*) echo '[]' ;; esac\n"


class Guard:
    def __init__(self, directory: Path) -> None:
        self.directory, self.hosts, self.said = directory, ["edge"], ""
        self.limit: list[str] = []
        (directory / "bin").mkdir()
        (directory / "bin/podman").write_text(PODMAN)
        (directory / "bin/podman").chmod(0o755)
        (directory / "state").mkdir()

    def recorded(self) -> None:
        record.write(str(self.directory / "state"), learn(published().looked(), {}).data(), 1.0)

    def play(self, *tags: str, **settings: Any) -> dict[str, Any] | None:
        """What was handed on; None where the guard refused (``said`` has its words)."""
        shown = self.directory / "shown.json"
        shown.unlink(missing_ok=True)
        common = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable, "shown": str(shown),
                  "bluegreen_state_dir": str(self.directory / "state"), **settings}  # fmt: skip
        group = {"hosts": {name: {} for name in self.hosts}, "vars": common}
        beside = {"hosts": {"database": {"ansible_connection": "local"}} if self.limit else {}}
        (self.directory / "inventory.yml").write_text(yaml.safe_dump({"olympus_edge": group, "beside": beside}))
        guard = {"ansible.builtin.import_playbook": "olympus.bluegreen.guard", "tags": ["always"]}
        (self.directory / "play.yml").write_text(yaml.safe_dump([guard, SHOW]))
        argv = [str(Path(sys.executable).parent / "ansible-playbook"), "-i", str(self.directory / "inventory.yml")]
        env = {**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_NOCOLOR": "1",
               "PATH": "%s:%s" % (self.directory / "bin", os.environ["PATH"])}  # fmt: skip
        argv += [str(self.directory / "play.yml"), "--tags", ",".join(tags), *self.limit]
        done = subprocess.run(argv, env=env, cwd=ROOT, capture_output=True, text=True, check=False)
        self.said = " ".join((done.stdout + done.stderr).split())
        assert (done.returncode == 0) == shown.exists(), self.said
        return dict(json.loads(shown.read_text())) if shown.exists() else None


@pytest.fixture
def guard(tmp_path: Path) -> Guard:
    return Guard(tmp_path)


def test_a_stage_goes_by_the_record_and_the_settings_over_it(guard: Guard) -> None:
    guard.recorded()
    probe = {"identifier": "p@example.com"}
    shown = guard.play("deploy", version="v1", bluegreen_probes=probe, bluegreen_services={"site": {"ready": "/up"}})
    assert shown is not None
    services = shown["d"]["services"]
    assert services["iam-hydra"]["port"] == 7002 and services["site"] == {
        "kind": "site", "port": 3000, "ready": "/up", "ui": True,
    }  # fmt: skip
    assert shown["d"]["probes"]["iam"]["oauth_host"] == "iam.oauth.test" and shown["rows"] == []
    assert [one["service"] for one in shown["d"]["dependents"]] == ["pgadmin", "seed"]


def test_a_contradiction_stops_a_stage_and_no_rollback(guard: Guard) -> None:
    guard.recorded()
    wrong = {"bluegreen_services": {"iam-hera": {"port": 3000}}}
    assert guard.play("deploy", version="v1", **wrong) is None
    assert "bluegreen_services.iam-hera.port=3000: its container listens on 4000. Fix: say 4000" in guard.said
    assert guard.play("rollback", **wrong) is not None
    # Not even one of another type, nor one that can't be made.
    shown = guard.play("rollback", bluegreen_services=[7], bluegreen_edge="{{ nowhere }}")
    assert shown is not None and shown["d"]["services"]["iam-hera"]["port"] == 4000


def test_without_a_record_the_host_is_looked_at(guard: Guard) -> None:
    assert guard.play("migrate", version="v1") is None
    assert "no running container of this host is a Caddy" in guard.said and "Fix: start the project." in guard.said
    # A status has no reason to fail; it says what is wrong. A rollback does not look.
    shown = guard.play("status")
    assert shown is not None and "PROBLEM no running container of this host is a Caddy" in guard.said
    shown = guard.play("rollback")
    assert shown is not None and "PROBLEM" not in guard.said and shown["d"]["services"] == {}


def test_a_torn_record_stops_what_would_change_something(guard: Guard) -> None:
    (guard.directory / "state/deployment.json").write_text("{")
    assert guard.play("rollback") is not None
    assert guard.play("migrate", version="v1") is None


def test_one_inventory_is_one_deployment(guard: Guard) -> None:
    """R10."""
    guard.recorded()
    guard.hosts = ["production", "staging"]
    assert guard.play("status") is None
    assert "olympus_edge has 2 hosts (production, staging)" in guard.said and "-e bluegreen_host=" in guard.said
    shown = guard.play("status", bluegreen_host="staging")
    assert shown is not None and shown["host"] == "staging"
    assert guard.play("status", bluegreen_host="test") is None
    assert "bluegreen_host=test: not a host of group olympus_edge" in guard.said


@pytest.mark.parametrize(
    ("limit", "host", "words"),
    [
        ("staging", "staging", ""),
        ("olympus_edge", "", "Fix: name it with -e bluegreen_host=production, or --limit production."),
        ("database", "", "production and staging, where the switch is. Fix: run without --limit, or name one"),
    ],
)
def test_a_limit_says_which_one_is_meant(limit: str, host: str, words: str, guard: Guard) -> None:
    """R10: it was refused, and the first was taken without it."""
    guard.recorded()
    guard.hosts, guard.limit = ["production", "staging"], ["--limit", limit]
    shown = guard.play("rollback")
    assert (shown or {}).get("host", "") == host and words in guard.said, guard.said


def test_a_limit_against_the_setting_is_refused(guard: Guard) -> None:
    guard.recorded()
    guard.hosts, guard.limit = ["production", "staging"], ["--limit", "staging"]
    assert guard.play("status", bluegreen_host="production") is None
    assert "--limit staging leaves out production, where the switch is. Fix: run without --limit." in guard.said


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ({"version": "v1"}, "v1"),
        ({"bluegreen_version": "v1"}, "v1"),
        ({"version": "", "bluegreen_version": "v2"}, "v2"),
    ],
)
def test_the_version_has_two_names(guard: Guard, given: dict[str, str], wanted: str) -> None:
    guard.recorded()
    shown = guard.play("deploy", **given)
    assert shown is not None and shown["version"] == wanted


def test_a_blank_answer_is_none(guard: Guard) -> None:
    """R4: a survey sends ''."""
    guard.recorded()
    assert guard.play("rollback", version="", bluegreen_watch_do="", bluegreen_version="") is not None
    assert guard.play("deploy", version="") is None and "No version was given" in guard.said
