# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The command line that Kratos and Hydra share."""

from __future__ import annotations

from collections.abc import Sequence


def config_files(words: Sequence[str]) -> list[str]:
    """The values of -c and --config in their order, in every form that the flag takes (-c F, -c=F, -cF, --config=F)."""
    found: list[str] = []
    rest = iter(words)
    for word in rest:
        if word in ("-c", "--config"):
            found.append(next(rest, ""))
        elif word.startswith("--config="):
            found.append(word.partition("=")[2])
        elif word.startswith("-c") and not word.startswith("--"):
            found.append(word[2:].lstrip("="))
    return [path for path in found if path]
