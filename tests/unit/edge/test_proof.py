# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What differs between what runs and what a file says: its places, never its values."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.adopt.reference import sites
from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.config.differences import differences

VALUES = st.recursive(
    st.integers(0, 3) | st.none() | st.sampled_from(["x", "y"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["a", "b", "c"]), inner, max_size=3),
    max_leaves=15,
)


@given(VALUES, VALUES)
def test_there_is_a_difference_exactly_where_they_are_not_equal(one: Any, other: Any) -> None:
    assert bool(list(differences(one, other))) is (json.dumps(one, sort_keys=True) != json.dumps(other, sort_keys=True))


def route(host: str, body: str) -> dict[str, Any]:
    return {"match": [{"host": [host]}], "handle": [{"handler": "static_response", "body": body}]}


CONFIG = {"apps": {"http": {"servers": {"srv0": {"routes": [route("a.test", "s3cret"), route("b.test", "two")]}}}}}
ROUTES = "/apps/http/servers/srv0/routes"


@pytest.mark.parametrize(
    ("change", "paths", "named"),
    [
        (lambda routes: routes[1]["handle"][0].update(body="n3w"), [ROUTES + "/1/handle/0/body"], ["b.test"]),
        (lambda routes: routes.insert(0, route("c.test", "x")), [ROUTES + "/0"], ["c.test"]),
        (lambda routes: routes.pop(0), [ROUTES + "/0"], ["a.test"]),
        (lambda routes: routes.append({"handle": []}), [ROUTES + "/2"], ["(any name)"]),
    ],
)
def test_the_places_and_sites_are_named_and_no_value(change: Any, paths: list[str], named: list[str]) -> None:
    said = copy.deepcopy(CONFIG)
    change(said["apps"]["http"]["servers"]["srv0"]["routes"])
    assert (list(differences(CONFIG, said)), sites(CONFIG, said)) == (paths, named)
    assert not any(value in path for path in paths for value in ("s3cret", "n3w"))
