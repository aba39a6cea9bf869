# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets of two colours: what counts as alike, and that no value is ever told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.olympus.bluegreen.plugins.module_utils._health import alike
from ansible_collections.olympus.bluegreen.plugins.module_utils._health.alike import Settings

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
            Settings({"URLS_SELF_ISSUER": "https://a"}),
            Settings({"URLS_SELF_ISSUER": "https://b"}),
            "urls.self",
        ),
        ("kratos", Settings({"SECRETS_CIPHER": OLD}), Settings({"SECRETS_CIPHER": NEW}), "secrets.cipher"),
        ("kratos", Settings({"X_SECRET": OLD}), Settings({"X_SECRET": NEW}), ""),
        ("hera", Settings({"SESSION_SIGNING_KEY": OLD}), Settings({"SESSION_SIGNING_KEY": NEW}), "SESSION_SIGNING_KEY"),
        ("hera", Settings({"ENCRYPTION_KEY": OLD}), Settings(), "ENCRYPTION_KEY differs"),
        ("hera", Settings({"MONKEY": OLD, "OLYMPUS_DSN": OLD}), Settings({"MONKEY": NEW}), ""),
    ],
)
def test_what_counts_as_alike(kind: str, here: Settings, there: Settings, words: str) -> None:
    found = alike.judge("x", kind, here, there)
    assert found.ok == (not words) and words in found.detail


def test_the_operator_may_name_more() -> None:
    here, there = Settings({"BLUE_TOKEN": OLD}), Settings({"BLUE_TOKEN": NEW})
    assert alike.judge("x", "other", here, there).ok
    assert "BLUE_TOKEN differs" in alike.judge("x", "other", here, there, ["BLUE_TOKEN"]).detail


@given(st.text(min_size=8), st.text(min_size=8), st.sampled_from(["kratos", "hydra", "hera"]))
def test_no_value_is_told(one: str, two: str, kind: str) -> None:
    names = ("SECRETS_COOKIE", "SECRETS_SYSTEM", "ENCRYPTION_KEY")
    here, there = Settings(dict.fromkeys(names, one)), Settings(dict.fromkeys(names, two))
    words = "secrets.cookie: what this colour signs the other does not know differs SECRETS_ENCRYPTION_KEY system;"
    for value in (one, two):
        assert value in words or value not in alike.judge("x", kind, here, there).detail
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
    read = alike.read(container)
    assert (read.get("secrets.cookie"), read.get("secrets.cipher")) == ([NEW], NEW)
    container["Mounts"] = []
    assert "can't be read" in alike.judge("x", "kratos", alike.read(container), read).detail


def test_a_file_that_is_not_yaml_is_not_quoted(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text("secrets: [%s\n" % OLD)
    read = alike.read(
        {"Config": {"Cmd": ["-c", "/c/a.yml"]}, "Mounts": [{"Destination": "/c", "Source": str(tmp_path)}]}
    )
    assert "not YAML" in read.unknown and OLD not in read.unknown
