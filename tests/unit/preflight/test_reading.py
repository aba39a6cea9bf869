# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What preflight reads from texts of other programs, the table that it prints, and the page that lists its rows."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from kit.preflight_world import CONTAINERS, GOOD, WANTED

from ansible_collections.olympus.bluegreen.plugins.module_utils._core import netns, resolve
from ansible_collections.olympus.bluegreen.plugins.module_utils._core import podman as core
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import BluegreenError
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.files import write_json
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.podman import Podman
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.runner import Result
from ansible_collections.olympus.bluegreen.plugins.module_utils._health import container_settings
from ansible_collections.olympus.bluegreen.plugins.module_utils._health.container_settings import Settings
from ansible_collections.olympus.bluegreen.plugins.module_utils._ory.cli import config_files
from ansible_collections.olympus.bluegreen.plugins.module_utils._preflight import (
    environment as world,
)
from ansible_collections.olympus.bluegreen.plugins.module_utils._preflight import (
    judge,
    known_issues,
    look_edge,
    look_host,
    look_podman,
    look_release,
    model,
)
from ansible_collections.olympus.bluegreen.plugins.module_utils._preflight.checks import CHECKS
from ansible_collections.olympus.bluegreen.plugins.module_utils._preflight.model import PreflightInputs
from ansible_collections.olympus.bluegreen.plugins.module_utils._state.directory import StateDir

ROOT = Path(__file__).resolve().parents[3]
UNIT = "[Service]\nExecStart=/usr/bin/podman $LOGGING start --all --filter restart-policy=always\n"
RAW: dict[str, Any] = {
    "Name": "prod_hydra_1",
    "Config": {"Env": ["DSN=postgres://u:p=w@db/hydra?max_conns=7", "EMPTY="], "Cmd": ["serve", "all"], "Labels": None},
    "NetworkSettings": {"Networks": {"a": {"IPAddress": "10.1.2.3", "IPPrefixLen": 24}, "b": {"IPAddress": ""}}},
    "Mounts": [{"Destination": "/var/lib/postgresql/data", "Source": "/v/data"}],
    "State": {"Pid": 7},
}


@pytest.mark.parametrize(
    ("program", "version", "level", "podman"),
    [
        ("podman-compose", "1.6.0", "", "4.3.1"),
        ("podman-compose", "1.3.0", "refuse", "4.3.1"),
        ("podman-compose", "1.3.0", "", "4.9.3"),
        ("podman-compose", "1.2.0", "warn", "4.9.3"),
        ("podman-compose", "1.1.0", "refuse", "5.0"),
        ("podman-compose", "1.0.5", "refuse", "5.0"),
        ("podman", "4.3", "", ""),
        ("podman", "4.3.0-rc1", "", ""),
        ("podman", "3.4.4", "refuse", ""),
        ("caddy", "v2.6.2 h1:abc", "", ""),
        ("caddy", "2.5.2", "warn", ""),
        ("postgresql", "9.6.24", "refuse", ""),
        ("postgresql", "17beta1", "", ""),
        ("ansible", "2.16", "", ""),
        ("python", "nonsense", "", ""),
    ],
)
def test_versions(program: str, version: str, level: str, podman: str) -> None:
    found = known_issues.verdict(program, version, podman)
    assert (found.level if found else "") == level


def test_every_program_has_a_wish() -> None:
    assert set(known_issues.KNOWN) == set(known_issues.WANTED)
    assert all(
        entry.level in ("refuse", "warn") and entry.why for rows in known_issues.KNOWN.values() for entry in rows
    )


@pytest.mark.parametrize(
    ("out", "version"),
    [
        ("podman-compose version 1.6.0\npodman version 4.3.1\n", "1.6.0"),
        ("podman-compose version: 1.0.6\n['podman', '--version', '']\nusing podman version: 4.3.1\n", "1.0.6"),
        ("podman-composer version 1.0.3\npodman --version", "1.0.3"),
        ("", ""),
        ("Docker Compose version v2.29.1\n", "v2.29.1"),
    ],
)
def test_compose_version(out: str, version: str) -> None:
    assert core.compose_version(out) == version


@pytest.mark.parametrize(
    ("text", "policies"),
    [
        (UNIT, ["always"]),
        (
            UNIT + "ExecStart=\nExecStart=podman start --all --filter restart-policy=unless-stopped\n",
            ["unless-stopped"],
        ),
        ("ExecStart=podman start --all --filter should-start-on-boot=true\n", ["always", "unless-stopped"]),
        ("", []),
    ],
)
def test_restart_policies(text: str, policies: list[str]) -> None:
    assert look_host.restart_policies(text) == policies


def test_texts_of_the_kernel() -> None:
    assert (
        look_host.meminfo("MemTotal: 9 kB\nMemAvailable:    2048 kB\nHugePages_Total: 0\n")["MemAvailable"] == 2 << 20
    )
    tree = look_host.children()
    assert 1 in [pid for pids in tree.values() for pid in pids]
    assert netns.own_address("127.0.0.1") and not netns.own_address("192.0.2.1")
    assert not netns.own_address("no address")


def test_places(tmp_path: Path) -> None:
    there = look_host.state(str(tmp_path))
    assert there["exists"] and there["directory"] and there["writable"]
    absent = look_host.state(str(tmp_path / "a" / "b"))
    assert not absent["exists"] and absent["parent"] == str(tmp_path) and absent["writable"]
    (tmp_path / "file").write_text("")
    assert not look_host.state(str(tmp_path / "file"))["directory"]
    room = look_host.disk(str(tmp_path / "not" / "there"))
    assert room is not None and room["free"] > 0
    assert look_host.disk("") is None


def test_a_container() -> None:
    assert core.environment(RAW)["DSN"].endswith("max_conns=7")
    assert look_podman.max_conns("postgres://u:p@db/x?max_conns=7&sslmode=disable") == 7
    assert look_podman.max_conns("") is None and look_podman.max_conns("postgres://db/x?max_conns=many") is None
    assert look_podman.joined(RAW) == ["10.1.2.0/24"] and look_podman.joined(None) == []
    assert look_podman.mount_at(RAW, "/var/lib/postgresql") == "/v/data" and look_podman.mount_at(None, "/x") == ""
    assert core.labels(RAW) == {} and look_podman.pid_of(RAW) == 7 and look_podman.policy(RAW) == "no"


@pytest.mark.parametrize(
    ("name", "secret"),
    [
        ("SECRETS_COOKIE", True),
        ("PG_DSN", True),
        ("DSN", True),
        ("OIDC_SUBJECT_IDENTIFIERS_PAIRWISE_SALT", True),
        ("ENCRYPTION_KEY", True),
        ("SMTP_PASSWORD", True),
        ("API_TOKEN", True),
        ("TLS_KEY_PATH", False),
        ("SECRET_FILE", False),
        ("KEYCLOAK_HOST", False),
        ("MONKEY", False),
        ("NEXT_PUBLIC_KEY", False),
        ("TTL_ACCESS_TOKEN_LIFESPAN", False),
        ("DOMAIN", False),
    ],
)
def test_secrets_by_name(name: str, secret: bool) -> None:
    assert model.secret(name) is secret
    assert model.empty_names({name: " "}) == ([name] if secret else [])
    assert model.empty_names({name: "x"}) == []


def test_an_environment_in_both_forms() -> None:
    values = {"A": "1", "B": "", "C": None}
    assert look_release.environment({"environment": ["A=1", "B=", "C"]}) == values
    assert look_release.environment({"environment": values}) == values


def test_hydra_listens_to_its_environment_first(tmp_path: Path) -> None:
    assert config_files(["serve", "-c", "/a.yml", "--config=/b.yml", "-c"]) == ["/a.yml", "/b.yml"]
    asked = look_podman.termination(Settings({"SERVE_TLS_ALLOW_TERMINATION_FROM": "10.0.0.0/8, 127.0.0.1/32"}))
    assert asked == {"tls": False, "ranges": ["10.0.0.0/8", "127.0.0.1/32"], "unknown": ""}
    asked = look_podman.termination(Settings({"SERVE_PUBLIC_TLS_ENABLED": "true"}))
    assert asked == {"tls": True, "ranges": [], "unknown": ""}
    files = {"serve": {"tls": {"enabled": True, "allow_termination_from": ["10.0.0.0/8"]}}}
    assert look_podman.termination(Settings({}, files)) == {"tls": True, "ranges": ["10.0.0.0/8"], "unknown": ""}


@pytest.mark.parametrize(
    "words", [["sh", "-c", "exec hydra serve all -c /c.yml"], ["hydra", "serve", "-c", "/gone.yml"]]
)
def test_a_hydra_whose_files_can_not_be_read_is_never_ok(words: list[str]) -> None:
    read = look_podman.termination(container_settings.read({"Config": {"Cmd": words}}, product="hydra"))
    assert read["unknown"] and "exec" not in read["unknown"] and (read["tls"], read["ranges"]) == (False, [])
    seen = replace(GOOD, containers={**CONTAINERS, "hydra": {"iam-hydra": read}})
    (row,) = world.hydra(seen, WANTED)
    assert not row.ok and row.level == "warn" and row.fix and "can't be" in row.found


def test_caddy_in_json() -> None:
    zone = {"match": [{"method": ["POST"], "path": ["/login*"]}], "key": "{k}", "window": 10**10, "max_events": 5}
    routes = [
        {"match": [{"host": ["a.test", "b.test"]}], "handle": [{"handler": "rate_limit", "rate_limits": {"z": zone}}]},
        {"match": [{"host": ["a.test"]}, {"path": ["/x"]}]},
    ]
    config = {"apps": {"http": {"servers": {"srv0": {"routes": routes, "trusted_proxies": {"source": "static"}}}}}}
    assert look_edge.hosts(config) == ["a.test", "b.test"]
    assert look_edge.limits(config) == [
        {"zone": "z", "events": 5, "window": 10.0, "key": "{k}", "methods": ["POST"], "paths": ["/login*"]}
    ]
    assert look_edge.trusts_proxies(config) and not look_edge.trusts_proxies(None)
    dialled = ["hera:3000", "10.1.1.1:80", "[::1]:80", "unix//run/x.sock", "{env.UP}:80", "hera:4000", ":8080"]
    assert look_edge.unique_names(dialled) == ["hera"]


def test_a_question_to_a_name_server() -> None:
    by = resolve.resolver("127.0.0.1 localhost # me\n10.1.1.1 db PG\n", "search a.test b.test\nnameserver 10.1.1.1\n")
    hosts = {"localhost": ("127.0.0.1",), "db": ("10.1.1.1",), "pg": ("10.1.1.1",)}
    assert by == resolve.Resolver(hosts, ("10.1.1.1",), ("a.test", "b.test"))
    asked = resolve.question("a.test", 7)
    assert asked[12:] == b"\x01a\x04test\x00\x00\x01\x00\x01"
    behind = b"\xc0\x0c" + struct.pack(">HHIH", 1, 1, 60, 4) + bytes((10, 1, 1, 2))
    alias = b"\xc0\x0c" + struct.pack(">HHIH", 5, 1, 60, 2) + b"\xc0\x0c"
    head = struct.pack(">HHHHHH", 7, 0x8180, 1, 2, 0, 0)
    assert list(resolve.answered(head + asked[12:] + alias + behind, 7)) == ["10.1.1.2"]
    assert not list(resolve.answered(struct.pack(">HHHHHH", 7, 0x8183, 1, 0, 0, 0) + asked[12:], 7))
    assert not list(resolve.answered(head + asked[12:] + alias + behind, 8))
    assert resolve.addresses("PG.", by) == ("10.1.1.1",) and resolve.addresses("[::1]", by) == ("::1",)
    assert resolve.addresses("absent", resolve.Resolver()) == ()


def row(**values: Any) -> dict[str, Any]:
    return {"check": "memory", "ok": True, "level": "refuse", "found": "1", "wanted": "2", "fix": "", **values}


def test_the_table_is_aligned_and_narrow() -> None:
    wrong = row(ok=False, check="certificate " + "x" * 60, found="word " * 40, fix="do this " * 30)
    lines = judge.lines([wrong, row(), row(level="info", ok=True)])
    assert max(map(len, lines)) <= judge.WIDTH
    assert lines[1].startswith("REFUSE") and lines[-2].startswith("ok") and lines[-1].startswith("info")
    assert any(line.lstrip().startswith("fix: do this") for line in lines)
    start = lines[0].index("found")
    assert all(line[start] != " " and line[start - 1] == " " for line in (lines[1], lines[-1], lines[-2]))
    assert judge.lines([wrong, row()], everything=False) == lines[:-2]
    assert judge.lines([row()], everything=False) == []


def test_the_page_lists_every_row_as_the_code_has_it() -> None:
    text = (ROOT / "docs" / "preflight.md").read_text().splitlines()
    listed = [line for line in text if line.startswith("| `")]
    wanted = ["| `%s` | %s | %s | %s |" % (name, one.levels, one.asks, one.fix or "-") for name, one in CHECKS.items()]
    assert listed == wanted


class Git:
    """A runner that answers as git does."""

    def __init__(self, rc: int, out: str = "", err: str = "") -> None:
        self.result = Result(rc, out, err)
        self.argv: list[str] = []

    def run(self, argv: Sequence[str], **_given: Any) -> Result:
        self.argv = list(argv)
        return self.result


@pytest.mark.parametrize(
    ("ref", "runner", "good"),
    [
        ("{version}", Git(0, "abc\trefs/tags/v2\n"), True),
        ("{version}", Git(0), False),
        ("{version}", Git(128, "", "fatal: could not read Username"), False),
        ("{version}", Git(124), True),
        ("0123456789abcdef0123456789abcdef01234567", Git(0), True),
    ],
)
def test_a_ref_is_asked_for_and_never_fetched(ref: str, runner: Git, good: bool) -> None:
    wanted = PreflightInputs(git={"repo": "https://git.test/platform", "ref": ref}, version="v2")
    assert look_release.read(Podman(runner), wanted) == {} and not runner.argv
    if good:
        assert look_release.project(Podman(runner), wanted, {})["git"]
    else:
        with pytest.raises(BluegreenError, match=r"bluegreen_source\.ref='v2': git finds no v2"):
            look_release.project(Podman(runner), wanted, {})
    assert runner.argv[:2] == ["git", "ls-remote"]


def test_of_a_ref_only_the_overrides_are_known_before_it_is_fetched() -> None:
    services = {"hera": {"kind": "hera"}, "kratos": {"kind": "kratos"}}
    git = {"repo": "https://git.test/platform"}
    wanted = PreflightInputs(git=git, version="v2", services=services, images={"hera": "localhost/hera:{version}"})
    runner = Git(125, "[]", "Error: localhost/hera:v2: image not known")
    found = look_release.image_states(Podman(runner), wanted, {})
    assert {name: (one["reference"], one["state"]) for name, one in found.items()} == {
        "hera": ("localhost/hera:v2", "missing"),
        "kratos": ("", "unfetched"),
    }


def test_the_newest_proof_of_this_version_is_read(tmp_path: Path) -> None:
    wanted = replace(WANTED, state_dir=str(tmp_path), version="v2")
    assert look_release.proven(wanted) == {"schema": {}}
    state = StateDir(str(tmp_path))
    for name, version, created, verdict in (
        ("v2-1", "v2", 1, "BREAKS"), ("v2-2", "v2", 2, "SAFE"), ("v3-1", "v3", 3, "NOT_JUDGED"),
    ):  # fmt: skip
        state.ensure("releases", name, "schema")
        write_json(state.release(name, "release.json"), {"id": name, "version": version, "created": created})
        write_json(state.release(name, "schema", "proof.json"), {"targets": {"k": {"verdict": verdict}}})
    assert look_release.proven(wanted) == {"schema": {"k": {"verdict": "SAFE"}}}
