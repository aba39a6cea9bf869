# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which files are bridges, what is refused in them, and that a release brings them along."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.deployment.model import (
    Deployment,
    Image,
    Service,
)
from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.release import compose_config, prepare, release
from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.release.images import Choice
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import Refused
from ansible_collections.olympus.bluegreen.plugins.module_utils._schema import bridge, bridge_run, sql_text
from ansible_collections.olympus.bluegreen.plugins.module_utils._schema.bridge import Bridge, Installed
from ansible_collections.olympus.bluegreen.plugins.module_utils._schema.bridge_record import Record, settled
from ansible_collections.olympus.bluegreen.plugins.module_utils._schema.catalog.objects import Thing

KNOWN = ("ciam_kratos", "iam_kratos")


def written(home: Path, **texts: str | bytes) -> Path:
    where = home / "bridges" / "ciam_kratos"
    where.mkdir(parents=True)
    for name, text in texts.items():
        data = text if isinstance(text, bytes) else text.encode()
        (where / (name.replace("_down", ".down") + ".sql")).write_bytes(data)
    return where


def test_they_come_in_the_order_of_their_names_with_their_removal(tmp_path: Path) -> None:
    where = written(tmp_path, b="SELECT 2", a="\ufeffSELECT 1;", a_down="SELECT 0")
    (where / "README.md").write_text("not SQL")
    digest = hashlib.sha256("\ufeffSELECT 1;".encode()).hexdigest()
    first, second = bridge.read(str(tmp_path), "ciam_kratos", KNOWN)
    assert first == Bridge("a", "SELECT 1;", digest, "SELECT 0") and (second.name, second.down) == ("b", "")
    assert bridge.read(str(tmp_path), "iam_kratos", KNOWN) == () and bridge.read(str(tmp_path / "x"), "t") == ()


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("a", "", "a.sql: line 1: there is no statement"),
        ("a", " -- nothing\n/* at /* all */ */ ;", "there is no statement"),
        ("a", b"SELECT '\xff'", "a.sql is not UTF-8 .byte 8"),
        ("a", "SELECT 1\0", "it has a NUL byte"),
        ("a_down", "SELECT 1", "a.down.sql removes a bridge that is not there.*add a.sql"),
        ("a", "SELECT 1;\n\\i other.sql", "line 2: a backslash outside of quotes"),
        ("a", "BEGIN; SELECT 1; COMMIT;", "line 1: BEGIN controls the transaction"),
        ("a", "SELECT 1;\n start transaction", "line 2: START controls"),
        ("a", "SELECT 1; /* x */ Commit", "COMMIT controls"),
        ("a", "SELECT 1; END", "END controls"),
        ("a", "ROLLBACK TO x", "ROLLBACK controls"),
        ("a", "PREPARE TRANSACTION 'x'", "PREPARE controls"),
        ("a", "create index concurrently i on t (x)", "CONCURRENTLY runs in no transaction"),
        ("a", "SELECT 'x", "' is never closed"),
        ("a", "SELECT $f$ $g$", "\\$f\\$ is never closed"),
        ("a", "SELECT 1 /* /* */", "a comment is never closed"),
        ("a", 'SELECT "x', '" is never closed'),
    ],
)  # fmt: skip
def test_what_cannot_be_a_bridge_is_named(tmp_path: Path, name: str, text: str | bytes, words: str) -> None:
    written(tmp_path, **{name: text})
    with pytest.raises(Refused, match="bridges/ciam_kratos/.*" + words) as caught:
        bridge.read(str(tmp_path), "ciam_kratos", KNOWN)
    assert "Fix: " in str(caught.value)


def test_a_directory_of_no_target_is_refused_and_another_ones_is_none_of_ours(tmp_path: Path) -> None:
    written(tmp_path, a="SELECT 1")
    (tmp_path / "bridges" / "matrix").mkdir()
    (tmp_path / "bridges" / "matrix" / "irc.yaml").write_text("x")
    assert bridge.read(str(tmp_path), "ciam_kratos", KNOWN)
    with pytest.raises(Refused, match=r"bridges/ciam_kratos belongs to no schema target.*are iam_kratos, x"):
        bridge.read(str(tmp_path), "iam_kratos", ("iam_kratos", "x"))
    (tmp_path / "bridges" / "loose.sql").write_text("SELECT 1")
    with pytest.raises(Refused, match=r"bridges/loose\.sql belongs to no schema target"):
        bridge.read(str(tmp_path), "ciam_kratos", KNOWN)


def test_a_link_leads_to_another_bridge_and_nowhere_else(tmp_path: Path) -> None:
    where = written(tmp_path, a="SELECT 1")
    (tmp_path / "bridges" / "iam_kratos").symlink_to("ciam_kratos")
    assert bridge.read(str(tmp_path), "iam_kratos", KNOWN) == bridge.read(str(tmp_path), "ciam_kratos", KNOWN)
    (tmp_path / "outside.sql").write_text("SELECT 1")
    (where / "b.sql").symlink_to("../../outside.sql")
    with pytest.raises(Refused, match=r"b\.sql is not a file of this directory"):
        bridge.read(str(tmp_path), "ciam_kratos", KNOWN)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("SELECT 'COMMIT;'; SELECT $$;BEGIN;$$, $a$ $$;ROLLBACK; $a$", 2),
        ("SELECT \"COMMIT; x\", e'\\';BEGIN;', U&'x', 1.5e3, $1 -- ; COMMIT;", 1),
        ("SELECT a$$b$$ FROM t; DO $$BEGIN; END$$", 2),
        (
            "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT CASE 1 WHEN 1 THEN 2 END; SELECT 3; END;"
            "CREATE OR REPLACE PROCEDURE p() BEGIN ATOMIC INSERT INTO t VALUES (1); END; SELECT 1",
            3,
        ),
        ("CREATE RULE r AS ON INSERT TO t DO ALSO (DELETE FROM a; DELETE FROM b)", 1),
        ("CREATE TABLE x (begin_at int, commit int); SELECT beginning, concurrently_ FROM é", 2),
    ],
)
def test_words_inside_of_quotes_bodies_and_names_control_nothing(text: str, count: int) -> None:
    sql_text.refuse_unfit(text)
    assert len(list(sql_text.statements(text))) == count


@given(st.text(alphabet="ab'\"$;/*-\\\n ()eEBEGIN", max_size=40))
def test_any_text_is_read_to_its_end_or_refused_on_a_line_of_it(text: str) -> None:
    try:
        found = list(sql_text.statements(text))
    except sql_text.SqlError as exc:
        assert 1 <= int(str(exc).split()[1].rstrip(":")) <= text.count("\n") + 1
    else:
        assert [one.line for one in found] == sorted(one.line for one in found)


@given(st.lists(st.sampled_from(("'a;b'", "$$;$$", "-- ;\n", "/* ; */", '";"', "x", "(1; 2)")), max_size=6))
def test_only_a_semicolon_outside_ends_a_statement(parts: list[str]) -> None:
    filled = any(not part.startswith(("-", "/")) for part in parts)
    assert len(list(sql_text.statements(" ".join(parts) + " ; x"))) == 1 + filled


THING = Thing("trigger", "t on public.s", 7)


def one(name: str, text: str = "1", *made: Thing, sure: bool = True) -> Installed:
    return Installed(Bridge(name, text, hashlib.sha256(text.encode()).hexdigest()), made, "r", 1.0, sure)


@pytest.mark.parametrize(
    ("pending", "there", "names"),
    [
        ((), [], ["old"]),
        ((one("new", "1", THING),), [], ["old"]),
        ((one("new", "1", THING),), [Thing("trigger", "t on public.s", 8)], ["old"]),
        ((one("new", "1", THING),), [THING], ["old", "new"]),
        ((one("old", "2", THING), one("b")), [THING], ["old", "b"]),
        ((one("new"),), [], ["old", "new"]),
    ],
)
def test_a_commit_that_was_not_seen(pending: tuple[Installed, ...], there: list[Thing], names: list[str]) -> None:
    found = settled(Record("d", (one("old"),), pending), there)
    assert [each.bridge.name for each in found] == names
    # What made nothing with a name can't be known.
    assert [each.sure for each in found if each.bridge.name == "new"] == [bool(there)] * ("new" in names)


def test_choices() -> None:
    here = [THING]
    same, edited = one("a", "1", THING), one("a", "2", THING)
    for noted, there, kinds in (
        ([], here, ("", "a", "")),
        ([same], here, ("a", "", "")),
        ([same], [], ("", "a", "")),
        ([edited], here, ("", "a", "a")),
        ([one("a", "1", THING, Thing("function", "f", 1))], here, ("", "a", "a")),
        ([one("a", "1", sure=False)], here, ("", "a", "a")),
        ([one("z")], here, ("z", "a", "")),
    ):
        found = bridge_run.choose([same.bridge], noted, there)
        names = ("".join(each.bridge.name for each in found.stay), "".join(each.name for each in found.install))
        assert (*names, "".join(each.bridge.name for each in found.remove)) == kinds


@pytest.fixture
def wanted(tmp_path: Path) -> Deployment:
    (tmp_path / "compose.yml").write_text("services: {hera: {image: hera}}\n")
    services = (Service("hera", "hera"),)
    return Deployment("olympus", str(tmp_path / "state"), "prod", str(tmp_path), services=services, version="v1")


def test_a_release_brings_them_along(wanted: Deployment, tmp_path: Path) -> None:
    project = {"services": {"hera": {"image": "hera"}}}
    assert "bridges" not in compose_config.wanted_files(wanted, project)[0]
    written(tmp_path, a="SELECT 1")
    (tmp_path / "bridges" / "iam_kratos").symlink_to("ciam_kratos")
    names, warnings = compose_config.wanted_files(wanted, project)
    files = release.tree(str(tmp_path), names)
    content = release.Content({"hera": Image("hera", "i1")}, names, files, str(tmp_path), {})
    ident = release.record(wanted, content, 1.0)
    release.verify(wanted, ident)
    for target in KNOWN:
        assert [each.name for each in bridge.read(release.copy_of(wanted, ident), target, KNOWN)] == ["a"]
    assert not warnings
    (tmp_path / "bridges" / "ciam_kratos" / "a.sql").write_text("SELECT 2")
    assert release.Content({}, names, release.tree(str(tmp_path), names), "", {}).files != files


def test_a_bridge_alone_is_no_change_that_a_release_could_bring(wanted: Deployment, tmp_path: Path) -> None:
    live = {"id": "v1-x", "images": {"hera": {"id": "i1"}}, "files": {"compose.yml": "1"}}

    def refused(**files: str) -> bool:
        content = release.Content({"hera": Image("hera", "i1")}, [], files, str(tmp_path), {})
        candidate = prepare.Candidate("v1-y", Choice({"hera": Image("hera", "i1")}), content, (), {}, ())
        try:
            prepare._refuse_same(candidate, live)
        except Refused:
            return True
        return False

    assert refused(**{"compose.yml": "1", "bridges/ciam_kratos/a.sql": "2"}) and refused(**{"compose.yml": "1"})
    assert not refused(**{"compose.yml": "2"}) and not refused(**{"compose.yml": "1", "bridges/irc.yaml": "2"})
