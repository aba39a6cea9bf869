# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One colour's compose file, from five styles of an operator's project read by the real podman-compose."""

from __future__ import annotations

import importlib
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.deployment.model import Deployment, Service
from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.release import compose_config, compose_files
from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.release.render import Renderer, escape
from ansible_collections.olympus.bluegreen.plugins.module_utils._core import yaml
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import BluegreenError
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.runner import SubprocessRunner

# The real one's own code says what its file will mean to it.
podman_compose = importlib.import_module("podman_compose")
PODMAN_COMPOSE = shutil.which("podman-compose") or str(Path(sys.executable).parent / "podman-compose")

SERVER = """
  kratos:
    image: kratos:${TAG:-1}
    command: serve -c /etc/config/kratos.yml --watch-courier
    environment: %s
    volumes: %s
    ports: ["127.0.0.1:3100:4433"]
    restart: always
    depends_on: %s
    networks: %s
  hera: {image: "hera:1", depends_on: [kratos], networks: %s}
  db: {image: "db:1", networks: %s}
"""
LISTS = "services:" + SERVER % (
    '["DSN=${DSN}", BARE]', '["./kratos:/etc/config:ro"]', "[db]", "[net]", "[net]", "[net]"
) + "networks: {net: {}}\n"  # fmt: skip
MAPS = "services:" + SERVER % (
    "{DSN: '${DSN}', BARE: }", "[{type: bind, source: ./kratos, target: /etc/config, read_only: true}]",
    "{db: {condition: service_healthy}}", "{net: {aliases: [auth]}}", "{net: {}}", "{net: {aliases: [sql]}}"
) + "networks: {net: {}}\n"  # fmt: skip
ANCHORS = """
x-app: &app {restart: always, networks: [net], environment: &env {DSN: "${DSN}", BARE: }}
services:
  kratos:
    <<: *app
    image: kratos:${TAG:-1}
    command: ["serve", "--config=/etc/config/kratos.yml", "--watch-courier"]
    volumes: ["./kratos:/etc/config:ro"]
    depends_on: [db]
  hera: {<<: *app, image: "hera:1", restart: , environment: {}, depends_on: [kratos]}
  db: {image: "db:1", networks: [net]}
networks: {net: {}}
"""
ENV_FILES = """
services:
  kratos:
    image: kratos:${TAG:-1}
    entrypoint: [kratos]
    command: [serve, -c, /etc/config/kratos.yml, --watch-courier]
    env_file: [./kratos.env, {path: ./absent.env, required: false}]
    environment: {BARE: }
    volumes: ["./kratos:/etc/config:ro"]
    restart: always
    depends_on: [db]
    build: ./nothing
    container_name: auth
  hera: {image: "hera:1", depends_on: [kratos]}
  db: {image: "db:1"}
"""
BASE = "services: {kratos: {image: 'kratos:0', volumes: ['./kratos:/etc/config:ro']}, hera: {image: 'hera:1'}}\n"
OVERRIDE = """
services:
  kratos:
    image: kratos:${TAG:-1}
    command: serve -c /etc/config/kratos.yml --watch-courier
    environment: {DSN: "${DSN}", BARE: }
    restart: always
    depends_on: [db]
  hera: {depends_on: [kratos]}
  db: {image: "db:1"}
"""
STYLES: dict[str, dict[str, str]] = {
    "lists": {"compose.yml": LISTS},
    "maps": {"compose.yml": MAPS},
    "anchors": {"compose.yml": ANCHORS},
    "env-files": {"compose.yml": ENV_FILES, "kratos.env": "DSN='p$ss # word'\nBARE=no\n"},
    "override": {"compose.yml": BASE, "prod.yml": OVERRIDE},
    "include": {"compose.yml": "include: [apps/all.yml]\n" + OVERRIDE, "apps/all.yml": BASE},
}


def project(directory: Path, style: dict[str, str]) -> Deployment:
    for name, text in {".env": "DSN='p$ss # word'\nBARE=bare\n", "kratos/kratos.yml": "a: 1\n", **style}.items():
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        (directory / name).write_text(text)
    files = tuple(name for name in ("compose.yml", "prod.yml") if name in style)
    services = (Service("hera", "hera", 3000), Service("kratos", "kratos", 4433, 4434))
    return Deployment(
        "olympus", str(directory / "state"), "prod", str(directory), files, services, ("db",), "caddy",
        colour="green", version="v2", podman_compose=PODMAN_COMPOSE,
    )  # fmt: skip


def rendered(wanted: Deployment) -> dict[str, Any]:
    """The rendered file as podman-compose will understand it."""
    found = compose_config.config(SubprocessRunner(), wanted, wanted.source)
    value = Renderer(wanted, "v2-0123456789", {"kratos": "1" * 64, "hera": "2" * 64}, found, wanted.source).render()
    return dict(podman_compose.rec_subs(yaml.load(yaml.dump(value), "it"), {}))


@pytest.mark.parametrize("style", STYLES)
def test_every_style_gives_the_same_colour(tmp_path: Path, style: str) -> None:
    wanted = project(tmp_path, STYLES[style])
    whole = rendered(wanted)
    assert list(whole["services"]) == ["kratos", "hera", "kratos-courier"]
    kratos, hera, courier = whole["services"].values()
    assert kratos["image"] == "1" * 64 and hera["image"] == "2" * 64 and kratos["pull_policy"] == "never"
    expected = {"DSN": "p$ss # word", "BARE": "bare", "BLUEGREEN_COLOUR": "green", "BLUEGREEN_RELEASE": "v2-0123456789"}
    assert kratos["environment"] == expected
    assert "--watch-courier" not in kratos["command"] and kratos["command"][0] == "serve"
    assert courier["command"] == ["courier", "watch", "-c", "/etc/config/kratos.yml"]
    assert courier["profiles"] == ["singleton"] and courier["environment"] == expected
    assert kratos["restart"] == "always" and hera["restart"] == "unless-stopped"
    for gone in ("ports", "depends_on", "build", "container_name", "env_file", "profiles"):
        assert gone not in kratos
    assert {"kratos:10.231.19.17", "hera:10.231.19.16", "db:10.231.19.3"} <= set(hera["extra_hosts"])
    assert kratos["networks"]["colour"]["ipv4_address"] == "10.231.19.17"
    assert whole["networks"] == {"colour": {"external": True, "name": "olympus-green"}}
    assert compose_files.parse_mount(kratos["volumes"][0]).source == str(tmp_path / "kratos")


@pytest.mark.parametrize("style", STYLES)
def test_the_release_has_every_file_the_colour_uses(tmp_path: Path, style: str) -> None:
    wanted = project(tmp_path, STYLES[style])
    names, warnings = compose_config.wanted_files(
        wanted, compose_config.config(SubprocessRunner(), wanted, wanted.source)
    )
    assert set(names) == {*STYLES[style], ".env", "kratos"}
    assert not [line for line in warnings if "outside" in line]


def test_other_names_of_a_service_are_known_too(tmp_path: Path) -> None:
    hosts = rendered(project(tmp_path, STYLES["maps"]))["services"]["hera"]["extra_hosts"]
    assert "auth:10.231.19.17" in hosts and "sql:10.231.19.3" in hosts
    named = rendered(project(tmp_path / "b", STYLES["env-files"]))["services"]["hera"]["extra_hosts"]
    assert "auth:10.231.19.17" in named


def test_files_of_the_project_come_from_the_copy(tmp_path: Path) -> None:
    wanted = project(tmp_path / "operator", STYLES["lists"])
    copy = tmp_path / "copy"
    shutil.copytree(wanted.source, copy)
    found = compose_config.config(SubprocessRunner(), wanted, str(copy))
    found["services"]["kratos"]["volumes"] = [
        "./kratos:/a", str(tmp_path / "operator/kratos") + ":/b:ro", "../shared:/c", "/etc/ssl:/d", "data:/e", "/f",
    ]  # fmt: skip
    found["volumes"] = {"data": {}}
    value = Renderer(wanted, "v2-0123456789", {"kratos": "1", "hera": "2"}, found, str(copy)).render()
    assert value["services"]["kratos"]["volumes"] == [
        "%s/kratos:/a" % copy, "%s/kratos:/b:ro" % copy, "%s/shared:/c" % tmp_path, "/etc/ssl:/d", "data:/e", "/f",
    ]  # fmt: skip
    assert value["volumes"] == {"data": {"name": "prod_data"}}


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("restart: always", "restart: always\n    network_mode: host", "uses network_mode"),
        ("serve -c /etc/config/kratos.yml --watch-courier", '["sh -c kratos serve --watch-courier"]', "shell line"),
        ("  hera:", "  hera-renamed:", "no service hera"),
        ('["./kratos:/etc/config:ro"]', '["./lost:/etc/config:ro"]', "which is not there"),
    ],
)
def test_what_cannot_be_rendered_is_named(tmp_path: Path, old: str, new: str, words: str) -> None:
    wanted = project(tmp_path, {"compose.yml": LISTS.replace(old, new)})
    with pytest.raises(BluegreenError, match=words):
        compose_config.wanted_files(wanted, compose_config.config(SubprocessRunner(), wanted, wanted.source))
        rendered(wanted)


def test_a_broken_file_is_reported_without_its_text(tmp_path: Path) -> None:
    wanted = project(tmp_path, {"compose.yml": "services: {a: [canary-5ecret\n"})
    with pytest.raises(BluegreenError) as caught:
        compose_config.config(SubprocessRunner(), wanted, wanted.source)
    assert "5ecret" not in str(caught.value)


def test_the_callers_environment_does_not_reach_a_release(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(os.environ, "DSN", "the caller's")
    monkeypatch.setitem(os.environ, "COMPOSE_PROFILES", "x")
    kratos = rendered(project(tmp_path, STYLES["lists"]))["services"]["kratos"]
    assert kratos["environment"]["DSN"] == "p$ss # word"


JSONISH = st.recursive(
    st.text() | st.integers() | st.booleans() | st.none(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(alphabet="ab$_{}"), inner),
    max_leaves=8,
)


@settings(max_examples=500)
@given(JSONISH)
def test_podman_compose_undoes_our_escaping(value: Any) -> None:
    whole = {"services": {"a": {"labels": value}}}
    assert podman_compose.rec_subs(escape(whole), {}) == whole


@settings(max_examples=300)
@given(st.dictionaries(st.text(alphabet="AB", min_size=1), st.text(alphabet="aAB$-{}:'\"#\n \\é"), max_size=4))
def test_an_environment_survives_the_file(environment: dict[str, str]) -> None:
    text = yaml.dump(escape({"services": {"a": {"environment": environment}}}))
    found = podman_compose.rec_subs(yaml.load(text, "it"), {"AB": "from outside"})
    assert found["services"]["a"]["environment"] == environment
