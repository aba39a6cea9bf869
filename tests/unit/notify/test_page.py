# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""docs/notifications.md shows what is sent and written."""

from __future__ import annotations

import json
import re
from pathlib import Path

import yaml
from prometheus_client.parser import text_string_to_metric_families as parsed

from ansible_collections.olympus.bluegreen.plugins.module_utils._deployment.tree import TOLD
from ansible_collections.olympus.bluegreen.plugins.module_utils._notify import message, send
from ansible_collections.olympus.bluegreen.plugins.module_utils._notify.textfile import Facts, render
from ansible_collections.olympus.bluegreen.plugins.plugin_utils.setting_checks import wrong_settings

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "notifications.md").read_text()


def blocks(kind: str) -> list[str]:
    return re.findall(r"```%s\n(.*?)```" % kind, PAGE, re.DOTALL)


def test_the_message_of_a_verdict_has_these_facts() -> None:
    (shown,) = (json.loads(one) for one in blocks("json"))
    about = {"deployment": "olympus", "host": "web1", "at": 1796000000.0}
    sent = json.loads(message.body({}, message.of_verdict({"verdict": "FAIL", "reasons": ["x"]}), about))
    assert set(shown) == set(sent)


def test_every_event_is_in_the_table() -> None:
    rows = [line.split("|")[1] for line in PAGE.splitlines() if line.startswith("| `") and "olympus_" not in line]
    assert set(re.findall(r"`(\w+)`", "".join(rows))) == set(TOLD)


def test_every_metric_is_in_the_table_with_its_labels() -> None:
    releases = {"blue": {"release": "v1-0", "version": "v1"}}
    written = parsed(render(Facts("o", "blue", releases, "v1-0", "PASS", True, 1.0, 1.0)))
    wanted = {one.name: set(one.samples[0].labels) - {"deployment"} for one in written}
    rows = re.findall(r"^\| `(olympus_\w+)(?:{([\w,]+)})?`", PAGE, re.MULTILINE)
    assert {name: {one for one in labels.split(",") if one} for name, labels in rows} == wanted


def test_the_settings_are_taken_as_they_are_shown() -> None:
    for block in blocks("yaml"):
        shown = yaml.safe_load(block)
        if "groups" not in shown:
            assert wrong_settings(shown) == []


def test_the_patience_is_said() -> None:
    assert "%d s, with pauses" % send.WATCHER_SECONDS in PAGE and "stage tries for %d s" % send.STAGE_SECONDS in PAGE
