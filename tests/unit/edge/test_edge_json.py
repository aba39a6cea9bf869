# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pure half of a JSON edge: which handlers are rewritten, which are refused, and that all of it comes off again."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import Refused
from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.config import json_rewrite, query
from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.config.query import public_names
from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.config.upstream import Upstream

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


def switched(before: dict[str, Any], upstream: Upstream = HERA) -> json_rewrite.Switched:
    wanted = json_rewrite.targets(before, [upstream])
    return json_rewrite.switched(before, [upstream], wanted, adapted("to-%s:1"))


def test_the_handler_is_put_into_each_route_and_comes_out_again() -> None:
    headers = {"request": {"set": {"Host": ["{http.reverse_proxy.upstream.hostport}"]}}}
    before = config(proxy("hera:3000", **{"@id": "mine"}, headers=headers, flush_interval=-1))
    given = copy.deepcopy(before)
    done = switched(before)
    ours = done.config["apps"]["http"]["servers"]["s"]["routes"][0]["handle"][0]
    assert ours["@id"] == "mine" and before == given
    for route, colour in zip(ours["routes"], ("green", "blue")):
        (handler,) = route["handle"]
        assert route["group"] == json_rewrite.ours(ours) and handler["upstreams"] == [{"dial": "to-%s:1" % colour}]
        assert handler["flush_interval"] == -1 and "@id" not in handler
        assert handler["headers"]["request"]["set"]["Host"] == ["hera:3000"]
    assert "group" not in ours["routes"][2]
    assert json_rewrite.restored(done.config, done.made) == before
    assert switched(done.config).config == done.config


def test_copies_of_one_handler_are_told_apart() -> None:
    done = switched(config(proxy("hera:3000"), proxy("hera:3000")))
    assert len(done.made) == 2 and switched(config(proxy("hera:3000"), proxy("hera:3000"))).made == done.made


@pytest.mark.parametrize(
    ("handler", "said"),
    [
        (proxy("hera:3000", upstreams=[{"dial": "hera:3000"}, {"dial": "x:1"}]), "among several upstreams"),
        (
            {"handler": "reverse_proxy", "dynamic_upstreams": {"source": "a", "name": "hera"}},
            "/dynamic_upstreams: `a` is",
        ),
        ({"handler": "reverse_proxy", "dynamic_upstreams": {"source": "srv", "name": "x.test"}}, "`srv` is asked"),
        (proxy("{http.request.host.labels.2}:3000"), r"/dial: \{http.request.host.labels.2\}:3000 is known only"),
        (proxy("{env.X}{labels.1}:80"), "is known only"),
        (proxy("tcp/hera:3000"), "tcp/hera:3000 is a coloured service in a form"),
        (
            proxy("hera:3000", handle_response=[{"routes": [{"handle": [proxy("hera:3000")]}]}]),
            "/handle/0/handle_response/0/routes/0/handle/0: a coloured service inside of handle_response",
        ),
        ({"handler": "proxy", "upstreams": [{"dial": ["hera:3000"]}]}, "/upstreams/0/dial/0: hera:3000"),
        (proxy("hera:3000", headers={"response": {"require": {}, "set": {}}}), "require"),
    ],
)
def test_what_is_refused_is_named_with_its_place(handler: dict[str, Any], said: str) -> None:
    with pytest.raises(Refused, match=said):
        json_rewrite.targets(config(handler), [HERA])


def test_what_is_only_said_is_left_alone() -> None:
    said: list[dict[str, Any]] = [
        {"handler": "static_response", "body": "hera:3000", "headers": {"X": ["http://hera:3000"]}},
        {"handler": "log_append", "key": "backend", "value": "hera:3000"},
        {"handler": "rewrite", "uri": "/x?to=http://hera:3000", "uri_substring": [{"find": "hera:3000"}]},
        {"handler": "vars", "backend": "hera:3000"},
    ]
    assert json_rewrite.targets(config(*said, proxy("other:3000"), proxy("localhost:3100")), [HERA]) == []


def test_a_published_port_is_rewritten_and_plain_only_outside_of_the_switch() -> None:
    done = switched(config(proxy("localhost:3100")), PORT)
    assert query.plain_names(config(proxy("localhost:3100")), [PORT], ROOT) == ["localhost:3100"]
    assert query.plain_names(done.config, [PORT], ROOT) == []
    assert public_names(done.config, ROOT) == [{"host": "a.test", "path": "/in/"}]


def test_one_in_the_handle_response_of_another_upstream_is_switched() -> None:
    inner = proxy("hera:3000")
    before = config(proxy("other:80", handle_response=[{"routes": [{"handle": [inner]}]}]))
    done = switched(before)
    assert list(done.made.values()) == [inner] and json_rewrite.restored(done.config, done.made) == before


@pytest.mark.parametrize(
    ("placeholder", "meant"),
    [("hostport", "hera:3000"), ("host", "hera"), ("port", "3000"), ("address", "tcp/hera:3000")],
)
def test_a_placeholder_for_what_is_dialled_is_written_out_but_not_that_of_an_inner_proxy(
    placeholder: str, meant: str
) -> None:
    said = "{http.reverse_proxy.upstream.%s}" % placeholder
    inner = proxy("other:80", headers={"request": {"set": {"X": [said]}}})
    whole = proxy(
        "hera:3000",
        headers={"request": {"set": {"X": [said]}}},
        transport={"protocol": "http", "tls": {"server_name": said}},
        handle_response=[{"routes": [{"handle": [inner]}]}],
    )
    (ours,) = [one for _path, one in json_rewrite.places(switched(config(whole)).config) if json_rewrite.ours(one)]
    made = ours["routes"][0]["handle"][0]
    assert made["headers"]["request"]["set"]["X"] == [meant] and made["transport"]["tls"]["server_name"] == meant
    assert made["handle_response"][0]["routes"][0]["handle"] == [inner]


def without_log(config: Any) -> Any:
    """``config`` without it, and without what is empty then."""
    wanted = copy.deepcopy(config)
    for server in wanted["apps"]["http"]["servers"].values():
        if server.get("logs") == {"default_logger_name": "bluegreen"}:
            del server["logs"]
    logs = wanted.get("logging", {}).get("logs", {})
    logs.pop("bluegreen", None)
    default = logs.get("default", {})
    default["exclude"] = [one for one in default.get("exclude", []) if one != "http.log.access.bluegreen"]
    if not default["exclude"]:
        del default["exclude"]
    if not logs.get("default", True):
        del logs["default"]
    for holder, name in ((wanted.get("logging", {}), "logs"), (wanted, "logging")):
        if holder.get(name) == {}:
            del holder[name]
    return wanted


@pytest.mark.parametrize("logs", [None, {}, {"logger_names": {"a.test": ["own"]}, "default_logger_name": "rest"}])
def test_the_log_comes_off_again(logs: dict[str, Any] | None) -> None:
    before = config(proxy("hera:3000"))
    if logs is not None:
        before["apps"]["http"]["servers"]["s"]["logs"] = logs
    done = switched(before).config
    with_log, _warnings = json_rewrite.with_log(done, adapted("%s"), ROOT)
    assert with_log["logging"]["logs"]["bluegreen"]["include"]
    assert json_rewrite.with_log(with_log, adapted("%s"), ROOT)[0] == with_log
    assert without_log(with_log) == done
