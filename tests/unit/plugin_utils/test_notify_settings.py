# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is wrong with the settings of messages and metrics, said on the controller."""

from __future__ import annotations

from typing import Any

import pytest
from kit.receiver import SECRET

from ansible_collections.olympus.bluegreen.plugins.plugin_utils.deployment import deployment
from ansible_collections.olympus.bluegreen.plugins.plugin_utils.setting_checks import wrong_settings


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"notify": {"kind": "teams"}}, "bluegreen_notify.kind='teams': not one of webhook, slack."),
        ({"notify": {"events": ["verdicts"]}}, "bluegreen_notify.events='verdicts': not one of migrate"),
        ({"notify": {"file": "/x"}}, "bluegreen_notify.file=unknown: not a known key."),
        ({"notify": "https://x"}, "bluegreen_notify='https://x': not a dictionary."),
        ({"notify": {"url": "https://x/" + SECRET}}, "bluegreen_notify.url=(hidden): not a place for a secret."),
        ({"notify_url": ["https://x/" + SECRET]}, "bluegreen_notify_url=list: not "),
        ({"textfile": 3}, "bluegreen_textfile=3: not "),
    ],
)
def test_it_is_refused_by_one_sentence(given: dict[str, Any], says: str) -> None:
    (row,) = wrong_settings({"bluegreen_" + name: value for name, value in given.items()})
    assert row["level"] == "refuse" and row["sentence"].startswith(says), row["sentence"]
    assert SECRET not in str(row)


def test_blank_answers_are_none() -> None:
    assert wrong_settings({"bluegreen_notify_url": "", "bluegreen_textfile": " "}) == []


def test_the_address_is_no_part_of_the_description() -> None:
    given = {"bluegreen_notify": {"kind": "slack"}, "bluegreen_notify_url": "https://x/" + SECRET}
    described = deployment(given)
    assert described["notify"] == {"kind": "slack"} and SECRET not in str(described)
