# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pure half of a JSON edge: which handlers are rewritten, which are refused, and that all of it comes off again."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from ansible_collections.olympus.bluegreen.plugins.module_utils._caddy import configured, jsonconfig, jsonlog
from ansible_collections.olympus.bluegreen.plugins.module_utils._caddy.forms import Upstream
from ansible_collections.olympus.bluegreen.plugins.module_utils._caddy.public import public_names
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import Refused

ROOT = "/config/olympus-bluegreen/switch"
HERA = Upstream("hera", "10.0.0.1", "10.0.1.1", ui=True)
PORT = Upstream("hera", "127.0.0.1:3100", "127.0.0.1:22000", written="localhost:3100")


def proxy(dial: str, **more: Any) -> dict[str, Any]:
    return {"handler": "reverse_proxy", "upstreams": [{"dial": dial}], **more}


def config(*handlers: dict[str, Any]) -> dict[str, Any]:
    routes = [{"match": [{"host": ["a.test"], "path": ["/in/*"]}], "handle": list(handlers)}]
    return {"apps": {"http": {"servers": {"s": {"listen": [":80"], "routes": routes}}}}}


def adapted(dial: str) -> dict[str, Any]:
    """What the adapter makes of a template with one target, cut down to what is read of it."""

    def one(colour: str, marker: str) -> dict[str, Any]:
        header = {"response": {"set": {"X-Bluegreen-Colour": [colour]}}}
        return {
            "match": [{"file": {"root": ROOT, "try_files": [marker]}}],
            "handle": [{"handler": "reverse_proxy", "headers": header, "upstreams": [{"dial": dial % colour}]}],
        }

    routes = [one("green", "green"), one("blue", "ready"), {"handle": [{"handler": "reverse_proxy"}]}]
    inner = {"handler": "subroute", "routes": [{"handle": [{"handler": "subroute", "routes": routes}]}]}
    site = {"match": [{"host": ["bluegreen1.invalid"]}], "handle": [inner]}
    log = {"writer": {"filename": "/config/olympus-bluegreen/log/access.log"}, "encoder": {"format": "json"}}
    return {"apps": {"http": {"servers": {"s": {"routes": [site]}}}}, "logging": {"logs": {"log0": log}}}


def switched(before: dict[str, Any], upstream: Upstream = HERA) -> jsonconfig.Switched:
    wanted = jsonconfig.targets(before, [upstream])
    return jsonconfig.switched(before, [upstream], wanted, adapted("to-%s:1"))


def test_the_handler_is_put_into_each_route_and_comes_out_again() -> None:
    headers = {"request": {"set": {"Host": ["{http.reverse_proxy.upstream.hostport}"]}}}
    before = config(proxy("hera:3000", **{"@id": "mine"}, headers=headers, flush_interval=-1))
    given = copy.deepcopy(before)
    done = switched(before)
    ours = done.config["apps"]["http"]["servers"]["s"]["routes"][0]["handle"][0]
    assert ours["@id"] == "mine" and before == given
    for route, colour in zip(ours["routes"], ("green", "blue")):
        (handler,) = route["handle"]
        assert route["group"] == jsonconfig.ours(ours) and handler["upstreams"] == [{"dial": "to-%s:1" % colour}]
        assert handler["flush_interval"] == -1 and "@id" not in handler
        assert handler["headers"]["request"]["set"]["Host"] == ["hera:3000"]
    assert "group" not in ours["routes"][2]
    assert jsonconfig.restored(done.config, done.made) == before
    assert switched(done.config).config == done.config


def test_copies_of_one_handler_are_told_apart() -> None:
    done = switched(config(proxy("hera:3000"), proxy("hera:3000")))
    assert len(done.made) == 2 and switched(config(proxy("hera:3000"), proxy("hera:3000"))).made == done.made


@pytest.mark.parametrize(
    ("handler", "said"),
    [
        (proxy("hera:3000", upstreams=[{"dial": "hera:3000"}, {"dial": "x:1"}]), "among several upstreams"),
        (
            {"handler": "reverse_proxy", "dynamic_upstreams": {"source": "a", "name": "x"}},
            "dynamic_upstreams are asked at each request",
        ),
        (proxy("{http.request.host}:80"), r"only a request knows whom \{http.request.host\}:80 means"),
        (proxy("{env.X}{labels.1}:80"), "only a request knows"),
        ({"handler": "proxy", "upstreams": [{"dial": ["hera:3000"]}]}, "/upstreams/0/dial/0: hera:3000"),
        (proxy("hera:3000", headers={"response": {"require": {}, "set": {}}}), "require"),
    ],
)
def test_what_is_refused_is_named_with_its_place(handler: dict[str, Any], said: str) -> None:
    with pytest.raises(Refused, match=said):
        jsonconfig.targets(config(handler), [HERA])


def test_what_is_only_said_is_left_alone() -> None:
    said = {"handler": "static_response", "body": "hera:3000", "headers": {"X": ["http://hera:3000"]}}
    assert jsonconfig.targets(config(said, proxy("other:3000"), proxy("localhost:3100")), [HERA]) == []


def test_a_published_port_is_rewritten_and_plain_only_outside_of_the_switch() -> None:
    done = switched(config(proxy("localhost:3100")), PORT)
    assert configured.plain_names(config(proxy("localhost:3100")), [PORT], ROOT) == ["localhost:3100"]
    assert configured.plain_names(done.config, [PORT], ROOT) == []
    assert public_names(done.config, ROOT) == [{"host": "a.test", "path": "/in/"}]


@pytest.mark.parametrize("logs", [None, {}, {"logger_names": {"a.test": ["own"]}, "default_logger_name": "rest"}])
def test_the_log_comes_off_again(logs: dict[str, Any] | None) -> None:
    before = config(proxy("hera:3000"))
    if logs is not None:
        before["apps"]["http"]["servers"]["s"]["logs"] = logs
    done = switched(before).config
    with_log, _warnings = jsonlog.with_log(done, adapted("%s"), ROOT)
    assert with_log["logging"]["logs"]["bluegreen"]["include"]
    assert jsonlog.with_log(with_log, adapted("%s"), ROOT)[0] == with_log
    assert jsonlog.without_log(with_log) == done
