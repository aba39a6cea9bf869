# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Production's address in a program's variables, in every way that programs write it, becomes the shadow's."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.dsn import parse
from ansible_collections.olympus.bluegreen.plugins.module_utils._proof.replay.address import moved

PRODUCTION = "postgres://shop:only%2Ftest@db.example.com:6432/shop?sslmode=verify-full&sslrootcert=/ca.crt"
SHADOW = "postgres://shop:r00m@10.1.2.3:5432/trial?sslmode=disable"
HERE = "shop:r00m@10.1.2.3:5432/trial"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"DSN": PRODUCTION}, {"DSN": "postgres://%s?sslmode=disable" % HERE}),
        (
            {"DATABASE_URL": "postgresql+psycopg2://shop:x@replica:5432/shop?schema=app&connection_limit=4&sslcert=/c"},
            {"DATABASE_URL": "postgresql+psycopg2://%s?schema=app&connection_limit=4&sslmode=disable" % HERE},
        ),
        (
            {"JDBC": "jdbc:postgresql://db.example.com:6432/shop?user=shop&password=x&currentSchema=app"},
            {"JDBC": "jdbc:postgresql://10.1.2.3:5432/trial?currentSchema=app&user=shop&password=r00m&sslmode=disable"},
        ),
        (
            {"JDBC": "jdbc:postgresql://db.example.com/shop"},
            {"JDBC": "jdbc:postgresql://10.1.2.3:5432/trial?sslmode=disable"},
        ),
        (
            {"PGHOST": "db.example.com", "PGPORT": "6432", "PGPASSWORD": "x", "PGSSLROOTCERT": "/ca", "PGAPPNAME": "a"},
            {"PGHOST": "10.1.2.3", "PGPORT": "5432", "PGPASSWORD": "r00m", "PGSSLMODE": "disable", "PGAPPNAME": "a"},
        ),
        (
            {
                "DB_HOST": "db.example.com",
                "DB_PORT": "6432",
                "DB_USER": "shop",
                "DB_PASS": "only/test",
                "DB_NAME": "shop",
            },
            {"DB_HOST": "10.1.2.3", "DB_PORT": "5432", "DB_USER": "shop", "DB_PASS": "r00m", "DB_NAME": "trial"},
        ),
        ({"POSTGRES_SSL": "true", "DB_SSLMODE": "require"}, {"POSTGRES_SSL": "false", "DB_SSLMODE": "disable"}),
        (
            {"ADDR": "db.example.com:6432", "ARGS": "--db=" + PRODUCTION},
            {"ADDR": "10.1.2.3:5432", "ARGS": "--db=" + SHADOW},
        ),
        # What is no address of this database stays: nothing of it can be reached.
        *(
            ({key: value}, {key: value})
            for key, value in {
                "OTHER_URL": "postgres://a:b@db.example.com:6432/other",
                "PORT": "6432",
                "SECRETS_SYSTEM": "only/test",
                "NAME": "shop",
                "APP_USER": "shop",
                "URL": "https://db.example.com/shop",
            }.items()
        ),
    ],
)
def test_where_production_stood_the_shadow_stands(given: Mapping[str, str], expected: Mapping[str, str]) -> None:
    assert moved(given, parse(PRODUCTION), SHADOW) == expected


def test_without_an_address_of_production_only_libpqs_own_variables_are_known() -> None:
    given = {"PGHOST": "db.example.com", "DB_HOST": "db.example.com"}
    assert moved(given, None, SHADOW) == {"PGHOST": "10.1.2.3", "PGSSLMODE": "disable", "DB_HOST": "db.example.com"}
