# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a killed run was joining is taken off again where podman can tell nothing of it, and only there."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.olympus.bluegreen.plugins.module_utils._compose import joining
from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.model import Wanted
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.podman import HALF_JOINED, Podman
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.runner import Result


class Asked:
    def __init__(self, half: bool) -> None:
        self.half, self.changes = half, list[tuple[str, ...]]()

    def run(self, argv: Sequence[str], **_more: Any) -> Result:
        if "inspect" in argv:
            return Result(125, "[]", "Error: %s: asked to join 2" % HALF_JOINED) if self.half else Result(0, "[{}]", "")
        self.changes.append(tuple(argv))
        return Result(125, "", "no such device")


class Killed(BaseException):
    pass


def killed(wanted: Wanted) -> None:
    with pytest.raises(Killed), joining.noted(wanted, "prod_postgres_1", "olympus-green"):
        raise Killed


@pytest.mark.parametrize("half", [True, False], ids=["half joined", "whole"])
def test_a_killed_run_is_settled_once(half: bool, tmp_path: Path) -> None:
    wanted, asked = Wanted("olympus", str(tmp_path)), Asked(half)
    killed(wanted)
    for _twice in range(2):
        joining.settle(Podman(asked), wanted)
    assert asked.changes == [("podman", "network", "disconnect", "olympus-green", "prod_postgres_1")] * half
    assert list(tmp_path.iterdir()) == []


def test_what_was_joined_leaves_nothing(tmp_path: Path) -> None:
    wanted = Wanted("olympus", str(tmp_path))
    with joining.noted(wanted, "a", "b"):
        assert (tmp_path / "joining.json").exists()
    assert list(tmp_path.iterdir()) == []


def test_no_space_is_no_reason_not_to_join(tmp_path: Path) -> None:
    with joining.noted(Wanted("olympus", str(tmp_path / "gone")), "a", "b"):
        pass
