# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A small real deployment that preflight looks at: PostgreSQL, Caddy with certificates good and bad, two services."""

from __future__ import annotations

import datetime
import json
import os
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.http import DirectHttp
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.podman import Podman
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.runner import Runner, SubprocessRunner
from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.running.find import edge_of, edge_options
from ansible_collections.olympus.bluegreen.plugins.module_utils._preflight.look import World
from ansible_collections.olympus.bluegreen.plugins.module_utils._preflight.options import SPEC, answer

ROOT = Path(__file__).resolve().parents[2]
PROJECT, DEPLOYMENT, LABEL = "bgpreop", "bgpre", "olympus.bluegreen.preflight"
RANGE, PORT = "10.231.160.0/22", 18943
CANARY = "canary-5ecret-p"
COMPOSE = """
services:
  postgres:
    image: docker.io/postgres:18-alpine
    command: postgres -c max_connections=%(connections)d -c superuser_reserved_connections=3
    environment: ["POSTGRES_USER=kratos", "POSTGRES_PASSWORD=${PASSWORD}"]
    volumes: [data:/var/lib/postgresql]
    networks: [intranet]
    labels: {%(label)s: "1"}
    restart: unless-stopped
  caddy:
    image: ghcr.io/olympusoss/caddy:latest
    ports: ["127.0.0.1:%(port)d:443"]
    volumes: [./Caddyfile:/etc/caddy/Caddyfile:ro, ./certs:/certs:ro, config:/config, caddy:/data]
    networks: [intranet]
    labels: {%(label)s: "1"}
    restart: always
  kratos:
    image: localhost/olympus-lab/tools:lab
    entrypoint: [sh, /run.sh]
    command: [kratos, serve]
    volumes: [./run.sh:/run.sh:ro]
    environment:
      - DSN=postgres://kratos:${PASSWORD}@postgres:5432/postgres?sslmode=disable&max_conns=4
      - SECRETS_COOKIE=${COOKIE}
      - SMTP_PASSWORD=
    networks: [intranet]
    labels: {%(label)s: "1", io.containers.autoupdate: registry}
  hydra:
    image: localhost/olympus-lab/tools:lab
    entrypoint: [sh, /run.sh]
    command: [hydra, serve, -c, /etc/hydra/hydra.yml]
    volumes: [./hydra:/etc/hydra:ro, ./run.sh:/run.sh:ro]
    networks: [intranet]
    labels: {%(label)s: "1"}
volumes:
  data: {labels: {%(label)s: "1"}}
  config: {labels: {%(label)s: "1"}}
  caddy: {labels: {%(label)s: "1"}}
networks:
  intranet:
    labels: {%(label)s: "1"}
    ipam: {config: [{subnet: 10.231.176.0/24}]}
"""
CADDYFILE = """{
    local_certs
    skip_install_trust
}
(old) {
    tls /certs/{args[0]}.pem /certs/{args[0]}.key
}
login.test {
    rate_limit {
        zone every {
            key {http.request.remote.host}
            events 3
            window 10s
        }
    }
    reverse_proxy hydra:4444
}
site.test {
    reverse_proxy nowhere:3000
}
expired.test {
    import old expired
    respond ok
}
other.test {
    import old other
    respond ok
}
late.test {
    import old late
    respond ok
}
"""


def podman(*args: str) -> str:
    done = subprocess.run(["podman", *args], capture_output=True, text=True, check=False, timeout=180)
    if done.returncode != 0:
        raise RuntimeError("podman %s: %s" % (" ".join(args), done.stderr))
    return done.stdout.strip()


def certificates(directory: Path) -> None:
    """An authority and three certificates: one that has ended, one for another name, one near its end."""
    directory.mkdir()
    now, day = datetime.datetime.now(datetime.timezone.utc), datetime.timedelta(days=1)
    key = ec.generate_private_key(ec.SECP256R1())
    authority = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "preflight test")])
    made = _certificate(authority, authority, key, key, now - 100 * day, now + 100 * day, [])
    (directory / "ca.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    for file, name, since, until in (
        ("expired", "expired.test", now - 90 * day, now - day),
        ("other", "somebody.test", now - day, now + 89 * day),
        ("late", "late.test", now - 88 * day, now + 2 * day),
    ):
        own = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        leaf = _certificate(subject, authority, own, key, since, until, [name])
        (directory / (file + ".pem")).write_bytes(leaf.public_bytes(serialization.Encoding.PEM))
        private = own.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        (directory / (file + ".key")).write_bytes(private)


def _certificate(
    subject: x509.Name,
    issuer: x509.Name,
    own: ec.EllipticCurvePrivateKey,
    signer: ec.EllipticCurvePrivateKey,
    since: datetime.datetime,
    until: datetime.datetime,
    names: Sequence[str],
) -> x509.Certificate:
    building = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(own.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(since)
        .not_valid_after(until)
        .add_extension(x509.BasicConstraints(ca=not names, path_length=None), critical=True)
    )
    if names:
        building = building.add_extension(x509.SubjectAlternativeName([x509.DNSName(one) for one in names]), False)
    return building.sign(signer, hashes.SHA256())


class Bench:
    """``look(**params)`` is the module without Ansible around it."""

    def __init__(self, directory: Path, connections: int = 100) -> None:
        self.directory = directory
        self.source, self.state_dir = directory / "operator", directory / "state"
        (self.source / "hydra").mkdir(parents=True)
        given = {"label": LABEL, "port": PORT, "connections": connections}
        (self.source / "compose.yml").write_text(COMPOSE % given)
        (self.source / "Caddyfile").write_text(CADDYFILE)
        # Neither is asked anything; it has to run, behind an entrypoint as the published ones have.
        (self.source / "run.sh").write_text("trap 'exit 0' TERM; sleep 10000 & wait\n")
        (self.source / ".env").write_text("PASSWORD=%s\nCOOKIE=%s\n" % (CANARY, CANARY))
        ranges = "serve:\n  tls:\n    allow_termination_from: [10.0.0.0/16]\n"
        (self.source / "hydra" / "hydra.yml").write_text(ranges)
        certificates(self.source / "certs")
        beside = ROOT / ".venv" / "bin" / "podman-compose"
        self.podman_compose = str(beside) if beside.exists() else "podman-compose"

    def up(self) -> None:
        subprocess.run(
            [self.podman_compose, "-p", PROJECT, "up", "-d"], cwd=self.source, check=True, capture_output=True
        )
        self.wait(lambda: not {"database", "certificate login.test"} & set(bad(self.look())))

    def wait(self, good: Callable[[], bool], seconds: float = 60) -> None:
        until = time.monotonic() + seconds
        while not good():
            assert time.monotonic() < until, "the deployment did not come up"
            time.sleep(0.5)

    def authorities(self) -> str:
        """One file with the edge's own authority and the test's."""
        volume = podman("volume", "inspect", PROJECT + "_caddy", "--format", "{{.Mountpoint}}")
        own = Path(volume) / "caddy" / "pki" / "authorities" / "local" / "root.crt"
        path = self.directory / "authorities.pem"
        texts = [one.read_text() for one in (own, self.source / "certs" / "ca.pem") if one.exists()]
        path.write_text("".join(texts))
        return str(path)

    def params(self, **given: Any) -> dict[str, Any]:
        edge = {"service": "caddy", "caddyfile": str(self.source / "Caddyfile"), "address": "127.0.0.1", "port": PORT}
        return {
            **{name: option.get("default") for name, option in SPEC.options.items()},
            "deployment": DEPLOYMENT,
            "state_dir": str(self.state_dir),
            "project": PROJECT,
            "source": str(self.source),
            "compose_files": ["compose.yml"],
            "podman_compose": self.podman_compose,
            "network_range": RANGE,
            "services": {
                "kratos": {"kind": "kratos", "port": 4433, "edge": True},
                "hydra": {"kind": "hydra", "port": 4444},
            },
            "shared": ["postgres"],
            "schema_targets": [{"name": "k", "product": "kratos", "service": "kratos", "database": "postgres"}],
            "public": [{"host": "login.test", "path": "/"}],
            "edge": {**edge, "ca": self.authorities()},
            "allow_mutable": True,
            "version": "v2",
            "ansible_version": "2.19.0",
            **given,
        }

    def look(self, runner: Runner | None = None, **given: Any) -> dict[str, Any]:
        params = self.params(**given)
        options, running = edge_options(params["edge"]), runner or SubprocessRunner()
        http = DirectHttp(options.ca or None)
        world = World(Podman(running), lambda: edge_of(running, params["project"], options), http)
        return answer(params, world)


def bad(result: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Check -> row of what is not well."""
    return {row["check"]: row for row in result["rows"] if not row["ok"]}


def facts() -> dict[str, tuple[str, str]]:
    """Container -> (id, process) of this project."""
    names = podman("ps", "-a", "--filter", "label=%s=1" % LABEL, "--format", "{{.Names}}").split()
    raws: list[dict[str, Any]] = json.loads(podman("container", "inspect", *names)) if names else []
    return {str(raw["Name"]): (str(raw["Id"]), str(raw["State"]["Pid"])) for raw in raws}


def own(kind: str) -> list[str]:
    """Networks or volumes of this test and of its deployment: the machine may be shared."""
    return [name for name in podman(kind, "ls", "--format", "{{.Name}}").split() if name.startswith(DEPLOYMENT)]


def tree(directory: Path) -> dict[str, tuple[int, int]]:
    """Every file with its inode and time of change."""
    paths = sorted(directory.rglob("*")) if directory.exists() else []
    return {str(path): (os.lstat(path).st_ino, os.lstat(path).st_ctime_ns) for path in paths}


def clean_up() -> None:
    while ids := podman("ps", "-aq", "--filter", "label=%s=1" % LABEL).split():
        podman("rm", "-f", "--depend", "-t", "0", ids[0])
    for kind in ("network", "volume"):
        names = podman(kind, "ls", "--filter", "label=%s=1" % LABEL, "-q").split()
        if names:
            podman(kind, "rm", *names)
