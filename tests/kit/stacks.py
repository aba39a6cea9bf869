# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Running stacks as `podman inspect` and Caddy's admin endpoint show them: of the published shape, and of another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.olympus.bluegreen.plugins.module_utils._discovery.edge import of_container
from ansible_collections.olympus.bluegreen.plugins.module_utils._discovery.learn import Looked
from ansible_collections.olympus.bluegreen.plugins.module_utils._discovery.observed import from_compose, from_inspect


def shim(name: str, *variables: str) -> list[str]:
    return ["sh", "/check-secrets.sh", name, *variables, "--"]


def asks(url: str) -> list[str]:
    return ["CMD-SHELL", "wget --spider --quiet %s || exit 1" % url]


@dataclass
class Stack:
    """One compose project; ``sites``: public name -> what its route dials."""

    project: str
    directory: str
    files: str
    sites: dict[str, str]
    services: dict[str, dict[str, Any]] = field(default_factory=dict)
    edge: str = "caddy"
    https: int = 443

    def add(self, name: str, image: str, command: Sequence[str] = (), **more: Any) -> None:
        """``more``: entrypoint, env, test, ports (inside -> (address, port)), listens, needs, running, restart."""
        self.services[name] = {"image": image, "command": list(command), **more}

    def name(self, service: str) -> str:
        return "%s_%s_1" % (self.project, service)

    def inspect(self, name: str) -> dict[str, Any]:
        one, at = self.services[name], list(self.services).index(name) + 2
        running = one.get("running", True)
        bound = {"%d/tcp" % p: [{"HostIp": a, "HostPort": str(o)}] for p, (a, o) in one.get("ports", {}).items()}
        # As Podman 4 has it: an entrypoint is one text.
        return {
            "Id": "%064x" % (at + len(self.project) * 100),
            "Name": self.name(name),
            "ImageName": one["image"],
            "State": {"Running": running, "ExitCode": 0, "Pid": at if running else 0},
            "Config": {
                "Entrypoint": " ".join(one.get("entrypoint", [])),
                "Cmd": one["command"] or None,
                "Env": ["PATH=/bin", *("%s=%s" % pair for pair in one.get("env", {}).items())],
                "Labels": {
                    "com.docker.compose.project": self.project,
                    "com.docker.compose.service": name,
                    "com.docker.compose.project.working_dir": self.directory,
                    "com.docker.compose.project.config_files": self.files,
                    **one.get("labels", {}),
                },
                **({"Healthcheck": {"Test": one["test"]}} if "test" in one else {}),
            },
            "HostConfig": {"RestartPolicy": {"Name": one.get("restart", "unless-stopped")}, "PortBindings": bound},
            "NetworkSettings": {
                "Ports": bound,
                "Networks": {
                    self.project + "_intranet": {
                        "IPAddress": "10.89.0.%d" % at if running else "",
                        "Aliases": [name, "%012x" % at],
                    }
                },
            },
            "Mounts": one.get("mounts", []),
            "Dependencies": ["%064x" % (list(self.services).index(need) + 2 + len(self.project) * 100)
                             for need in one.get("needs", [])],
        }  # fmt: skip

    def config(self) -> dict[str, Any]:
        routes = [
            {
                "match": [{"host": [host]}],
                "handle": [{"handler": "subroute", "routes": [
                    {"handle": [{"handler": "headers"}]},
                    {"match": [{"path": ["/api/policy/password*"]}], "handle": [{"handler": "static_response"}]},
                    {"handle": [{"handler": "reverse_proxy", "upstreams": [{"dial": dial}]}]},
                ]}],
            }
            for host, dial in self.sites.items()
        ]  # fmt: skip
        server = {"listen": [":%d" % self.https], "routes": routes}
        return {"apps": {"http": {"servers": {"srv0": server}}}}

    def inspects(self) -> list[dict[str, Any]]:
        return [self.inspect(name) for name in self.services if self.services[name].get("container", True)]

    def looked(self, config: Any = None, containers: Sequence[Any] = (), **told: Any) -> Looked:
        seen = [
            from_inspect(raw, self.services[raw["Config"]["Labels"]["com.docker.compose.service"]].get("listens", ()))
            for raw in self.inspects()
        ]
        front = next((one for one in seen if one.service == self.edge), None)
        running = config or self.config()
        written = {
            name: from_compose(name, {"image": one["image"], "depends_on": one.get("waits", []),
                                      "environment": one.get("env", {})})
            for name, one in self.services.items()
        }  # fmt: skip
        plain = {
            "project": (self.project, "label"),
            "source": (self.directory, "label"),
            "compose_files": (self.files.split(","), "label"),
        }
        edge = of_container(front, running, list(self.sites)) if front else {}
        return Looked("olympus", self.project, (*seen, *containers), running, self.edge, written, edge, plain)


def caddy(stack: Stack, image: str, https: tuple[str, int], config: str = "/etc/caddy/Caddyfile") -> None:
    volumes = stack.directory + "/volumes"
    stack.add(
        stack.edge, image, ["caddy", "run", "--config", config, "--adapter", "caddyfile"],
        ports={80: (https[0], https[1] - 363), stack.https: https},
        mounts=[
            {"Type": "bind", "Source": stack.directory + "/Caddyfile", "Destination": config, "RW": True},
            {"Type": "volume", "Name": "d", "Source": volumes + "/data", "Destination": "/data", "RW": True},
            {"Type": "volume", "Name": "c", "Source": volumes + "/config", "Destination": "/config", "RW": True},
        ],
    )  # fmt: skip


def ory(stack: Stack, domain: str, ports: tuple[int, int, int, int], database: str = "postgres") -> None:
    dsn = "postgres://olympus:p%40ss@" + database + ":5432/{}?sslmode=verify-full&sslrootcert=/etc/ssl/certs/ca.crt"
    for kind, (public, admin), secrets in (
        ("kratos", ports[:2], {"SECRETS_COOKIE": "x", "COURIER_SMTP_CONNECTION_URI": "smtp://mail:1025/?disable=true"}),
        ("hydra", ports[2:], {"SECRETS_SYSTEM": "x"}),
    ):
        name, file = "%s-%s" % (domain, kind), "/etc/config/%s/%s.yml" % (domain, kind)
        image, address = "docker.io/oryd/%s:v26.2.0" % kind, dsn.format("%s_%s" % (domain, kind))
        job = [kind, "-c", file, "migrate", "sql", "-e", "--yes"]
        stack.add(name + "-migrate", image, job, entrypoint=shim(name, "DSN"), env={"DSN": address}, running=False,
                  restart="", waits=["postgres"])  # fmt: skip
        words = (
            [kind, "serve", "-c", file, "--watch-courier"] if kind == "kratos" else [kind, "serve", "-c", file, "all"]
        )
        more = {"URLS_LOGIN": "https://%s.login.test/login" % domain,
                "URLS_SELF_ISSUER": "https://%s.oauth.test" % domain} if kind == "hydra" else {}  # fmt: skip
        env = {"DSN": address, "SERVE_PUBLIC_PORT": public, "SERVE_ADMIN_PORT": admin, **secrets, **more}
        stack.add(name, image, words, entrypoint=shim(name, *secrets, "DSN"), env=env, listens=[public, admin],
                  test=asks("http://localhost:%d/health/ready" % public))  # fmt: skip


def apps(stack: Stack, domain: str, port: int, ports: Sequence[int], athena: Mapping[str, str]) -> None:
    kratos, hydra = "http://%s-kratos" % domain, "http://%s-hydra" % domain
    stack.add(
        domain + "-hera", "ghcr.io/olympusoss/hera:latest", ["node", "server.js"],
        env={"PORT": port, "APP_INSTANCE": domain.upper(), "KRATOS_PUBLIC_URL": "%s:%d" % (kratos, ports[0]),
             "HYDRA_ADMIN_URL": "%s:%d" % (hydra, ports[3]), "HYDRA_PUBLIC_URL": "https://%s.oauth.test" % domain},
        test=asks("http://localhost:%d/health" % port), listens=[port],
    )  # fmt: skip
    stack.add(
        domain + "-athena", "ghcr.io/olympusoss/athena:latest", ["node", "server.js"], restart="",
        env={"KRATOS_ADMIN_URL": "%s:%d" % (kratos, ports[1]), "HYDRA_ADMIN_URL": "%s:%d" % (hydra, ports[3]),
             **athena},
        test=asks("http://localhost:3000/api/health"), listens=[3000],
    )  # fmt: skip


CIAM, IAM = (5000, 5001, 5002, 5003), (7000, 7001, 7002, 7003)


def published() -> Stack:
    """Two domains, a shim before every Ory program, ports of its own, pgAdmin with a site and a dependency."""
    stack = Stack("prod", "/opt/olympusoss/prod", "compose.prod.yml", {
        "olympus.test": "site:3000",
        "ciam.login.test": "ciam-hera:3000", "ciam.oauth.test": "ciam-hydra:5002",
        "ciam.admin.test": "ciam-athena:3000",
        "iam.login.test": "iam-hera:4000", "iam.oauth.test": "iam-hydra:7002", "iam.admin.test": "iam-athena:3000",
        "pgadmin.test": "pgadmin:80",
    })  # fmt: skip
    stack.add(
        "postgres", "docker.io/postgres:18-alpine", ["postgres", "-c", "ssl=on"], env={"POSTGRES_USER": "olympus"}
    )
    stack.add("mail", "docker.io/axllent/mailpit:latest")
    caddy(stack, "ghcr.io/olympusoss/caddy:latest", ("", 443))
    ory(stack, "ciam", CIAM)
    ory(stack, "iam", IAM)
    both = {"IAM_KRATOS_ADMIN_URL": "http://iam-kratos:7001", "IAM_HYDRA_ADMIN_URL": "http://iam-hydra:7003"}
    apps(stack, "ciam", 3000, CIAM, both)
    apps(stack, "iam", 4000, IAM, both)
    stack.add(
        "site", "ghcr.io/olympusoss/site:latest", ["node", "server.js"], ports={3000: ("", 2000)}, listens=[3000],
        env={"CIAM_HYDRA_PUBLIC_URL": "http://ciam-hydra:5002", "IAM_HYDRA_PUBLIC_URL": "http://iam-hydra:7002"},
        test=asks("http://localhost:3000/"),
    )  # fmt: skip
    stack.add("pgadmin", "docker.io/dpage/pgadmin4:9.14.0", ports={80: ("", 5433)}, needs=["postgres", "iam-hydra"],
              waits=["postgres", "iam-hydra"], env={"IAM_HYDRA_PUBLIC_URL": "https://iam.oauth.test"})  # fmt: skip
    stack.add("seed", "docker.io/curlimages/curl:8.19.0", ["sh", "/seed.sh"], running=False, restart="",
              waits=["ciam-kratos"], env={"CIAM_KRATOS_ADMIN_URL": "http://ciam-kratos:5001"})  # fmt: skip
    return stack


def another() -> Stack:
    """One domain under other names, ports and directory; an edge that is published elsewhere; no shim."""
    stack = Stack("idp", "/srv/id", "deploy/base.yml,deploy/more.yml", {
        "sso.example.net": "signin:8080", "tokens.example.net": "oauth-server:9002", "www.example.net": "web:8000",
        "db.example.net": "adminer:8080",
    }, edge="front", https=8443)  # fmt: skip
    stack.add("db", "registry.example.net/base/postgresql:16", env={"POSTGRES_USER": "x"})
    caddy(stack, "registry.example.net/edge:3", ("192.0.2.7", 9443), "/srv/Caddyfile")
    dsn = "postgres://id:secret@db:5432/"
    stack.add("identity", "registry.example.net/ory/kratos-custom:1", ["serve", "-c", "/k.yml"], entrypoint=["kratos"],
              env={"DSN": dsn + "identities", "SECRETS_COOKIE": "x"}, listens=[4433, 4434])  # fmt: skip
    stack.add("oauth-server", "registry.example.net/auth/server:1", ["serve", "all"], entrypoint=["/usr/bin/hydra"],
              env={"DSN": dsn + "tokens", "SERVE_PUBLIC_PORT": 9002, "SERVE_ADMIN_PORT": 9003,
                   "URLS_LOGIN": "https://sso.example.net/login"}, listens=[9002, 9003])  # fmt: skip
    stack.add("signin", "registry.example.net/ui/signin:1", ["node", "x.js"], listens=[8080],
              env={"KRATOS_URL": "http://identity:4433", "HYDRA_URL": "http://oauth-server:9003"},
              test=["CMD", "curl", "-f", "http://127.0.0.1:8080/healthz"])  # fmt: skip
    stack.add("web", "registry.example.net/site@sha256:" + "0" * 64, ["node"], listens=[8000])
    stack.add("adminer", "docker.io/library/adminer:4")
    return stack
