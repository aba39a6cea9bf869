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
from pathlib import Path
from typing import Any

import pytest
from kit.migrate_bench import query
from kit.proof_bench import RELEASE, Bench, Service, hydra, kept, log, no_more_live, production, written

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import Refused
from ansible_collections.olympus.bluegreen.plugins.module_utils._proof.replay.hydra import Hydra
from ansible_collections.olympus.bluegreen.plugins.module_utils._proof.replay.trial import RERUN_FAILS
from olympus_lab import images

pytestmark = pytest.mark.lab

TARGET, PORT = "ciam_pair", 5000
STEPS = Hydra.flights
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

    def failing(self, what: str) -> dict[str, str]:
        """Journey -> the rest of each reason that begins so."""
        reasons = [one[len(what) :] for one in self.kept()["reasons"] if one.startswith(what)]
        return dict(one.split(": ", 1) for one in reasons)


@pytest.fixture(scope="module", autouse=True)
def _server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with production(tmp_path_factory.mktemp("containers")):
        yield


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
def live(tmp_path: Path, state_dir: Path) -> Callable[..., Pair]:
    """The old program at work; ``new``: the version that the release brings."""

    def begun(new: str, product: str = "kratos") -> Pair:
        live, release = (images.pair(product, version) for version in ("v1", new))
        service = hydra("ciam-pair", live, release, PORT)
        if product == "kratos":
            environment = {
                "SERVE_PUBLIC_PORT": str(PORT),
                "SERVE_ADMIN_PORT": str(PORT + 1),
                "SERVE_PUBLIC_BASE_URL": "https://login.example.com/",
            }
            command = ("serve", "-c", "/etc/config/kratos.yml")
            service = Service("ciam-pair", product, live, release, PORT, environment, command)
        (tmp_path / "config").mkdir()
        return Pair(Bench(tmp_path / "config", state_dir, service), state_dir)

    return begun


Live = Callable[..., Pair]


def versions() -> int:
    return int(query("SELECT count(*) FROM schema_migration", TARGET)[0][0])


def test_a_column_that_the_old_login_leaves_empty_wants_a_bridge(live: Live) -> None:
    pair, since = live("v2"), len(log())
    assert pair.refused().startswith("ciam_pair: BRIDGE_REQUIRED (kratos v1 -> v2). ")
    cause = "(SQLSTATE 23502, session_devices.identity_id)"
    failed = pair.failing("Kratos v1 fails on the migrated schema: ")
    assert all(why.endswith(cause) for why in failed.values())
    # What logs in fails; the list and the admin's work go on, and the new program and all that it meets.
    assert set(failed) == {"login", "browser login", "settings", "recovery", "logout", "session"}
    assert "status 400, the body holds code 500" in failed["login"]
    assert "redirected to the error page /error" in failed["browser login"]
    assert pair.failing("Kratos v2 ") == {} and pair.kept()["untried"] == []
    assert "identity_id" in (pair.state_dir / "releases" / RELEASE / "schema" / pair.kept()["draft"]).read_text()
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
    """The server itself finds nothing wrong from the second time on. What else changes is not what breaks."""
    pair = live("v2-list")
    assert pair.refused().startswith("ciam_pair: BREAKS (kratos v1 -> v2-list). ")
    failed = pair.failing("Kratos v1 fails on the migrated schema: ")
    assert set(failed) == {"list"} and failed["list"].startswith("list of identities: status 500, ")
    assert re.search(r"\((SQLSTATE 0A000, identities|it can't read column external_id, .*)\)$", failed["list"])
    rewritten = {one["table"] for one in pair.kept()["locks"] if one["rewrite"]}
    assert rewritten == {"public.identity_recovery_codes", "public.identity_verification_codes"}
    assert [one["what"] for one in pair.kept()["objects"]].count("drop_index") == 7


@pytest.mark.slow
def test_a_backfill_that_old_writes_race_is_said(live: Live) -> None:
    """Without them the migration goes through; with them it fails, and its rerun too."""
    pair = live("v2-race")
    assert pair.refused().startswith("ciam_pair: BRIDGE_REQUIRED (kratos v1 -> v2-race). the migration fails while ")
    reason = pair.kept()["reasons"][0]
    assert "identity_id_not_null" in reason and RERUN_FAILS in reason and versions() == 4


@pytest.mark.slow
def test_a_logout_that_reads_whole_rows_breaks_and_the_rewrite_blocks(live: Live) -> None:
    pair = live("v2-logout", "hydra")
    # As after years of logins.
    query("UPDATE pg_class SET reltuples = 20000000 WHERE relname = 'hydra_oauth2_flow'", TARGET)
    since = len(log())
    assert pair.refused().startswith("ciam_pair: BREAKS (hydra v1 -> v2-logout). ")
    failed = pair.failing("Hydra v1 fails on the migrated schema: ")
    assert set(failed) == {"sessions", "logout"} and "redirected with error" in failed["logout"]
    assert [(one["table"], one["mode"]) for one in pair.kept()["locks"] if one["rewrite"]] == [
        ("public.hydra_oauth2_flow", "AccessExclusiveLock")
    ]
    blocking = [one["name"] for one in pair.kept()["objects"] if one["verdict"] == "BLOCKING_LOCK"]
    assert blocking == ["public.hydra_oauth2_flow"]
    assert written(since) == [] and versions() == 9


@pytest.mark.slow
def test_a_consent_that_the_old_program_asks_again_breaks(live: Live) -> None:
    pair = live("v2-consent", "hydra")
    assert pair.refused().startswith("ciam_pair: BREAKS (hydra v1 -> v2-consent). ")
    failed = pair.failing("Hydra v1 does not accept what Hydra v2-consent made: ")
    assert set(failed) == {"consent memory"} and "the remembered consent is asked again" in failed["consent memory"]
    classes = [one["what"] for one in pair.kept()["objects"]]
    assert (classes.count("drop_not_null"), classes.count("drop_default"), classes.count("drop_check")) == (21, 15, 1)


@pytest.mark.slow
def test_a_flow_under_way_is_lost_where_the_new_program_seals_it_otherwise(live: Live) -> None:
    """Nothing that is finished is lost, and the schema alone says nothing of it."""
    pair = live("v2-flight", "hydra")
    assert pair.refused().startswith("ciam_pair: SAFE")
    assert pair.kept()["reasons"] == [] and pair.kept()["verdict"].startswith("SAFE")
    lost = {step for step in STEPS if [one for one in pair.kept()["in_flight"] if ": %s: " % step in one]}
    assert lost == {
        "login pending",
        "login accepted",
        "consent pending",
        "consent accepted",
        "code minted without PKCE",
    }


@pytest.mark.slow
@pytest.mark.parametrize("product", ["kratos", "hydra"])
def test_a_hop_that_rolls_passes(live: Live, product: str) -> None:
    told = live("v2-plain", product).bench.run()["targets"][TARGET]
    assert (told["verdict"], told["reasons"], told["untried"], told["in_flight"]) == ("SAFE", [], [], [])
