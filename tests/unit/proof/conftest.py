# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from collections.abc import Iterator

import pytest
from kit import majors
from kit.shadow_native import Pair, Place


@pytest.fixture(scope="session")
def pair() -> Iterator[Pair]:
    """Production, which answers at several addresses and logs each statement, and the shadow."""
    everywhere = "127.0.0.1,127.0.0.2,::1"
    settings = {"listen_addresses": everywhere, "log_statement": "all", "log_line_prefix": "%p|%a|"}
    with majors.server(18, **settings) as production, majors.server(18) as shadow:
        yield Pair(production, Place(shadow))
