# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, the olympus.bluegreen authors
"""The lab's promises that need no container: loopback only, labelled, secrets private, nothing probed blindly."""

from __future__ import annotations

import ipaddress
import os
import stat
from pathlib import Path

import pytest
import yaml

from olympus_lab import binaries, config, golang, lock, network, podman, project
from olympus_lab.progress import LabError

COMPOSE = yaml.safe_load((config.TEMPLATES / "compose.yml").read_text())


def test_every_published_port_is_on_loopback() -> None:
    ports = [port for service in COMPOSE["services"].values() for port in service.get("ports", [])]
    assert len(ports) == 12
    assert [port for port in ports if not port.startswith(f"{config.LOOPBACK}:")] == []


@pytest.mark.parametrize("kind", ["services", "networks", "volumes"])
def test_everything_is_labelled_as_ours(kind: str) -> None:
    assert {name: part.get("labels") for name, part in COMPOSE[kind].items()} == {
        name: {"olympus.lab": "1"} for name in COMPOSE[kind]
    }


def test_the_network_lies_in_the_blocked_range() -> None:
    subnet = ipaddress.IPv4Network(COMPOSE["networks"]["intranet"]["ipam"]["config"][0]["subnet"])
    assert subnet.subnet_of(ipaddress.IPv4Network(config.RANGE))


def test_services_are_those_of_the_compose_file() -> None:
    assert set(config.SERVICES + config.MIGRATIONS + config.SEED) == set(COMPOSE["services"])


def test_project_is_private_complete_and_keeps_its_secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(config, "OPERATOR", tmp_path / "operator")
    project.write()
    first = project.settings()
    assert stat.S_IMODE((config.OPERATOR / ".env").stat().st_mode) == 0o600
    assert len(first["CIAM_KRATOS_SECRET_CIPHER"]) == 32
    assert project.differs() == ""
    used = {part.split("}")[0].split(":-")[0] for part in (config.OPERATOR / "compose.yml").read_text().split("${")[1:]}
    assert used - set(first) == {"LAB_HTTPS_PORT", "LAB_HTTP_PORT", "LAB_MAIL_PORT"}
    (config.OPERATOR / "Caddyfile").write_text("adopted")
    assert project.differs() == "Caddyfile"
    project.write()
    assert (project.differs(), project.settings()) == ("", first)


def test_no_template_is_left_unfilled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(config, "OPERATOR", tmp_path / "operator")
    project.write()
    texts = [path.read_text() for path in config.OPERATOR.rglob("*") if path.is_file()]
    assert len(texts) == 12
    assert not any("@DOMAIN@" in text for text in texts)


@pytest.mark.parametrize(
    ("text", "numbers"),
    [("1.26", (1, 26, 0)), ("go1.22.10 linux/amd64", (1, 22, 10)), ("golang-1.19-go", (1, 19, 0)), ("devel", ())],
)
def test_go_versions_compare_as_numbers(text: str, numbers: tuple[int, ...]) -> None:
    assert golang.version(text) == numbers


def test_go_is_wanted_as_new_as_the_newest_module() -> None:
    assert golang.wanted() >= (1, 26, 0)


def test_fingerprint_sees_content_names_and_the_executable_bit(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    file = tree / "a"
    file.write_text("1")
    seen = [binaries.fingerprint(tree)]
    file.write_text("2")
    seen.append(binaries.fingerprint(tree))
    file.chmod(0o755)
    seen.append(binaries.fingerprint(tree))
    file.rename(tree / "b")
    seen.append(binaries.fingerprint(tree))
    assert len(set(seen)) == 4


@pytest.mark.parametrize(
    ("address", "routes", "bridge", "allowed"),
    [
        ("127.0.0.1", [], False, True),
        ("10.231.0.5", [{"dev": "podman1"}], True, True),
        ("10.231.0.5", [{"dev": "eth0", "gateway": "192.0.2.1"}], False, False),
        ("10.231.0.5", [{"dev": "eth0"}], False, False),
        ("10.231.0.5", [], False, False),
    ],
)
def test_only_addresses_behind_a_bridge_of_this_machine_may_be_probed(
    address: str, routes: list[dict[str, str]], bridge: bool, allowed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(network, "_json", lambda *_: routes)
    monkeypatch.setattr(network, "_is_bridge", lambda _: bridge)
    assert network.reachable_here(address) is allowed


def test_containers_conf_of_the_user_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONTAINERS_CONF", "/somewhere/containers.conf")
    podman._overrides.cache_clear()
    assert podman.environment()["CONTAINERS_CONF"] == "/somewhere/containers.conf"
    podman._overrides.cache_clear()


def test_a_second_lab_command_waits_and_says_for_whom(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "lock"
    with lock.held(path), pytest.raises(LabError, match=f"process {os.getpid()} is at it"), lock.held(path, 0.05):
        pass
    with lock.held(path, 0.05):
        pass
    assert "another lab command" in capfd.readouterr().out
