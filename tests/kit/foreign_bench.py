# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Projects in other people's style, and what the real podman-compose would ask podman for with each of them."""

from __future__ import annotations

import argparse
import asyncio
import importlib
import io
import os
import shutil
import sys
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.deployment.model import Deployment, Service
from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.release import compose_config
from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.release.render import Renderer
from ansible_collections.olympus.bluegreen.plugins.module_utils._core import yaml
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.runner import Result, Runner, SubprocessRunner

theirs: Any = importlib.import_module("podman_compose")
HERE = Path(__file__).parent / "data" / "foreign"
NAMES = sorted(path.stem for path in HERE.glob("*.project"))
BESIDE = Path(sys.executable).parent / "podman-compose"
# Another release of podman-compose may read the projects: PODMAN_COMPOSE=... pytest tests/unit/compose/test_foreign.py
ASKED = os.environ.get("PODMAN_COMPOSE", "")
PODMAN_COMPOSE = ASKED or (str(BESIDE) if BESIDE.exists() else "podman-compose")
RELEASE = "v2-0123456789"


@dataclass(frozen=True)
class Foreign:
    """``says``: what the operator is told. ``profiles``: those that its coloured and shared services are in."""

    wanted: Deployment
    says: tuple[str, ...] = ()
    profiles: tuple[str, ...] = ()

    def coloured(self, colour: str) -> Deployment:
        return Deployment(**{**self.wanted.__dict__, "colour": colour})


def unpack(name: str, directory: Path) -> Foreign:
    """A file ``<name>.project``: settings, then each file after ``=== path``; a link is ``=== path -> target``."""
    settings, *parts = (HERE / (name + ".project")).read_text().split("\n=== ")
    for part in parts:
        head, _newline, text = part.partition("\n")
        path, _arrow, target = head.partition(" -> ")
        (directory / path).parent.mkdir(parents=True, exist_ok=True)
        if target:
            (directory / path).symlink_to(target)
        else:
            (directory / path).write_text(text + "\n")
    given: dict[str, list[str]] = {}
    for line in settings.splitlines():
        key, colon, value = line.partition(": ")
        if colon and key.islower() and " " not in key:
            given.setdefault(key, []).append(value)
    services = []
    for entry in given["coloured"][0].split():
        service, kind, port, admin = entry.split(":")
        services.append(Service(service, kind, int(port), int(admin)))
    wanted = Deployment(
        "olympus", str(directory.parent / "state"), "prod", str(directory), tuple(given["compose"][0].split()),
        tuple(services), tuple(given["shared"][0].split()), "caddy", version="v2", podman_compose=PODMAN_COMPOSE,
    )  # fmt: skip
    profiles = ("data", "app", "backend", "frontend", "jobs") if name == "profiles" else ()
    return Foreign(wanted, tuple(given.get("says", ())), profiles)


@dataclass
class Rendered:
    """``warnings`` and ``names`` as the release gets them; ``texts``: colour -> the file as it is written."""

    copy: Path
    names: list[str]
    warnings: list[str]
    texts: dict[str, str] = field(default_factory=dict)


def render(foreign: Foreign, copy: Path) -> Rendered:
    """As the module does it: read the source, keep the files that are named, render from them alone."""
    wanted = foreign.wanted
    names, warnings = compose_config.wanted_files(wanted, compose_config.config(runner(), wanted, wanted.source))
    for name in names:
        origin, target = os.path.realpath(os.path.join(wanted.source, name)), copy / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if os.path.isdir(origin):
            shutil.copytree(origin, target, symlinks=True)
        else:
            shutil.copy(origin, target)
    found = Rendered(copy, names, warnings)
    project = compose_config.config(runner(), wanted, str(copy))
    images = {name: "sha256:%064d" % number for number, name in enumerate(wanted.names)}
    for colour in ("blue", "green"):
        value = Renderer(foreign.coloured(colour), RELEASE, images, project, str(copy)).render()
        found.texts[colour] = yaml.dump(value)
    return found


@contextmanager
def standing_in(directory: Path) -> Iterator[None]:
    """podman-compose's own code asks the process for its directory and environment."""
    where = os.getcwd()
    environment: dict[str, str] = dict(os.environ)
    os.chdir(directory)
    os.environ.clear()
    os.environ["PWD"] = str(directory)
    os.environ.update((name, environment[name]) for name in ("PATH", "HOME") if name in environment)
    try:
        yield
    finally:
        os.chdir(where)
        os.environ.clear()
        os.environ.update(environment)


class InProcess:
    """podman-compose's own code without a new process each time: a start of Python for every question is slow."""

    def run(self, argv: Sequence[str], stdin: str | None = None, cwd: str | None = None, **_given: Any) -> Result:
        found: dict[str, list[str]] = {}
        for name, value in zip(argv[1:-1:2], argv[2:-1:2]):
            found.setdefault(name, []).append(value)
        assert argv[-1] == "config" and set(found) <= {"-p", "-f", "--profile"}
        kept = sys.stdin
        sys.stdin = io.StringIO(stdin or "")
        try:
            files, profiles = tuple(found["-f"]), tuple(found.get("--profile", ()))
            return Result(0, str(parsed(Path(cwd or "."), files, found["-p"][0], profiles).merged_yaml), "")
        except (Exception, SystemExit):
            return Result(1, "", traceback.format_exc())
        finally:
            sys.stdin = kept


def runner() -> Runner:
    return SubprocessRunner() if ASKED else InProcess()


def parsed(directory: Path, files: tuple[str, ...], project: str, profiles: tuple[str, ...] = ()) -> Any:
    """The project as the real podman-compose has it in memory right before it calls podman."""
    compose = theirs.PodmanCompose()
    compose.global_args = argparse.Namespace(
        file=list(files), project_name=project, env_file=".env", profile=list(profiles), in_pod=None, pod_args=None,
        no_normalize=None, command="config",
    )  # fmt: skip
    with standing_in(directory):
        compose._parse_compose_file()
    return compose


async def _bind(compose: Any, mount: dict[str, Any]) -> None:
    """Its ``assert_volume`` without podman: a path is made whole, nothing is created."""
    if mount["type"] == "bind":
        mount["source"] = os.path.abspath(os.path.join(compose.dirname, os.path.expanduser(mount["source"])))


async def _nothing(_compose: Any, _container: Any) -> None:
    return None


Call = tuple[list[tuple[str, str]], list[str]]


def call(compose: Any, service: str) -> Call:
    """What podman would be asked for: options as (name, value), and the command."""
    container = next(one for one in compose.containers if one["_service"] == service)
    kept = theirs.assert_volume, theirs.assert_cnt_nets
    theirs.assert_volume, theirs.assert_cnt_nets = _bind, _nothing
    try:
        bare = {key: value for key, value in container.items() if key != "command"}
        words = asyncio.run(theirs.container_to_args(compose, bare, True, True))
    finally:
        theirs.assert_volume, theirs.assert_cnt_nets = kept
    command = container.get("command")
    return _pairs(words[:-1]), [str(word) for word in command or []]


def _pairs(words: list[str]) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for word in words:
        if found and found[-1][1] == "?":
            found[-1] = (found[-1][0], word)
        elif "=" in word and word.startswith("--"):
            name, _sep, value = word.partition("=")
            found.append((name, value))
        else:
            alone = ("-d", "-P", "-i", "--tty", "--privileged", "--init", "--no-healthcheck", "--read-only")
            found.append((word, "" if word in alone else "?"))
    return found


def environment(options: list[tuple[str, str]]) -> Mapping[str, str]:
    """The last one wins; a bare name would ask the shell that podman-compose is started from."""
    found = (value.partition("=") for name, value in options if name == "-e" and "=" in value)
    return {key: text for key, _sep, text in found}
