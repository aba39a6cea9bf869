# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Targets: what is refused before anything is sent, and which answer is good."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import BluegreenError
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.http import Response
from ansible_collections.olympus.bluegreen.plugins.module_utils._health import checks, gate, targets
from ansible_collections.olympus.bluegreen.plugins.module_utils._watch.config import Config

URL = "http://127.0.0.1:9002/health"
EACH = {"blue": "http://127.0.0.1:9001/", "green": "http://127.0.0.1:9002/"}
PARAMS: dict[str, Any] = {
    **{name: option.get("default") for name, option in gate.GATE.options.items()},
    "deployment": "olympus",
    "state_dir": "/nowhere",
}
ORY = {"kratos": "k", "hydra": "h", "login_host": "l.test", "oauth_host": "o.test", "identifier": "p@test"}
SERVICES = {
    "k": {"kind": "kratos", "port": 1, "admin_port": 2},
    "h": {"kind": "hydra", "port": 3, "admin_port": 4},
    "site": {"kind": "site", "port": 5},
}


@pytest.mark.parametrize(
    ("one", "said"),
    [
        ({}, "it says nothing that can be asked. Fix: give one of url, tcp"),
        ({"url": URL, "tcp": "a:1"}, "it names url and tcp"),
        ({"url": "ftp://shop.test/"}, "url is no URL of http or https. Fix: write it as http://"),
        ({"url": "shop.test/health"}, "url is no URL of http or https"),
        ({"url": "http://shop.test:99999/"}, "url is no address"),
        ({"url": "http://root:canary@shop.test/"}, "url is an address with a user in it"),
        ({"url": ["http://shop.test/"]}, "url is no text"),
        ({"url": {"blue": URL, "red": URL}}, "url has other keys than blue and green"),
        ({"tcp": "127.0.0.1"}, "tcp is no host:port. Fix: write it as 127.0.0.1:9002"),
        ({"postgres": "127.0.0.1:0"}, "postgres is no host:port"),
        ({"dsn_file": "dsn"}, "dsn_file is no absolute path"),
        ({"ory": {"blue": "ciam"}}, "ory has other keys"),
        ({"tcp": "a:1", "status": [200]}, "status belongs to url, this is tcp. Fix: remove status"),
        ({"tcp": "a:1", "version": "v2"}, "version belongs to url"),
    ],
)
def test_a_wrong_target_is_one_clear_error(one: dict[str, Any], said: str) -> None:
    with pytest.raises(BluegreenError) as caught:
        targets.parse([{"name": "web", **one}])
    assert str(caught.value).startswith("targets='web': ") and said in str(caught.value)
    assert "canary" not in str(caught.value)


def test_two_of_one_name_are_refused() -> None:
    with pytest.raises(BluegreenError, match="two targets have this name"):
        targets.parse([{"name": "web", "url": URL}, {"name": "web", "tcp": "a:1"}])


def test_a_file_that_is_not_there_is_refused_before_anything_is_sent() -> None:
    with pytest.raises(BluegreenError, match="/nowhere/dsn can't be read"):
        gate.gate({**PARAMS, "targets": [{"name": "db", "dsn_file": "/nowhere/dsn"}]}, True, _nothing())
    with pytest.raises(BluegreenError, match="/nowhere/ca can't be read"):
        gate.gate({**PARAMS, "targets": [{"name": "web", "url": URL, "ca": "/nowhere/ca"}]}, True, _nothing())


def _nothing() -> Any:
    class Clock:
        def monotonic(self) -> float:
            return 0.0

    return gate.GateInputs(None, None, Clock())  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("more", "answer", "wrong"),
    [
        ({}, Response(200), ""),
        ({}, Response(204), "status 204, not 200"),
        ({}, Response(302, {"location": "/login"}), "status 302, not 200"),
        ({}, Response(0, error="refused"), "no answer (refused)"),
        ({"status": [200, 401]}, Response(401), ""),
        ({"status": 404}, Response(404), ""),
        ({"body": "ok"}, Response(200, body=b"all ok"), ""),
        ({"body": "ok"}, Response(200, body=b"down"), "the body does not contain 'ok'"),
        ({"json": {"db.up": True}}, Response(200, body=b'{"db": {"up": true}}'), ""),
        ({"json": {"db.up": "true"}}, Response(200, body=b'{"db": {"up": true}}'), ""),
        ({"json": {"nodes.1": 7}}, Response(200, body=b'{"nodes": [6, 7]}'), ""),
        ({"json": {"db.up": True}}, Response(200, body=b'{"db": {"up": false}}'), "JSON db.up is false, not true"),
        ({"json": {"db.up": True}}, Response(200, body=b"<html>"), "JSON db.up is null, not true"),
        ({"version": "v2"}, Response(200, {"x-app-version": "2"}), ""),
        ({"version": "2"}, Response(200, body=b'{"version": "v2"}'), ""),
        ({"version": "v2"}, Response(200, body=b'{"version": "v2.1"}'), "the answer does not name version v2"),
        ({"version": "1.2"}, Response(200, body=b"shop 1.2-rc1"), "the answer does not name version 1.2"),
        ({"version": "1.2"}, Response(200, body=b"shop 11.2"), "the answer does not name version 1.2"),
        ({"version": "1.2"}, Response(200, body=b"This is shop 1.2."), ""),
    ],
)
def test_which_answer_is_good(more: dict[str, Any], answer: Response, wrong: str) -> None:
    (one,) = targets.parse([{"name": "web", "url": URL, **more}])
    assert targets.judge(one, answer) == wrong


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("abc"), inner, max_size=2),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from("abc"), VALUES), st.sampled_from(["a", "a.b", "a.0", "c.1.a", ""]), VALUES)
def test_any_json_is_judged_without_an_error(body: dict[str, Any], path: str, wanted: Any) -> None:
    (one,) = targets.parse([{"name": "web", "url": URL, "json": {path: wanted}}])
    said = targets.judge(one, Response(200, body=json.dumps(body).encode()))
    assert isinstance(said, str)
    if path == "a" and body.get("a") == wanted:
        assert said == ""


# The gate's plan


def planned(**given: Any) -> list[str]:
    return ["%s %s" % (one.name, one.service) for one in checks.plan(gate.gate_plan({**PARAMS, **given}))]


def test_targets_alone_are_enough() -> None:
    asked = [{"name": "web", "url": URL}, {"name": "queue", "tcp": "127.0.0.1:1"}]
    assert planned(targets=asked) == ["ready web", "ready queue"]
    plan = gate.gate_plan({**PARAMS, "targets": asked})
    assert (checks.level(plan), checks.untested(plan)) == ("targets", [])


def test_nothing_to_ask_is_said_in_one_sentence() -> None:
    with pytest.raises(BluegreenError) as caught:
        planned()
    assert str(caught.value) == (
        "colour, services, network_range, project not given."
        " Fix: give targets, or colour, services, network_range, project"
    )


def test_an_address_of_each_colour_wants_a_colour() -> None:
    one = {"name": "web", "url": EACH}
    with pytest.raises(BluegreenError, match=r"url names an address for each colour\. Fix: give colour"):
        planned(targets=[one])
    assert planned(targets=[one], colour="green") == ["ready web"]
    with pytest.raises(BluegreenError, match=r"url names no address of green\. Fix: give green, too"):
        planned(targets=[{"name": "web", "url": {"blue": URL}}], colour="green")


def test_a_domain_of_ory_is_one_kind_of_target() -> None:
    given: dict[str, Any] = {
        "colour": "green",
        "services": SERVICES,
        "network_range": "10.231.148.0/22",
        "project": "prod",
        "probes": {"ciam": ORY, "iam": ORY},
        "probe_secrets": {"ciam": {"password": "a"}},
        "targets": [{"name": "web", "url": URL}, {"name": "login", "ory": "ciam"}],
        "checks": ["ready", "login"],
    }
    assert planned(**given) == ["ready web", "ready k", "ready h", "login k"]
    with pytest.raises(BluegreenError, match="targets='shop': no probe of this domain"):
        planned(**{**given, "targets": [{"name": "login", "ory": "shop"}]})
    with pytest.raises(BluegreenError, match="services, network_range, project not given"):
        planned(targets=given["targets"], colour="green", probes=given["probes"])


# The watch's plan


def test_a_watch_asks_the_version_of_the_new_colour_alone_and_ory_while_it_has_its_secrets() -> None:
    web = {"name": "web", "url": EACH, "version": "v2"}
    config = Config.of(
        {
            **{
                "deployment": "shop",
                "state_dir": "/nowhere",
                "release": "v2",
                "colour": "green",
                "switch_dir": "/none",
            },
            **{"services": SERVICES, "probes": {"ciam": ORY}, "probe_secrets": {"ciam": {"password": "a"}}},
            "targets": [web, {"name": "login", "ory": "ciam"}],
            "skip": ["code_flow", "tokens"],
        }
    )
    new, old = (config.gate_plan(colour).targets for colour in ("green", "blue"))
    assert ([one.version for one in new], [one.version for one in old]) == (["v2", ""], ["", ""])
    assert "login k" in config.asks() and "ready site" not in config.asks()
    # After a restart the disk has no secrets: what is left is still asked.
    left = replace(config, probe_secrets={}).askable()
    assert left.asks() == ["ready web"] and not left.untested()
