# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The net difference of two looks at one database, each part of it classified. Pure."""

from __future__ import annotations

from .changes import Change
from .snapshot import Snapshot


def changes(before: Snapshot, after: Snapshot) -> tuple[Change, ...]:
    return ()
