# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, the olympus.bluegreen authors
"""What a wrong input says, typed as an operator types it, and that it changed nothing. All errors: docs/errors.md."""

from __future__ import annotations

import hashlib
import os
import shutil
import socket
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from olympus_lab import config, podman, release, stack, truth

pytestmark = pytest.mark.lab

VERSION = "v1.5.0"
# What a refused run may write: who ran it, not what it did; a release and a file of the idle colour that nobody uses.
MAY_CHANGE = ("ledger.jsonl", "lock.json", "lock", "cache", "releases", "lib", "stacks/green")
Extra = dict[str, Any]


@pytest.fixture(scope="module", autouse=True)
def lab() -> Iterator[None]:
    stack.up(fresh=True)
    release.must("adopt", "adopt", {"version": config.RELEASES[0].version}, quiet=True)
    yield
    stack.down()


def world() -> dict[str, Any]:
    """Everything that a refused run must leave alone."""
    containers = [
        (one["Id"], one["State"])
        for label in config.OWNED
        for one in podman.listing(["ps", "-a", "--filter", f"label={label}"])
    ]
    schema = {name: stack.psql("SELECT count(*) FROM schema_migration", name) for name in config.DATABASES[:4]}
    return {
        "containers": sorted(containers),
        "networks": sorted(one["name"] for one in podman.listing(["network", "ls"]) if config.PROJECT in one["name"]),
        "switch": sorted(os.listdir(truth.switch_dir())),
        "caddyfile": (config.OPERATOR / "Caddyfile").read_bytes(),
        "state": {
            str(path.relative_to(config.STATE)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(config.STATE.rglob("*"))
            if path.is_file() and not str(path.relative_to(config.STATE)).startswith(MAY_CHANGE)
        },
        "schema": schema,
        "public": truth.in_public(),
    }


def source(where: Path, change: Callable[[Path], None]) -> Extra:
    """A copy of the operator's directory with a mistake in it."""
    copy = where / "prod"
    shutil.copytree(config.OPERATOR, copy)
    change(copy)
    return {"bluegreen_source": str(copy)}


def edited(path: str, old: str, new: str) -> Callable[[Path], Extra]:
    """The operator edits one of his files; ``old`` has to be there."""

    def change(copy: Path) -> None:
        text = (copy / path).read_text()
        assert old in text
        (copy / path).write_text(text.replace(old, new))

    return lambda where: source(where, change)


def dotenv(name: str, value: str) -> Callable[[Path], Extra]:
    def change(copy: Path) -> None:
        lines = (copy / ".env").read_text().splitlines()
        assert any(line.startswith(name + "=") for line in lines)
        kept = [f"{name}={value}" if line.startswith(name + "=") else line for line in lines]
        (copy / ".env").write_text("\n".join(kept) + "\n")

    return lambda where: source(where, change)


def images_of(service: str, reference: str) -> Extra:
    mapped = {name: config.image(name, VERSION) for name in config.ORY + config.APPS}
    return {"bluegreen_images": {**mapped, service: reference}}


@dataclass(frozen=True)
class Case:
    """``says`` are parts that the output must have: the option, the value, the fix."""

    name: str
    says: tuple[str, ...]
    extra: Mapping[str, Any] | Callable[[Path], Extra] = field(default_factory=dict)
    tags: str = "migrate"
    version: Any = VERSION
    slow: bool = False


SITE = {"site": {"kind": "site", "port": 3000, "ready": "/health", "ui": True}}
OTHERS = {
    name: {"kind": name.partition("-")[2], "port": ports[0], "domain": name.partition("-")[0]}
    for name, ports in config.PORTS.items()
    if name != "site"
}
GHOST = {"bluegreen_services": {**OTHERS, **SITE, "ghost": {"kind": "other", "port": 80}}}
CASES = (
    Case("unknown tag", ("--tags depoly", "no such stage", "deploy"), tags="depoly"),
    Case("no version", ("No version was given", "-e version=v1.5.0"), version=None),
    Case("a number", ("1.1", "quote it"), version=1.10),
    Case("a hostile version", ("is not a version", "letters, digits"), version="v1;touch /tmp/x"),
    Case("a version with a path", ("is not a version",), version="../../etc"),
    Case(
        "a tag without an image",
        ("hera:v9.9.9", "not on this host", "Fix: correct it in the compose file"),
        edited(
            config.COMPOSE_FILE, "ghcr.io/olympusoss/hera:${HERA_IMAGE_TAG:-latest}", "localhost/olympus/hera:v9.9.9"
        ),
    ),
    Case(
        "registry down",
        ("localhost:9/nobody/site", "site"),
        images_of("site", "localhost:9/nobody/site:{version}"),
        slow=True,
    ),
    Case("compose file missing", ("nowhere.yml",), {"bluegreen_compose_files": ["nowhere.yml"]}, slow=True),
    Case(
        "compose file broken",
        (config.COMPOSE_FILE, "Fix:"),
        edited(config.COMPOSE_FILE, "services:", "services: ["),
        slow=True,
    ),
    Case("source missing", ("bluegreen_source", "/nowhere"), {"bluegreen_source": "/nowhere"}, slow=True),
    Case("service not in the file", ("ghost", "bluegreen_services"), GHOST, slow=True),
    Case(
        "services left out",
        ("bluegreen_services lacks ciam-kratos", "name them again"),
        {"bluegreen_services": SITE},
        slow=True,
    ),
    Case("hostile service", ("x; touch", "Fix:"), {"bluegreen_services": {"x; touch /tmp/x": {"kind": "other"}}}),
    Case("hostile deployment", ("../x", "Fix:"), {"bluegreen_deployment": "../x"}),
    Case(
        "DSN of another database",
        ("ciam_kratos", "DSN"),
        dotenv("PG_CIAM_KRATOS_DSN", "postgres://a:b@postgres/x"),
        slow=True,
    ),
    Case("DSN that is none", ("DSN", "Fix:"), dotenv("PG_CIAM_KRATOS_DSN", "nonsense"), slow=True),
    Case("empty secret", ("empty: ciam-hydra SECRETS_SYSTEM", "Fix: fill in"), dotenv("CIAM_HYDRA_SECRET_SYSTEM", "")),
    Case(
        "a probe's password mistyped",
        ("login",),
        {"bluegreen_probe_secrets": {name: {"password": "x", "client_secret": "x"} for name in config.DOMAINS}},
        slow=True,
    ),
    Case("edge not there", ("nocaddy", "bluegreen_edge"), {"bluegreen_edge": {"service": "nocaddy"}}, slow=True),
)


def typed(case: Case, where: Path) -> release.Run:
    extra = dict(case.extra(where) if callable(case.extra) else case.extra)
    if case.version is not None:
        extra["version"] = case.version
    return release.play("bad-" + case.name.replace(" ", "-"), case.tags, extra, quiet=True)


def words(run: release.Run) -> str:
    """What it said, without the line breaks of the terminal."""
    return " ".join(run.out.split())


@pytest.mark.parametrize(
    "case", [pytest.param(one, marks=[pytest.mark.slow] if one.slow else [], id=one.name) for one in CASES]
)
def test_one_clear_error_and_nothing_changed(case: Case, tmp_path: Path) -> None:
    before = world()
    run = typed(case, tmp_path)
    said = words(run)
    assert run.rc != 0, said[-800:]
    for part in case.says:
        assert part in said, said[-1500:]
    assert "Traceback" not in said and "MODULE FAILURE" not in said
    assert world() == before
    assert not Path("/tmp/x").exists()


def test_podman_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A PATH with everything that this machine has but podman."""
    for folder in reversed(os.environ["PATH"].split(":")):
        for name in os.listdir(folder) if os.path.isdir(folder) else ():
            if name != "podman":
                (tmp_path / name).unlink(missing_ok=True)
                (tmp_path / name).symlink_to(os.path.join(folder, name))
    before = world()
    monkeypatch.setenv("PATH", str(tmp_path))
    run = typed(Case("podman missing", ()), tmp_path)
    monkeypatch.undo()
    said = words(run)
    assert run.rc != 0 and "podman is not installed" in said and "Fix: install it on this host" in said, said[-800:]
    assert world() == before


def test_disk_full(tmp_path: Path) -> None:
    """The state directory's disk has no byte left: nothing begins, and a rollback would not care."""
    small = tmp_path / "small"
    small.mkdir()
    assert os.system(f"mount -t tmpfs -o size=8m none {small}") == 0
    try:
        shutil.copytree(config.STATE, small / "state", dirs_exist_ok=True)
        with open(small / "full", "wb") as full:
            try:
                while True:
                    full.write(b"\0" * 65536)
            except OSError:
                pass
        before = world()
        run = typed(Case("disk full", (), {"bluegreen_state_dir": str(small / "state")}), tmp_path)
        said = words(run)
        assert run.rc != 0 and "space" in said and str(small) in said, said[-800:]
        assert world() == before
    finally:
        assert os.system(f"umount {small}") == 0


@pytest.mark.slow
def test_port_taken(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind((config.LOOPBACK, 0))
        taken.listen()
        port = taken.getsockname()[1]
        ports = {"bluegreen_publish": config.LOOPBACK, "bluegreen_port_base": {"blue": 31000, "green": port}}
        before = world()
        said = words(typed(Case("port taken", (), ports, "deploy"), tmp_path))
        assert str(port) in said and "Fix:" in said, said[-1500:]
        assert world()["public"] == before["public"]


def green(service: str, **given: Any) -> Callable[[Path], Extra]:
    """The compose file with other words for one service."""
    lines = "".join(f"\n    {key}: {value}" for key, value in given.items())
    return edited(config.COMPOSE_FILE, f"\n  {service}:\n", f"\n  {service}:{lines}\n")


def live_is_untouched(before: Mapping[str, Any]) -> None:
    after = world()
    for part in ("switch", "caddyfile", "schema", "public"):
        assert after[part] == before[part]
    assert set(before["containers"]) <= set(after["containers"])


@pytest.mark.slow
def test_green_never_ready(tmp_path: Path) -> None:
    release.must("migrate", "migrate", {"version": VERSION}, quiet=True)
    before = world()
    broken = green("site", entrypoint='["sleep", "600"]')
    case = Case("never ready", (), lambda where: {**broken(where), "watch_gate_timeout": 8}, "deploy")
    run = typed(case, tmp_path)
    said = words(run)
    assert run.rc != 0 and "ready of site" in said, said[-1500:]
    live_is_untouched(before)


@pytest.mark.slow
def test_green_crashes_after_it_was_ready(tmp_path: Path) -> None:
    """It passes its gates between two crashes; the watch sees it die and takes the public back."""
    dies = green("site", entrypoint="""["sh", "-c", "olympus-app site & sleep 20; kill -9 $$!"]""")
    extra = {**dies(tmp_path), "bluegreen_watch": {"window": 60, "interval": 1, "min_events": 300}}
    release.must("deploy-dies", "deploy", {**extra, "version": VERSION}, quiet=True)
    before = world()
    run = typed(Case("crashing", (), extra, "cutover,watch"), tmp_path)
    said = words(run)
    assert run.rc != 0 and "site" in said, said[-1500:]
    after = world()
    assert after["public"] == before["public"] and set(after["public"].values()) == {"blue"}


@pytest.mark.slow
def test_a_mistyped_setting_is_told_and_stops_nothing(tmp_path: Path) -> None:
    run = typed(Case("typo", (), {"bluegreen_imagse": {}}, "preflight"), tmp_path)
    assert run.rc == 0 and "write bluegreen_images" in words(run), words(run)[-1500:]
