# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, the olympus.bluegreen authors
"""The operator's project directory: written from the templates, with secrets that are generated once."""

from __future__ import annotations

import os
import secrets
import shutil
from pathlib import Path

from olympus_lab import config

SINGLE = ("compose.yml", "Caddyfile", "init-db.sql", "seed.sh", "janitor.sh")
PER_DOMAIN = ("kratos/kratos.yml", "kratos/identity.schema.json", "hydra/hydra.yml")


def _wanted() -> dict[str, str]:
    """Every file but .env: path in the project directory -> content."""
    files = {name: _template(name) for name in SINGLE}
    for name in PER_DOMAIN:
        product, _slash, base = name.partition("/")
        for domain in config.DOMAINS:
            files[f"{product}/{domain}/{base}"] = _template(name).replace("@DOMAIN@", domain)
    return files


def _template(name: str) -> str:
    """A template in this slot's own addresses."""
    text = (config.TEMPLATES / name).read_text()
    text = text.replace(config.TEMPLATE_PREFIX, config.PREFIX)
    return text.replace(config.TEMPLATE_LOOPBACK, config.LOOPBACK)


def _dotenv() -> str:
    """A fresh .env; Kratos wants exactly 32 characters for its cipher."""
    password = secrets.token_hex(16)
    values = {
        "PG_USER": config.DATABASE_USER,
        "PG_PASSWORD": password,
        "SMTP_CONNECTION_URI": "smtp://mail:1025/?disable_starttls=true",
        "SMTP_FROM_EMAIL": "no-reply@olympus.test",
        "PROBE_PASSWORD": secrets.token_urlsafe(18),
        "PROBE_CLIENT_SECRET": secrets.token_urlsafe(24),
    }
    for database in config.DATABASES:
        dsn = f"postgres://{config.DATABASE_USER}:{password}@postgres:5432/{database}?sslmode=disable"
        values[f"PG_{database.upper()}_DSN"] = dsn
    for domain in config.DOMAINS:
        for name in ("KRATOS_SECRET_COOKIE", "KRATOS_SECRET_CIPHER", "HYDRA_SECRET_SYSTEM", "HYDRA_PAIRWISE_SALT"):
            values[f"{domain.upper()}_{name}"] = secrets.token_hex(16)
    for product in config.PRODUCTS:
        values[f"{product.upper()}_IMAGE_TAG"] = config.RELEASES[0].version
    return "".join(f"{key}={value}\n" for key, value in values.items())


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
    return "" if settings() else ".env"


def write() -> None:
    """The whole directory anew; .env is kept if there is one."""
    secret = "".join(f"{key}={value}\n" for key, value in settings().items()) or _dotenv()
    remove()
    config.OPERATOR.mkdir(parents=True)
    for name, content in _wanted().items():
        path = config.OPERATOR / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
        path.chmod(0o644)
    private(config.OPERATOR / ".env", secret)


def private(path: Path, content: str) -> None:
    """Written so that nobody else has ever been able to read it."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(content)


def remove() -> None:
    shutil.rmtree(config.OPERATOR, ignore_errors=True)
