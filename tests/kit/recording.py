# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A runner that runs for real and keeps every command line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.runner import Result, SubprocessRunner


class Recording(SubprocessRunner):
    def __init__(self) -> None:
        super().__init__()
        self.seen: list[list[str]] = []

    def run(self, argv: Sequence[str], **given: Any) -> Result:
        self.seen.append(list(argv))
        return super().run(argv, **given)
