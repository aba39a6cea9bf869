# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, the olympus.bluegreen authors
"""What the benches share: figures with intervals, tables, the client, and the edges under test."""

from __future__ import annotations


def say(text: str) -> None:
    print("bench: " + text, flush=True)
