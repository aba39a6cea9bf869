# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Brackets that a second reading drops, and those that say something."""

from __future__ import annotations

import pytest

from ansible_collections.olympus.bluegreen.plugins.module_utils._schema.catalog.grouping import flattened


@pytest.mark.parametrize(
    ("text", "flat"),
    [
        # What BETWEEN becomes, before and after a dump.
        ("CHECK ((((a >= 1) AND (a <= 6)) AND (b OR c)))", "CHECK (((a >= 1) AND (a <= 6) AND (b OR c)))"),
        ("(x OR ((a OR b) OR c))", "(x OR a OR b OR c)"),
        ("(((a AND b) AND c) AND d)", "(a AND b AND c AND d)"),
        # These stay.
        ("((a OR b) AND c)", "((a OR b) AND c)"),
        ("(NOT (a AND b) AND c)", "(NOT (a AND b) AND c)"),
        ("(f(a AND b) AND c)", "(f(a AND b) AND c)"),
        ("((a AND b) IS TRUE AND c)", "((a AND b) IS TRUE AND c)"),
        ("('((a AND b) AND c)' = x AND ((y)))", "('((a AND b) AND c)' = x AND ((y)))"),
        ("(a AND b) AND c", "(a AND b) AND c"),
        ("((a AND b) AND c", "((a AND b) AND c"),
        ("a AND b)", "a AND b)"),
        ("it's a AND b", "it's a AND b"),
        ("no operator ((a))", "no operator ((a))"),
    ],
)
def test_brackets(text: str, flat: str) -> None:
    assert flattened(text) == flat and flattened(flat) == flat
