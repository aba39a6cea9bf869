# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets of two colours: what counts as alike, and that no value is ever told."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from subprocess import PIPE
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.podman import Podman
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.runner import Result
from ansible_collections.olympus.bluegreen.plugins.module_utils._health import container_settings, shared_secrets
from ansible_collections.olympus.bluegreen.plugins.module_utils._health.container_settings import Settings

OLD, NEW, OTHER = "0ld-s3cret", "n3w-s3cret", "0ther-s3cret"


def system(*values: str) -> Settings:
    return Settings({"SECRETS_SYSTEM": ",".join(values)})


@pytest.mark.parametrize(
    ("kind", "here", "there", "words"),
    [
        ("hydra", system(OLD), system(OLD), ""),
        ("hydra", system(NEW, OLD), system(OLD, NEW), ""),
        ("hydra", system(NEW, OLD), system(OLD), "what this colour signs the other does not know"),
        ("hydra", system(OLD), system(NEW, OLD), "what the other signs this colour does not know"),
        ("hydra", system(OTHER), system(OLD), "secrets.system"),
        ("hydra", system(OLD), Settings(), "set on one side only"),
        ("hydra", Settings({"SECRETS_SYSTEM": '["%s"]' % OLD}), system(OLD), ""),
        ("hydra", Settings({}, {"secrets": {"system": [OLD]}}), system(OLD), ""),
        (
            "hydra",
            Settings({"URLS_SELF_ISSUER": "https://a", "SECRETS_SYSTEM": OLD}),
            Settings({"URLS_SELF_ISSUER": "https://b", "SECRETS_SYSTEM": OLD}),
            "urls.self",
        ),
        ("kratos", Settings({"SECRETS_CIPHER": OLD}), Settings({"SECRETS_CIPHER": NEW}), "secrets.cipher"),
        (
            "kratos",
            Settings({"X_SECRET": OLD, "SECRETS_COOKIE": OLD}),
            Settings({"X_SECRET": NEW, "secrets_cookie": OLD}),
            "",
        ),
        (
            "kratos",
            Settings({"SECRETS_COOKIE_0": OLD}),
            Settings({"SECRETS_COOKIE_0": NEW}),
            "SECRETS_COOKIE_0 differs",
        ),
        ("kratos", Settings({"SECRETS_COOKIE_0": OLD}), Settings({"SECRETS_COOKIE_0": OLD}), ""),
        ("kratos", Settings({}, {"secrets": {"cookie": 12345678}}), Settings({"SECRETS_COOKIE": "12345678"}), ""),
        ("kratos", Settings(), Settings(), "nothing was compared"),
        ("kratos", Settings({"COOKIES_DOMAIN": "a"}), Settings({"COOKIES_DOMAIN": "a"}), "nothing was compared"),
        ("hydra", Settings({"SECRETS_SYSTEM": ""}), Settings({"SECRETS_SYSTEM": ""}), "Fix: set them by environment"),
        ("hera", Settings({"SESSION_SIGNING_KEY": OLD}), Settings({"SESSION_SIGNING_KEY": NEW}), "SESSION_SIGNING_KEY"),
        ("hera", Settings({"ENCRYPTION_KEY": OLD}), Settings(), "ENCRYPTION_KEY differs"),
        ("hera", Settings({"MONKEY": OLD, "OLYMPUS_DSN": OLD}), Settings({"MONKEY": NEW}), ""),
    ],
)
def test_what_counts_as_alike(kind: str, here: Settings, there: Settings, words: str) -> None:
    found = shared_secrets.judge("x", kind, here, there)
    assert found.ok == (not words) and words in found.detail


def test_a_comparison_says_what_it_compared_and_that_nothing_was() -> None:
    given = Settings({"SECRETS_SYSTEM": OLD, "URLS_SELF_ISSUER": "https://a"})
    found = shared_secrets.judge("hydra", "hydra", given, given)
    assert found.ok and found.detail == "2 settings are alike: secrets.system, urls.self.issuer" and not found.untested
    bare = Settings({"PORT": "1"})
    found = shared_secrets.judge("hera", "hera", bare, bare)
    assert found.untested == found.detail and "nothing was compared" in found.untested and "Fix: " in found.untested
    for kind, names in (("site", None), ("hera", [])):
        found = shared_secrets.judge("x", kind, bare, bare, names)
        assert found.ok and not found.untested and "nothing was compared" in found.detail
    found = shared_secrets.judge("hera", "other", Settings(), Settings(), ["TYPO"])
    assert not found.ok and "TYPO is set on neither side. Fix: correct alike" in found.detail


def test_the_operator_may_name_more() -> None:
    here, there = Settings({"BLUE_TOKEN": OLD}), Settings({"BLUE_TOKEN": NEW})
    assert shared_secrets.judge("x", "other", here, there).ok
    assert "BLUE_TOKEN differs" in shared_secrets.judge("x", "other", here, there, ["BLUE_TOKEN"]).detail


@given(st.text(min_size=8), st.text(min_size=8), st.sampled_from(["kratos", "hydra", "hera"]))
def test_no_value_is_told(one: str, two: str, kind: str) -> None:
    names = ("SECRETS_COOKIE", "SECRETS_SYSTEM", "ENCRYPTION_KEY")
    here, there = Settings(dict.fromkeys(names, one)), Settings(dict.fromkeys(names, two))
    words = "secrets.cookie: what this colour signs the other does not know differs SECRETS_ENCRYPTION_KEY system;"
    for value in (one, two):
        assert value in words or value not in shared_secrets.judge("x", kind, here, there).detail
        assert value not in repr(here)


def test_both_sources_are_read_as_the_container_has_them(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text("secrets: {cookie: [%s], cipher: [%s]}\n" % (OTHER, OLD))
    (tmp_path / "b.yml").write_text("secrets: {cookie: [%s]}\n" % NEW)
    container: dict[str, Any] = {
        "Config": {
            "Env": ["SECRETS_CIPHER=" + NEW, "EMPTY="],
            "Cmd": ["serve", "-c", "/etc/config/a.yml", "--config=/etc/config/b.yml"],
        },
        "Mounts": [{"Destination": "/etc/config", "Source": str(tmp_path)}, {"Destination": "/etc", "Source": "/no"}],
    }
    read = container_settings.read(container)
    assert (read.get("secrets.cookie"), read.get("secrets.cipher")) == ([NEW], NEW)
    container["Mounts"] = []
    assert "can't be read" in shared_secrets.judge("x", "kratos", container_settings.read(container), read).detail


def test_a_file_that_is_not_yaml_is_not_quoted(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text("secrets: [%s\n" % OLD)
    read = container_settings.read(
        {"Config": {"Cmd": ["-c", "/c/a.yml"]}, "Mounts": [{"Destination": "/c", "Source": str(tmp_path)}]}
    )
    assert "not YAML" in read.unknown and OLD not in read.unknown


FORMATS = {
    "c.yml": "secrets: {cookie: [%s]}\n" % OLD,
    "c.json": '{\t"secrets": {"cookie": ["%s"]}}' % OLD,
    "c.toml": '[secrets]\ncookie = ["%s"]\n' % OLD,
}


def container(*files: str, mounts: dict[str, Path] | None = None, **config: Any) -> dict[str, Any]:
    words = [word for path in files for word in ("-c", path)]
    found = [{"Destination": inside, "Source": str(path)} for inside, path in (mounts or {}).items()]
    return {"Name": "prod_kratos_1", "Config": {"Cmd": ["serve", *words], **config}, "Mounts": found}


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_of_ory_is_read(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text(FORMATS[name])
    read = container_settings.read(container("/c/" + name, mounts={"/c": tmp_path}))
    assert (read.unknown, read.get("secrets.cookie")) == ("", [OLD])
    assert shared_secrets.judge("kratos", "kratos", read, Settings({"SECRETS_COOKIE": OLD})).ok
    (tmp_path / name).write_text(FORMATS[name].replace("[", "[[").replace("{", "{{"))
    assert (
        unknown := container_settings.read(container("/c/" + name, mounts={"/c": tmp_path})).unknown
    ) and OLD not in unknown


def test_toml_that_this_host_can_not_read_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> Any:
        raise ImportError(name)

    (tmp_path / "c.toml").write_text(FORMATS["c.toml"])
    monkeypatch.setattr("importlib.import_module", missing)
    read = container_settings.read(container("/c/c.toml", mounts={"/c": tmp_path}))
    assert "its /c/c.toml is TOML, which this host's Python can't read. Fix: install python3-tomli" in read.unknown
    assert not shared_secrets.judge("kratos", "kratos", read, read).ok


def test_files_with_commas_and_beside_the_working_directory(tmp_path: Path) -> None:
    """``-c`` is a list to Ory: a.yml,b.yml are two files."""
    (tmp_path / "a.yml").write_text("secrets: {cookie: [%s], default: [%s]}\n" % (OTHER, NEW))
    (tmp_path / "b.yml").write_text(FORMATS["c.yml"])
    read = container_settings.read(container("a.yml,b.yml", mounts={"/c": tmp_path}, WorkingDir="/c"))
    assert (read.get("secrets.cookie"), read.get("secrets.default")) == ([OLD], [NEW])


class Image:
    """Podman whose container has one file that lies in no mount."""

    def __init__(self, text: str) -> None:
        self.text = text

    def run(self, argv: Sequence[str], **_: Any) -> Result:
        assert list(argv[1:3]) == ["cp", "prod_kratos_1:/etc/c.yml"]
        Path(argv[3]).write_text(self.text)
        return Result(0 if self.text else 125, "", "")


def test_what_lies_in_no_mount_is_copied_out_and_else_unknown(tmp_path: Path) -> None:
    for text, known in ((FORMATS["c.yml"], True), ("", False)):
        read = container_settings.read(container("/etc/c.yml"), Podman(Image(text)))
        assert (read.unknown == "") is known and (read.get("secrets.cookie") == [OLD]) is known
        assert shared_secrets.judge("kratos", "kratos", read, Settings({"SECRETS_COOKIE": OLD})).ok is known
    assert (
        "its /etc/c.yml can't be read from here. Fix: mount it"
        in container_settings.read(container("/etc/c.yml")).unknown
    )


def test_a_link_out_of_the_mount_or_a_pipe_is_not_followed(tmp_path: Path) -> None:
    """The container may write there: this host's own file of that name is another one, and a pipe has no end."""
    (tmp_path / "of_host.yml").write_text(FORMATS["c.yml"])
    volume = tmp_path / "volume"
    volume.mkdir()
    (volume / "link.yml").symlink_to(tmp_path / "of_host.yml")
    os.mkfifo(volume / "pipe.yml")
    for name in ("link.yml", "pipe.yml"):
        assert "can't be read" in container_settings.read(container("/c/" + name, mounts={"/c": volume})).unknown


def test_the_file_of_a_secret_is_compared_and_not_its_path(tmp_path: Path) -> None:
    sides = []
    for colour, value in (("blue", OLD), ("green", NEW)):
        (tmp_path / colour).mkdir()
        (tmp_path / colour / "session").write_text(value)
        raw = container(mounts={"/run/secrets": tmp_path / colour}, Env=["SESSION_SECRET_FILE=/run/secrets/session"])
        sides.append(shared_secrets.settings_of(Podman(Image("")), raw, {"kind": "hera"}))
    assert "SESSION_SECRET_FILE differs" in shared_secrets.judge("hera", "hera", sides[0], sides[1]).detail
    assert shared_secrets.judge("hera", "hera", sides[0], sides[0]).ok


def test_what_an_entrypoint_exported_counts() -> None:
    with subprocess.Popen(["/bin/cat"], env={"SECRETS_COOKIE": OLD}, stdin=PIPE, stdout=PIPE) as child:
        assert child.stdin and child.stdout
        child.stdin.write(b"it runs\n")
        child.stdin.flush()
        child.stdout.readline()
        read = container_settings.read({**container(Env=["A=b"]), "State": {"Pid": child.pid}})
        child.kill()
    assert (read.get("secrets.cookie"), read.env["A"]) == (OLD, "b")


def test_the_command_of_another_program_is_its_own(tmp_path: Path) -> None:
    """``sh -c "npm start"`` of a UI hides no file of Ory's, and its -c names none."""
    for words in (["sh", "-c", "npm start"], ["node", "server.js", "-c", "/nowhere"]):
        raw = {"Config": {"Cmd": words, "Env": ["ENCRYPTION_KEY=" + OLD]}}
        found = shared_secrets.settings_of(Podman(Image("")), raw, {"kind": "hera"})
        assert not found.unknown and shared_secrets.judge("hera", "hera", found, found).ok
