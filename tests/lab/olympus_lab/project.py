# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, the olympus.bluegreen authors
"""The operator's project directory: written from the templates, with secrets of its own."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Mapping
from pathlib import Path

from olympus_lab import certificates, config, shape

# Path in the project directory -> template.
FILES = {
    config.COMPOSE_FILE: config.COMPOSE_TEMPLATE,
    config.JANITOR_FILE: config.JANITOR_FILE,
    **{name: name for name in ("Caddyfile", "check-secrets.sh", "init-db.sql", "janitor.sh", "seed.sh")},
    **{f"{domain}-hydra/hydra.yml": "hydra.yml" for domain in config.DOMAINS},
    **{f"{domain}-kratos/kratos.yml": f"{domain}-kratos.yml" for domain in config.DOMAINS},
    **{f"{domain}-kratos/identity.schema.json": "identity.schema.json" for domain in config.DOMAINS},
}
DSN = "postgres://{user}:{password}@{host}:5432/{database}?sslmode=verify-full&sslrootcert=/etc/ssl/certs/pg-ca.crt"
# By default Hydra has two connections a core. A token request holds one and asks for a second: four at once on two
# cores wait for each other until their clients give up.
POOL = {"hydra": "&max_conns=28"}


def _wanted() -> dict[str, str]:
    """Every file without a secret: path in the project directory -> content, in this slot's own addresses."""
    return {path: _template(name) for path, name in FILES.items()}


def _template(name: str) -> str:
    text = (config.TEMPLATES / name).read_text()
    text = text.replace(config.TEMPLATE_PREFIX, config.PREFIX)
    return shape.template(name, text.replace(config.TEMPLATE_LOOPBACK, config.LOOPBACK))


def _dotenv() -> dict[str, str]:
    """A fresh .env; Kratos wants exactly 32 characters for its cipher."""
    password = secrets.token_hex(16)
    values = {
        "PG_USER": config.DATABASE_USER,
        "PG_PASSWORD": password,
        "SMTP_CONNECTION_URI": f"smtp://{config.named('mail')}:1025/?disable_starttls=true",
        "SMTP_FROM_EMAIL": "no-reply@olympus.test",
        "PROBE_PASSWORD": secrets.token_urlsafe(18),
        "PROBE_CLIENT_SECRET": secrets.token_urlsafe(24),
    }
    for database in config.DATABASES:
        dsn = DSN.format(user=config.DATABASE_USER, password=password, host=config.named("postgres"), database=database)
        values[f"PG_{database.upper()}_DSN"] = dsn + POOL.get(database.rpartition("_")[2], "")
    for name, url in config.PUBLIC_URLS.items():
        values[f"{name}_PUBLIC_URL"] = url
    for domain in config.DOMAINS:
        values.update(_of_domain(domain, domain.upper()))
    values.update(PGADMIN_OAUTH_CLIENT_ID="pgadmin", PGADMIN_OAUTH_CLIENT_SECRET=secrets.token_hex(16))
    for product in ("hera", "athena", "site"):
        values[f"{product.upper()}_IMAGE_TAG"] = config.RELEASES[0].version
    return values


def _of_domain(domain: str, upper: str) -> dict[str, str]:
    names = ("KRATOS_SECRET_COOKIE", "KRATOS_SECRET_CIPHER", "HYDRA_SECRET_SYSTEM", "HYDRA_PAIRWISE_SALT")
    origins = f"{config.PUBLIC_URLS['SITE']},{config.PUBLIC_URLS[f'{upper}_ATHENA']}"
    return {
        **{f"{upper}_{name}": secrets.token_hex(16) for name in names},
        f"{upper}_CORS_ALLOWED_ORIGINS": origins,
        # Published on by default; the lab's probes and load would fail at it. Tests switch it on.
        f"{upper}_CAPTCHA_ENABLED": "false",
        f"ATHENA_{upper}_OAUTH_CLIENT_ID": f"athena-{domain}-client",
        f"SITE_{upper}_CLIENT_ID": f"site-{domain}-client",
        f"SITE_{upper}_CLIENT_SECRET": secrets.token_hex(16),
    }


def settings() -> dict[str, str]:
    """The values of .env (secrets among them: keep them out of logs); {} before ``write``."""
    path = config.OPERATOR / ".env"
    if not path.exists():
        return {}
    return dict(line.split("=", 1) for line in path.read_text().splitlines() if "=" in line)


def differs() -> str:
    """First file that is not as the templates say (adopted or edited since), "" if none."""
    for name, content in _wanted().items():
        path = config.OPERATOR / name
        if not path.exists() or path.read_text() != content:
            return name
    return "" if settings().get("HERA_IMAGE_TAG") == config.RELEASES[0].version else ".env"


def write(dotenv: Mapping[str, str] | None = None) -> None:
    """The whole directory, at the first release, with secrets of its own; ``dotenv`` is what .env says otherwise."""
    values = {**_dotenv(), **(dotenv or {})}
    remove()
    for name, content in _wanted().items():
        path = config.OPERATOR / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
        path.chmod(0o644)
    private(config.OPERATOR / ".env", "".join(f"{key}={value}\n" for key, value in values.items()))
    certificates.write(config.OPERATOR / "postgres", config.named("postgres"))
    (config.OPERATOR / "pgadmin").mkdir()
    private(config.OPERATOR / "pgadmin" / "pgpass", f"postgres:5432:*:{values['PG_USER']}:{values['PG_PASSWORD']}\n")


def private(path: Path, content: str) -> None:
    """Written so that nobody else has ever been able to read it."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(content)


def remove() -> None:
    shutil.rmtree(config.OPERATOR, ignore_errors=True)
