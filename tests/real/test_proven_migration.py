# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The migration that a proof rehearsed, applied: production's schema is the one of the rehearsal, before and after."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kit.compose_bench import podman
from kit.migrate_bench import DEPLOYMENT, KRATOS_NEW, KRATOS_OLD, NETWORK, query
from kit.proof_bench import RELEASE, Bench, kept, kratos, no_more_live, production

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.clock import SystemClock
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import Refused
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.podman import Podman
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.runner import SubprocessRunner
from ansible_collections.olympus.bluegreen.plugins.module_utils._schema import migrate, options

pytestmark = [pytest.mark.lab, pytest.mark.slow]


@pytest.fixture(autouse=True)
def _server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with production(tmp_path_factory.mktemp("containers")):
        yield
        no_more_live()


def applied(bench: Bench) -> tuple[dict[str, Any], list[str]]:
    given = bench.params()
    target = given["targets"][0]
    watch = {"colour": "blue", "services": [bench.services[0].name], "seconds": 3.0}
    params, wrong = options.MIGRATE.validated({"target": target, "network": NETWORK, "watch": watch})
    assert not wrong
    own = ("state_dir", "compose_file", "project", "database_service")
    asked = {**params, "deployment": DEPLOYMENT, "release": RELEASE, **{name: given[name] for name in own}}
    world = migrate.World(Podman(SubprocessRunner()), SystemClock())
    done, _plan, warned = options.run(asked, False, world)
    return done, warned


def test_what_was_rehearsed_is_what_happens(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    state_dir = tmp_path_factory.mktemp("state")
    bench = Bench(tmp_path, state_dir, kratos("ciam-kratos", KRATOS_OLD, KRATOS_NEW))
    bench.run()
    assert kept(state_dir, "ciam_kratos")["started"] and kept(state_dir, "ciam_kratos")["rehearsed"]
    query("ALTER TABLE identities ADD COLUMN by_hand text", "ciam_kratos")
    with pytest.raises(Refused, match=r"changed since the rehearsal: column public\.identities\.by_hand is new"):
        applied(bench)
    assert len(bench.versions("ciam_kratos")) == 295
    query("ALTER TABLE identities DROP COLUMN by_hand", "ciam_kratos")
    done, warned = applied(bench)
    assert (done["changed"], done["drift"], done["not_compared"], done["noticed"]) == (True, [], "", [])
    assert done["restore_point"]["name"] == "olympus_bluegreen_" + RELEASE
    assert len(warned) == 1 and "backed up" in warned[0]
    assert not applied(bench)[0]["changed"] and podman("ps", "-q", "--filter", "name=bgmig-ciam-kratos")
