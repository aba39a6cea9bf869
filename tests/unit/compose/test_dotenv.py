# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Environment files read as podman-compose reads them, without the variables of the process that runs the module."""

from __future__ import annotations

import io

import pytest
from dotenv import dotenv_values
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.release.compose_files import parse_env

CASES = [
    "A=1\nB = two words \n",
    "export DSN=postgres://u:p@h/db?x=1#frag\n",
    "A='single $NOT ${A}'\nB=\"double\\nline\"\n",
    "A=x # comment\nB=x# not\nC= # empty\nD=#value\n",
    "A=1\nB=${A}-${C:-d}-${D}\n",
    "A\nB=\n",
    'KEY="multi\nline" # end\nNEXT=1',
    "BROKEN='never closed\nNEXT=1\n",
    "A=p@ss$word\r\nB=2\r\n",
    "\ufeffA=1",
]


def theirs(text: str) -> dict[str, str | None]:
    return dict(dotenv_values(stream=io.StringIO(text, newline="")))


@pytest.mark.parametrize("text", CASES)
def test_known_forms(text: str) -> None:
    assert parse_env(text) == theirs(text)


ALPHABET = st.sampled_from(list("AB= '\"#\\$\n\r\t{}:-xn") + ["export ", "${A}", "é"])


@settings(max_examples=2000)
@given(st.lists(ALPHABET, max_size=30).map("".join))
@example("A='a'b\nB=1")
def test_any_text(text: str) -> None:
    assert parse_env(text, {}) == theirs(text)
