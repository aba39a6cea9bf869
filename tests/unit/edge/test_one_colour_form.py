# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The form that names one colour: text, JSON, and the one write between two configurations."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import BluegreenError
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.podman import Podman
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.runner import Result, SubprocessRunner
from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.adopt.journal import half_written, overwrite
from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.config import one_colour_form
from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.config.caddyfile_rewrite import rewrite
from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.config.lexer import CaddyfileError
from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.config.upstream import Upstream
from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.running.base import EdgeOptions
from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.running.container import PodmanEdge
from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.running.find import edge_options

UPSTREAMS = (
    Upstream("hera", "10.0.1.2", "10.0.2.2", True),
    Upstream("kratos", "10.0.1.3", "10.0.2.3"),
    Upstream("site", "127.0.0.1:3100", "127.0.0.1:22000", False, "localhost:3100"),
)
FILE = """http://a.test {
    @api path /api/*
    reverse_proxy @api http://kratos:4433 {
        # of the operator
        header_up X-Kept yes
    }
    reverse_proxy hera:3000 fallback:80 {
        lb_policy first
    }
}

http://b.test {
    reverse_proxy {
        to localhost:3100
        header_up X-Said {upstream_hostport}
    }
}
""".replace("    ", "\t")


def fix(text: str, colour: str = "blue", mount: str = "/config", named_log: bool = True) -> str:
    return rewrite(text, UPSTREAMS, mount, named_log=named_log, colour=colour).text


def test_every_proxy_stays_one_and_says_both_addresses() -> None:
    done = fix(FILE)
    assert done.count("reverse_proxy") == FILE.count("reverse_proxy") + 1
    api, hera = "http://10.0.1.3:4433 http://10.0.2.3:4433", "10.0.1.2:3000 10.0.2.2:3000"
    for lines in (
        ("reverse_proxy @api {", "import bluegreen_live " + api, "# of the operator", "header_up X-Kept yes"),
        ("reverse_proxy {", "import bluegreen_live " + hera, "to fallback:80", "lb_policy first"),
        ("import bluegreen_live 127.0.0.1:3100 127.0.0.1:22000", "header_up X-Said localhost:3100"),
    ):
        assert "\n\t\t".join(lines) in done
    assert "to {args[0]}\n\theader_down X-Bluegreen-Colour blue\n" in done and done.count("import bluegreen_log") == 2


@pytest.mark.parametrize("named_log", [True, False])
def test_a_flip_edits_three_words(named_log: bool) -> None:
    blue, green = (fix(FILE, colour, named_log=named_log) for colour in ("blue", "green"))
    changed = [(one, other) for one, other in zip(blue.splitlines(), green.splitlines()) if one != other]
    assert len(changed) == 3 and len(blue.splitlines()) == len(green.splitlines())
    assert (
        one_colour_form.with_live_colour(blue, "green") == green
        and one_colour_form.with_live_colour(green, "blue") == one_colour_form.with_live_colour(blue, "blue") == blue
    )
    assert fix(blue, "green", named_log=named_log) == green and fix(green, "green", named_log=named_log) == green
    assert one_colour_form.with_live_colour(FILE, "green") == FILE


def test_an_edit_of_an_adopted_file_leaves_our_own_imports() -> None:
    """Where a port of this host is dialled, blue keeps it: our snippet is handed an upstream that looks like his."""
    green = fix(FILE, "green")
    edited = green + "http://more.test {\n\trespond more\n}\n"
    assert fix(edited, "green") == edited


def test_an_edge_without_a_volume_has_no_log_of_ours() -> None:
    done = rewrite(FILE, UPSTREAMS, "", colour="blue")
    assert "bluegreen_log" not in done.text and "no mount for an access log" in " ".join(done.warnings)


def test_what_it_cannot_do_is_refused() -> None:
    with pytest.raises(CaddyfileError, match=r"Caddyfile:2: .*named route.*edge\.method: switch"):
        fix("&(shared) {\n\treverse_proxy hera:3000\n}\nhttp://a.test {\n\tinvoke shared\n}\n")
    with pytest.raises(CaddyfileError, match=r"Caddyfile:2: hera:3000 twice in one proxy"):
        fix("http://a.test {\n\treverse_proxy hera:3000 hera:3000\n}\n")
    with pytest.raises(BluegreenError, match=r"edge\.method='admin'.*one of switch, reload"):
        edge_options({"method": "admin"})


def proxy(dial: str, colour: str, idle: str) -> dict[str, Any]:
    kept = {"match": {"status_code": [999]}, "routes": [{"handle": [plain(idle)]}]}
    headers = {"response": {"set": {"X-Bluegreen-Colour": [colour]}}}
    return {**plain(dial), "headers": headers, "handle_response": [kept]}


def plain(dial: str) -> dict[str, Any]:
    return {"handler": "reverse_proxy", "upstreams": [{"dial": dial}]}


def test_json_is_turned_and_nothing_else_of_it() -> None:
    blue, green = "10.0.1.2:3000", "10.0.2.2:3000"
    written = proxy("127.0.0.1:3100", "blue", "127.0.0.1:22000")
    config = {"a": [proxy(blue, "blue", green), plain(blue), written], "b": "10.0.1.2:3000"}
    wanted = {
        "a": [proxy(green, "green", blue), plain(blue), proxy("127.0.0.1:22000", "green", "127.0.0.1:3100")],
        "b": "10.0.1.2:3000",
    }
    before = copy.deepcopy(config)
    assert one_colour_form.config_with_live_colour(config, UPSTREAMS, "green") == wanted and config == before
    assert one_colour_form.config_with_live_colour(wanted, UPSTREAMS, "blue") == config
    assert one_colour_form.colours(config) == {"blue"} and one_colour_form.colours([plain(blue)]) == set()


VALUES = st.recursive(
    st.integers(0, 2) | st.sampled_from(["x", "y"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b", "c/d", "e f"]), inner),
    max_leaves=12,
)


@given(VALUES, VALUES)
def test_one_write_makes_one_of_the_other(before: Any, after: Any) -> None:
    """What Caddy does with the path and the value."""
    path, value = one_colour_form.smallest(before, after)
    made = {"root": json.loads(json.dumps(before))}
    keys: list[Any] = ["root", *[unquote(one) for one in path.split("/")[1:]]]
    there: Any = made
    for key in keys[:-1]:
        there = there[int(key)] if isinstance(there, list) else there[key]
    there[int(keys[-1]) if isinstance(there, list) else keys[-1]] = value
    assert made["root"] == after


def test_a_write_is_no_larger_than_what_changes() -> None:
    before = {"apps": {"s": [{"x": 1, "y": [1, 2]}, {"z": 3}]}}
    after = {"apps": {"s": [{"x": 1, "y": [1, 5]}, {"z": 3}]}}
    assert one_colour_form.smallest(before, after) == ("/apps/s/0/y/1", 5)
    after["apps"]["s"][1] = {"z": 4}
    assert one_colour_form.smallest(before, after) == ("/apps/s", after["apps"]["s"])


def test_a_shorter_file_loads_also_before_it_is_cut_off(tmp_path: Path) -> None:
    path, old, new = tmp_path / "file", b'{"a": "longer"}\n', b'{"a": 1}\n'
    path.write_bytes(old)

    def step(name: str) -> None:
        if name == "truncate":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        overwrite(str(path), new, step)
    assert json.loads(path.read_text()) == {"a": 1} and half_written(path.read_bytes(), new, old)
    overwrite(str(path), new, lambda _name: None)
    assert path.read_bytes() == new


class OneContainer(SubprocessRunner):
    def run(self, argv: Any, **_more: Any) -> Result:
        found = [{"Id": "1", "Name": "prod_caddy_1", "State": {"Pid": 7}, "Mounts": [], "Config": {"Labels": {}}}]
        return Result(0, json.dumps(found if "inspect" in argv else ["1"]) if "ps" not in argv else "1\n", "")


def test_a_container_without_a_volume() -> None:
    """The switch is of no use to it, so it may lie on the host; with the method ``switch`` it must be seen."""
    podman = Podman(OneContainer())
    options = EdgeOptions("/f", mount="", method="reload", switch_dir="/var/lib/there")
    place = PodmanEdge(podman, "prod", options).place()
    assert (place.directory, place.pid) == ("/var/lib/there/olympus-bluegreen", 7)
    assert PodmanEdge(podman, "prod", options).hidden(place.directory) == ""
    with pytest.raises(BluegreenError, match="no writable volume"):
        PodmanEdge(podman, "prod", EdgeOptions("/f", mount="")).place()
