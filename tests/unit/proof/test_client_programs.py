# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How PostgreSQL's own programs reach a database: no secret on a command line, another role by its own DSN."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import BluegreenError
from ansible_collections.olympus.bluegreen.plugins.module_utils._proof.shadow import client_programs
from ansible_collections.olympus.bluegreen.plugins.module_utils._schema import oneshot
from ansible_collections.olympus.bluegreen.plugins.module_utils._schema.service import Service

SERVICE = Service("kratos", "img", {"DSN": "postgres://k:one@db/kratos", "SSL_CERT_FILE": "/ca", "SECRETS_COOKIE": "s"})
OTHER = "postgres://reader:two@db:6432/kratos?sslmode=verify-full"


def test_the_address_and_the_password_go_by_the_environment_alone() -> None:
    keywords = {
        "host": "db",
        "hostaddr": "10.9.0.4",
        "user": "k",
        "password": "one",
        "dbname": "kratos",
        "sslrootcert": "/a",
    }
    made = client_programs.job("n", "img", ["pg_dump", "--file=dump"], "/private", keywords, labels={}, network="host")
    line = oneshot.arguments(made)
    assert "one" not in " ".join(line) and line[-2:] == ["pg_dump", "--file=dump"]
    assert dict(made.environment) == {
        "PGHOST": "db",
        "PGHOSTADDR": "10.9.0.4",
        "PGUSER": "k",
        "PGPASSWORD": "one",
        "PGDATABASE": "kratos",
        "PGSSLROOTCERT": "/a",
    }


@pytest.mark.parametrize("by_file", [False, True])
def test_a_role_of_its_own_reads_production(by_file: bool, tmp_path: Path) -> None:
    path = tmp_path / "dsn"
    path.touch(0o600)
    # One DSN for all targets: each has its own database.
    path.write_text(OTHER.replace("/kratos", "/postgres") + "\n")
    found = client_programs.as_role(SERVICE, str(path) if by_file else OTHER)
    assert (found.dsn.user, found.dsn.password, found.dsn.sslmode) == ("reader", "two", "verify-full")
    assert dict(found.environment) == {"DSN": OTHER, "SSL_CERT_FILE": "/ca"}


def test_without_one_it_is_the_service_s_own() -> None:
    assert client_programs.as_role(SERVICE, "") is SERVICE


def test_a_file_that_others_can_read_or_what_is_no_dsn_is_refused_without_showing_it(tmp_path: Path) -> None:
    path = tmp_path / "dsn"
    path.write_text(OTHER)
    path.chmod(0o644)
    for given in (str(path), "mysql://reader:two@db/kratos"):
        with pytest.raises(BluegreenError, match="rehearsal_dsn") as told:
            client_programs.as_role(SERVICE, given)
        assert "two" not in str(told.value)
