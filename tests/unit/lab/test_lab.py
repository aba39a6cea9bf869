# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, the olympus.bluegreen authors
"""The lab's promises that need no container: loopback only, labelled, secrets private, nothing probed blindly."""

from __future__ import annotations

import ipaddress
import json
import os
import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from olympus_lab import binaries, certificates, config, golang, lock, network, operator_edit, podman, project
from olympus_lab.progress import LabError

TEXT = (config.TEMPLATES / config.COMPOSE_FILE).read_text()
COMPOSE = yaml.safe_load(TEXT)


def test_every_published_port_is_on_loopback() -> None:
    ports = [port for service in COMPOSE["services"].values() for port in service.get("ports", [])]
    assert len(ports) == 14
    assert [port for port in ports if not port.startswith(f"{config.LOOPBACK}:")] == []


@pytest.mark.parametrize("service", [*config.ORY, *config.MIGRATIONS])
def test_every_ory_container_starts_through_the_shim(service: str) -> None:
    """The entrypoint ends with -- and the command is the whole line of the program, as in the published file."""
    given = COMPOSE["services"][service]
    product = service.split("-")[1]
    assert given["entrypoint"][:3] == ["sh", "/check-secrets.sh", service]
    assert given["entrypoint"][-2:] == ["DSN", "--"]
    assert given["command"][0] == product
    assert f"/etc/config/{service.removesuffix('-migrate')}/{product}.yml" in given["command"]
    assert {mount["target"] for mount in given["volumes"]} >= {"/check-secrets.sh", "/etc/ssl/certs/pg-ca.crt"}


@pytest.mark.parametrize("release", config.RELEASES, ids=lambda release: release.version)
def test_a_release_is_an_edit_of_image_lines_and_tags(release: config.Release) -> None:
    edited, same = (yaml.safe_load(text) for text in (operator_edit.compose_text(TEXT, release), TEXT))
    for service in (*config.ORY, *config.MIGRATIONS):
        wanted = config.image(service.removesuffix("-migrate"), release.version)
        assert edited["services"][service].pop("image") == wanted
        del same["services"][service]["image"]
    assert edited == same
    assert operator_edit.env_text("A=1\nHERA_IMAGE_TAG=x\nSITE_IMAGE_TAG=\n", release) == (
        f"A=1\nHERA_IMAGE_TAG={release.version}\nSITE_IMAGE_TAG={release.version}\n"
    )


def test_an_edited_directory_goes_back_to_the_first_release(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(config, "OPERATOR", tmp_path / "operator")
    project.write()
    assert operator_edit.to("v1.4.2") is False
    assert operator_edit.to("v1.5.0") is True and operator_edit.to("v1.5.0") is False
    assert project.settings()["HERA_IMAGE_TAG"] == "v1.5.0" and project.differs() == config.COMPOSE_FILE
    assert stat.S_IMODE((config.OPERATOR / ".env").stat().st_mode) == 0o600
    project.write()
    assert (project.differs(), project.settings()["HERA_IMAGE_TAG"]) == ("", "v1.4.2")


def test_the_database_proves_its_name_to_who_knows_its_authority(tmp_path: Path) -> None:
    certificates.write(tmp_path, "postgres")
    openssl = ["openssl", "verify", "-CAfile", str(tmp_path / "pg-ca.crt")]
    server = str(tmp_path / "server.crt")
    assert subprocess.run([*openssl, "-verify_hostname", "postgres", server], check=False).returncode == 0
    assert subprocess.run([*openssl, "-verify_hostname", "other", server], check=False).returncode != 0
    assert stat.S_IMODE((tmp_path / "server.key").stat().st_mode) == 0o600
    assert sorted(path.name for path in tmp_path.iterdir()) == ["pg-ca.crt", "server.crt", "server.key"]


def other_lab() -> dict[str, str]:
    """The files of LAB_SHAPE=other, as a process of its own sees them."""
    code = "import json; from olympus_lab import project; print(json.dumps(project._wanted()))"
    env = {**os.environ, "LAB_SHAPE": "other"}
    out = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True).stdout
    files: dict[str, str] = json.loads(out)
    return files


def test_the_other_operator_has_no_name_or_port_of_the_published_one() -> None:
    files = other_lab()
    services = yaml.safe_load(files["compose.yml"])["services"]
    assert len(services) == 11 and not set(services) & set(COMPOSE["services"])
    dialled = {
        *re.findall(r"//([\w-]+:\d+)", files["compose.yml"] + files["ciam-kratos/kratos.yml"]),
        *re.findall(r"reverse_proxy ([\w-]+:\d+)", files["Caddyfile"]),
    }
    assert dialled - {f"localhost:{port}" for port in (6100, 6200, 8000)} == {
        *("customer-accounts:6100", "customer-accounts:6101", "customer-tokens:6200", "customer-tokens:6201"),
        *("customer-login:8000", "customer-desk:8000", "shop:8000"),
    }
    assert {on for service in services.values() for on in service.get("depends_on", {})} < set(services)
    assert not re.search(r"(?<!C)IAM_", files["seed.sh"] + files["Caddyfile"] + files["compose.yml"])


def shim(*args: str, **variables: str) -> subprocess.CompletedProcess[str]:
    argv, env = ["sh", str(config.TEMPLATES / "check-secrets.sh"), *args], {"PATH": os.environ["PATH"], **variables}
    return subprocess.run(argv, env=env, capture_output=True, text=True, check=False)


def test_the_shim_becomes_the_command_unless_a_secret_is_empty() -> None:
    done = shim("ciam-kratos", "DSN", "--", "sh", "-c", 'echo "$0 $DSN"', "--", DSN="there")
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "-- there")
    for variables in ({}, {"DSN": ""}):
        done = shim("ciam-kratos", "DSN", "SECRETS_COOKIE", "--", "true", SECRETS_COOKIE="there", **variables)
        assert done.returncode == 1 and "DSN" in done.stderr and "SECRETS_COOKIE" not in done.stderr


def test_the_network_lies_in_the_blocked_range() -> None:
    subnet = ipaddress.IPv4Network(COMPOSE["networks"]["intranet"]["ipam"]["config"][0]["subnet"])
    assert subnet.subnet_of(ipaddress.IPv4Network(config.RANGE))


def test_services_are_those_of_the_compose_file() -> None:
    assert set(config.SERVICES + config.MIGRATIONS + config.SEED) == set(COMPOSE["services"])


def test_project_is_private_and_complete(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(config, "OPERATOR", tmp_path / "operator")
    project.write()
    first = project.settings()
    assert stat.S_IMODE((config.OPERATOR / ".env").stat().st_mode) == 0o600
    assert len(first["CIAM_KRATOS_SECRET_CIPHER"]) == 32
    assert project.differs() == ""
    used = {
        part.split("}")[0].split(":-")[0]
        for part in (config.OPERATOR / config.COMPOSE_FILE).read_text().split("${")[1:]
    }
    assert used - set(first) == {
        *("LAB_HTTPS_PORT", "LAB_HTTP_PORT", "LAB_MAIL_PORT", "LOCKOUT_MAX_ATTEMPTS"),
        *(f"{domain}_CAPTCHA_{key}_KEY" for domain in ("CIAM", "IAM") for key in ("SITE", "SECRET")),
    }
    (config.OPERATOR / "Caddyfile").write_text("adopted")
    assert project.differs() == "Caddyfile"
    project.write({"CIAM_CAPTCHA_ENABLED": "true"})
    second = project.settings()
    assert (project.differs(), second.keys(), second["CIAM_CAPTCHA_ENABLED"]) == ("", first.keys(), "true")


def test_every_file_that_the_project_binds_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bind of a file that is not there becomes a directory, and the container starts all the same."""
    monkeypatch.setattr(config, "OPERATOR", tmp_path / "operator")
    project.write()
    binds = {
        mount["source"]
        for service in COMPOSE["services"].values()
        for mount in service.get("volumes", [])
        if isinstance(mount, dict) and mount["type"] == "bind"
    }
    assert len(binds) == 12
    assert [source for source in binds if not (config.OPERATOR / source).exists()] == []


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
