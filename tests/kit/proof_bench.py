# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A running "live" program of each target on the migration bench's PostgreSQL, and schema_proof against it."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from ansible_collections.olympus.bluegreen.plugins.module_utils._core import postgres
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.clock import SystemClock
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.podman import COLOUR, KIND, LABEL, SERVICE, Podman
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.runner import Runner, SubprocessRunner
from ansible_collections.olympus.bluegreen.plugins.module_utils._proof import options
from ansible_collections.olympus.bluegreen.plugins.module_utils._schema import migrate
from ansible_collections.olympus.bluegreen.plugins.module_utils._schema.options import proof_path
from kit.compose_bench import podman
from kit.migrate_bench import (
    ADDRESS,
    DEPLOYMENT,
    NETWORK,
    PASSWORD,
    SERVER,
    clean_up,
    create,
    ours,
    query,
    session,
    start_server,
    until,
)

OPERATOR = Path(__file__).resolve().parents[1] / "lab" / "operator"
RELEASE = "v2-0123456789"


@contextmanager
def production(directory: Path) -> Iterator[None]:
    """The migration bench's PostgreSQL, whose log tells of every statement that changes something."""
    start_server(directory)
    query("ALTER SYSTEM SET log_statement = 'mod'")
    query("SELECT pg_reload_conf()")
    yield
    clean_up()


def no_more_live() -> None:
    """The old programs that a test started go."""
    for name in ours():
        if name != SERVER:
            podman("rm", "-f", "-t", "0", name)


def log() -> list[str]:
    told = subprocess.run(["podman", "logs", SERVER], capture_output=True, text=True, check=True)
    return (told.stdout + told.stderr).splitlines()


def written(since: int) -> list[str]:
    """What production's own log says, from that line on, of statements that change something."""
    return [line for line in log()[since:] if re.search(r"LOG:  (statement|execute [^:]*):", line)]


def kept(state_dir: Path, target: str) -> dict[str, Any]:
    record = json.loads(Path(proof_path(str(state_dir), RELEASE)).read_text())
    return dict(record["targets"][target])


@dataclass
class Service:
    """A target as the operator's compose file has it: ``old`` runs as the live colour, ``new`` is the release's."""

    name: str
    product: str
    old: str
    new: str
    port: int
    environment: Mapping[str, str]
    command: tuple[str, ...]
    entrypoint: tuple[str, ...] = ()

    @property
    def database(self) -> str:
        return self.name.replace("-", "_")

    def dsn(self) -> str:
        return "postgres://olympus:%s@postgres:5432/%s?sslmode=disable&max_conns=8" % (PASSWORD, self.database)


def kratos(name: str, old: str, new: str, port: int = 5000) -> Service:
    environment = {
        "SERVE_PUBLIC_PORT": str(port),
        "SERVE_ADMIN_PORT": str(port + 1),
        "SECRETS_COOKIE": PASSWORD,
        "SECRETS_CIPHER": PASSWORD[:32].ljust(32, "x"),
        "SELFSERVICE_DEFAULT_BROWSER_RETURN_URL": "https://login.example.com/",
        "COURIER_SMTP_CONNECTION_URI": "smtp://mail.example.com:25",
        "SQA_OPT_OUT": "true",
    }
    return Service(name, "kratos", old, new, port, environment, ("serve", "-c", "/etc/config/kratos.yml"))


def hydra(name: str, old: str, new: str, port: int = 5002) -> Service:
    environment = {
        "SERVE_PUBLIC_PORT": str(port),
        "SERVE_ADMIN_PORT": str(port + 1),
        "SECRETS_SYSTEM": PASSWORD,
        "URLS_SELF_ISSUER": "https://oauth.example.com/",
        "URLS_LOGIN": "https://login.example.com/login",
        "URLS_CONSENT": "https://login.example.com/consent",
        "URLS_LOGOUT": "https://login.example.com/logout",
        "SERVE_TLS_ALLOW_TERMINATION_FROM": "0.0.0.0/0",
        "SQA_OPT_OUT": "true",
    }
    return Service(name, "hydra", old, new, port, environment, ("serve", "all"))


class Bench:
    """The services in databases of their own, migrated and running as the live colour (blue)."""

    def __init__(self, directory: Path, state_dir: Path, *services: Service) -> None:
        self.directory, self.state_dir, self.services = directory, state_dir, services
        directory.chmod(0o755)
        shutil.copy(OPERATOR / "ciam-kratos.yml", directory / "kratos.yml")
        shutil.copy(OPERATOR / "identity.schema.json", directory / "identity.schema.json")
        text = (directory / "kratos.yml").read_text().replace("/etc/config/ciam-kratos/", "/etc/config/")
        # As many an operator has it: Kratos then takes its container's name for its own.
        text = re.sub(r"\n    base_url: .*", "", text)
        (directory / "kratos.yml").write_text(text)
        (state_dir / "releases" / RELEASE / "source").mkdir(parents=True, exist_ok=True)
        for one in services:
            create(one.database)
            self._migrate(one)
            self._live(one)

    def _words(self, one: Service) -> list[str]:
        given = [part for name, value in one.environment.items() for part in ("--env", "%s=%s" % (name, value))]
        given += ["--env", "DSN=" + one.dsn(), "--add-host", "postgres:" + ADDRESS, "--network", NETWORK]
        given += ["--volume", "%s:/etc/config:ro" % self.directory, "--pull", "never"]
        return [*given, *(["--entrypoint", one.entrypoint[0]] if one.entrypoint else [])]

    def _migrate(self, one: Service) -> None:
        form = ["migrate", "sql", "up", "-e", "--yes"] if "v2" in one.old else ["migrate", "sql", "-e", "--yes"]
        podman("run", "--rm", *self._words(one), one.old, *form)

    def _live(self, one: Service) -> None:
        labels = {LABEL: DEPLOYMENT, COLOUR: "blue", SERVICE: one.name, KIND: "service"}
        given = [part for key, value in labels.items() for part in ("--label", "%s=%s" % (key, value))]
        name = "%s-%s" % (DEPLOYMENT, one.name)
        podman("run", "-d", "--name", name, *given, *self._words(one), one.old, *one.command)
        # What it writes at its own start is no write of a proof.
        ready = "http://127.0.0.1:%d/health/ready" % one.port
        until("%s is ready" % name, lambda: bool(podman("exec", name, "wget", "-qO-", ready)))

    def params(self, **given: Any) -> dict[str, Any]:
        document = {
            one.name: {
                "image": podman("image", "inspect", "--format", "{{.Id}}", one.new).strip(),
                "command": list(one.command),
                "environment": {**one.environment, "DSN": one.dsn()},
                "extra_hosts": ["postgres:" + ADDRESS],
                "volumes": ["%s:/etc/config:ro" % self.directory],
                **({"entrypoint": list(one.entrypoint)} if one.entrypoint else {}),
            }
            for one in self.services
        }
        compose = self.directory / "compose.yml"
        compose.touch(0o600)
        compose.write_text(yaml.safe_dump({"services": document}))
        defaults = {name: spec["default"] for name, spec in options.PROOF.options.items() if "default" in spec}
        return {
            **defaults,
            "deployment": DEPLOYMENT,
            "state_dir": str(self.state_dir),
            "colour": "blue",
            "targets": [
                {"name": one.database, "product": one.product, "service": one.name, "database": one.database}
                for one in self.services
            ],
            "services": {one.name: {"port": one.port, "admin_port": one.port + 1} for one in self.services},
            "release": RELEASE,
            "compose_file": str(compose),
            "network": NETWORK,
            "project": DEPLOYMENT,
            "database_service": "postgres",
            **given,
        }

    def run(self, runner: Runner | None = None, **given: Any) -> dict[str, Any]:
        world = migrate.World(Podman(runner or SubprocessRunner()), SystemClock())
        return options.run(self.params(**given), False, world)

    def versions(self, name: str) -> frozenset[str]:
        db = session(name)
        try:
            return postgres.applied(db)
        finally:
            db.close()
