# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether what the operator wants to be told can be told, before anything is changed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from kit.preflight_world import WANTED
from kit.receiver import SECRET

from ansible_collections.olympus.bluegreen.plugins.module_utils._preflight.look_host import told


def test_what_is_not_asked_for_is_no_row() -> None:
    assert told(WANTED) == {}
    # As the module hands it on, with its defaults.
    assert told(replace(WANTED, notify={"kind": "webhook", "url_file": "", "events": []})) == {}


@pytest.mark.parametrize(
    ("notify", "url", "says"),
    [
        ({}, "https://hooks.example.com/" + SECRET, ""),
        ({}, "hooks.example.com/" + SECRET, "no http or https address"),
        ({"kind": "slack"}, "", "has no address"),
        ({"events": ["failed"]}, "", "has no address"),
        ({"url_file": "/nowhere/hook"}, "", "cannot be read"),
    ],
)
def test_the_address(notify: dict[str, Any], url: str, says: str) -> None:
    found = told(replace(WANTED, notify=notify, notify_url=url))["notify"]
    assert (says in found if says else found == "") and SECRET not in found


def test_the_place_of_the_metrics(tmp_path: Path) -> None:
    assert told(replace(WANTED, textfile=str(tmp_path / "o.prom")))["textfile"] == ""
    assert "no directory" in told(replace(WANTED, textfile=str(tmp_path / "none/o.prom")))["textfile"]
