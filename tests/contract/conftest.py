# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which Caddy: a test that takes ``caddy`` runs on each of them."""

from __future__ import annotations

import caddy_native as native
import pytest


@pytest.fixture(params=native.CADDIES)
def caddy(request: pytest.FixtureRequest) -> str:
    return str(request.param)
