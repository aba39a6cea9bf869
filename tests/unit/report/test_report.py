# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report: verdict first, one file that fetches nothing, no secret, and true numbers."""

from __future__ import annotations

import html
import json
import os
import re
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.olympus.bluegreen.plugins.module_utils._core import code_copy
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.files import write_json
from ansible_collections.olympus.bluegreen.plugins.module_utils._report import charts
from ansible_collections.olympus.bluegreen.plugins.module_utils._report.words import next_step, sentence
from ansible_collections.olympus.bluegreen.plugins.module_utils._report.write import render, write_report
from ansible_collections.olympus.bluegreen.plugins.module_utils._state.directory import StateDir

VOID = {"meta", "br", "line", "rect", "polyline"}


class Page(HTMLParser):
    """Tags, attributes and text; complains about what is not closed."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.words: list[str] = []
        self._open: list[str] = []
        self.feed(html)
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag not in ("meta",):
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(self.words)


def page(data: dict[str, Any]) -> Page:
    return Page(render(data)["report.html"])


def test_the_verdict_comes_first(failed: dict[str, Any], passed: dict[str, Any], stuck: dict[str, Any]) -> None:
    for data, first, then in (
        (failed, "FAIL", "blue is live again"),
        (passed, "PASS", "--tags cleanup"),
        (stuck, "FAIL", "STILL LIVE on green"),
    ):
        found = page(data)
        words = found.text[found.text.index("\u2717" if first == "FAIL" else "\u2713") :]
        assert words.index(first) < words.index(then) < words.index("Why")
    assert "<gone>" not in render(stuck)["report.html"]


def test_it_fetches_nothing_and_runs_nothing(failed: dict[str, Any]) -> None:
    found = page(failed)
    assert not {"script", "link", "img", "iframe", "object"} & set(found.tags)
    assert not [item for item in found.attributes if item[0] in ("src", "href") or item[0].startswith("on")]
    assert ("content", "default-src 'none'; style-src 'unsafe-inline'") in found.attributes
    assert not re.search(r"https?://|@import|url\(", render(failed)["report.html"])
    assert "prefers-color-scheme:dark" in render(failed)["report.html"]


def test_every_chart_says_what_it_shows(failed: dict[str, Any]) -> None:
    found = page(failed)
    charts = found.tags.count("svg")
    labels = [value for name, value in found.attributes if name == "aria-label"]
    assert charts == len(labels) == 4
    traffic = failed["verdict"]["evidence"]["traffic"]
    assert any("%d of %d answers" % (traffic["bad"], traffic["n"]) in label for label in labels)


def test_the_numbers_are_those_of_the_events(failed: dict[str, Any], passed: dict[str, Any]) -> None:
    for data in (failed, passed):
        samples = [event["new"] for event in data["watch"] if event["event"] == "sample"]
        found = charts.buckets(data["watch"])
        assert sum(b.n for b in found) == sum(item["n"] for item in samples)
        assert sum(b.bad for b in found) == sum(item["bad"] for item in samples)
        assert len(found) <= 90
    errors, _pairs = charts.evidence(failed["watch"])
    assert errors[0].value == 0 and errors[-1].value > 1
    assert all(point.value < 1 for point in charts.evidence(passed["watch"])[0])
    assert [stage.name for stage in charts.bars(failed["ledger"])] == ["preflight", "migrate", "deploy", "cutover"]


@pytest.mark.parametrize("left_out", ["verdict", "release", "watch", "ledger", "schema"])
def test_it_can_do_with_less(failed: dict[str, Any], left_out: str) -> None:
    failed.pop(left_out)
    assert set(render(failed)) == {"report.html", "report.json", "report.md"}


def test_nothing_known_is_no_verdict() -> None:
    assert "NO VERDICT" in page({}).text
    assert render({})["report.md"].startswith("# no verdict")


def test_json_and_markdown(failed: dict[str, Any]) -> None:
    told = render(failed)
    again = json.loads(told["report.json"])
    assert (again["v"], again["verdict"]["verdict"]) == (1, "FAIL")
    assert len(told["report.md"].splitlines()) <= 14
    assert "Now: " in told["report.md"]


def test_no_secret_gets_in(failed: dict[str, Any]) -> None:
    canary = "canary-3e21-secret"
    failed["ledger"].append({"event": "note", "at": 1.0, "password": canary, "text": "postgres://u:%s@db/x" % canary})
    failed["verdict"]["reasons"].append("client_secret=%s was refused" % canary)
    failed["schema"].append({"target": "x", "dsn": canary})
    assert canary not in "".join(render(failed).values())


def test_html_in_data_stays_text(failed: dict[str, Any]) -> None:
    evil = "<script>alert(1)</script>"
    failed["verdict"]["reasons"] = [evil]
    failed["verdict"]["version"] = evil
    failed["release"]["id"] = evil
    failed["ledger"].append({"event": evil, "at": failed["written"], "stage": evil})
    assert "script" not in page(failed).tags


def test_sentences() -> None:
    pair = {"event": "pair", "checks": {"login": [False, True], "warm": [False, False]}, "why": {"login": "status 500"}}
    assert sentence(pair) == "login: status 500"
    assert sentence({"event": "sample"}) == ""
    assert "blue" in sentence({"event": "not_rolled_back", "why": "blue is not alive"})


def test_who_was_still_connected_is_told(passed: dict[str, Any]) -> None:
    """In all three, of the last drain alone; a colour that nobody was on is not worth a line."""
    rows = [{"service": "site", "kind": "stream or WebSocket", "count": 2, "seconds": 34.2}]
    drains = [{"event": "drained", "at": 1.0, "colour": "blue", "done": not left, "left": left} for left in ([], rows)]
    told = render({**passed, "ledger": [*passed["ledger"], *drains]})
    assert "Still connected to blue when it was stopped" in told["report.html"]
    assert (
        "- still connected to blue when it was stopped: site, 2 stream or WebSocket, 34 s or longer"
        in told["report.md"]
    )
    assert json.loads(told["report.json"])["ledger"][-1]["left"] == rows
    quiet = render({**passed, "ledger": drains[:1]})
    assert "till connected" not in quiet["report.html"] + quiet["report.md"]


def test_the_command_at_its_foot_comes_to_the_same_verdict_as_printed(failed: dict[str, Any], tmp_path: Path) -> None:
    """Typed by a shell, from anywhere, with nothing of ours around it (R5)."""
    state = StateDir(str(tmp_path / "state of 'ours'"))
    release = str(failed["verdict"]["release"])
    folder = Path(state.ensure("releases", release, "watch"))
    (folder / "events.jsonl").write_text("".join(json.dumps(event) + "\n" for event in failed["watch"]))
    write_json(state.release(release, "verdict.json"), failed["verdict"])
    assert "<code>" not in Path(write_report(state, release)).read_text()
    code_copy.install(state.path("lib"))
    (command,) = re.findall("<code>(PYTHONPATH.*?)</code>", Path(write_report(state, release)).read_text())
    done = subprocess.run(
        ["bash", "-c", html.unescape(command)],
        cwd="/",
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["verdict"] == failed["verdict"]["verdict"] == "FAIL"


@pytest.mark.parametrize(
    ("verdict", "said"),
    [
        ({"verdict": "PASS"}, "Nothing."),
        ({"verdict": "FAIL", "rolled_back": {"to": "blue"}}, "Nothing now. Visitors are on blue"),
        ({"verdict": "FAIL", "rolled_back": {"to": ""}}, "Act now. Fix what is named above, or roll back"),
        ({"verdict": "INCONCLUSIVE"}, "Read the reasons, or roll back: role olympus.bluegreen.traffic"),
    ],
)
def test_who_watches_by_the_role_alone_is_sent_to_no_play(verdict: dict[str, Any], said: str) -> None:
    found = next_step({"colour": "green", "plays": False, **verdict})
    assert found.startswith(said) and "bluegreen.yml" not in found
    assert "bluegreen.yml" in next_step({"verdict": "PASS"})
