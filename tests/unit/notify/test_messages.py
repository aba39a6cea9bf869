# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is said of an end, where it goes, and how often it is tried."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from kit.receiver import SECRET, Receiver

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.clock import SystemClock
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import Refused
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.http import DirectHttp, Response
from ansible_collections.olympus.bluegreen.plugins.module_utils._deployment.tree import TOLD
from ansible_collections.olympus.bluegreen.plugins.module_utils._notify import message
from ansible_collections.olympus.bluegreen.plugins.module_utils._notify.address import address
from ansible_collections.olympus.bluegreen.plugins.module_utils._notify.send import Notifier

ABOUT = {"deployment": "shop", "host": "web1", "at": 1.0}
FAIL = {
    "verdict": "FAIL",
    "version": "v2",
    "release": "v2-1111111111",
    "colour": "green",
    "since": 100.0,
    "reasons": ["5 of 9 answers were errors"],
    "rolled_back": {"done": True, "to": "blue", "at": 103.0},
}


def ended(stage: str, **changes: Any) -> dict[str, Any]:
    outcome = {"stage": stage, "failed": False, "why": "", "version": "v2", "release": "", "idle": "green", **changes}
    return message.of_stage(outcome, lambda: "blue" if stage in ("migrate", "deploy", "rollback") else "green")


@pytest.mark.parametrize(
    ("stage", "says"),
    [
        ("migrate", "The schemas are migrated for v2. blue stays live."),
        ("deploy", "v2 runs on green and passed its gate. blue stays live."),
        ("cutover", "v2 is live on green. The watcher judges it now."),
        ("rollback", "Rolled back: blue is live."),
        ("cleanup", "v2 is accepted on green. The containers of green are removed."),
    ],
)
def test_each_end_is_a_sentence(stage: str, says: str) -> None:
    told = ended(stage)
    assert (told["event"], told["text"]) == (stage, says)


def test_a_stage_that_failed_says_why_and_what_is_live() -> None:
    told = ended("deploy", failed=True, why="the gate failed: site is not ready")
    assert told["event"] == "failed"
    assert told["text"] == "Deploy failed. Live: blue. the gate failed: site is not ready"


def test_of_what_did_nothing_nothing_is_said_and_the_switch_is_not_asked() -> None:
    def never() -> str:
        raise AssertionError("asked")

    for outcome in ({}, {"stage": "adopt"}, {"stage": "preflight"}):
        assert message.of_stage(outcome, never) == {}


def test_a_verdict_says_what_happened_and_what_to_do() -> None:
    told = message.of_verdict(FAIL)
    assert told["text"].startswith("FAIL: v2 was bad. The watcher rolled back: blue is live again, 3 s after the flip.")
    assert "Nothing tonight." in told["text"] and "5 of 9" in told["text"]
    assert (told["live"], told["returned_to"], told["rolled_back"]) == ("blue", "blue", True)


def test_every_event_that_can_be_chosen_is_sent_by_someone() -> None:
    assert set(TOLD) == {*message.ENDS, message.FAILED, message.VERDICT}


def test_slack_gets_its_text_alone_and_others_the_facts_too() -> None:
    told = message.of_verdict(FAIL)
    short = json.loads(message.body({"kind": "slack"}, told, ABOUT))
    whole = json.loads(message.body({}, told, ABOUT))
    assert list(short) == ["text"] and short["text"].startswith("shop on web1: FAIL: ")
    assert whole["text"] == short["text"]
    facts = {"v": 1, "event": "verdict", "deployment": "shop", "host": "web1", "verdict": "FAIL", "returned_to": "blue"}
    assert facts.items() <= whole.items()


def test_no_secret_and_no_novel() -> None:
    told = ended("deploy", failed=True, why="postgres://u:hunter2@db/x refused " + "x" * 2000)
    sent = json.loads(message.body({}, told, ABOUT))
    assert "hunter2" not in sent["text"] and len(sent["text"]) <= message.LONGEST


def test_only_the_chosen_events() -> None:
    assert message.chosen({}, "deploy") and message.chosen({"events": []}, "deploy")
    assert not message.chosen({"events": ["verdict", "failed"]}, "deploy")


# Where it goes


def test_a_file_that_only_its_owner_reads_holds_the_address(tmp_path: Path) -> None:
    file = tmp_path / "hook"
    file.write_text("https://hooks.example.com/%s\n" % SECRET)
    file.chmod(0o644)
    with pytest.raises(Refused, match="users other than its owner") as shown:
        address({"url_file": str(file)}, "")
    assert "bluegreen_notify.url_file" in str(shown.value)
    file.chmod(0o600)
    assert address({"url_file": str(file)}, "") == "https://hooks.example.com/" + SECRET
    assert address({"url_file": str(file)}, "http://other.example.com/x") == "http://other.example.com/x"


@pytest.mark.parametrize(
    "url",
    ["hooks/" + SECRET, "ftp://x/" + SECRET, "https:///" + SECRET, "http://x:port/" + SECRET, "http://x/a b " + SECRET],
)
def test_what_is_no_address_is_refused_and_not_shown(url: str) -> None:
    with pytest.raises(Refused, match="no http or https address") as shown:
        address({}, url)
    assert SECRET not in str(shown.value)


def test_no_address_at_all() -> None:
    with pytest.raises(Refused, match="has no address"):
        address({"kind": "slack"}, "")


# How often


class Tries:
    """Answers in turn; a clock that goes on with each of them and with each pause."""

    def __init__(self, *answers: Response, takes: float = 0.0) -> None:
        self.answers, self.takes, self.at, self.asked = list(answers), takes, 0.0, 0

    def request(self, method: str, url: str, **given: Any) -> Response:
        self.asked += 1
        self.at += min(self.takes, given["timeout"])
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    def now(self) -> float:
        return self.at

    monotonic = now

    def sleep(self, seconds: float) -> None:
        self.at += seconds


def notifier(tries: Tries) -> Notifier:
    return Notifier("shop", {}, "http://x/" + SECRET, tries, tries)


def test_it_tries_again_until_it_is_taken() -> None:
    tries = Tries(Response(0, error="refused"), Response(503), Response(429), Response(204))
    sent = notifier(tries).tell(ended("cutover"), 60)
    assert (sent.done, sent.tries, tries.at) == (True, 4, 7.0)


@pytest.mark.parametrize("status", [302, 400, 404, 410])
def test_what_no_try_can_change_is_given_up(status: int) -> None:
    tries = Tries(Response(status))
    sent = notifier(tries).tell(ended("cutover"), 60)
    assert (sent.done, sent.tries) == (False, 1) and str(status) in sent.why


@pytest.mark.parametrize("takes", [0.0, 3.0, 30.0])
def test_no_receiver_keeps_it_past_its_deadline(takes: float) -> None:
    tries = Tries(Response(0, error="no answer from http://x/%s" % SECRET), takes=takes)
    sent = notifier(tries).tell(ended("cutover"), 25)
    assert not sent.done and tries.at <= 25.0 and tries.asked == sent.tries >= 3
    assert SECRET not in sent.why


def test_over_a_real_connection() -> None:
    with Receiver([500]) as receiver:
        sent = Notifier("shop", {}, receiver.url, DirectHttp(), SystemClock()).tell(ended("cutover"), 10)
    assert (sent.done, sent.tries) == (True, 2)
    assert receiver.bodies[0]["event"] == "cutover" and receiver.bodies[0]["path"] == "/services/" + SECRET
