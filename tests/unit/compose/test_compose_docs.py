# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/compose.md says of every key what the code does with it."""

from __future__ import annotations

import re
from pathlib import Path

from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.release import service_keys
from ansible_collections.olympus.bluegreen.plugins.module_utils._core import publish

TEXT = (Path(__file__).resolve().parents[3] / "docs/compose.md").read_text()


def rows() -> dict[str, str]:
    table = TEXT.split("## Keys of a service")[1].split("\n\n")[1]
    found = {}
    for line in table.splitlines()[2:]:
        names, words = line.strip("| ").split(" | ")
        found.update(dict.fromkeys(re.findall(r"`([^`]+)`", names), words))
    return found


def test_the_table_is_the_codes() -> None:
    refused = {k: "refused: %s; %s" % both for k, both in service_keys.REFUSED.items() if k not in service_keys.CHANGED}
    kept = dict.fromkeys(service_keys.KEPT, "as written; `--watch-courier` is taken out of a Kratos command")
    assert rows() == {**kept, **service_keys.CHANGED, **refused}


def test_the_figures_are_the_codes() -> None:
    assert "`{blue: 21000, green: 22000}`; the two have to be %d apart" % publish.ROOM in TEXT
