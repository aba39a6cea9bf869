# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is run from a service's image goes through its entrypoint, and no shell line is taken for an Ory one."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.deployment.model import (
    Deployment,
    services_from,
)
from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.release import render
from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.release.render import Renderer
from ansible_collections.olympus.bluegreen.plugins.module_utils._core import yaml
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import BluegreenError
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.podman import Podman
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.runner import Result
from ansible_collections.olympus.bluegreen.plugins.module_utils._health import container_settings, shared_secrets
from ansible_collections.olympus.bluegreen.plugins.module_utils._ory import cli as ory
from ansible_collections.olympus.bluegreen.plugins.module_utils._ory import courier_command
from ansible_collections.olympus.bluegreen.plugins.module_utils._preflight import look_release
from ansible_collections.olympus.bluegreen.plugins.module_utils._schema import (
    any_migrator,
    image_migrations,
    migrate,
)
from ansible_collections.olympus.bluegreen.plugins.module_utils._schema import (
    service as release,
)
from ansible_collections.olympus.bluegreen.plugins.module_utils._state.redact import redact

SHIM = "sh /check-secrets.sh ciam-kratos SECRETS_COOKIE DSN --"
SECRET = "s3cr3t-pw"
LINE = 'export DSN="postgres://hydra:%s@db/hydra"; exec hydra serve all -c /etc/config/hydra.yml' % SECRET


@pytest.mark.parametrize(
    ("entrypoint", "command", "found", "sends"),
    [
        (SHIM, "kratos serve -c /k.yml --watch-courier", SHIM, "kratos courier watch -c /k.yml"),
        (SHIM.replace("ciam-kratos", "kratos"), "/usr/bin/kratos -c /a.yml serve -c /b.yml --watch-courier",
         SHIM.replace("ciam-kratos", "kratos"), "/usr/bin/kratos courier watch -c /a.yml -c /b.yml"),
        (SHIM + " kratos", "serve -c /k.yml --watch-courier", SHIM + " kratos", "courier watch -c /k.yml"),
        ("sh -e /s --", "kratos serve -c /k.yml --watch-courier", "sh -e /s --", "kratos courier watch -c /k.yml"),
        ("kratos", "serve -c /etc/kratos --watch-courier", "kratos", "courier watch -c /etc/kratos"),
        ("tini -- kratos", "serve --config=/kratos --watch-courier", "tini -- kratos", "courier watch -c /kratos"),
        ("kratos serve -c /k.yml --watch-courier", "", "kratos", "courier watch -c /k.yml"),
        ("kratos serve -c /k.yml", "--watch-courier --dev", "kratos", "courier watch -c /k.yml"),
        ("", "kratos serve -c /k.yml --watch-courier", "", "kratos courier watch -c /k.yml"),
        ("", "serve -c /k.yml --watch-courier", "", "courier watch -c /k.yml"),
        ("/wrapper", "serve -c /k.yml --watch-courier", "/wrapper", "courier watch -c /k.yml"),
    ],
)  # fmt: skip
def test_the_courier_runs_through_the_service_s_entrypoint(
    entrypoint: str, command: str, found: str, sends: str
) -> None:
    line = courier_command.server_line("ciam-kratos", entrypoint.split(), command.split(), "kratos")
    assert (list(line.entrypoint), courier_command.command(line)) == (found.split(), sends.split())
    assert courier_command.sends(sends.split())


def rendered(service: dict[str, Any], kind: str = "kratos") -> dict[str, Any]:
    wanted = Deployment("olympus", "/nowhere", services=services_from({"ciam-kratos": {"kind": kind}}), colour="green")
    project = {"services": {"ciam-kratos": {"image": "i", **service}}}
    found = Renderer(wanted, "r", {"ciam-kratos": "id"}, project, "/copy").render()["services"]
    assert isinstance(found, dict)
    return found


def test_behind_a_shim_the_rendered_courier_names_its_program() -> None:
    services = rendered({"entrypoint": SHIM.split(), "command": ["kratos", "serve", "-c", "/k.yml", "--watch-courier"]})
    assert services["ciam-kratos-courier"]["entrypoint"] == SHIM.split()
    assert services["ciam-kratos-courier"]["command"] == ["kratos", "courier", "watch", "-c", "/k.yml"]
    assert services["ciam-kratos"]["command"] == ["kratos", "serve", "-c", "/k.yml"]
    services = rendered({"entrypoint": "kratos serve -c /k.yml --watch-courier"})
    assert services["ciam-kratos-courier"]["entrypoint"] == ["kratos"]
    assert services["ciam-kratos"]["entrypoint"] == ["kratos", "serve", "-c", "/k.yml"]


@pytest.mark.parametrize(
    "words",
    ["sh -c LINE", "/bin/sh -ec LINE", "bash -lc LINE", "bash --login -o pipefail -c LINE", "sh -e -c LINE",
     SHIM + " sh -c LINE", "busybox sh -c LINE", "env -i A=b ash -c LINE", "tini -- dash -ec LINE",
     "/usr/bin/dumb-init -- /bin/zsh -c LINE", "bash -O extglob -c LINE", "su ory -s /bin/x -c LINE",
     "runuser -u ory --command LINE", "fish --command=LINE", "python3.11 -c LINE", "/opt/strange -c LINE"],
)  # fmt: skip
def test_a_shell_line_is_refused_and_never_printed(words: str) -> None:
    *entrypoint, last = [LINE if word == "LINE" else word for word in words.split()]
    assert ory.shell_line([*entrypoint, last]) and ory.config_files([*entrypoint, last]) == []
    for kind in courier_command.PRODUCTS:
        with pytest.raises(BluegreenError, match="ciam-kratos is a shell line") as failed:
            rendered({"entrypoint": entrypoint, "command": [last]}, kind)
        assert SECRET not in str(failed.value) and "serve -c FILE" in failed.value.fix
    assert rendered({"entrypoint": entrypoint, "command": [last]}, "other")
    seen = container_settings.read({"Config": {"Entrypoint": " ".join(entrypoint), "Cmd": [last], "Env": ["DSN=x"]}})
    assert "shell line" in seen.unknown and SECRET not in seen.unknown
    asked = Deployment("olympus", "/nowhere", services=services_from({"hydra": {"kind": "hydra"}}))
    with pytest.raises(BluegreenError, match="hydra is a shell line") as failed:
        look_release.refuse_shell_lines(asked, {"hydra": {"entrypoint": entrypoint, "command": [last]}})
    assert SECRET not in str(failed.value)


def test_a_script_is_no_shell_line() -> None:
    plain = [SHIM + " kratos serve -c /k.yml", "sh -x /run.sh -c /k.yml", "kratos serve -c sh", "sh"]
    for words in (*plain, "runuser -u ory -- kratos serve -c /k.yml", "su-exec ory kratos serve -c /k.yml"):
        assert not ory.shell_line(words.split())
    assert ory.config_files((SHIM + " kratos serve -c /k.yml").split()) == ["/k.yml"]
    # A shim's own -c is no file of the program; the flag takes several files.
    files = ["/shim", "-c", "own.conf", "--", "kratos", "serve", "-c", "/a.yml,/b.yml"]
    assert ory.config_files(files) == ["/a.yml", "/b.yml"]
    assert ory.config_files(["serve", "-c=/a.yml", "--config", "/b.json"]) == ["/a.yml", "/b.json"]


INPUT = """
services:
  hydra:
    image: oryd/hydra:v2.3.0
    entrypoint: ["/bin/sh", "-c"]
    command: ['export DSN="postgres://hydra:s3cr3t-pw@db/hydra"; exec hydra serve all -c /etc/config/hydra.yml']
"""
FORMS = [
    {},
    {"entrypoint": ["/bin/sh", "-ec"]},
    {"entrypoint": "/bin/sh -c"},
    {"entrypoint": ["sh"], "command": ["-c", LINE]},
    {"entrypoint": [], "command": "sh -c '%s'" % LINE},
    {"entrypoint": "tini -- bash -lc"},
]


@pytest.mark.parametrize("form", FORMS)
def test_a_line_with_a_secret_is_in_no_result_and_no_argument(form: dict[str, Any]) -> None:
    """inputs/shell_line_told: preflight, deploy, gate, migration, courier and the ledger."""
    given = {**yaml.load(INPUT, "compose.yml")["services"]["hydra"], **form}
    service = release.parse({"services": {"hydra": given}}, "hydra")
    said: list[str] = []
    asked = Deployment("olympus", "/nowhere", services=services_from({"hydra": {"kind": "hydra"}}))
    for refused in (
        lambda: look_release.refuse_shell_lines(asked, {"hydra": given}),
        lambda: Renderer(asked, "r", {"hydra": "i"}, {"services": {"hydra": given}}, "/copy").render(),
        lambda: image_migrations.find_image(Podman(Images()), service, "hydra", "/"),
    ):
        with pytest.raises(BluegreenError, match="the command of hydra is a shell line") as failed:
            refused()
        said.append(str(failed.value))
    words = [render.words(given.get(key)) for key in ("entrypoint", "command")]
    seen = container_settings.read({"Config": {"Entrypoint": words[0], "Cmd": words[1], "Env": []}}, product="hydra")
    gate = shared_secrets.judge("hydra", "hydra", seen, seen)
    assert not gate.ok and image_migrations.config_arguments([*words[0], *words[1]]) == ()
    said += [gate.detail, str(redact({"line": [*words[0], *words[1]]}))]
    assert not any(SECRET in one for one in said)
    assert all("write it as a plain command line (hydra serve -c FILE)" in one for one in said[:4])


class Images:
    """Podman that has one image and answers each --help; what was asked is kept."""

    def __init__(self, **config: Any) -> None:
        self.image = {"Id": "sha256:" + "a" * 64, "Config": config}
        self.asked: list[tuple[list[str], dict[str, str]]] = []

    def run(self, argv: Sequence[str], env: Mapping[str, str] | None = None, **_more: Any) -> Result:
        self.asked.append((list(argv), dict(env or {})))
        if "inspect" in argv:
            return Result(0, json.dumps([self.image]), "")
        return Result(0, "  -e, --read-from-env\n", "")


def service(**given: Any) -> release.Service:
    plain = {"image": "i", "environment": {"DSN": "postgres://u:%s@h/d" % SECRET}, "volumes": ["/a:/shim.sh:ro"]}
    return release.parse({"services": {"ciam-kratos": {**plain, **given}}}, "ciam-kratos")


@pytest.mark.parametrize(
    ("config", "given", "entrypoint", "before"),
    [
        ({"Entrypoint": ["kratos"]}, {"command": ["serve", "-c", "/k.yml"]}, "", ()),
        ({"Entrypoint": ["kratos"]}, {"entrypoint": SHIM, "command": "kratos serve -c /k.yml"},
         json.dumps(SHIM.split()), ("kratos",)),
        ({"Entrypoint": ["sh", "/own", "--"]}, {"command": "kratos serve -c /k.yml"}, "", ("kratos",)),
        ({"Cmd": ["kratos", "serve"]}, {}, "", ("kratos",)),
        ({}, {"command": "serve -c /k.yml"}, "kratos", ()),
        ({"Entrypoint": ["kratos", "serve"]}, {}, '["kratos"]', ()),
    ],
)  # fmt: skip
def test_the_migration_runs_through_the_service_s_entrypoint(
    config: dict[str, Any], given: dict[str, Any], entrypoint: str, before: tuple[str, ...]
) -> None:
    podman = Images(**config)
    asked = service(**given)
    image = image_migrations.find_image(Podman(podman), asked, "kratos", "/s")
    assert (image.entrypoint, image.before) == (entrypoint, before)
    form = image_migrations.ask_form(Podman(podman), image)
    argv, env = podman.asked[1]
    assert argv[-len((*before, "migrate", "sql", "--help")) :] == [*before, "migrate", "sql", "--help"]
    # A shim looks at the variables, and lies in a mount.
    assert ("/a:/shim.sh:ro" in argv and "DSN" in env) == bool(given.get("entrypoint"))
    assert not any(SECRET in word for word in argv) and argv[argv.index("--network") + 1] == "none"
    world = migrate.World(Podman(podman), *[None] * 3)  # type: ignore[arg-type]
    wanted = migrate.MigrationRequest(
        "olympus", "/s", any_migrator.Target("t", "kratos", "ciam-kratos", "d"), "f", "none"
    )
    job = migrate.job_of(wanted, world, asked, image, form.up, "migrate")
    files = ("-c", "/k.yml") if asked.command else ()
    assert job.arguments == (*before, "migrate", "sql", "-e", "--yes", *files) and job.entrypoint == entrypoint


def test_the_migration_of_a_shell_line_is_refused() -> None:
    for config, given in (({"Entrypoint": ["sh", "-c"]}, {}), ({}, {"entrypoint": ["sh", "-c"]})):
        with pytest.raises(BluegreenError, match="shell line") as failed:
            image_migrations.find_image(Podman(Images(**config)), service(**given, command=[LINE]), "hydra", "/s")
        assert SECRET not in str(failed.value)
