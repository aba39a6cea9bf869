# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, the olympus.bluegreen authors
"""Bring the lab up in a deploy script's order, waiting by observation, and take it away again."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Mapping

from olympus_lab import config, images, leftovers, lock, network, podman, project, web
from olympus_lab.progress import LabError, run_logged, say, step, wait_for

PATIENCE = 90.0


def _compose(label: str, *args: str, files: tuple[str, ...] = (config.COMPOSE_FILE,)) -> None:
    """podman-compose in the project directory. The lab's own environment must not override .env."""
    program = config.VENV / "bin" / "podman-compose"
    if not program.exists():
        raise LabError(f"{program.relative_to(config.ROOT)} is missing: make the project's venv first")
    values = project.settings()
    env = {key: value for key, value in podman.environment().items() if key not in values}
    env.update(LAB_HTTPS_PORT=str(config.HTTPS_PORT), LAB_HTTP_PORT=str(config.HTTP_PORT))
    env.update(LAB_MAIL_PORT=str(config.MAIL_PORT), PATH=f"{program.parent}:{os.environ['PATH']}")
    named = [word for file in files for word in ("-f", file)]
    argv = [str(program), "-p", config.PROJECT, *named, *args]
    run_logged(label, argv, env=env, cwd=config.OPERATOR)


def _start(label: str, services: tuple[str, ...]) -> None:
    _compose(label, "up", "-d", "--no-deps", *map(config.named, services))


def start_janitor() -> None:
    """The operator's job that may run only once, of its own compose file, in the same project."""
    files = (config.COMPOSE_FILE, config.JANITOR_FILE)
    _compose("the janitor", "up", "-d", "--no-deps", *config.SINGLETONS, files=files)


def container_id(service: str) -> str:
    """Full id of the container of ``service``; LabError if there is none."""
    return podman.call(["container", "inspect", config.container(service), "--format", "{{.Id}}"]).stdout.strip()


def psql(query: str, database: str = "olympus") -> list[list[str]]:
    """Rows of ``query`` as text, NULL as "". The query travels on stdin. LabError with the server's message."""
    argv = ["exec", "-i", config.container("postgres"), "psql", "-U", config.DATABASE_USER, "-d", database]
    out = podman.call([*argv, "-X", "-q", "-A", "-t", "-F", "\x1f", "-v", "ON_ERROR_STOP=1", "-f", "-"], stdin=query)
    return [line.split("\x1f") for line in out.stdout.splitlines()]


def _database_missing() -> str:
    try:
        found = {row[0] for row in psql("SELECT datname FROM pg_database", "postgres")}
    except LabError as error:
        return str(error).splitlines()[0]
    # The first start serves by its socket alone; the port comes when it is over.
    ready = podman.call(["exec", config.container("postgres"), "pg_isready", "-q", "-h", "localhost"], check=False)
    return ", ".join(sorted(set(config.DATABASES) - found)) or ("port 5432" if ready.returncode else "")


def run_once(label: str, services: tuple[str, ...]) -> None:
    """One-shot services, to their end; LabError with a log's end if one failed."""
    _start(label, services)
    for service in services:
        _finished(service)


def _finished(service: str) -> None:
    """Wait for the end of a one-shot service; LabError with its log's end if it failed."""
    name = config.container(service)
    code = podman.call(["wait", name]).stdout.strip()
    if code != "0":
        logs = podman.call(["logs", "--tail", "20", name], check=False)
        raise LabError(f"{service} ended with {code}:\n{logs.stdout}{logs.stderr}")


def _status(port: int, path: str) -> int:
    try:
        return web.local(port, path).status
    except OSError:
        return 0


def _ory_missing() -> str:
    checks = {
        f"{service} {kind}": _status(port, path)
        for service, ports in config.HOST_PORTS.items()
        for kind, port, path in (
            ("public", ports[0], "/health/ready"),
            ("admin", ports[1], "/admin/health/ready" if "kratos" in service else "/health/ready"),
        )
    }
    return ", ".join(f"{name} ({status})" for name, status in checks.items() if status != 200)


def _make_keys() -> None:
    """Hydra makes its keys at the first question, and begins again where the asker did not wait for the answer.

    Where even this is too short, the public names are what is missing.
    """
    for service in (name for name in config.ORY if "hydra" in name):
        with step(f"the keys of {service}"), contextlib.suppress(OSError):
            web.local(config.HOST_PORTS[service][0], "/.well-known/jwks.json", timeout=PATIENCE)


class Edge:
    """The edge as the operator's project has it: a container. See native.py for the other kind."""

    def prepare(self) -> None:
        """Change what of the project directory is another one with this edge."""

    def start(self) -> None:
        _start("Caddy", config.EDGE)

    def root_certificate(self) -> str:
        """In PEM; "" while there is none."""
        source = "/data/caddy/pki/authorities/local/root.crt"
        return podman.call(["exec", config.container("caddy"), "cat", source], check=False).stdout


def _public_missing(edge: Edge) -> str:
    """Public names that do not answer through Caddy as they should."""
    certificate = edge.root_certificate()
    if not certificate:
        return "Caddy's root certificate"
    config.CA_FILE.write_text(certificate)
    wrong = []
    for host, path, wanted in config.PUBLIC_PROBES:
        try:
            got = str(web.public(host, path).status)
        except OSError as error:
            got = type(error).__name__
        if got != str(wanted):
            wrong.append(f"{host}{path} ({got})")
    return ", ".join(wrong)


def shortfall() -> str:
    """Why the lab is not as ``up`` leaves it (this clone's, unedited, not adopted, all answering); "" if it is."""
    if not network.is_blocked():
        return f"no route blocks {config.RANGE}"
    if edited := project.differs():
        return f"{edited} is not as the templates say"
    if theirs := leftovers.of_collection():
        return f"{theirs[0]} was made by the collection"
    known = {item["Names"][0]: item["Labels"] or {} for item in leftovers.containers()}
    for service in config.SERVICES:
        labels = known.get(config.container(service), {})
        if labels.get("com.docker.compose.project.working_dir") != str(config.OPERATOR):
            return f"{service} is not running from this checkout"
    return _database_missing() or _ory_missing() or _public_missing(Edge())


def up(fresh: bool = False, edge: Edge | None = None, dotenv: Mapping[str, str] | None = None) -> None:
    """The whole lab, at v1.4.2 and seeded. A lab that stands is left alone unless ``fresh``.

    ``dotenv`` is what .env says otherwise, e.g. ``{"LOCKOUT_MAX_ATTEMPTS": "5"}`` or ``CIAM_CAPTCHA_ENABLED``.
    """
    with lock.held():
        reason = "asked for" if fresh else shortfall()
        if not reason:
            say("the lab stands already")
            return
        say(f"starting anew: {reason}")
        if absent := images.missing():
            raise LabError(f"images missing ({absent[0]}, {len(absent)} in all): run `make lab-images` first")
        _raise(edge or Edge(), dotenv or {})
    say(f"up: https ports on {config.LOOPBACK}:{config.HTTPS_PORT}, mail on {config.LOOPBACK}:{config.MAIL_PORT}")


def _raise(edge: Edge, dotenv: Mapping[str, str]) -> None:
    leftovers.remove()
    network.block()
    project.write(dotenv)
    edge.prepare()
    _start("postgres and mail", config.SHARED)
    wait_for("databases", _database_missing, PATIENCE)
    run_once("migrations", config.MIGRATIONS)
    _start("Kratos and Hydra", config.ORY)
    wait_for("Kratos and Hydra ready", _ory_missing, PATIENCE)
    _make_keys()
    _start("Hera, Athena, Site, pgAdmin", config.APPS + config.PGADMIN)
    edge.start()
    wait_for("public names answer through Caddy", lambda: _public_missing(edge), PATIENCE)
    run_once("seed", config.SEED)


def down() -> None:
    """Remove containers, networks and volumes of the lab, its route and its project directory; keep images."""
    with lock.held():
        leftovers.remove()
        project.remove()
        config.CA_FILE.unlink(missing_ok=True)
        network.unblock()
    say("down")


def restart_count(service: str) -> int:
    """How often Podman restarted the container of ``service``."""
    out = podman.call(["container", "inspect", config.container(service), "--format", "{{.RestartCount}}"])
    return int(out.stdout)


def in_namespace(service: str, argv: list[str]) -> subprocess.CompletedProcess[str]:
    """Run a program of the host inside the network namespace of ``service`` (to see what the container sees)."""
    pid = podman.call(["container", "inspect", config.container(service), "--format", "{{.State.Pid}}"]).stdout.strip()
    return subprocess.run(["nsenter", "-t", pid, "-n", *argv], capture_output=True, text=True, check=False)
