# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A registry is asked in words that Podman 4.3 (Debian 12) knows (R23); tests/real/test_registry.py asks a real one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.release import images
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.podman import Podman
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.runner import Result

ONE_IMAGE = 'Error: parsing manifest blob "{}" as a manifest list: unrecognised manifest MIME type'
MISSING = 'Error: reading image "docker://r.test/hera:v9": reading manifest v9 in r.test/hera: manifest unknown'


class Debian12:
    """Podman 4.3: a reference with a transport before it is none; ``there`` are the tags that the registry has."""

    def __init__(self, *there: str) -> None:
        self.there = there

    def run(self, argv: Sequence[str], **_given: Any) -> Result:
        assert list(argv[-3:-1]) == ["manifest", "inspect"]
        if "://" in argv[-1]:
            return Result(125, "", 'Error: unsupported transport "docker" in "%s"' % argv[-1])
        return Result(125, "", ONE_IMAGE if argv[-1] in self.there else MISSING)


@pytest.mark.parametrize(("tag", "state"), [("v1", "resolvable"), ("v9", "missing")])
def test_a_registry_is_asked_as_podman_4_3_knows(tag: str, state: str) -> None:
    assert images.ask(Podman(Debian12("r.test/hera:v1")), "r.test/hera:" + tag).state == state
