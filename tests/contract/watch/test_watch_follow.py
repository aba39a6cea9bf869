# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Following a watch from controllers that sleep, are interrupted, print for programs, or give orders."""

from __future__ import annotations

import json
import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from kit.miniedge import NEW, MiniEdge
from kit.miniwatch import call, events, launch, mini, until
from kit.plays import Play, pause, task, watch_task
from kit.ssh_native import sshd

# At most so many seconds may pass without a line from the watch. Ten are promised; three follow at once here, and a
# look of each is a whole module.
SILENCE = 20.0
# Errors in three seconds instead of three times five are enough here.
QUICK = {"slot": 1.0}


@pytest.fixture
def edge(tmp_path: Path) -> Iterator[MiniEdge]:
    with mini(tmp_path) as running:
        yield running


def follow(edge: MiniEdge, *options: str, **environment: str) -> Play:
    play = task(edge, "release_watch", state="followed")
    return Play(edge, play, options=("-i", "localhost,", "-c", "local", *options), **environment)


def going(edge: MiniEdge) -> None:
    """Green is live and watched."""
    call(edge, window=600.0, parameters=QUICK)
    edge.cut_over()
    until(lambda: events(edge, "sample"), 15, "a sample")


def told(play: Play, word: str, patience: float = 120) -> None:
    until(lambda: word in play.err, patience, "%r on standard error" % word)


def spoken(lines: list[tuple[float, str]]) -> list[float]:
    """When the lines of the watch came."""
    return [at for at, text in lines if re.match(r"\d\d:\d\d:\d\d  ", text)]


def longest_silence(lines: list[tuple[float, str]]) -> float:
    """Between two lines of the watch, from its first to its last."""
    times = spoken(lines)
    return max(after - before for before, after in zip(times, times[1:]))


@pytest.mark.slow
def test_any_number_follow_and_none_is_needed(edge: MiniEdge) -> None:
    """One is interrupted by Ctrl-C, one sleeps (SIGSTOP) over the end, one holds on; another run has the lock."""
    with edge.load(10):
        going(edge)
        lock = task(edge, "release_ledger", state="locked", switch_dir=edge.switch.path, stage="cutover")
        holder = Play(edge, lock, pause(edge.root / "never"))
        until((edge.state_dir / "lock.json").exists, 40, "the lock")
        interrupted, asleep, awake = follow(edge), follow(edge), follow(edge, "-v")
        for one in (interrupted, asleep, awake):
            told(one, "s left:")
        interrupted.signal(signal.SIGINT)
        asleep.signal(signal.SIGSTOP)
        assert interrupted.wait(30) != 0
        assert launch(edge).observe(NEW).alive
        until(lambda: len(spoken(awake.errors)) > 5, 60, "lines every few seconds")
        silent = longest_silence(awake.errors)
        edge.share["green"] = 1.0
        assert awake.wait(180) == 0, awake.out + awake.err
        assert edge.switch.read().live == "blue"
        asleep.signal(signal.SIGCONT)
        assert asleep.wait(120) == 0
    holder.signal(signal.SIGKILL)
    holder.wait()
    for one in (asleep, awake):
        assert "ROLLED BACK to blue" in one.err and "verdict FAIL" in one.err
    assert '"returned_to": "blue"' in awake.out or "returned_to: blue" in awake.out
    assert silent <= SILENCE
    late = follow(edge)
    assert late.wait(120) == 0 and "verdict FAIL" in late.err


def test_a_program_reads_clean_json(edge: MiniEdge) -> None:
    """The lines for people are on standard error: what a callback prints on standard output parses."""
    plugins = edge.root / "callbacks"
    plugins.mkdir()
    (plugins / "lab_json.py").write_text(CALLBACK)
    with edge.load(10):
        going(edge)
        play = follow(edge, ANSIBLE_STDOUT_CALLBACK="lab_json", ANSIBLE_CALLBACK_PLUGINS=str(plugins))
        until(lambda: "s left:" in play.err, 60, "a line on standard error")
        edge.share["green"] = 1.0
        assert play.wait(180) == 0, play.err
    assert json.loads(play.out)["verdicts"] == ["FAIL"]
    assert "verdict FAIL" in play.err


CALLBACK = """
import json
from ansible.plugins.callback import CallbackBase

DOCUMENTATION = "name: lab_json\\ntype: stdout\\nshort_description: JSON\\ndescription: [JSON]"


class CallbackModule(CallbackBase):
    CALLBACK_VERSION, CALLBACK_TYPE, CALLBACK_NAME = 2.0, "stdout", "lab_json"

    def __init__(self):
        super().__init__()
        self.verdicts = []

    def v2_runner_on_ok(self, result):
        self.verdicts.append(result.result.get("verdict"))

    def v2_playbook_on_stats(self, stats):
        self._display.display(json.dumps({"verdicts": self.verdicts}))
"""


@pytest.mark.slow
def test_a_dead_watcher_is_begun_again_by_who_follows(edge: MiniEdge) -> None:
    with edge.load(10):
        going(edge)
        play = follow(edge)
        told(play, "s left:")
        os.killpg(int(launch(edge).observe(NEW).about["keeper"]["pid"]), signal.SIGKILL)
        told(play, "it was started again")
        edge.share["green"] = 1.0
        assert play.wait(180) == 0 and "ROLLED BACK to blue" in play.err


def test_orders_are_answered(edge: MiniEdge) -> None:
    """Each is a play of its own; what can't be is one error that names what was typed."""
    with edge.load(10):
        going(edge)
        held = Play(edge, task(edge, "release_watch", state="ordered", order="hold"), SHOW)
        wrong = Play(edge, task(edge, "release_watch", state="ordered", order="stop"))
        early = Play(edge, task(edge, "release_watch", state="ordered", order="promote"))
        assert held.wait() == 0 and "the watch is held" in held.out, held.out + held.err
        assert wrong.wait() == 2 and "bluegreen_watch_do='stop': unknown order to a watch" in wrong.out + wrong.err
        assert early.wait() == 2 and "what was seen so far is no PASS" in early.out + early.err
        ended = Play(edge, task(edge, "release_watch", state="ordered", order="abort"), SHOW)
        assert ended.wait() == 0 and "nothing is rolled back" in ended.out
    (control,) = [event for event in events(edge, "control") if event["do"] == "hold"]
    assert " at " in control["by"] and control["done"]


SHOW = {"ansible.builtin.debug": {"msg": "{{ done.answer }}"}}


def test_a_controller_asleep_over_the_flip(edge: MiniEdge) -> None:
    """The laptop closes between start and flip and opens when all is over: nobody had waited for it."""
    with edge.load(10):
        release = edge.root / "flipped"
        play = Play(
            edge,
            watch_task(edge, window=600.0, parameters=QUICK),
            pause(release),
            task(edge, "release_watch", state="followed"),
        )
        until(lambda: events(edge, "waiting"), 60, "the watcher")
        play.signal(signal.SIGSTOP)
        edge.share["green"] = 1.0
        edge.cut_over()
        until(lambda: edge.switch.read().live == "blue", 120, "the rollback")
        release.touch()
        play.signal(signal.SIGCONT)
        assert play.wait(180) == 0 and "verdict FAIL" in play.err, play.out + play.err


@pytest.mark.slow
def test_the_connection_is_lost(edge: MiniEdge) -> None:
    """Started and followed over a real ssh. All of its connections are cut, for good: the watch goes on to its end."""
    with sshd(edge.root / "ssh") as server, edge.load(10):
        play = Play(
            edge,
            watch_task(edge, window=600.0, parameters=QUICK),
            task(edge, "release_watch", state="followed"),
            options=server.options,
        )
        until(lambda: events(edge, "waiting"), 90, "the watcher")
        edge.cut_over()
        told(play, "s left:")
        os.kill(server.pid, signal.SIGSTOP)
        for session in server.sessions():
            os.kill(session, signal.SIGKILL)
        edge.share["green"] = 1.0
        until(lambda: edge.switch.read().live == "blue", 120, "the rollback")
        os.kill(server.pid, signal.SIGCONT)
        play.signal(signal.SIGKILL)
        play.wait()
        later = Play(edge, task(edge, "release_watch", state="followed"), options=server.options)
        assert later.wait(120) == 0 and "verdict FAIL" in later.err, later.out + later.err
