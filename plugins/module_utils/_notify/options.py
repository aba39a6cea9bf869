# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a module has to know to tell of an end: where a message goes, and where the metrics lie."""

from __future__ import annotations

from .._core.argspec import ArgumentSpec

SPEC = ArgumentSpec(
    {
        "notify": {"type": "dict", "default": {}},
        "notify_url": {"type": "str", "default": "", "no_log": True},
        "textfile": {"type": "str", "default": ""},
    }
)
