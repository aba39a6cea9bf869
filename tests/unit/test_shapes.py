# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that are not as we left them: one clear error that names the file, never a traceback."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.deployment.model import services_from
from ansible_collections.olympus.bluegreen.plugins.module_utils._core import yaml
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.clock import SystemClock
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import BluegreenError
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.files import read_json
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.http import DirectHttp
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.names import Networks
from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.config.imports import _Flat
from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.config.lexer import CaddyfileError
from ansible_collections.olympus.bluegreen.plugins.module_utils._state.directory import StateDir
from ansible_collections.olympus.bluegreen.plugins.module_utils._state.lock import Lock
from ansible_collections.olympus.bluegreen.plugins.module_utils._switch.switch import Switch
from ansible_collections.olympus.bluegreen.plugins.module_utils._watch.launch import observe


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_bytes(b"\xff\xfe{")
    with pytest.raises(BluegreenError, match=r"x\.json is not JSON"):
        read_json(str(tmp_path / "x.json"))


@pytest.mark.parametrize("text", ["[]", '{"v": 2}', "3", '"text"'])
def test_records_of_another_shape(text: str, tmp_path: Path) -> None:
    state = StateDir(str(tmp_path))
    for name in ("lock.json", "watch.json"):
        (tmp_path / name).write_text(text)
    with pytest.raises(BluegreenError, match=r"lock\.json has another shape.*Fix: restore it or move it away"):
        Lock(state, None, SystemClock()).read()
    with pytest.raises(BluegreenError, match=r"watch\.json has another shape"):
        observe(state)
    if text != '{"v": 2}':
        (tmp_path / "marks.json").write_text(text)
        with pytest.raises(BluegreenError, match=r"marks\.json has another shape"):
            state.read_marks()


def test_a_way_back_to_no_colour_and_a_token_that_is_none(tmp_path: Path) -> None:
    switch = Switch(str(tmp_path / "switch"))
    switch.install()
    (tmp_path / "switch" / "token-000000000000~").touch()
    assert switch.read().token == 0 and switch.claim(0) == 1
    (tmp_path / "switch" / "return_to").write_text(
        json.dumps({"colour": "purple", "release": "v", "flip": "f", "at": 1.0})
    )
    with pytest.raises(BluegreenError, match="return_to has another shape"):
        switch.rollback()


@pytest.mark.parametrize("text", ["a: 2024-13-45", "a: &x [*x, !!int abc]", "[" * 3000, "a: 0b_"])
def test_a_compose_file_that_breaks_the_reader(text: str) -> None:
    with pytest.raises(BluegreenError, match=r"c\.yml is not YAML"):
        yaml.load_tagged(text, "c.yml")


@pytest.mark.parametrize("given", [None, "text", {"port": "http"}, {"port": -1}, {"port": 70000}, {"port": None}])
def test_services_that_are_none(given: Any) -> None:
    with pytest.raises(BluegreenError, match="services="):
        services_from({"site": given})


def test_files_that_import_each_other() -> None:
    texts = {"/c": "import x", "/x": "import y", "/y": "import x"}
    found = {"/c": [], "/x": ["/x"], "/y": ["/y"]}
    with pytest.raises(CaddyfileError, match=r"it imports itself: /c -> /x -> /y -> /x\. Fix: remove one import"):
        _Flat(texts, {}, found).text("/c")


@pytest.mark.parametrize("host", ["名前.jp", "a.b:abc", "a..b", "x" * 70 + ".test"])
def test_names_that_nobody_can_ask(host: str) -> None:
    told = DirectHttp().request("GET", "https://%s/" % host, connect=("127.0.0.1", 9), timeout=1)
    assert told.status == 0 and told.error


def test_a_ca_that_is_not_there_is_named() -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        told = DirectHttp("/nope.pem").request("GET", "https://a.test/", connect=server.getsockname(), timeout=1)
    assert "the CA file /nope.pem (edge.ca): No such file or directory" in told.error


@pytest.mark.parametrize(("range_", "words"), [("0.0.0.0/0", "too large"), ("10.0.0.0/24", "too small")])
def test_a_range_that_is_none(range_: str, words: str) -> None:
    with pytest.raises(BluegreenError, match=words):
        Networks("olympus", range_, ("site",))
