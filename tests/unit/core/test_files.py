# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files keep what was written, in the order in which it was written."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.files import read_json, write_json


def test_the_order_of_services_survives(tmp_path: Path) -> None:
    """Their order gives their addresses: sorted, the watcher would ask the wrong containers."""
    write_json(str(tmp_path / "config.json"), {"services": {"site": {}, "ciam-kratos": {}, "ciam-hera": {}}})
    assert list(read_json(str(tmp_path / "config.json"))["services"]) == ["site", "ciam-kratos", "ciam-hera"]
