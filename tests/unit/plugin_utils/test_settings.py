# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The bluegreen_ variables: one table of names and types, and what is said of others."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.olympus.bluegreen.plugins.plugin_utils.setting_checks import TYPES, wrong_settings
from ansible_collections.olympus.bluegreen.plugins.plugin_utils.settings import INTERNAL_VARS, SETTINGS

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("bluegreen_images", {"hera": "x"}),
        ("bluegreen_bake", "0"),
        ("bluegreen_bake", 3600),
        ("bluegreen_cache_ttl", "1.5"),
        ("bluegreen_force_undo", "yes"),
        ("bluegreen_force_undo", True),
        ("bluegreen_source", "/opt/prod"),
        ("bluegreen_source", {"repo": "x"}),
        ("bluegreen_public", [{"host": "a.test"}]),
        ("bluegreen_watch", {"window": 60}),
        ("bluegreen_laboratory_of_mine", 7),
        ("other_images", 7),
    ],
)
def test_what_is_well(name: str, value: object) -> None:
    assert wrong_settings({name: value, "inventory_hostname": "one"}) == []


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("bluegreen_images", "{'hera': 'x'}", ("a dictionary", "as JSON: -e '{\"bluegreen_images\": {...}}'")),
        ("bluegreen_images", None, ("None", "a dictionary")),
        ("bluegreen_public", {"host": "a.test"}, ("dict", "a list")),
        ("bluegreen_bake", "ten", ("'ten'", "a whole number, 0 or more")),
        ("bluegreen_bake", -1, ("-1", "0 or more")),
        ("bluegreen_bake", True, ("True", "a whole number")),
        ("bluegreen_bake", 1.5, ("1.5", "a whole number")),
        ("bluegreen_drain_deadline", "inf", ("'inf'", "a number")),
        ("bluegreen_force_undo", "maybe", ("'maybe'", "true or false")),
        ("bluegreen_state_dir", "state", ("'state'", "an absolute path")),
        ("bluegreen_source", 7, ("7", "a text or a dictionary")),
    ],
)
def test_a_wrong_type_is_refused(name: str, value: object, words: tuple[str, ...]) -> None:
    (found,) = wrong_settings({name: value})
    assert found["level"] == "refuse"
    assert found["sentence"].startswith(name + "=") and "Fix: " in found["sentence"]
    assert all(word in found["sentence"] for word in words), found["sentence"]


def test_a_secret_is_never_shown() -> None:
    class Templates(Mapping[str, Any]):
        """As hostvars are: a value is made when it is asked for, and that may fail."""

        def __iter__(self) -> Iterator[str]:
            return iter(["bluegreen_probe_secrets", "bluegreen_images"])

        def __len__(self) -> int:
            return 2

        def __getitem__(self, name: str) -> Any:
            raise ValueError("canary-5ecret is undefined")

    assert "canary" not in str(wrong_settings({"bluegreen_probe_secrets": "canary-5ecret"}))
    images, secrets = wrong_settings(Templates())
    assert "canary" in images["found"] and "canary" not in str(secrets)
    assert secrets["level"] == "refuse" and "can't be evaluated" in secrets["found"]


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("bluegreen_imags", "bluegreen_images"),
        ("bluegreen_image", "bluegreen_images"),
        ("bluegreen_service", "bluegreen_services"),
        ("bluegreen_probe_secret", "bluegreen_probe_secrets"),
        ("bluegreen_statedir", "bluegreen_state_dir"),
        ("bluegreen_networks_range", "bluegreen_network_range"),
        ("bluegreen_bake_time", ""),
        ("bluegreen_mine", ""),
    ],
)
def test_a_mistyped_name_is_told_with_the_right_one(name: str, meant: str) -> None:
    found = wrong_settings({name: 1})
    assert [one["level"] for one in found] == (["warn"] if meant else [])
    assert all(meant in one["fix"] for one in found)


def test_what_has_no_effect_is_told() -> None:
    (key,) = wrong_settings({"bluegreen_watch": {"windw": 60}})
    assert key["name"] == "bluegreen_watch.windw" and key["fix"] == "write window" and key["level"] == "warn"
    (own,) = wrong_settings({"bluegreen_described": {}})
    assert own["level"] == "warn" and "collection's own" in own["found"]
    assert wrong_settings({"bluegreen_version": "v1", "bluegreen_decision": {}, "bluegreen_settings": []}) == []


def test_every_variable_of_the_playbooks_is_known() -> None:
    texts = [path.read_text() for path in (ROOT / "playbooks").rglob("*.yml")]
    used = {name for text in texts for name in re.findall(r"\bbluegreen_[a-z_]*[a-z]\b", text)}
    assert len(used) > 20
    assert used - set(SETTINGS) - INTERNAL_VARS == set(), "name it in plugin_utils/settings.py"
    assert not set(SETTINGS) & INTERNAL_VARS


def test_no_setting_is_taken_for_another() -> None:
    assert wrong_settings({"bluegreen_learned": {}}) != []
    assert {one.type for one in SETTINGS.values()} <= set(TYPES)
