# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""schema_proof of an application with a migrator of its own: its pages and a command of the operator are what counts.

The programs of tests/lab/pair stand for it, asked as what they are to a browser: pages on a port.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from kit.proof_bench import Bench, Service, kept, no_more_live, production

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import Refused
from olympus_lab import images

pytestmark = [pytest.mark.lab, pytest.mark.slow]
NAME, TARGET, PORT = "ciam-pair", "shop", 5000
MIGRATE = ("migrate", "sql", "up", "-e", "--yes")


@pytest.fixture(scope="module", autouse=True)
def _server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with production(tmp_path_factory.mktemp("containers")):
        yield


@pytest.fixture(autouse=True)
def _live(_server: None) -> Iterator[None]:
    yield
    no_more_live()


def bench(tmp_path: Path, new: str) -> Bench:
    """The old one at work."""
    live, release = (images.pair("kratos", version) for version in ("v1", new))
    environment = {"SERVE_PUBLIC_PORT": str(PORT), "SERVE_ADMIN_PORT": str(PORT + 1)}
    for name in ("config", "state"):
        (tmp_path / name).mkdir()
    service = Service(NAME, "kratos", live, release, PORT, environment, ("serve",))
    return Bench(tmp_path / "config", tmp_path / "state", service)


def shop(command: tuple[str, ...]) -> dict[str, Any]:
    """What an operator says of it."""
    target: Mapping[str, Any] = {
        "name": TARGET,
        "service": NAME,
        "command": list(MIGRATE),
        "applied_query": "SELECT version FROM schema_migration",
        "dsn_env": "DSN",
        "replay": {"paths": ["/admin/identities"], "command": list(command)},
    }
    return {"targets": [target], "services": {NAME: {"port": PORT + 1, "ready": "/admin/health/ready"}}}


def test_a_page_that_the_old_one_can_not_make_any_more_breaks(tmp_path: Path) -> None:
    made = bench(tmp_path, "v2-list")
    with pytest.raises(Refused, match=r"shop: BREAKS \(shop v1 -> v2-list\)"):
        made.run(**shop(()))
    reasons = [one for one in kept(made.state_dir, TARGET)["reasons"] if "page" in one]
    assert reasons and all(
        "page /admin/identities: status 303, redirected to the error page /error (" in one for one in reasons
    )
    assert all(one.startswith("ciam-pair v1 ") for one in reasons)


def test_one_that_goes_on_passes_with_its_own_command(tmp_path: Path) -> None:
    told = bench(tmp_path, "v2-plain").run(**shop(("kratos", "migrate", "--help")))["targets"][TARGET]
    assert told["verdict"] in ("SAFE", "SAFE_IF_EXERCISED") and told["reasons"] == []
    assert not [one for one in told["untried"] if "command" in one]
