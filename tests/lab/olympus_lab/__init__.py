# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, the olympus.bluegreen authors
"""The lab: a real Olympus on one machine, brought up and taken away by ``python -m olympus_lab``."""

from __future__ import annotations

from pathlib import Path

from olympus_lab import config


def ca() -> Path:
    """Path of Caddy's root certificate (PEM), copied out of its volume by ``up``; absent before that."""
    return config.CA_FILE
