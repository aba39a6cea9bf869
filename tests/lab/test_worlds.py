# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, the olympus.bluegreen authors
"""Worlds of tests/unit/worlds, made of real parts: the printed command is run, and the outcome is the model's.

They stand in the order in which one lab can serve them: each begins where the one before has ended.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace

import pytest
from kit.states import Side, State
from lab_worlds import SHORT, follow, is_settled, kratos, mv, script, sick, status

from ansible_collections.olympus.bluegreen.plugins.module_utils._switch.switch import Switch
from olympus_lab import config, podman, release, stack, truth

pytestmark = [pytest.mark.lab, pytest.mark.slow]

BLUE, GREEN = Side(1, "well", True), Side(2, "well")
FRESH = State(live="blue", here=BLUE, there=GREEN)
FORWARD = {"version": "v1.5.0", "bluegreen_fix_forward": "true"}
# Green live by a hand, blue where a rollback goes.
BY_HAND = State(live="green", here=GREEN, there=BLUE, flip="forward", by_hand=True, back=1)
BACK = State(live="blue", here=BLUE, there=GREEN, flip="back", back=1)


@pytest.fixture(scope="module", autouse=True)
def lab() -> Iterator[None]:
    """Blue adopted and live, green deployed. LAB_STANDS=1: it stands so already, and stays."""
    if not os.environ.get("LAB_STANDS"):
        stack.up(fresh=True)
        release.must("worlds-adopt", "adopt", {"version": "v1.4.2"}, quiet=True)
        release.must("worlds-deploy", "migrate,deploy", {"version": "v1.5.0"}, quiet=True)
    yield
    sick()
    if not os.environ.get("LAB_STANDS"):
        stack.down()


def refused(name: str, tags: str, *words: str, **extra: object) -> None:
    done = release.play(f"worlds-{name}", tags, {"bluegreen_watch": SHORT, **extra}, quiet=True)
    folded = " ".join(done.out.split())
    assert done.rc != 0 and not [word for word in words if word not in folded], done.out[-4000:]


def test_two_well_colours_are_settled() -> None:
    assert is_settled(FRESH).command[1] == {"version": "<new version>"}
    refused("forward-well", "cutover", "passes its own checks", "leave bluegreen_fix_forward away", **FORWARD)


def test_a_sick_live_colour_refuses_no_good_one() -> None:
    """R16, R17: what blue can't do is no failure of green."""
    sick("blue")
    release.must("worlds-deploy-again", "deploy", {"version": "v1.5.0"}, quiet=True)
    assert "SICK: " in status().lines["live"] and "login of ciam-kratos" in status().lines["live"]
    refused(
        "cutover-sick", "cutover", "blue is live and fails: ", "--tags cutover -e version=v1.5.0 -e bluegreen_fix",
        version="v1.5.0",
    )  # fmt: skip
    assert truth.on_disk() == "blue"


def test_the_way_forward_is_taken_watched_and_held() -> None:
    """The watcher does not go back to what is known to be sick; a person signs off what no visitor has shown."""
    one, _runs = follow("forward", replace(FRESH, here=replace(BLUE, state="sick")), 2)
    assert one.live == "green"
    if one.verdict == "INCONCLUSIVE":
        one, _runs = follow("promote", one)
    assert status().command[0] == "-" and "nothing to do before" in status().next
    refused("bake", "cleanup", "of bake time")


def test_a_hand_that_goes_back_is_a_rollback() -> None:
    sick()
    mv("green", "blue")
    is_settled(BACK)
    again = release.must("worlds-live-again", "", {"version": "v1.4.2"}, quiet=True)
    assert "nothing to do" in again.out


def test_a_hand_that_goes_forward_is_watched_for_itself() -> None:
    """R18: no verdict on an earlier flip to this release is one on this flip."""
    mv("blue", "green")
    assert status().lines["verdict"].startswith("none")
    one, _runs = follow("by-hand", BY_HAND)
    if one.verdict == "INCONCLUSIVE":
        one, _runs = follow("by-hand-back", one)
    else:
        release.must("worlds-by-hand-back", "rollback", quiet=True)
    assert truth.on_disk() == "blue"


def test_the_script_takes_back_what_a_hand_did() -> None:
    mv("blue", "green")
    done = script()
    assert done.returncode == 0 and truth.on_disk() == "blue", done.stderr
    is_settled(BACK)


def test_a_sick_release_that_a_hand_made_live_is_rolled_back() -> None:
    mv("blue", "green")
    sick("green")
    follow("sick-by-hand", replace(BY_HAND, here=replace(GREEN, state="sick")))
    assert truth.on_disk() == "blue"
    sick()
    is_settled(BACK)


def test_two_sick_colours_are_a_persons_work() -> None:
    sick("blue", "green")
    screen = status()
    assert screen.command[0] == "-" and "both colours fail" in screen.next and "database" in screen.next
    sick()
    is_settled(BACK)


def test_a_stopped_live_colour_is_left_for_the_one_that_is_well() -> None:
    podman.call(["stop", "-t", "1", kratos("blue")])
    one, _runs = follow("stopped", replace(BACK, here=replace(BLUE, state="stopped")))
    assert one.live == "green"
    podman.call(["start", kratos("blue")])
    release.must("worlds-stopped-back", "rollback", quiet=True)
    is_settled(BACK)


def test_a_stopped_live_colour_beside_a_stopped_one_is_started() -> None:
    podman.call(["stop", "-t", "1", kratos("blue"), kratos("green")])
    stopped = replace(BACK, here=replace(BLUE, state="stopped"), there=replace(GREEN, state="stopped"))
    follow("both-stopped", stopped)
    podman.call(["start", kratos("green")])
    is_settled(BACK)


def test_an_edge_off_its_networks_comes_first() -> None:
    network = f"{config.PROJECT}-edge-blue"
    podman.call(["network", "disconnect", network, config.container("caddy")])
    follow("edge-off", replace(BACK, hands="edge off"))
    is_settled(BACK)


def test_a_cleanup_that_was_killed_goes_on() -> None:
    """Accepted, and it had begun to remove blue: no bake time stops it now."""
    mv("blue", "green")
    one, _runs = follow("last", BY_HAND)
    if one.verdict == "INCONCLUSIVE":
        release.must("worlds-sign", "watch", {"bluegreen_watch_do": "promote"}, quiet=True)
    switch = Switch(str(truth.switch_dir().parent))
    switch.unpin("blue")
    switch.block_rollback("blue")
    begun = replace(BY_HAND, verdict="signed", baked=False, removing=True, drained=True)
    one, _runs = follow("cleanup", begun)
    is_settled(one)


def test_a_hand_that_goes_to_what_was_cleaned_up_comes_back() -> None:
    os.rename(truth.switch_dir() / "green", truth.switch_dir() / "blue")
    done = script()
    assert done.returncode == 0 and truth.on_disk() == "green", done.stderr
    release.must("worlds-live-still", "", {"version": "v1.5.0"}, quiet=True)
