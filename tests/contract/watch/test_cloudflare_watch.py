# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A watcher's way back where the load balancers have to follow: with patience, and only its own cutover's."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kit.cloudflare_fake import TOKEN, Fault
from kit.cloudflare_kit import Deployment

from ansible_collections.olympus.bluegreen.plugins.module_utils._cloudflare import edge as cloudflare
from ansible_collections.olympus.bluegreen.plugins.module_utils._cloudflare.edge import place_of
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import BluegreenError
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.runner import SubprocessRunner
from ansible_collections.olympus.bluegreen.plugins.module_utils._switch.switch import SwitchState
from ansible_collections.olympus.bluegreen.plugins.module_utils._watch.config import Config
from ansible_collections.olympus.bluegreen.plugins.module_utils._watch.module import SPEC, config_of
from ansible_collections.olympus.bluegreen.plugins.module_utils._watch.rollback_followup import (
    EdgeFollowup,
    load_balancers,
)
from ansible_collections.olympus.bluegreen.plugins.module_utils._watch.samples import Counts, Samples
from ansible_collections.olympus.bluegreen.plugins.module_utils._watch.tail import Tail


@pytest.fixture
def edge(tmp_path: Path) -> Iterator[Deployment]:
    with Deployment(tmp_path) as made:
        (tmp_path / "token").touch(0o600)
        (tmp_path / "token").write_text(TOKEN)
        made.adopt()
        made.run("live", colour="green")
        made.fake.fresh()
        yield made


def options(edge: Deployment) -> dict[str, Any]:
    return edge.params(api_token=None, api_token_file=str(edge.root / "token"))


def back(edge: Deployment) -> tuple[SwitchState, EdgeFollowup, list[dict[str, Any]]]:
    return edge.switch.rollback(), load_balancers(options(edge), edge.switch, edge.clock), []


def test_it_tries_until_cloudflare_follows(edge: Deployment) -> None:
    edge.fake.faults = {index: Fault("before") for index in range(30)}
    state, follow, notes = back(edge)
    assert follow(state, lambda event: notes.append(dict(event))) == ""
    assert edge.serving() == ["blue"] * 3 and notes and TOKEN not in str(notes)
    assert {one["event"] for one in notes} == {"not_followed"} and {one["to"] for one in notes} == {"blue"}


def test_a_block_of_five_minutes_is_outlived(edge: Deployment) -> None:
    edge.fake.faults = {0: Fault("429", 300)}
    state, follow, notes = back(edge)
    assert follow(state, lambda event: notes.append(dict(event))) == "" and edge.serving() == ["blue"] * 3


def test_where_cloudflare_never_follows_it_says_so(edge: Deployment) -> None:
    edge.fake.refuse = next(iter(edge.ids.values()))
    state, follow, notes = back(edge)
    why = follow(state, lambda event: notes.append(dict(event)))
    assert why.startswith("the switch says blue, Cloudflare does not follow: ") and "login.example.com on green" in why
    assert edge.serving() == ["green", "blue", "blue"] and edge.clock.slept > 600


def test_a_newer_cutover_is_left_alone(edge: Deployment) -> None:
    """Somebody cuts over again while the first try fails: the watcher of the old one must not take that back."""
    state, follow, notes = back(edge)
    edge.fake.faults = {index: Fault("before") for index in range(40)}
    tokens: list[int] = []

    def again(event: Any) -> None:
        notes.append(dict(event))
        edge.fake.faults = {}
        edge.run("returned")
        tokens.append(edge.claim())
        edge.run("live", colour="green")

    assert "Cloudflare does not follow" in follow(state, again) and len(notes) == 1
    assert edge.serving() == ["green"] * 3 and edge.switch.read().live == "green"
    # Asked again, it refuses, and the run that came after is not stopped by that.
    with pytest.raises(BluegreenError, match="the switch was moved meanwhile"):
        follow.back(state.return_to.flip if state.return_to else "")
    assert [edge.switch.read().token] == tokens and edge.switch.read().claimed


def test_without_an_access_log_the_probes_alone_are_judged(tmp_path: Path) -> None:
    none = Samples(Tail(""), Counts("green", "blue"), 1.0)
    none.rewind()
    assert list(none.lines()) == [] and list(none.missed(0.0, 5.0)) == []
    sample = none.sample(asked=100.0, now=900.0)
    assert sample["source"] == "none" and sample["new"]["n"] == 0
    assert Samples(Tail(str(tmp_path / "no")), Counts("green", "blue"), 1.0).sample(100.0, 900.0)["source"] == "down"


def test_the_watcher_is_told_all_but_the_token(edge: Deployment) -> None:
    given = {**options(edge), "kind": "cloudflare"}
    params = {name: one.get("default") for name, one in SPEC.options.items()}
    params.update(colour="green", release="v", edge=given, public=given["public"], publish="loopback")
    params["services"] = {"site": {"kind": "site", "port": 2000}}
    found = config_of(params, SubprocessRunner())
    assert found.switch_dir == edge.switch.path and found.log == "" and TOKEN not in str(found)
    assert (
        Config.of({**found.__dict__, "edge": {**found.edge, "log": "/var/log/front.log"}}).log == "/var/log/front.log"
    )
    assert place_of(SubprocessRunner(), "p", given).directory == edge.switch.path
    assert cloudflare.place({"kind": "cloudflare"}).directory == "/var/lib/olympus-bluegreen-edge/olympus-bluegreen"
    (edge.root / "token").chmod(0o604)
    with pytest.raises(BluegreenError, match=r"mode 0604\). Fix: run chmod 600"):
        config_of(params, SubprocessRunner())


def test_undone_removes_the_switch_and_nothing_at_cloudflare(edge: Deployment) -> None:
    assert "green serves login.example.com" in str(edge.fails("undone"))
    edge.run("returned")
    edge.fake.fresh()
    assert edge.run("undone", check=True)["changed"] and edge.switch.exists()
    done = edge.run("undone")
    assert done["changed"] and not edge.switch.exists() and not done["adopted"] and edge.fake.mutating == []
    assert "pool green is yours now" in done["notes"][0]
    assert not edge.run("undone")["changed"]


@pytest.mark.parametrize(
    ("mode", "text", "words"),
    [
        (0o640, TOKEN, r"users other than its owner can read it \(mode 0640\). Fix: run chmod 600"),
        (0o602, TOKEN, r"mode 0602"),
        (0o600, " \n", "no API token is given"),
        (0o600, "two words", "holds a character that no token has. Fix: write only the token"),
        (0, TOKEN, "it cannot be read: No such file or directory. Fix: put the API token there"),
    ],
)
def test_a_token_file_that_is_not_right(edge: Deployment, mode: int, text: str, words: str) -> None:
    path = edge.root / "token"
    path.write_text(text)
    path.chmod(mode) if mode else path.unlink()
    with pytest.raises(BluegreenError, match=words) as refused:
        edge.run("read", api_token=None, api_token_file=str(path))
    assert text.strip() == "" or text not in str(refused.value)
    assert edge.fake.log == []
