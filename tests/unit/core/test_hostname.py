# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One name has one spelling, however it was written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import BluegreenError
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.hostname import ascii_host, spelled


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("", ""),
        ("login.example.test", "login.example.test"),
        ("Login.Example.test.", "login.example.test"),
        ("bücher.test", "xn--bcher-kva.test"),
        ("BÜCHER.TEST.", "xn--bcher-kva.test"),
        ("bu\u0308cher.test", "xn--bcher-kva.test"),
        ("XN--Bcher-KVA.test", "xn--bcher-kva.test"),
        ("пример.test", "xn--e1afmkfd.test"),
        ("例え.テスト", "xn--r8jz45g.xn--zckzah"),
        ("例え。テスト", "xn--r8jz45g.xn--zckzah"),
        # As browsers and Caddy have them: IDNA2003 makes strasse of the first, another domain.
        ("straße.test", "xn--strae-oqa.test"),
        ("ΦΆΡΟς.test", "xn--hxa2bffq.test"),
        ("\u0646\u0627\u0645\u0647\u200c\u0627\u06cc.test", "xn--mgba3gch31f060k.test"),
        ("\uff4c\uff4f\uff47in.test", "login.test"),
        # What is no IDN at all.
        ("*.bücher.test", "*.xn--bcher-kva.test"),
        ("_dmarc.Example.test", "_dmarc.example.test"),
        ("127.0.0.1", "127.0.0.1"),
        ("2001:DB8::1", "2001:db8::1"),
        ("bücher.test:8443", "xn--bcher-kva.test:8443"),
    ],
)
def test_one_name_has_one_spelling(name: str, found: str) -> None:
    assert ascii_host(name) == found == ascii_host(found) == ascii_host(found + "." if found else "")


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("a..test", "a label is empty"),
        (".", "a label is empty"),
        (".test", "a label is empty"),
        ("ü" * 60 + ".test", "longer than 63"),
        ("a." * 130 + "test", "longer than 253"),
        ("xn--bücher.test", "begins with xn--"),
        ("bü\u00a0\ufffdcher.test", "nvalid character"),
    ],
)
def test_what_is_no_name_is_named(name: str, why: str) -> None:
    with pytest.raises(BluegreenError, match=why) as told:
        ascii_host(name, "public")
    assert told.value.option == "public" and told.value.value == name and "Fix: write the name" in str(told.value)
    assert why in str(told.value)
    with pytest.raises(BluegreenError, match="not a host name '"):
        ascii_host(name)
    assert spelled(name) == name


@given(st.text())
def test_any_text_is_a_spelling_that_stays_or_an_error_of_ours(name: str) -> None:
    try:
        found = ascii_host(name)
    except BluegreenError:
        assert spelled(name) == name
        return
    assert found.isascii() and found == found.lower() == ascii_host(found)
