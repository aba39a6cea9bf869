# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pure decisions: ids, images, courier command lines, who goes first, which ranges are taken."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kit.image_bench import WANTED, Recorded, image

from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.containers import lifecycle, networks
from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.containers.observe import Container, Containers
from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.deployment.job import Context
from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.release import compose_config, images, release
from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.stack import remove
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.clock import SystemClock
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import BluegreenError, Refused
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.podman import Podman, handed
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.runner import Result
from ansible_collections.olympus.bluegreen.plugins.module_utils._ory import courier_command
from ansible_collections.olympus.bluegreen.plugins.module_utils._schema import oneshot
from ansible_collections.olympus.bluegreen.plugins.module_utils._state import redact

NAMES = st.dictionaries(st.text(min_size=1, max_size=5), st.text(alphabet="0123456789abcdef", min_size=1, max_size=8))


@given(NAMES, NAMES)
def test_a_release_id_is_its_content_in_any_order(ids: dict[str, str], files: dict[str, str]) -> None:
    first = release.release_id("v1", ids, files)
    assert first == release.release_id("v1", dict(reversed(ids.items())), dict(reversed(files.items())))
    assert first.startswith("v1-") and len(first) == 13
    assert release.release_id("v1", {**ids, "x": "changed!"}, files) != first
    assert release.release_id("v1", ids, {**files, "x": "changed!"}) != first


@given(NAMES)
def test_an_image_is_not_a_file(some: dict[str, str]) -> None:
    assert (release.release_id("v1", some, {}) == release.release_id("v1", {}, some)) == (not some)


@pytest.mark.parametrize(
    ("server", "expected"),
    [
        ("serve -c /k.yml --watch-courier", "courier watch -c /k.yml"),
        ("serve all --config=/k.yml --dev --watch-courier=true", "courier watch -c /k.yml"),
        ("-c /a.yml serve --config /b.yml --watch-courier", "courier watch -c /a.yml -c /b.yml"),
        ("serve -c=/k.yml --watch-courier", "courier watch -c /k.yml"),
        ("serve --watch-courier", "courier watch"),
    ],
)
def test_courier_command(server: str, expected: str) -> None:
    words = server.split()
    assert courier_command.watches(words)
    assert courier_command.command(courier_command.server_line("kratos", [], words, "kratos")) == expected.split()
    assert not courier_command.watches(courier_command.without(words, "kratos"))


def test_a_server_without_courier_gets_none() -> None:
    assert not courier_command.watches(["serve", "--watch-courier=false"])
    assert not courier_command.watches(["serve", "-c", "/k.yml"])


PROJECT = {"services": {"hera": {"image": "example.org/hera:1"}, "kratos": {"image": "example.org/kratos:1"}}}


def test_an_image_that_is_not_here_is_pulled() -> None:
    runner = Recorded({"podman image inspect example.org/hera:1": image("hera-id")})
    found = images.choose(Podman(runner), WANTED, PROJECT)
    assert found.pull == ("example.org/kratos:v2",) and found.services("example.org/kratos:v2") == ["kratos"]
    assert found.images["hera"].id == "hera-id" and not any("pull" in line for line in runner.asked)
    images.pull(Podman(runner), WANTED, found.pull[0], ["kratos"])
    assert images.choose(Podman(runner), WANTED, PROJECT).images["kratos"].id == "pulled"


@pytest.mark.parametrize(
    ("service", "said"),
    [
        ("hera", r"bluegreen_compose_files='compose.yml': image example.org/x:1 of service hera: podman can't pull it"),
        ("kratos", r"bluegreen_images='example.org/x:1': image example.org/x:1 of service kratos: podman can't pull"),
    ],
)
def test_a_pull_that_fails_names_service_reference_and_place(service: str, said: str) -> None:
    runner = Recorded({})
    runner.answers["podman pull --quiet example.org/x:1"] = Result(125, "", "Error: denied")
    with pytest.raises(BluegreenError, match=said + r".*: Error: denied\. Fix: "):
        images.pull(Podman(runner), WANTED, "example.org/x:1", [service])


def test_an_image_that_only_this_host_could_have_is_no_pull() -> None:
    project = {"services": {**PROJECT["services"], "hera": {"image": "localhost/hera:v1"}}}
    with pytest.raises(BluegreenError, match=r"image localhost/hera:v1 of service hera: no such image on this host"):
        images.choose(Podman(Recorded({})), WANTED, project)


def made(name: str, needs: tuple[str, ...] = (), state: str = "running", restart: str = "always") -> Container:
    return Container(name, name, name, "prod", "i", "r", "d", state, restart=restart, needs=needs)


def test_dependents_go_first() -> None:
    kratos, hera = made("kratos", ("db",)), made("hera", ("kratos",))
    seed = made("seed", ("hera", "kratos"), "exited", "")
    world = Containers(WANTED, [made("db"), kratos, hera, seed, made("caddy")])
    assert [c.name for c in remove.order(world, WANTED, [kratos, hera])] == ["seed", "hera", "kratos"]


@pytest.mark.parametrize("state", ["running", "exited"])
def test_an_edge_that_depends_on_the_colour_is_never_removed(state: str) -> None:
    hera, caddy = made("hera"), made("caddy", ("hera",), state, "")
    with pytest.raises(Refused, match="caddy"):
        remove.order(Containers(WANTED, [hera, caddy]), WANTED, [hera])


def test_a_running_dependent_is_never_removed() -> None:
    hera, other = made("hera"), made("other", ("hera",))
    with pytest.raises(Refused, match="other"):
        remove.order(Containers(WANTED, [hera, other]), WANTED, [hera])


@pytest.mark.parametrize(
    ("route", "free"),
    [
        ({"dst": "default", "dev": "eth0"}, True),
        ({"type": "blackhole", "dst": "10.231.0.0/16"}, True),
        ({"dst": "10.0.0.0/8", "dev": "tun0"}, False),
        ({"dst": "10.231.18.7", "dev": "tun0"}, False),
        ({"dst": "10.232.0.0/16", "dev": "tun0"}, True),
    ],
)
def test_routes_that_take_the_range(route: dict[str, str], free: bool) -> None:
    if free:
        assert len(networks.create_steps(WANTED, {}, [route])) == 4
    else:
        with pytest.raises(Refused, match="taken by the route"):
            networks.create_steps(WANTED, {}, [route])


def test_a_network_of_our_name_that_is_not_ours_is_refused() -> None:
    there = {"olympus-edge-blue": {"subnets": [{"subnet": "10.231.16.0/24"}], "internal": True, "labels": {}}}
    with pytest.raises(Refused, match="is not managed by this deployment"):
        networks.create_steps(WANTED, there, [])


def test_a_mount_that_is_data_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(release, "LARGEST", 10)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "blob").write_text("x" * 11)
    with pytest.raises(BluegreenError, match="data, not configuration"):
        release.tree(str(tmp_path), ["data"])


def test_the_last_words_of_a_program_lose_their_secrets() -> None:
    assert (
        redact.scrub("bad dsn postgres://u:hush@db and hush", ["postgres://u:hush@db", "hush"]) == "bad dsn *** and ***"
    )
    assert redact.scrub("port 1 is taken", ["1"]) == "port 1 is taken"


@pytest.mark.parametrize(
    ("name", "steers"),
    [
        ("PATH", True),
        ("https_proxy", True),
        ("COMPOSE_FILE", True),
        ("STORAGE_DRIVER", True),
        ("DSN", False),
        ("PATHS", False),
        ("STORAGE_SECRET_KEY", False),
        ("REGISTRY_PASSWORD", False),
        ("CONTAINER_TOKEN", False),
        ("PYTHON_SECRET", False),
        ("ssl_cert_file", True),
        ("NETAVARK_FW", True),
        ("SSL_CERT_FILES", False),
    ],
)
def test_names_that_would_steer_podman_stay_in_the_file(name: str, steers: bool) -> None:
    found = handed({name: "canary", "DSN": "x"})
    assert ((name in found.env), found.file) == ((not steers), "%s=canary\n" % name if steers else "")
    assert ("--env-file" in found.arguments) is steers and "canary" not in repr(found)


def test_a_service_s_environment_never_reaches_podman_s_own(tmp_path: Path) -> None:
    """podman-compose as well as podman itself: what steers them travels by a file, and leaves none behind."""
    seen: list[tuple[Sequence[str], Mapping[str, str], str]] = []

    class Runner:
        def run(self, argv: Sequence[str], env: Any = None, stdin: str | None = None, **_: Any) -> Result:
            words = shlex.split(next((one.partition("=")[2] for one in argv if "run-args" in one), shlex.join(argv)))
            path = words[words.index("--env-file") + 1]
            seen.append((argv, env, Path(path).read_text() if path != "/dev/stdin" else str(stdin)))
            return Result(0, "", "")

    values = {"CONTAINER_HOST": "tcp://canary", "LD_PRELOAD": "/canary.so", "DSN": "postgres://u:canary@h/d"}
    (tmp_path / "stacks" / "green").mkdir(parents=True)
    context = Context(replace(WANTED, state_dir=str(tmp_path)), Podman(Runner()), SystemClock())
    lifecycle.up_service(context, "green", {"services": {"kratos": {"image": "i", "environment": values}}}, "kratos")
    labels = oneshot.labels("olympus", "migrate", "t")
    oneshot.start(context.podman, oneshot.Job("n", "i", ("migrate",), labels, "none", values))
    for argv, env, file in seen:
        assert env == {"DSN": values["DSN"]} and not any("canary" in word for word in argv)
        assert file == "CONTAINER_HOST=tcp://canary\nLD_PRELOAD=/canary.so\n"
    assert len(seen) == 2 and not list((tmp_path / "stacks" / "green").iterdir())


def test_the_adopted_colour_has_the_time_to_end_that_its_compose_file_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """podman-compose has told podman nothing of it; ours have it with them."""
    services = {"kratos": {"stop_grace_period": "1m"}, "hera": {}}
    monkeypatch.setattr(compose_config, "config", lambda *_asked: {"services": services})
    context = Context(WANTED, Podman(Recorded({})), SystemClock())
    gone = [made("kratos"), made("hera")]
    assert remove._graces(context, gone) == {"kratos": 60, "hera": 0}

    def gone_too(*_asked: object) -> None:
        raise BluegreenError("no such file")

    monkeypatch.setattr(compose_config, "config", gone_too)
    assert remove._graces(context, gone) == {}
