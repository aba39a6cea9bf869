# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""schema_proof with programs of our own (tests/lab/pair): each hop is of a vendor's shape and gets its verdict.

Kratos: v2 is 25.4 -> 26.2 (refused, and bridged), v2-race the same with much data, v2-list 1.3.1 -> 25.4.
Hydra: v2-logout is 2.3 -> 25.4, v2-consent 25.4 -> 26.2, v2-flight 2.2 -> 2.3. Of both, v2-plain is a hop that rolls.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
from kit.migrate_bench import query
from kit.proof_bench import RELEASE, Bench, Service, hydra, kept, log, no_more_live, production, written

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import Refused
from ansible_collections.olympus.bluegreen.plugins.module_utils._proof.replay.flights import IN_FLIGHT
from ansible_collections.olympus.bluegreen.plugins.module_utils._proof.replay.trial import RERUN_FAILS
from olympus_lab import images

pytestmark = pytest.mark.lab

TARGET, PORT = "ciam_pair", 5000
# What an operator writes: it does nothing while the column is not there, and nothing for a row that has it.
BRIDGE = """
CREATE FUNCTION bridge_identity_id() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF to_jsonb(new) ? 'identity_id' AND to_jsonb(new) ->> 'identity_id' IS NULL THEN
    new := jsonb_populate_record(new, jsonb_build_object('identity_id',
      (SELECT identity_id FROM sessions WHERE id = new.session_id)));
  END IF;
  RETURN new;
END $$;
CREATE TRIGGER bridge_identity_id BEFORE INSERT ON session_devices
  FOR EACH ROW EXECUTE FUNCTION bridge_identity_id();
"""


@dataclass
class Pair:
    """The live v1 on a database of its own, and where the release's files lie."""

    bench: Bench
    state_dir: Path

    def bridge(self, text: str = BRIDGE) -> None:
        where = self.state_dir / "releases" / RELEASE / "source" / "bridges" / TARGET
        where.mkdir(parents=True)
        (where / "identity_id.sql").write_text(text)

    def refused(self) -> str:
        with pytest.raises(Refused) as told:
            self.bench.run()
        return str(told.value)

    def kept(self) -> dict[str, Any]:
        return kept(self.state_dir, TARGET)

    def reasons(self) -> list[str]:
        """Of a hop that is refused, each as it begins."""
        self.refused()
        return sorted(self.kept()["reasons"])


@pytest.fixture(scope="module", autouse=True)
def _server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with production(tmp_path_factory.mktemp("containers")):
        yield


@pytest.fixture(scope="module")
def references(_server: None) -> Callable[[str], dict[str, str]]:
    return lru_cache(images.pair)


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What an image's migrations are is learnt once for all tests."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def state_dir(tmp_path: Path, cache: Path) -> Path:
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "cache").symlink_to(cache)
    return tmp_path / "state"


@pytest.fixture(autouse=True)
def _live(_server: None) -> Iterator[None]:
    yield
    no_more_live()


@pytest.fixture
def live(tmp_path: Path, state_dir: Path, references: Callable[[str], dict[str, str]]) -> Callable[..., Pair]:
    """The old program at work; ``new``: the version that the release brings."""

    def begun(new: str, product: str = "kratos") -> Pair:
        tags = references(product)
        service = hydra("ciam-pair", tags["v1"], tags[new], PORT)
        if product == "kratos":
            environment = {"SERVE_PUBLIC_PORT": str(PORT), "SERVE_ADMIN_PORT": str(PORT + 1)}
            command = ("serve", "-c", "/etc/config/kratos.yml")
            service = Service("ciam-pair", product, tags["v1"], tags[new], PORT, environment, command)
        (tmp_path / "config").mkdir()
        return Pair(Bench(tmp_path / "config", state_dir, service), state_dir)

    return begun


Live = Callable[..., Pair]


def versions() -> int:
    return int(query("SELECT count(*) FROM schema_migration", TARGET)[0][0])


def test_a_column_that_the_old_login_leaves_empty_breaks(live: Live) -> None:
    pair, since = live("v2"), len(log())
    told, cause = pair.refused(), " (SQLSTATE 23502, session_devices.identity_id)"
    api = "login on Kratos v1: status 400, the body holds code 500 (Internal Server Error)" + cause
    page = "the browser's login: redirected to the error page /error" + cause
    said, crossed = "Kratos v1 fails on the migrated schema: ", "Kratos v1 does not accept what Kratos v2 made: "
    assert told.startswith(
        "ciam_pair: BREAKS (kratos v1 -> v2). %slogin: %s; %sbrowser login: %s; " % (said, api, said, page)
    )
    # What logs in fails; the list and the admin's work go on, and the new program and all that it meets.
    logs_in = [said + "%s: %s" % (name, api) for name in ("login", "settings", "logout", "session")]
    expected = {*logs_in, said + "browser login: " + page, crossed + "identity: " + api}
    assert set(pair.kept()["reasons"]) == expected and pair.kept()["untried"] == []
    # The bench's own migration shows that the log tells of what is written.
    assert written(0) and written(since) == [] and versions() == 4


def test_a_trigger_is_the_bridge_that_makes_it_pass(live: Live) -> None:
    pair, since = live("v2"), len(log())
    pair.bridge()
    told = pair.bench.run()["targets"][TARGET]
    assert (told["verdict"], told["reasons"], told["untried"]) == ("SAFE", [], [])
    assert [one["name"] for one in told["bridges"]] == ["identity_id"]
    assert (told["before"]["count"], told["after"]["count"]) == (4, 7)
    assert written(since) == [] and versions() == 4


@pytest.mark.slow
def test_a_bridge_that_wants_the_column_too_early_breaks(live: Live) -> None:
    pair = live("v2")
    pair.bridge(BRIDGE.replace("to_jsonb(new) ? 'identity_id' AND to_jsonb(new) ->> 'identity_id'", "new.identity_id"))
    told = pair.refused()
    assert "Kratos v1 fails with the bridge while the schema is the old one: login" in told and "42703" in told


@pytest.mark.slow
def test_a_bridge_that_no_journey_needs_is_refused(live: Live) -> None:
    pair = live("v2-plain")
    pair.bridge()
    told = pair.refused()
    assert "no journey fails without the bridge (identity_id)" in told and "remove bridges/ciam_pair" in told
    assert pair.kept()["verdict"] == "NOT_JUDGED"


@pytest.mark.slow
def test_a_column_that_the_old_list_can_not_read_breaks(live: Live) -> None:
    """Kratos 25.4's shape: the server itself finds nothing wrong from the second time on."""
    pair = live("v2-list")
    assert pair.refused().startswith("ciam_pair: BREAKS (kratos v1 -> v2-list). ")
    (reason,) = pair.kept()["reasons"]
    assert reason.startswith("Kratos v1 fails on the migrated schema: list: list of identities: status 500, ")
    assert re.search(r"\((SQLSTATE 0A000, identities|it can't read column external_id, .*)\)$", reason)


def test_a_logout_that_reads_whole_rows_breaks(live: Live) -> None:
    pair, since = live("v2-logout", "hydra"), len(log())
    reasons = pair.reasons()
    assert pair.kept()["verdict"] == "BREAKS"
    assert [one for one in reasons if one.startswith("Hydra v1 fails on the migrated schema: logout: ")]
    assert written(since) == [] and versions() == 9


@pytest.mark.slow
def test_a_consent_that_the_old_program_asks_again_is_said(live: Live) -> None:
    reasons = live("v2-consent", "hydra").reasons()
    assert len(reasons) == 1 and "consent memory" in reasons[0] and "is asked again" in reasons[0]


@pytest.mark.slow
def test_a_hop_of_hydra_that_rolls_passes(live: Live) -> None:
    told = live("v2-plain", "hydra").bench.run()["targets"][TARGET]
    assert told["verdict"].startswith("SAFE") and told["reasons"] == []


@pytest.mark.slow
def test_a_flow_under_way_is_lost_where_the_new_program_seals_it_otherwise(live: Live) -> None:
    """Nothing that is finished is lost, and the schema alone says nothing of it."""
    reasons = live("v2-flight", "hydra").reasons()
    assert reasons and all(one.startswith(IN_FLIGHT) for one in reasons)
    for step in ("login pending", "login accepted", "consent pending", "consent accepted", "code minted without PKCE"):
        assert [one for one in reasons if ": %s: " % step in one], step


@pytest.mark.slow
def test_a_backfill_that_old_writes_race_breaks(live: Live) -> None:
    pair = live("v2-race")
    assert pair.reasons() and pair.kept()["verdict"] == "BREAKS"
    (reason,) = pair.kept()["reasons"]
    assert "the migration fails while Kratos v1 runs" in reason and "identity_id_not_null" in reason
    assert RERUN_FAILS in reason and versions() == 4
