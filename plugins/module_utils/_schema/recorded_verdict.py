# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the proof said of a target: ``releases/<id>/schema/proof.json``, which lies beside the targets' own results."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import BluegreenError
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.files import read_mapping

FILE = "proof.json"
VERDICTS = ("SAFE", "SAFE_IF_EXERCISED", "BREAKS", "NOT_JUDGED")
NONE: dict[str, Any] = {
    "verdict": "NOT_JUDGED",
    "hop": "",
    "reasons": [],
    "untried": [],
    "bridges": [],
    "accepted": {},
}


def path(state_dir: str, release: str) -> str:
    return os.path.join(state_dir, "releases", release, "schema", FILE)


def of_target(state_dir: str, release: str, target: str, image: str) -> dict[str, Any]:
    """The judgement on this very image, else NOT_JUDGED with the reason."""
    if not release:
        return dict(NONE)
    try:
        proof = read_mapping(path(state_dir, release))
    except BluegreenError:
        return {**NONE, "reasons": ["%s can't be read" % FILE]}
    return chosen(proof, target, image)


def chosen(proof: Mapping[str, Any], target: str, image: str) -> dict[str, Any]:
    """Pure. ``proof`` is {} where nothing was proven."""
    targets = proof.get("targets")
    one = targets.get(target) if isinstance(targets, Mapping) else None
    if not isinstance(one, Mapping):
        return dict(NONE)
    if str(one.get("new") or "") != image or one.get("verdict") not in VERDICTS:
        return {**NONE, "reasons": ["the proof was made with another image"]}
    return {key: type(default)(one.get(key) or default) for key, default in NONE.items()}
