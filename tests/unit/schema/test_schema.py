# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pure parts of ory_migrate: lists of migrations, DSNs, command forms, the rendered service, one-shot arguments."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import BluegreenError, Refused
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.podman import LABEL, Podman
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.runner import Result
from ansible_collections.olympus.bluegreen.plugins.module_utils._schema import (
    any_migrator,
    image_migrations,
    migrate,
    oneshot,
    versions,
)
from ansible_collections.olympus.bluegreen.plugins.module_utils._schema import (
    service as release,
)
from ansible_collections.olympus.bluegreen.plugins.module_utils._schema.versions import Migration

SQL = "Usage:\n  x migrate sql <database-url> [flags]\n\nFlags:\n  -e, --read-from-env   If set\n"
SQL_NEW = SQL + "\nAvailable Commands:\n  down        Rollback\n  status      Display\n  up          Apply\n\nFlags:\n"
MIGRATE = "Available Commands:\n  gen         Generate\n  sql         Create\n"
STATUS = MIGRATE + "  status      Get the current migration status\n"
NEW_UP = ("migrate", "sql", "up", "-e", "--yes")
OLD_UP = ("migrate", "sql", "-e", "--yes")


@pytest.mark.parametrize(
    ("sql", "top", "up", "status"),
    [
        (SQL, MIGRATE, OLD_UP, ()),
        (SQL, STATUS, OLD_UP, ("migrate", "status", "-e", "--format", "json")),
        (SQL_NEW, MIGRATE, NEW_UP, ("migrate", "sql", "status", "-e", "--format", "json")),
    ],
    ids=["kratos 1.x", "hydra 2.2", "hydra 2.3"],
)  # fmt: skip
def test_command_forms(sql: str, top: str, up: tuple[str, ...], status: tuple[str, ...]) -> None:
    assert image_migrations.form_of(sql, top) == image_migrations.Form(up, status)


def test_another_programs_help_is_refused() -> None:
    with pytest.raises(BluegreenError, match="unknown form"):
        image_migrations.form_of("Error: unknown command", "")


@pytest.mark.parametrize(
    ("command", "found"),
    [
        ("serve -c /etc/k.yml --watch-courier", ("-c", "/etc/k.yml")),
        ("serve --config=/a.yml all -c /b.yml", ("-c", "/a.yml", "-c", "/b.yml")),
        ("serve all", ()),
    ],
)
def test_the_services_own_configuration(command: str, found: tuple[str, ...]) -> None:
    assert image_migrations.config_arguments(command.split()) == found


KNOWN = tuple(Migration(str(number), "m%d" % number) for number in (10, 20, 30))


@pytest.mark.parametrize(
    ("applied", "pending", "unknown", "newer"),
    [
        ([], ["10", "20", "30"], (), ()),
        (["10", "30"], ["20"], (), ()),
        (["10", "20", "30"], [], (), ()),
        (["10", "15", "20", "30"], [], ("15",), ()),
        (["10", "20", "30", "40"], [], ("40",), ("40",)),
    ],
)
def test_differences(applied: list[str], pending: list[str], unknown: tuple[str, ...], newer: tuple[str, ...]) -> None:
    found = versions.compare(KNOWN, frozenset(applied))
    assert ([m.version for m in found.pending], found.unknown, found.newer) == (pending, unknown, newer)


def test_status_is_parsed_or_refused() -> None:
    rows = [{"version": "2", "name": "b", "state": "Pending"}, {"version": "1", "name": "a", "state": "Applied"}]
    assert versions.from_status(json.dumps(rows)) == (Migration("1", "a"), Migration("2", "b"))
    told = versions.from_status(json.dumps([{**row, "content": "ALTER TABLE x\n"} for row in rows]))
    assert [one.sql for one in told] == ["ALTER TABLE x\n"] * 2 and told[0] == Migration("1", "a")
    # The published stack's shim says a line first, and that begins with a bracket.
    said = "[ciam-hydra] All required secrets verified.\n" + json.dumps(rows) + "\n"
    assert versions.from_status(said) == (Migration("1", "a"), Migration("2", "b"))
    for wrong in ("", "[]", "{}", '[{"name": "x"}]', "Version\tName\tStatus", "null"):
        with pytest.raises(BluegreenError):
            versions.from_status(wrong)


def test_names_come_from_the_shadows_log() -> None:
    log = 'level=info msg="x" migration_file=f migration_name=add_x service_name=Ory version=20\n'
    assert versions.from_shadow({"20", "10"}, log) == (Migration("10"), Migration("20", "add_x"))


URL = "postgres://ory:p%40ss%2Fw@postgres:6432/ciam"
RENDERED = {
    "services": {
        "listed": {
            "image": "i",
            "environment": ["DSN=" + URL, "EMPTY"],
            "command": "serve -c '/etc/a b.yml'",
            "extra_hosts": ["postgres:10.1.2.3"],
            "volumes": ["/srv/ca:/etc/ssl:ro", {"source": "data", "target": "/data", "read_only": True}],
        },
        "mapped": {"image": "i", "environment": {"DSN": URL, "N": 1}, "extra_hosts": {"postgres": "10.1.2.3"}},
    }
}


def test_the_rendered_service() -> None:
    listed, mapped = release.parse(RENDERED, "listed"), release.parse(RENDERED, "mapped")
    assert listed.dsn == mapped.dsn and listed.environment["EMPTY"] == "" and mapped.environment["N"] == "1"
    assert listed.command == ("serve", "-c", "/etc/a b.yml")
    assert listed.extra_hosts == mapped.extra_hosts == ("postgres:10.1.2.3",)
    assert listed.volumes == ("/srv/ca:/etc/ssl:ro", "data:/data:ro")
    assert "p%40" not in repr(listed)


def test_a_broken_file_is_not_quoted(tmp_path: Path) -> None:
    file = tmp_path / "compose.yml"
    with pytest.raises(BluegreenError, match="no such file"):
        release.read(str(file), "x")
    file.write_text("services: {x: {environment: [DSN=secret-here\n")
    with pytest.raises(BluegreenError) as caught:
        release.read(str(file), "x")
    assert "secret-here" not in str(caught.value)


def test_arguments_of_a_one_shot_hold_no_secret() -> None:
    job = oneshot.Job(
        name="n",
        image="i",
        arguments=OLD_UP,
        labels=oneshot.labels("olympus", "migrate", "t"),
        network="olympus-green",
        environment={"DSN": URL, "PATH": "/usr/bin"},
        extra_hosts=("postgres:10.1.2.3",),
        volumes=("/a:/b:ro",),
    )
    found = oneshot.arguments(job)
    assert found[-5:] == ["i", *OLD_UP]
    assert found[found.index("DSN") - 1 : found.index("DSN") + 1] == ["--env", "DSN"] and "PATH=/usr/bin" not in found
    assert found[found.index("--env-file") + 1] == "/dev/stdin"
    assert URL not in " ".join(found) and "p%40" not in repr(job)


class Keeping:
    """Podman that keeps ``kept`` addresses for containers that are gone."""

    def __init__(self, kept: int) -> None:
        self.kept, self.asked = kept, list[list[str]]()

    def run(self, argv: Sequence[str], **_more: Any) -> Result:
        self.asked.append(list(argv))
        if "inspect" in argv:
            net = {"labels": {LABEL: "olympus"}, "subnets": [{"subnet": "10.231.19.0/24"}]}
            return Result(0, json.dumps([net]), "")
        self.kept -= argv[1] == "run"
        said = "Error: IPAM error: requested ip address 1 is already allocated to container ID 2"
        return Result(0, "", "") if self.kept < 0 or argv[1] != "run" else Result(126, "", said)


@pytest.mark.parametrize(("kept", "address"), [(0, "10.231.19.250"), (1, "10.231.19.251"), (4, "10.231.19.254")])
def test_a_one_shot_sits_where_podman_keeps_no_address(kept: int, address: str) -> None:
    runner = Keeping(kept)
    places = oneshot.places(Podman(runner), "olympus-green")
    oneshot.start(Podman(runner), oneshot.Job("n", "i", OLD_UP, {}, "olympus-green", places=places))
    runs = [argv for argv in runner.asked if argv[1] == "run"]
    assert len(runs) == kept + 1 and runs[-1][runs[-1].index("--ip") + 1] == address
    assert [argv for argv in runner.asked if argv[1] == "rm"] == [["podman", "rm", "-f", "-t", "1", "n"]] * kept
    with pytest.raises(BluegreenError, match="already allocated"):
        oneshot.start(Podman(Keeping(9)), oneshot.Job("n", "i", OLD_UP, {}, "olympus-green", places=places))


def state(
    applied: set[str], invalid: tuple[str, ...] = (), leftovers: tuple[tuple[str, str], ...] = ()
) -> migrate.State:
    return migrate.State(
        release.parse(RENDERED, "listed"),
        image_migrations.Image("id", "kratos", "", "cache"),
        image_migrations.MigrationList(image_migrations.Form(OLD_UP), KNOWN, "cache"),
        frozenset(applied),
        invalid,
        leftovers,
        (),
    )


WANTED = migrate.MigrationRequest("olympus", "/s", any_migrator.Target("t", "kratos", "listed", "ciam"), "f", "n")


@pytest.mark.parametrize(
    ("networks", "labels", "counts"),
    [
        (["prod_intranet"], {}, True),
        ([], {}, True),
        (["other_intranet"], {}, False),
        (["other_intranet", "prod_intranet"], {}, True),
        (["prod_intranet"], {"olympus.bluegreen.deployment": "olympus"}, False),
    ],
)
def test_another_runner_is_one_that_reaches_the_database(
    networks: list[str], labels: dict[str, str], counts: bool
) -> None:
    runs = {"Names": ["it"], "Networks": networks, "Labels": labels, "Command": ["migrate", "sql", "-e", "--yes"]}
    there = {"Names": ["prod_postgres_1"], "Networks": ["prod_intranet"], "Command": ["postgres"]}

    class Lists:
        def run(self, argv: Sequence[str], **_more: Any) -> Result:
            return Result(0, json.dumps([there, runs]), "")

    assert migrate.foreign_runs(Podman(Lists()), "prod_postgres_1") == (("it",) if counts else ())
    # Of a database somewhere else nobody knows who reaches it.
    assert migrate.foreign_runs(Podman(Lists()), "") == (("it",) if not labels else ())


def test_plan() -> None:
    assert not migrate.plan(state({"10", "20", "30"}, ("i",)), WANTED).changed
    found = migrate.plan(state({"10"}, ("i",), (("olympus-migrate-t", "exited"),)), WANTED)
    assert [step.action for step in found.steps] == ["await", "drop_index", "migrate"]
    assert found.before["count"] == 1 and found.after["count"] == 3 and found.after["latest"] == "30"
    with pytest.raises(Refused, match="1 migrations newer"):
        migrate.plan(state({"10", "40"}), WANTED)


def test_the_cache_belongs_to_one_image(tmp_path: Path) -> None:
    image = image_migrations.Image("a" * 64, "kratos", "", str(tmp_path / "cache" / "migrations-a.json"))
    assert image_migrations.cached(image) is None
    form = image_migrations.Form(OLD_UP, ("s",))
    image_migrations.keep(image, image_migrations.MigrationList(form, KNOWN, "shadow"))
    assert image_migrations.cached(image) == image_migrations.MigrationList(form, KNOWN, "cache")
    other = image_migrations.Image("b" * 64, "kratos", "", image.cache)
    assert image_migrations.cached(other) is None


def test_a_dollar_in_the_dsn_survives_the_rendering() -> None:
    """The rendered file doubles every ``$`` for podman-compose; we read it without podman-compose."""
    given = {"image": "sha256:1", "environment": {"DSN": "postgres://u:pa$$w0rd@h/d"}, "command": ["serve", "$$x"]}
    service = release.parse({"services": {"k": given}}, "k")
    assert service.environment["DSN"] == "postgres://u:pa$w0rd@h/d" and service.command == ("serve", "$x")


def test_a_container_that_is_asked_for_its_help_migrates_nothing() -> None:
    class Lists:
        def run(self, argv: Sequence[str], **_more: Any) -> Result:
            words = ["kratos", "migrate", "sql", "--help"]
            return Result(0, json.dumps([{"Names": ["it"], "Networks": [], "Command": words}]), "")

    assert migrate.foreign_runs(Podman(Lists()), "prod_postgres_1") == ()
