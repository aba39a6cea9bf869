# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The courier against a throw-away database: in which order, what of it is remembered, and what it never touches."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from kit.clocks import Clock

from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.deployment.job import Context
from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.deployment.model import Deployment
from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.singletons import courier_trial
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import CommandError, Refused
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.podman import Podman
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.runner import Result
from ansible_collections.olympus.bluegreen.plugins.module_utils._schema import migrate

SECRET = "5ecret-value"
NAME = "olympus-proof-courier"
COURIER = NAME + "-kratos-courier"
ALL = ["--help", "form", "form", NAME, NAME + "-run", COURIER]
DATABASE: Mapping[str, Any] = {
    "Name": "prod_postgres_1",
    "Image": "postgres-id",
    "State": {"Pid": 7},
    "Config": {"Labels": {"com.docker.compose.service": "postgres"}},
}


class Db:
    def query(self, sql: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        return [("schema_migration",)] if "regclass" in sql else [("1",)]

    def close(self) -> None: ...


class Machine:
    """Podman as far as a proof asks it. ``pids``: of the courier, one a look; ``fails``: what is run there fails."""

    def __init__(self, fails: str = "", database: bool = True) -> None:
        self.fails = fails
        self.database: Mapping[str, Any] | None = DATABASE if database else None
        self.pids: Iterator[int] = iter([9] * 99)
        self.words, self.help = "", "--read-from-env"
        self.volumes = {"prod_data"}
        self.seen: list[tuple[list[str], dict[str, str]]] = []
        self.there: list[str] = []

    @property
    def ran(self) -> list[str]:
        """What was run, in its order."""
        return [_what(argv) for argv, _env in self.seen if argv[1] == "run"]

    def run(self, argv: Sequence[str], env: Mapping[str, str] | None = None, **_more: Any) -> Result:
        self.seen.append((list(argv), dict(env or {})))
        verb: Callable[[list[str]], Result] = getattr(self, "_" + argv[1])
        return verb(list(argv))

    def _run(self, argv: list[str]) -> Result:
        what = _what(argv)
        if "-d" in argv and what != self.fails:
            self.there.append(what)
        return Result(126 if what == self.fails else 0, self.help, "no user postgres")

    def _ps(self, argv: list[str]) -> Result:
        if "label=com.docker.compose.project=prod" in argv:
            return Result(0, "prod_postgres_1" if self.database else "", "")
        assert "label=olympus.bluegreen.kind=proof" in argv
        return Result(0, "\n".join(self.there), "")

    def _container(self, argv: list[str]) -> Result:
        return Result(0, json.dumps([self._inspected(name) for name in argv[3:]]), "")

    def _inspected(self, name: str) -> Mapping[str, Any]:
        if name == "prod_postgres_1":
            return self.database or {}
        return {"Name": name, "State": {"Status": "running", "Pid": next(self.pids) if name == COURIER else 8}}

    def _image(self, argv: list[str]) -> Result:
        return Result(0, json.dumps([{"Id": "image-id", "Config": {"Entrypoint": ["kratos"]}}]), "")

    def _volume(self, argv: list[str]) -> Result:
        there = argv[3] in self.volumes
        return Result(0, json.dumps([{"Name": argv[3]}]), "") if there else Result(1, "[]", "no such volume")

    def _wait(self, argv: list[str]) -> Result:
        return Result(0, "1" if self.fails == "wait" else "0", "")

    def _logs(self, argv: list[str]) -> Result:
        return Result(0, "", self.words)

    def _rm(self, argv: list[str]) -> Result:
        assert argv[-1] in self.there, "not ours"
        self.there.remove(argv[-1])
        return Result(0, "", "")


def _what(argv: list[str]) -> str:
    if "--name" in argv:
        return argv[argv.index("--name") + 1]
    return "form" if "migrate" in argv else argv[-1]


class Trial:
    def __init__(self, directory: Path, machine: Machine) -> None:
        self.machine, self.state_dir = machine, directory / "state"
        self.config = directory / "k.yml"
        self.config.write_text("log: {}\n")
        self.check_mode = False
        self.environment = {"DSN": "postgres://u:%s@postgres/x" % SECRET, "COLOUR": SECRET + "-2"}
        self.more: list[str] = []

    def __call__(self) -> list[str]:
        service = {
            "image": "image-id",
            "entrypoint": ["sh", "/check.sh", "DSN", "--"],
            "command": ["kratos", "courier", "watch", "-c", "/k.yml"],
            "environment": self.environment,
            "volumes": ["%s:/k.yml" % self.config, *self.more],
            "secrets": ["token"],
            "working_dir": "/home/ory",
        }
        stack = {
            "services": {"kratos-courier": service},
            "volumes": {"data": {"name": "prod_data"}, "new": {"name": "prod_new"}},
            "secrets": {"token": {"file": "/copy/token"}},
        }
        wanted = Deployment("olympus", str(self.state_dir), project="prod")
        context = Context(wanted, Podman(self.machine), Clock(), check_mode=self.check_mode)
        return courier_trial.prove(context, stack, ["kratos-courier"])


@pytest.fixture
def trial(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Trial:
    monkeypatch.setattr(migrate, "shadow_door", lambda _world: lambda _url, _pid: Db())
    return Trial(tmp_path, Machine())


def argv(trial: Trial, name: str) -> list[str]:
    return next(argv for argv, _env in trial.machine.seen if argv[1] == "run" and _what(argv) == name)


def test_its_help_then_a_database_then_its_migration_then_the_courier(trial: Trial) -> None:
    assert trial() == [] and trial.machine.ran == ALL
    assert trial.machine.there == []
    assert argv(trial, NAME)[argv(trial, NAME).index("--network") + 1] == "none"
    courier = argv(trial, COURIER)
    assert courier[courier.index("--network") + 1] == "container:" + NAME
    assert courier[-6:] == ["image-id", "kratos", "courier", "watch", "-c", "/k.yml"]
    assert courier[courier.index("--entrypoint") + 1] == '["sh", "/check.sh", "DSN", "--"]'
    assert courier[courier.index("--workdir") + 1] == "/home/ory"
    assert "olympus.bluegreen.deployment=olympus" in courier and "olympus.bluegreen.kind=proof" in courier


def test_no_secret_is_in_a_command_line_and_the_dsn_is_the_throw_aways(trial: Trial) -> None:
    trial()
    own = next(env["SHADOW_PASSWORD"] for _argv, env in trial.machine.seen if "SHADOW_PASSWORD" in env)
    assert SECRET not in repr([argv for argv, _env in trial.machine.seen])
    assert own not in repr([argv for argv, _env in trial.machine.seen])
    for argv, env in trial.machine.seen:
        if argv[1] == "run" and _what(argv) in (COURIER, NAME + "-run"):
            assert env["DSN"] == "postgres://shadow:%s@127.0.0.1:5432/postgres?sslmode=disable" % own
            assert env["COLOUR"] == SECRET + "-2"


def test_what_is_mounted_is_read_only_and_no_volume_is_made(trial: Trial) -> None:
    trial.more = ["data:/data", "new:/new", "/anonymous", "%s:/z.yml:rw,z" % trial.config]
    trial()
    found = argv(trial, COURIER)
    assert [found[n + 1] for n, word in enumerate(found) if word == "--volume"] == [
        "%s:/k.yml:ro" % trial.config,
        "prod_data:/data:ro",
        "/anonymous",
        "%s:/z.yml:z,ro" % trial.config,
        "/copy/token:/run/secrets/token:ro",
    ]


def test_what_was_proven_is_not_proven_again_and_only_a_hash_is_kept(trial: Trial) -> None:
    trial()
    trial.machine.seen.clear()
    assert trial() == [] and trial.machine.seen == []
    kept = [path.read_text() for path in sorted((trial.state_dir / "cache").iterdir())]
    assert len(kept) == 2 and SECRET not in repr(kept)
    trial.check_mode = True
    assert trial() == [] and trial.machine.seen == []


def changed_file(trial: Trial) -> None:
    before = trial.config.stat()
    trial.config.write_text("lag: {}\n")
    os.utime(trial.config, ns=(before.st_atime_ns, before.st_mtime_ns))


def changed_variable(trial: Trial) -> None:
    trial.environment["COLOUR"] = "other"


@pytest.mark.parametrize("change", [changed_file, changed_variable])
def test_a_change_is_proven_again(trial: Trial, change: Callable[[Trial], None]) -> None:
    trial()
    trial.machine.seen.clear()
    change(trial)
    # The image's migrations are known by now.
    assert trial() == [] and trial.machine.ran == [what for what in ALL if what != "form"]


def test_a_changed_file_of_a_mounted_directory_is_proven_again(trial: Trial, tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    trial.more = ["%s:/config" % (tmp_path / "config")]
    trial()
    (tmp_path / "config" / "schema.json").write_text("{}")
    trial.machine.seen.clear()
    trial()
    assert COURIER in trial.machine.ran


def test_check_mode_asks_for_the_help_alone(trial: Trial) -> None:
    trial.check_mode = True
    assert trial() == [] and trial.machine.ran == ["--help"]
    assert not trial.state_dir.exists()


@pytest.mark.parametrize(
    ("database", "dsn", "why"),
    [
        (None, "postgres://u:p@postgres/x", "no running container of project prod"),
        ({**DATABASE, "State": {"Pid": 0}}, "postgres://u:p@postgres/x", "no running container"),
        (DATABASE, "postgres://u:p@db.example.com/x", "no running container"),
        (DATABASE, "cockroach://u:p@postgres/x", "names no PostgreSQL database: it is one of cockroach"),
        (DATABASE, "postgres://u:p@postgres/x?schema=y", "parameter schema, which belongs to another driver"),
        (DATABASE, "", "it has no environment variable DSN"),
    ],
)
def test_without_a_database_container_only_the_help_is_proven(
    trial: Trial, database: Mapping[str, Any] | None, dsn: str, why: str
) -> None:
    trial.machine.database, trial.environment["DSN"] = database, dsn
    (told,) = trial()
    assert "courier kratos-courier was tried with --help only" in told and why in told
    assert trial.machine.ran == ["--help"] and not (trial.state_dir / "cache" / "couriers.json").exists()
    trial()
    assert trial.machine.ran == ["--help"] * 2, "what was not tried is not remembered"


def test_a_container_that_is_no_postgresql_refuses_no_release(trial: Trial) -> None:
    trial.machine.fails = NAME
    (told,) = trial()
    assert "--help only, not against a database: start of container" in told and trial.machine.ran == ALL[:4]
    assert trial.machine.there == []


def test_an_image_whose_migration_is_not_known_refuses_no_release(trial: Trial) -> None:
    trial.machine.help = ""
    (told,) = trial()
    assert "the image has an unknown form of `migrate sql`" in told
    assert trial.machine.ran == ALL[:3]


def test_a_courier_without_help_is_refused_before_any_database(trial: Trial) -> None:
    trial.machine.fails = "--help"
    with pytest.raises(Refused, match="ended with 126"):
        trial()
    assert trial.machine.ran == ["--help"]


def test_an_image_that_cannot_migrate_is_an_error(trial: Trial) -> None:
    trial.machine.fails = "wait"
    with pytest.raises(CommandError, match="can't migrate an empty database"):
        trial()
    assert COURIER not in trial.machine.ran and trial.machine.there == []


@pytest.mark.parametrize("pids", [[0], [9, 9, 0], [9, 9, 10]], ids=["never", "ended", "started again"])
def test_one_that_does_not_stay_up_is_refused_and_nothing_is_left(trial: Trial, pids: list[int]) -> None:
    trial.machine.pids = iter([*pids, *pids[-1:] * 9])
    trial.machine.words = "dsn: postgres://u:in-a-file@db/x | %s | invalid" % SECRET
    trial.environment["TOKEN"] = SECRET
    with pytest.raises(Refused, match=r"kratos-courier can't start: `kratos courier watch .*not touched") as said:
        trial()
    assert "invalid" in str(said.value) and SECRET not in str(said.value) and "in-a-file" not in str(said.value)
    assert trial.machine.there == [] and not (trial.state_dir / "cache" / "couriers.json").exists()


def test_one_that_wants_the_network_is_told_and_not_refused(trial: Trial) -> None:
    trial.machine.pids = iter([0] * 9)
    trial.machine.words = "dial tcp: lookup schemas on 1.1.1.1:53: network is unreachable"
    (told,) = trial()
    assert "--help only, not against a database: it wanted a server" in told and trial.machine.there == []


def test_what_a_killed_run_left_is_removed_first(trial: Trial) -> None:
    trial.machine.there = [NAME, COURIER]
    trial()
    verbs = [
        (argv[1], argv[-1]) for argv, _env in trial.machine.seen if argv[1] in ("rm", "run") and "--help" not in argv
    ]
    assert verbs[0] == ("rm", COURIER) and verbs[1] == ("rm", NAME) and trial.machine.there == []
