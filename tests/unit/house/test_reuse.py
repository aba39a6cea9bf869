# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""docs/reuse.md prints the playbooks that the molecule scenarios run."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
SCENARIOS = sorted((ROOT / "extensions/molecule").glob("reuse_*/"))
PRINTED = re.findall(r"^```yaml\n(.*?)^```$", (ROOT / "docs/reuse.md").read_text(), re.M | re.S)
HEAD = "---\n# SPDX-License-Identifier: GPL-3.0-or-later\n"


def played(scenario: Path) -> str:
    text = (scenario / "converge.yml").read_text()
    assert text.startswith(HEAD), scenario
    return text.removeprefix(HEAD)


def test_the_page_prints_what_is_played_and_nothing_else() -> None:
    assert SCENARIOS and sorted(PRINTED) == sorted(map(played, SCENARIOS))


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda one: one.name)
def test_a_playbook_is_short_and_has_no_name_of_ours(scenario: Path) -> None:
    text = played(scenario)
    assert len(text.splitlines()) <= 30
    assert not re.search("olympus|bluegreen_", text.replace("olympus.bluegreen.", "").replace("/olympus-bluegreen", ""))


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda one: one.name)
def test_a_scenario_runs_twice_and_asks_the_systems(scenario: Path) -> None:
    assert {"molecule.yml", "converge.yml", "verify.yml", "side_effect.yml"} <= {one.name for one in scenario.iterdir()}
    base = yaml.safe_load((ROOT / "extensions/molecule/reuse.config.yml").read_text())
    assert base["shared_state"] is True and "idempotence" in base["scenario"]["test_sequence"]
    assert "test_sequence" not in str(yaml.safe_load((scenario / "molecule.yml").read_text()))
