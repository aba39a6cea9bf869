# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""``upstreams`` of caddy_upstream: what each colour is dialled by, where no compose project says it."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import Refused
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.podman import Podman
from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.config.upstream import Upstream
from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.options import SPEC, given, reached


def entry(dial: str = "web:80", blue: str = "10.1.1.2:80", green: str = "10.1.1.3:8080", ui: bool = False) -> Any:
    return {"dial": dial, "blue": blue, "green": green, "ui": ui}


class Nobody:
    def run(self, argv: Any, **more: Any) -> Any:
        raise AssertionError("podman was asked: %s" % argv)


def test_no_podman_no_project_and_no_range_is_asked_for() -> None:
    params, wrong = SPEC.validated({"edge": {"kind": "native"}, "network_range": "", "upstreams": [entry("api:8080")]})
    assert not wrong
    found = reached(params, Podman(Nobody()))
    assert found.record is None
    assert found.upstreams == (Upstream("api:8080", "10.1.1.2:80", "10.1.1.3:8080", False, "api:8080"),)


@pytest.mark.parametrize(
    "dial, ways",
    [
        ("localhost:9001", ["localhost:9001", "127.0.0.1:9001", ":9001", "[::1]:9001"]),
        (":9001", [":9001", "localhost:9001", "127.0.0.1:9001", "[::1]:9001"]),
        ("web:80", ["web:80", "web"]),
        ("[fd00::2]:80", ["[fd00::2]:80"]),
        ("192.0.2.7:9001", ["192.0.2.7:9001"]),
    ],
)
def test_each_form_of_the_same_end_is_known(dial: str, ways: list[str]) -> None:
    found = given([entry(dial, ui=True)])
    assert [one.written for one in found] == ways and all(one.ui for one in found)
    assert {(one.service, one.blue, one.green) for one in found} == {(dial, "10.1.1.2:80", "10.1.1.3:8080")}


@pytest.mark.parametrize(
    "entries, sentence",
    [
        ([entry("http://web:80")], "upstreams.dial='http://web:80': not host:port"),
        ([entry("web")], "upstreams.dial='web': not host:port"),
        ([entry(green="10.1.1.3")], "upstreams.green='10.1.1.3': not host:port"),
        ([entry(green="10.1.1.2:80")], "upstreams.green='10.1.1.2:80': both colours of web:80 are the same"),
        ([entry(), entry()], "upstreams.dial='web:80': web:80 is there twice"),
        ([entry("localhost:80"), entry("127.0.0.1:80")], "upstreams.dial='127.0.0.1:80': "),
    ],
)
def test_what_can_not_be_meant_is_refused(entries: list[Any], sentence: str) -> None:
    with pytest.raises(Refused) as refused:
        given(entries)
    assert str(refused.value).startswith(sentence) and "Fix: " in str(refused.value)


def test_nothing_at_all_is_refused_with_both_ways() -> None:
    params, _wrong = SPEC.validated({"state": "adopted", "edge": {"kind": "native"}})
    with pytest.raises(Refused, match="give upstreams; or project and services"):
        reached(params, Podman(Nobody()))
