# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A deployment is learned from the running stack: kinds, ports, domains, names, databases, who needs whom (R1)."""

from __future__ import annotations

from stacks import another, published

from ansible_collections.olympus.bluegreen.plugins.module_utils._discovery.learn import learn


def test_published() -> None:
    found = learn(published().looked(), {})
    assert found.problems == ()
    import json

    print(json.dumps(found.data(), indent=1))
    found = learn(another().looked(), {})
    print(json.dumps(found.data(), indent=1))
    assert 0
