# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a colour cannot have is one error with service, key, reason and fix; podman-compose's own trouble is named."""

from __future__ import annotations

from pathlib import Path

import pytest
from kit import foreign_bench as bench

from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.deployment.model import Deployment, Service
from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.release import compose_config, service_keys
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import BluegreenError
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.runner import Result

A = "services:\n  a: {image: 'a:1', %s}\n"
KEYS = {
    "host network": ("network_mode: host", "service a uses network_mode: .*own network.*remove network_mode"),
    "another's network": ("network_mode: 'service:b'", "service a uses network_mode"),
    "pod": ("pod: p", "service a uses pod"),
    "volumes_from": ("volumes_from: [b]", "service a uses volumes_from.*name the volumes"),
    "no hosts file": ("x-podman.no_hosts: true", "x-podman.no_hosts"),
    "a root directory": ("x-podman.rootfs: /srv/root", "pinned by the id"),
    "scale": ("scale: 2", "service a uses scale: a colour runs one container"),
    "replicas": ("deploy: {mode: replicated, replicas: 3}", "one container"),
    "secret not declared": ("secrets: [nowhere]", "secret nowhere is not declared"),
    "the whole directory": ("volumes: ['.:/app:ro']", "binds the whole project directory"),
    "bind that is not there": ("volumes: ['./lost:/app:ro']", "needs .*lost, which is not there.*create it"),
    "env file that is not there": ("env_file: lost.env", "needs .*lost.env, which is not there"),
}
FILES: dict[str, tuple[dict[str, str], str]] = {
    "secret of the environment": (
        {"compose.yml": A % "secrets: [s]" + "secrets: {s: {environment: TOKEN}}\n"},
        "secret s comes from the environment",
    ),
    "variable only in the shell": (
        {"compose.yml": A % "environment: {T: '${TOKEN:?s3cret words}'}"},
        r"variable TOKEN has no value.*/\.env",
    ),
    "variable with a space in a command": (
        {"compose.yml": A % "command: 'run ${X:-a b}'"},
        "a command is split at its spaces before",
    ),
    "volume not declared": ({"compose.yml": A % "volumes: ['data:/data']"}, "volume data is not declared"),
    "network not declared": (
        {"compose.yml": A % "networks: [lost]" + "networks: {n: {}}\n"},
        "network lost is not declared",
    ),
    "unquoted date": ({"compose.yml": A % "environment: {DAY: 2024-01-31}"}, "unquoted date.*put it in quotes"),
    "extends of what is extended": (
        {"compose.yml": A % "extends: {service: b}" + "  b: {extends: {service: c}}\n  c: {image: 'c:1'}\n"},
        "a service that extends another one of the same file",
    ),
    "extends of nothing": (
        {"compose.yml": A % "extends: {service: lost}"},
        "service lost is extended but not there",
    ),
    "extends of nothing in a file": (
        {"compose.yml": A % "extends: {file: b.yml, service: lost}", "b.yml": "services: {}\n"},
        "b.yml has no service lost",
    ),
    "extends of a file above": (
        {"compose.yml": A % "extends: {file: ../b.yml, service: b}"},
        "outside the project directory.*name a directory above as bluegreen_source",
    ),
    "include of a list": (
        {"compose.yml": "include: [{path: [b.yml, c.yml]}]\n" + A % "tty: true"},
        "compose.yml includes a list of files",
    ),
    "include with a variable": ({"compose.yml": "include: ['${X}.yml']\n" + A % "tty: true"}, "a variable in its path"),
    "include of nothing": (
        {"compose.yml": "include: [b.yml]\n" + A % "tty: true"},
        r"b.yml \(compose.yml\) is not there",
    ),
    "no compose file": ({}, "compose file compose.yml .* is not there"),
    "not a compose file": ({"compose.yml": "- a\n"}, "compose.yml is not a compose file"),
    "not YAML": ({"compose.yml": "a: [s3cret\n"}, r"compose.yml is not YAML \(line 2\)"),
    "not UTF-8": ({"compose.yml": "latin"}, "compose.yml cannot be read: it is not UTF-8 text"),
    "service not there": ({"compose.yml": "services: {b: {image: 'b:1'}}\n"}, "has no service a"),
    "lists and mappings": (
        {"compose.yml": A % "sysctls: {a: 1}", "over.yml": A % "sysctls: ['a=1']"},
        "the files give sysctls as a list and as a mapping",
    ),
}


def refused(directory: Path, files: dict[str, str], words: str) -> None:
    directory.mkdir()
    for name, text in files.items():
        (directory / name).write_bytes(b"a: \xff\n" if text == "latin" else text.encode())
    given = tuple(name for name in ("compose.yml", "over.yml") if name in files or name == "compose.yml")
    wanted = Deployment(
        "olympus", "/nonexistent", "prod", str(directory), given, (Service("a"),), podman_compose=bench.PODMAN_COMPOSE
    )
    with pytest.raises(BluegreenError, match=words) as caught:
        compose_config.wanted_files(wanted, compose_config.config(bench.runner(), wanted, wanted.source))
    assert caught.value.option and caught.value.fix and "s3cret" not in str(caught.value)


@pytest.mark.parametrize("case", KEYS)
def test_a_key_is_refused(tmp_path: Path, case: str) -> None:
    given, words = KEYS[case]
    refused(tmp_path / "p", {"compose.yml": A % given + "  b: {image: 'b:1'}\n"}, words)


@pytest.mark.parametrize("case", FILES)
def test_a_project_is_refused(tmp_path: Path, case: str) -> None:
    refused(tmp_path / "p", *FILES[case])


def test_every_refused_key_has_a_case() -> None:
    assert not [key for key in service_keys.REFUSED if not any(key in text for text, _words in KEYS.values())]


def test_no_key_is_in_two_lists() -> None:
    assert not set(service_keys.KEPT) & {*service_keys.CHANGED, *service_keys.REFUSED}
    assert set(service_keys.CHANGED) & set(service_keys.REFUSED) == {"network_mode"}


def test_an_env_file_that_vanished_after_the_copy_is_an_error(tmp_path: Path) -> None:
    files = {"compose.yml": A % "env_file: ../out.env"}
    (tmp_path / "p").mkdir()
    (tmp_path / "p" / "compose.yml").write_text(files["compose.yml"])
    (tmp_path / "out.env").write_text("A=1\n")
    wanted = Deployment(
        "olympus", "/nonexistent", "prod", str(tmp_path / "p"), ("compose.yml",), (Service("a"),),
        podman_compose=bench.PODMAN_COMPOSE,
    )  # fmt: skip
    _names, warnings = compose_config.wanted_files(wanted, compose_config.config(bench.runner(), wanted, wanted.source))
    assert [line for line in warnings if "out.env outside the project directory: no copy" in line]
    (tmp_path / "out.env").unlink()
    with pytest.raises(BluegreenError, match="which is not there"):
        compose_config.wanted_files(wanted, compose_config.config(bench.runner(), wanted, wanted.source))


class Failing:
    """A podman-compose that fails with these last words."""

    def __init__(self, words: str) -> None:
        self.words = words

    def run(self, *_args: object, **_named: object) -> Result:
        return Result(1, "", self.words + "\n")


# As podman-compose 1.3.0 ended on include with a mapping, on a tag, and on a compose file in a folder.
OLD = {
    "AttributeError: 'dict' object has no attribute 'strip'": "use podman-compose 1.6.0",
    "yaml.constructor.ConstructorError: could not determine a constructor for the tag '!reset'": "the tag !reset",
    "FileNotFoundError: [Errno 2] No such file or directory: 'deploy/compose.yml'": "looks for deploy/compose.yml",
    "ValueError: canary-5ecret": "config -q",
}


@pytest.mark.parametrize("words", OLD)
def test_only_names_are_passed_on(tmp_path: Path, words: str) -> None:
    (tmp_path / "compose.yml").write_text(A % "tty: true")
    wanted = Deployment("olympus", "/nonexistent", "prod", str(tmp_path), ("compose.yml",), (Service("a"),))
    with pytest.raises(BluegreenError) as caught:
        compose_config.config(Failing(words), wanted, wanted.source)
    assert "5ecret" not in str(caught.value) and OLD[words] in str(caught.value)
