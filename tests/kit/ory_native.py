# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A real PostgreSQL, Kratos, Hydra and Hera of the test's own, as plain processes on loopback.

Programs: OLYMPUS_LAB_KRATOS (one or more, separated by colons), OLYMPUS_LAB_HYDRA, OLYMPUS_LAB_APP and
OLYMPUS_LAB_PG_BIN, else what the lab has built. What is missing skips the test and says so.
"""

from __future__ import annotations

import json
import os
import pwd
import shutil
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path

import psycopg2
import pytest

from kit.ports import free_port

ROOT = Path(__file__).resolve().parents[2]
BUILT = ROOT / "build" / "lab" / "bin"
SCHEMA = ROOT / "tests" / "lab" / "apps" / "testdata" / "identity.schema.json"
LOGIN, OAUTH = "login.ciam.olympus.test", "oauth.ciam.olympus.test"
REDIRECT = "https://olympus.test/callback"
IDENTIFIER, PASSWORD = "probe@olympus.test", "only-for-this-test correct horse"
CLIENT, CLIENT_SECRET = "probe", "only-for-this-test: client/secret+1"
SECRETS = {
    "SECRETS_COOKIE": "only-for-this-test-0123456789abc",
    "SECRETS_CIPHER": "0123456789abcdef0123456789abcdef",
    "SECRETS_SYSTEM": "only-for-this-test-0123456789abc",
    "SQA_OPT_OUT": "true",
}


def program(variable: str, built: str) -> str:
    given = [path for path in os.environ.get(variable, "").split(":") if path.endswith(built)]
    path = given[0] if given else str(BUILT / built)
    if not os.access(path, os.X_OK):
        pytest.skip("no %s: set %s" % (built, variable))
    return path


def kratos(version: str) -> str:
    return program("OLYMPUS_LAB_KRATOS", "kratos-" + version)


def hydra() -> str:
    return program("OLYMPUS_LAB_HYDRA", "hydra-v2.3.0")


def hera() -> str:
    return program("OLYMPUS_LAB_APP", "olympus-app")


def eventually(what: str, check: Callable[[], bool], seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while not check():
        if time.monotonic() > end:
            raise AssertionError("%s: not within %g s" % (what, seconds))
        time.sleep(0.05)


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as response:
            return int(response.status) == 200
    except OSError:
        return False


class Processes:
    """Children of the test; ``stop`` ends them, newest first."""

    def __init__(self, logs: Path) -> None:
        self.logs = logs
        self._running: list[subprocess.Popen[bytes]] = []
        # Database -> DSN of those that were made.
        self.dsns: dict[str, str] = {}

    def start(self, name: str, argv: list[str], env: Mapping[str, str], uid: int | None = None) -> None:
        with open(self.logs / (name + ".log"), "ab") as log:
            process = subprocess.Popen(
                argv, env=self._env(env), stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd="/", user=uid, group=uid
            )
        self._running.append(process)

    def run(self, argv: list[str], env: Mapping[str, str], uid: int | None = None) -> None:
        done = subprocess.run(argv, env=self._env(env), capture_output=True, cwd="/", user=uid, group=uid, check=False)
        assert done.returncode == 0, done.stderr[-2000:]

    @staticmethod
    def _env(env: Mapping[str, str]) -> dict[str, str]:
        return {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", **env}

    def stop(self) -> None:
        while self._running:
            process = self._running.pop()
            process.send_signal(2)
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


class Postgres:
    """One server on loopback, trust for the role ``lab``."""

    def __init__(self, processes: Processes) -> None:
        bin_ = Path(os.environ.get("OLYMPUS_LAB_PG_BIN", "/usr/lib/postgresql/15/bin"))
        if not (bin_ / "initdb").exists():
            pytest.skip("no PostgreSQL: set OLYMPUS_LAB_PG_BIN")
        self.directory = tempfile.mkdtemp(prefix="olympus-contract-pg-")
        uid = pwd.getpwnam("postgres").pw_uid if os.getuid() == 0 else None
        if uid is not None:
            os.chown(self.directory, uid, uid)
        self.processes = processes
        processes.run([str(bin_ / "initdb"), "-D", self.directory, "-U", "lab", "-A", "trust", "--no-sync"], {}, uid)
        self.port = free_port()
        settings = ["listen_addresses=127.0.0.1", "unix_socket_directories=", "max_connections=200"]
        argv = [str(bin_ / "postgres"), "-D", self.directory, "-p", str(self.port), "-F"]
        processes.start("postgres", argv + [part for item in settings for part in ("-c", item)], {}, uid)
        eventually("PostgreSQL", self._up)

    def _up(self) -> bool:
        try:
            self.execute("postgres", "SELECT 1")
        except psycopg2.OperationalError:
            return False
        return True

    def dsn(self, database: str) -> str:
        return "postgres://lab@127.0.0.1:%d/%s?sslmode=disable" % (self.port, database)

    def execute(self, database: str, sql: str) -> None:
        connection = psycopg2.connect(self.dsn(database))
        try:
            connection.autocommit = True
            connection.cursor().execute(sql)
        finally:
            connection.close()

    def create(self, database: str) -> str:
        self.execute("postgres", "CREATE DATABASE " + database)
        self.processes.dsns[database] = self.dsn(database)
        return self.dsn(database)

    def remove(self) -> None:
        shutil.rmtree(self.directory, ignore_errors=True)


KRATOS_YML = """
serve:
  public: {base_url: "https://%(login)s/", host: 127.0.0.1, port: %(public)d}
  admin: {host: 127.0.0.1, port: %(admin)d}
cookies: {domain: ciam.olympus.test, same_site: Lax}
selfservice:
  default_browser_return_url: "https://%(login)s/"
  methods:
    password: {enabled: true, config: {haveibeenpwned_enabled: false}}
    code: {enabled: true}
  flows:
    error: {ui_url: "https://%(login)s/error"}
    recovery: {enabled: true, use: code, ui_url: "https://%(login)s/recovery"}
    login: {ui_url: "https://%(login)s/login"}
    logout: {after: {default_browser_return_url: "https://%(login)s/login"}}
    registration: {ui_url: "https://%(login)s/registration", after: {password: {hooks: [{hook: session}]}}}
identity: {default_schema_id: person, schemas: [{id: person, url: "file://%(schema)s"}]}
courier: {smtp: {connection_uri: "smtp://127.0.0.1:1/?disable_starttls=true"}}
hashers: {algorithm: argon2, argon2: {memory: 4MB, parallelism: 1, iterations: 1, salt_length: 16, key_length: 16}}
log: {level: warning}
"""


def start_kratos(processes: Processes, name: str, binary: str, dsn: str) -> tuple[int, int]:
    """Migrate and start; (public port, admin port)."""
    public, admin = free_port(), free_port()
    file = processes.logs / (name + ".yml")
    file.write_text(KRATOS_YML % {"login": LOGIN, "public": public, "admin": admin, "schema": SCHEMA})
    env = {**SECRETS, "DSN": dsn}
    processes.run([binary, "-c", str(file), "migrate", "sql", "-e", "--yes"], env)
    processes.start(name, [binary, "serve", "-c", str(file)], env)
    eventually(name, lambda: answers("http://127.0.0.1:%d/health/ready" % public))
    return public, admin


def start_hydra(processes: Processes, name: str, binary: str, dsn: str, **more: str) -> tuple[int, int]:
    public, admin = free_port(), free_port()
    env = {
        **SECRETS,
        "DSN": dsn,
        "URLS_SELF_ISSUER": "https://" + OAUTH,
        "URLS_LOGIN": "https://%s/login" % LOGIN,
        "URLS_CONSENT": "https://%s/consent" % LOGIN,
        "URLS_LOGOUT": "https://%s/logout" % LOGIN,
        "SERVE_TLS_ALLOW_TERMINATION_FROM": "127.0.0.0/8",
        "SERVE_PUBLIC_HOST": "127.0.0.1",
        "SERVE_ADMIN_HOST": "127.0.0.1",
        "SERVE_PUBLIC_PORT": str(public),
        "SERVE_ADMIN_PORT": str(admin),
        "LOG_LEVEL": "warn",
        **more,
    }
    processes.run([binary, "migrate", "sql", "up", "-e", "--yes"], env)
    processes.start(name, [binary, "serve", "all"], env)
    eventually(name, lambda: answers("http://127.0.0.1:%d/health/ready" % admin))
    return public, admin


def start_hera(processes: Processes, name: str, kratos: tuple[int, int], hydra_admin: int, **env: str) -> int:
    port = free_port()
    given = {
        "BUILD_ID": name,
        "KRATOS_PUBLIC_URL": "http://127.0.0.1:%d" % kratos[0],
        "KRATOS_ADMIN_URL": "http://127.0.0.1:%d" % kratos[1],
        "HYDRA_ADMIN_URL": "http://127.0.0.1:%d" % hydra_admin,
        "LISTEN_ADDR": "127.0.0.1:%d" % port,
        "FAULT_ADDR": "127.0.0.1:%d" % free_port(),
        **env,
    }
    processes.start(name, [hera(), "hera"], given)
    eventually(name, lambda: answers("http://127.0.0.1:%d/health" % port))
    return port


def post_json(url: str, body: object) -> None:
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=10) as response:
        assert response.status in (200, 201)


def seed(kratos_admin: int, hydra_admin: int) -> None:
    """The probe identity and the probe client, as the operator's seed makes them."""
    credentials = {"password": {"config": {"password": PASSWORD}}}
    identity = {"schema_id": "person", "traits": {"email": IDENTIFIER}, "credentials": credentials}
    post_json("http://127.0.0.1:%d/admin/identities" % kratos_admin, identity)
    client = {
        "client_id": CLIENT,
        "client_secret": CLIENT_SECRET,
        "grant_types": ["authorization_code", "refresh_token", "client_credentials"],
        "response_types": ["code"],
        "redirect_uris": [REDIRECT],
        "scope": "openid offline",
        "token_endpoint_auth_method": "client_secret_basic",
    }
    post_json("http://127.0.0.1:%d/admin/clients" % hydra_admin, client)
