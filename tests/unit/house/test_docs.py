# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the pages claim: every trap with tests that exist, every error and every setting as the code has it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from generate import errors as catalogue
from generate import settings as described

from ansible_collections.olympus.bluegreen.plugins.plugin_utils.settings import SETTINGS

ROOT = Path(__file__).resolve().parents[3]
ROW = re.compile(r"^\| ([FH]\d+) \| (.+?) \| (.+?) \| (.+?) \|$", re.MULTILINE)
FINDING = re.compile(r"^\| ([ABCR]\d+|[a-z]+(?:_[a-z]+)+) \| (.+?) \| (.+?) \|$", re.MULTILINE)
TEST = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")
# What cannot be tested yet, because it is not built: the row says so.
NOT_YET: set[str] = set()


LINK = re.compile(r"\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)")


def anchors(page: Path) -> set[str]:
    """Of every heading, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_link_leads_somewhere() -> None:
    pages = [page for where in ("*", "docs/**/*", "roles/*/*", "benchmarks/*") for page in ROOT.glob(where + ".md")]
    dead = []
    for page in pages:
        for path, anchor in LINK.findall(page.read_text()):
            goal = (page.parent / path).resolve() if path else page
            if not goal.exists() or (anchor and anchor not in anchors(goal)):
                dead.append("%s: %s#%s" % (page.relative_to(ROOT), path, anchor))
    assert len(pages) > 10 and not dead


def rows() -> dict[str, tuple[str, str]]:
    page = (ROOT / "docs" / "architecture.md").read_text()
    return {number: (how, tests) for number, _trap, how, tests in ROW.findall(page)}


def test_every_trap_is_told() -> None:
    wanted = [f"F{number}" for number in range(1, 22)] + [f"H{number}" for number in range(1, 11)]
    assert list(rows()) == wanted


def test_every_trap_has_a_test_that_is_there() -> None:
    for number, (how, tests) in rows().items():
        named = TEST.findall(tests)
        assert named or (number in NOT_YET and "Not built yet" in how), number
        for path, name in named:
            assert f"def {name}(" in (ROOT / path).read_text(), f"{number}: {path}::{name}"


def test_every_finding_has_tests_that_are_there() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text()
    found = FINDING.findall(page.partition("## Findings")[2])
    rows = [row for row, _what, _tests in found]
    assert len(rows) == len(set(rows)) >= 60
    for row, _what, tests in found:
        named = TEST.findall(tests)
        assert named, row
        for path, name in named:
            assert f"def {name}(" in (ROOT / path).read_text(), f"{row}: {path}::{name}"


def test_the_errors_are_those_of_the_code() -> None:
    assert catalogue.PAGE.read_text() == catalogue.page(), "run make docs"


def test_every_error_says_what_mends_it() -> None:
    # What a stage refuses names the command in its own sentence.
    stages = catalogue.AREAS["plugin_utils"]
    bare = [entry.text for entry in catalogue.of_code() if not entry.fix and entry.area != stages]
    assert not bare


def test_no_port_image_or_service_of_a_deployment_stands_in_the_plays() -> None:
    said = "".join(path.read_text() for path in (ROOT / "playbooks").rglob("*") if path.is_file())
    assert not re.search(r"kratos|hydra|hera|athena|caddy|postgres|\b(4433|4444|3000|5432)\b|registry\.", said)
    assert "vars_files" not in said


def test_the_settings_are_those_of_the_code() -> None:
    assert described.PAGE.read_text() == described.page(), "run make docs"


def test_every_setting_has_a_sentence() -> None:
    rows = re.findall(r"^\| `([^`]+)` \| (.+?) \| (.+?) \| (.*) \|$", described.page(), re.MULTILINE)
    told = {name: sentence for name, _type, _default, sentence in rows}
    assert set(SETTINGS) <= set(told)
    assert [name for name, sentence in told.items() if not sentence] == []


@pytest.mark.parametrize(
    ("name", "words", "never"),
    [
        ("bluegreen_edge.api_token_file", "A file of this host that holds the token. Only its owner", "preferred"),
        ("bluegreen_undo", "return traffic to your original containers", "Take the switch out again"),
        ("bluegreen_force_undo", "discard edits made to the edge's configuration since.", "does not answer"),
        ("bluegreen_force_rollback", "go back although the target does not answer.", "fence"),
        ("bluegreen_ignore_fence", "a kept release beyond the fence.", "does not answer"),
        ("bluegreen_schema_targets", "An empty list: nothing is migrated", "Its name"),
        ("bluegreen_unlock", "Break the lock of exactly this run", ""),
        ("bluegreen_watch", "Settings of the watch.", "its keys"),
    ],
)
def test_a_setting_says_what_it_does_in_each_stage(name: str, words: str, never: str) -> None:
    """R13: what the guard refuses was preferred, and texts of several entry points stood in a row."""
    (row,) = re.findall(r"^\| `%s` \|.*$" % re.escape(name), described.page(), re.MULTILINE)
    assert words in row and (not never or never not in row)


def test_no_sentence_of_a_setting_stands_twice() -> None:
    for row in re.findall(r"^\| `bluegreen_.*$", described.page(), re.MULTILINE):
        said = [one.strip() for one in row.rpartition(" | ")[2].rstrip(" |").split(". ") if one.strip()]
        assert len(said) == len(set(said)), row


def test_a_default_is_that_of_the_plays() -> None:
    texts = "".join(path.read_text() for path in (ROOT / "playbooks").rglob("*.yml"))
    said = re.findall(r"\b(bluegreen_\w+) \| default\(([\w.]+|'\w*')[,)]", texts)
    assert len(said) > 10
    for name, value in said:
        # Without one, the group itself is the host.
        if name in SETTINGS and name != "bluegreen_host" and not SETTINGS[name].usual:
            assert yaml.safe_load(value) == (SETTINGS[name].default or type(yaml.safe_load(value))()), name


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("bluegreen_bake", "`3600`"),
        ("bluegreen_drain_deadline", "`60`; `3600` behind Cloudflare"),
        ("bluegreen_project", "learned"),
        ("bluegreen_source", "learned"),
        ("bluegreen_services", "learned"),
        ("bluegreen_deployment", "`olympus`"),
        ("bluegreen_cache_ttl", "`60`"),
        ("bluegreen_watch.window", "`1800`"),
        ("bluegreen_images", "-"),
    ],
)
def test_the_page_says_the_default(name: str, wanted: str) -> None:
    assert re.search(
        r"^\| `%s` \| .+? \| %s \| " % (re.escape(name), re.escape(wanted)), described.page(), re.MULTILINE
    )
