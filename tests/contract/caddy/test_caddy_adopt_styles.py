# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Adopt and undo on every Caddyfile in other people's style, each run by a Caddy with a network of its own: one reload
each way, the running configuration and every file as before."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

import pytest
from kit import caddy_native as native
from kit.caddy_styles import ENVIRON, HERE, STYLES, UPSTREAMS, text_of

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import BluegreenError
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.netns import network_of
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.runner import Result, SubprocessRunner
from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.adopt.file import Adopter
from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.config import one_colour_form
from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.running.admin import Admin

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="a network of its own needs root")
# What Debian's Caddy takes for something else (test_caddy_foreign).
NOT_THERE = {"2.6.2": ("ranges",)}

# Its ports are those that the Caddyfile says, and so is its socket in /run.
APART = 'ip link set lo up && mount -t tmpfs tmpfs /run && mkdir /run/caddy && exec "$@"'
LOADS = re.compile(r'^caddy_admin_http_requests_total\{.*path="/load"\} (\d+)$', re.M)


class Apart(native.NativeEdge):
    """A NativeEdge in namespaces of its own."""

    def __init__(self, directory: Path, style: Path, caddy: str) -> None:
        shutil.copytree(HERE, directory / "files")
        super().__init__(directory, "", 80, 2019, caddy)
        self.path = directory / "files" / style.name
        self.path.write_bytes(text_of(style).encode())
        admin = re.search(r"^\s*admin (\S+)", style.read_text(), re.M)
        listen = admin.group(1) if admin else "localhost:2019"
        self.options = replace(self.options, caddyfile=str(self.path), config_path=str(self.path), admin=listen)
        self.env.update(ENVIRON, XDG_CONFIG_HOME=str(directory / "cfg"))

    def start(self) -> None:
        lift = ["unshare", "--net", "--mount", "sh", "-c", APART, "sh"]
        command = [*lift, self.binary, "run", "--config", str(self.path), "--adapter", "caddyfile"]
        with open(self.log, "ab") as log:
            env = {**os.environ, **self.env}
            self.process = subprocess.Popen(command, stderr=log, stdout=log, env=env, cwd=self.path.parent)
        until = time.monotonic() + 15
        while True:
            try:
                Admin(self).config()
                return
            except BluegreenError:
                assert self.process.poll() is None and time.monotonic() < until, self.log.read_text()
                time.sleep(0.02)

    def caddy(self, *args: str, stdin: str | None = None) -> Result:
        inside = ["nsenter", "--net", "--mount", "--target", str(self.place().pid)] if self.process else []
        argv = [*inside, self.binary, *args]
        return SubprocessRunner().run(argv, stdin=stdin, env=self.env, cwd=str(self.path.parent))

    def network(self) -> AbstractContextManager[None]:
        return network_of(self.place().pid)

    def reloads(self) -> int:
        """By Caddy's own count: a Caddyfile may silence its log."""
        answer = Admin(self)._ask("GET", "/metrics", b"", {}, 5)
        return sum(int(found) for found in LOADS.findall(answer.body.decode()))

    def files(self) -> dict[str, tuple[int, bytes]]:
        held = sorted((self.directory / "files").rglob("*"))
        return {str(one): (one.stat().st_ino, one.read_bytes()) for one in held if one.is_file()}


@pytest.fixture(params=STYLES, ids=lambda path: path.stem)
def edge(request: pytest.FixtureRequest, tmp_path: Path, caddy: str) -> Iterator[Apart]:
    style: Path = request.param
    if style.stem in NOT_THERE.get(caddy, ()):
        pytest.skip("means something else there")
    one = Apart(tmp_path, style, caddy)
    if one.caddy("adapt", "--config", str(one.path), "--adapter", "caddyfile").rc:
        pytest.skip("not for this Caddy")
    one.start()
    try:
        yield one
    finally:
        one.stop()


@pytest.mark.parametrize("caddy", ["current", pytest.param("2.6.2", marks=pytest.mark.slow)], indirect=True)
def test_adopt_and_undo(edge: Apart) -> None:
    files, config, text = edge.files(), Admin(edge).config(), edge.path.read_bytes().decode()
    adopter = Adopter(edge, Admin(edge), UPSTREAMS)
    change = adopter.adopted()
    assert change.plan.changed and change.texts[0] == text
    adopter.apply(change)
    assert edge.reloads() == 1 and Admin(edge).config() != config
    assert not Adopter(edge, Admin(edge), UPSTREAMS).adopted().plan.changed
    back = Adopter(edge, Admin(edge), UPSTREAMS)
    back.apply(back.undone())
    assert (edge.reloads(), edge.files(), Admin(edge).config()) == (2, files, config)


def test_the_form_that_names_a_colour_means_the_same(edge: Apart) -> None:
    """Caddy's own adapter proves it for both colours; what it cannot say there is refused by name."""
    files = edge.files()
    edge.options = replace(edge.options, method="reload")
    try:
        change = Adopter(edge, Admin(edge), UPSTREAMS).adopted()
    except BluegreenError as exc:
        assert "named route" in str(exc) and "&(" in text_of(edge.path)
    else:
        assert change.plan.changed and one_colour_form.colours(change.config) == {"blue"}
    assert edge.files() == files
