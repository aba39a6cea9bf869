# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What must run once: the operator's input, where each belongs, and what is said of it elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.containers import lifecycle
from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.deployment import singletons
from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.deployment.model import Deployment, Service
from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.deployment.singletons import (
    Holder,
    Seen,
    Singleton,
)
from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.release.render import Renderer
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import BluegreenError

COLOURED, OTHERS, COURIERS = ("kratos", "site"), ("postgres", "caddy"), ("kratos-courier",)


def declared(given: Any) -> tuple[Singleton, ...]:
    return singletons.declared(given, COLOURED, OTHERS, COURIERS)


def test_a_service_of_the_file_and_a_command_of_a_coloured_one() -> None:
    found = declared(
        {"janitor": {"service": "cleaner"}, "report": {"service": "site", "command": "report --now 'a b'"}}
    )
    assert found == (
        Singleton("janitor", "cleaner", "service"),
        Singleton("report", "site", "command", ("report", "--now", "a b")),
    )


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"a": {}}, "has to be"),
        ({"a": "cleaner"}, "has to be"),
        ({"a": {"service": "cleaner", "image": "x"}}, "has to be"),
        ({"A b": {"service": "cleaner"}}, "may have small letters"),
        ({"a": {"service": "postgres"}}, "is shared"),
        ({"a": {"service": "caddy"}}, "is shared"),
        ({"a": {"service": "site"}}, "runs in both colours"),
        ({"a": {"service": "site", "command": []}}, "no list of words"),
        ({"a": {"service": "site", "command": "'"}}, "no list of words"),
        ({"a": {"service": "site", "command": 5}}, "no list of words"),
        ({"site": {"service": "site", "command": "x"}}, "another service"),
        ({"kratos-courier": {"service": "cleaner"}}, "another service"),
        ({"a": {"service": "cleaner"}, "b": {"service": "cleaner"}}, "is a already"),
    ],
)
def test_a_wrong_one_is_one_error_with_its_fix(given: Any, words: str) -> None:
    with pytest.raises(BluegreenError, match=words) as caught:
        declared(given)
    assert caught.value.option == "singletons" and caught.value.fix


PLACES = ("blue", "green", "project", "unmanaged")
HOLDERS = st.lists(
    st.builds(
        Holder,
        container=st.sampled_from(("a", "b", "c")),
        place=st.sampled_from(PLACES),
        state=st.sampled_from(("running", "paused", "stopping", "exited", "created")),
        matches_file=st.booleans(),
    ),
    max_size=4,
)
SEEN = st.builds(
    Seen,
    singleton=st.sampled_from([Singleton("kratos-courier", "kratos", "courier"), Singleton("j", "cleaner", "service")]),
    holders=HOLDERS.map(tuple),
    files=st.lists(st.sampled_from(("blue", "green")), unique=True).map(tuple),
)


@given(SEEN, st.sampled_from(("blue", "green")))
def test_after_the_steps_nothing_of_ours_runs_but_at_home(seen: Seen, live: str) -> None:
    gone = singletons.misplaced(seen, live)
    left = [h for h in seen.holders if h not in gone]
    where = singletons.home(seen, live)
    assert all(h.place in (where, "project", "unmanaged") for h in left)
    if where == "project":
        assert not singletons.missing(seen, live), "never beside the adopted project's own"
    if singletons.missing(seen, live):
        assert live in seen.files and not any(h.place in ("blue", "green") and h.active for h in left)


@given(SEEN, st.sampled_from(("blue", "green")))
def test_two_at_once_are_always_named(seen: Seen, live: str) -> None:
    active = [h for h in seen.holders if h.active]
    said = singletons.problems([seen], live)
    assert bool(said) or len(active) <= 1
    assert singletons.seen_from([seen.as_dict()]) == [seen]


@pytest.mark.parametrize(
    ("given", "seconds"),
    [(None, 0), ("", 0), ("90", 90), (90, 90), ("90s", 90), ("1m30s", 90), ("1h", 3600), ("1500ms", 2), ("0.5s", 1)],
)
def test_durations_of_a_compose_file(given: Any, seconds: int) -> None:
    assert lifecycle.seconds(given) == seconds


@pytest.mark.parametrize("given", ["soon", "-1s", "1d"])
def test_what_is_no_duration(given: str) -> None:
    with pytest.raises(BluegreenError, match="not a duration"):
        lifecycle.seconds(given)


def test_what_is_rendered_for_them(tmp_path: Path) -> None:
    """A container of its own in its colour, without a fixed address, that is not started without its name."""
    once = declared({"janitor": {"service": "cleaner"}, "report": {"service": "site", "command": ["report"]}})
    wanted = Deployment(
        "olympus", str(tmp_path / "state"), "prod", str(tmp_path), services=(Service("site", "site", 3000),),
        edge_service="caddy", colour="green", version="v2", singletons=once,
    )  # fmt: skip
    assert wanted.imaged == ("site", "cleaner")
    project = {"services": {"site": {"image": "s", "command": "serve", "ports": ["1:2"]},
                            "cleaner": {"image": "c", "command": "clean", "stop_grace_period": "5m"}}}  # fmt: skip
    services = Renderer(wanted, "v2-0", {"site": "1", "cleaner": "2"}, project, str(tmp_path)).render()["services"]
    janitor, report = services["janitor"], services["report"]
    assert set(services) == {"site", "janitor", "report"}
    assert (janitor["image"], janitor["command"], janitor["stop_grace_period"]) == ("2", ["clean"], "5m")
    assert (report["image"], report["command"]) == ("1", ["report"]) and "ports" not in report
    for one in (janitor, report):
        assert one["profiles"] == ["singleton"] and one["networks"] == {"colour": {}}
        assert one["labels"]["olympus.bluegreen.kind"] == "singleton"
    assert "ipv4_address" in services["site"]["networks"]["colour"] and "profiles" not in services["site"]
