# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, the olympus.bluegreen authors
"""An edge that dials the services by every other name they have is adopted and upgraded as the published one is."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import pytest

from olympus_lab import config, podman, release, stack, truth

pytestmark = [pytest.mark.lab, pytest.mark.slow]
EDGE = config.container("caddy")
FILE = config.OPERATOR / "Caddyfile"


def address(service: str) -> str:
    """Of the container, on the project's network."""
    shown = podman.call(
        ["inspect", config.container(service), "--format", "{{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}"]
    )
    return str(shown.stdout.split()[0])


def reload() -> None:
    argv = ["podman", "exec", EDGE, "caddy", "reload", "--config", "/etc/caddy/Caddyfile", "--adapter", "caddyfile"]
    subprocess.run(argv, env=podman.environment(), check=True, capture_output=True)


@pytest.fixture(scope="module", autouse=True)
def lab() -> Iterator[None]:
    stack.up(fresh=True)
    names = {
        "site:3000": "SITE:3000",
        "ciam-hera:3000": "%s:3000" % config.container("ciam-hera"),
        "ciam-hydra:5002": "ciam-hydra.dns.podman:5002",
        "ciam-athena:3000": "%s:3000" % address("ciam-athena"),
    }
    text = FILE.read_text()
    for plain, other in names.items():
        assert "reverse_proxy %s" % plain in text
        text = text.replace("reverse_proxy %s" % plain, "reverse_proxy %s" % other)
    FILE.write_text(text)
    yield
    stack.down()


def test_an_edit_that_is_not_loaded_is_refused() -> None:
    done = release.play("names-pending", "adopt", {"version": "v1.4.2"}, quiet=True)
    assert done.rc != 0 and "does not run what its file says" in done.out
    reload()


def test_every_name_is_behind_the_switch() -> None:
    operators = FILE.read_bytes()
    release.must("names-adopt", "adopt", {"version": "v1.4.2"}, quiet=True)
    assert set(truth.in_public().values()) == {"blue"}
    short = {"window": 10, "interval": 1, "min_events": 1}
    release.play(
        "names-forth", "migrate,deploy,cutover,watch", {"version": "v1.5.0", "bluegreen_watch": short}, quiet=True
    )
    assert set(truth.in_public().values()) == {"green"} and truth.on_disk() == "green"
    release.must("names-back", "rollback", {}, quiet=True)
    assert set(truth.in_public().values()) == {"blue"}
    assert not release.must("names-again", "adopt", {"version": "v1.4.2"}, quiet=True).out.count("reload ")
    release.must("names-undo", "adopt", {"bluegreen_undo": True}, quiet=True)
    assert FILE.read_bytes() == operators
