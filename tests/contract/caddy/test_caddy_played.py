# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The way back and a drain as an operator types them, against a native Caddy."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from kit.caddy_played import ROOT, World, world
from kit.ssh_native import becoming, sshd

DRAIN = [
    {
        "hosts": "olympus_edge",
        "gather_facts": False,
        "tasks": [
            {"olympus.bluegreen.release_deployment": {"stages": ["rollback"]}, "register": "known"},
            {
                "ansible.builtin.include_role": {"name": "olympus.bluegreen.traffic", "tasks_from": "drain"},
                "vars": {
                    "traffic_deployment": "{{ known.described }}",
                    "traffic_colour": "blue",
                    "traffic_deadline": "{{ deadline | int }}",
                    "traffic_release": "v1.5.0-0123456789",
                },
            },
        ],
    }
]


@pytest.fixture(scope="module")
def played() -> Iterator[World]:
    with world() as running:
        yield running


@contextmanager
def websocket(one: World) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", one.port)) as sock:
        sock.sendall(b"GET /ws HTTP/1.1\r\nHost: site.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
        assert b" 101 " in sock.recv(4096)
        yield sock


def test_a_rollback_is_four_tasks_after_the_guard_and_twice_is_once(played: World) -> None:
    played.cut_over()
    for changed in (1, 0):
        done = played.run(ROOT / "bluegreen.yml", "--tags", "rollback")
        assert done.returncode == 0, done.stdout + done.stderr
        assert done.stdout.count("TASK [") == 3 + 4 and played.switch.read().live == "blue"
        recap = re.search(r"ok=(\d+) +changed=(\d+).*skipped=(\d+)", done.stdout)
        # No courier has to follow (none of ours runs, and blue has the adopted project's), and no hook is set.
        assert recap and [int(one) for one in recap.groups()] == [5, changed, 2]


def ways(one: World) -> list[str]:
    """What was started to go back, in order."""
    return ["program" if "state/return" in line else "module" for line in one.begun.read_text().splitlines()]


def test_a_rollback_does_not_wait_for_a_module(played: World) -> None:
    played.cut_over()
    played.begun.unlink(missing_ok=True)
    played.play(ROOT / "bluegreen.yml", "--tags", "rollback")
    assert played.switch.read().live == "blue" and ways(played) == ["program"]


def test_a_rollback_by_somebody_who_becomes_root_over_ssh(played: World) -> None:
    with sshd(played.directory / "ssh") as server:
        there = json.dumps({"ansible_connection": "ssh", **becoming(server.variables)})
        for changed in (1, 0):
            if changed:
                played.cut_over()
            played.begun.unlink(missing_ok=True)
            done = played.run(ROOT / "bluegreen.yml", "--tags", "rollback", "-e", there)
            assert done.returncode == 0 and "changed=%d " % changed in done.stdout, done.stdout + done.stderr
            assert played.switch.read().live == "blue" and ways(played) == ["program"]


@pytest.mark.parametrize(
    "program",
    [
        None,
        "#!/nowhere/python\n",
        "#!/bin/sh\necho Traceback >&2\nexit 1\n",
        "#!/bin/sh\necho hello\n",
        '#!/bin/sh\n%s "$@" >/dev/null\nkill -9 $$\n',
    ],
    ids=["gone", "no Python", "broken", "babbling", "killed after the flip"],
)
def test_where_the_program_does_not_answer_the_module_does(program: str | None, played: World) -> None:
    kept = played.program.with_name("kept")
    played.program.rename(kept)
    if program:
        played.program.write_text(program.replace("%s", str(kept)))
        played.program.chmod(0o755)
    try:
        played.cut_over()
        played.begun.unlink(missing_ok=True)
        played.play(ROOT / "bluegreen.yml", "--tags", "rollback")
        assert played.switch.read().live == "blue" and ways(played)[-1] == "module"
    finally:
        kept.rename(played.program)


def test_before_a_refusal_counts_the_module_of_today_has_looked_too(played: World) -> None:
    """The program may be of an older collection."""
    played.cut_over()
    kept, switch = played.switch.read(), Path(played.switch.path)
    played.begun.unlink(missing_ok=True)
    (switch / "return_to").rename(played.directory / "return_to")
    played.switch.claim(kept.token)
    done = played.run(ROOT / "bluegreen.yml", "--tags", "rollback")
    (played.directory / "return_to").rename(switch / "return_to")
    said = " ".join(done.stdout.split())
    assert done.returncode != 0 and "no cutover yet; the run in progress was stopped" in said, said
    assert ways(played) == ["program", "module"] and played.switch.read().live == kept.live == "green"
    older = played.program.read_text()
    played.program.write_text('#!/bin/sh\necho \'{"failed": true, "msg": "an old mistake"}\'\n')
    try:
        played.play(ROOT / "bluegreen.yml", "--tags", "rollback")
    finally:
        played.program.write_text(older)
    assert played.switch.read().live == "blue"


def test_a_rollback_in_check_mode_beside_the_first_release_is_a_refusal(played: World) -> None:
    switch = Path(played.switch.path)
    (switch / "return_to").rename(played.directory / "return_to")
    token = played.switch.claim(0)
    try:
        done = played.run(ROOT / "bluegreen.yml", "--tags", "rollback", "--check")
    finally:
        played.switch.unclaim(token)
        (played.directory / "return_to").rename(switch / "return_to")
    assert done.returncode == 2 and "nothing to roll back" in done.stdout and "Traceback" not in done.stdout
    assert played.switch.read().token == token


@pytest.mark.parametrize("release", ["adopted", "ours"])
def test_a_rollback_that_can_send_nothing_ends_well(release: str, played: World) -> None:
    """Mails that wait are no reason to say that the rollback failed."""
    stack = played.directory / "state/stacks/blue/services.json"
    before = stack.read_text()
    stack.write_text(json.dumps({**json.loads(before), "adopted": release == "adopted"}))
    played.cut_over()
    try:
        done = played.run(ROOT / "bluegreen.yml", "--tags", "rollback", "-e", "ansible_remote_tmp=/proc/nowhere")
    finally:
        stack.write_text(before)
    assert done.returncode == 0 and played.switch.read().live == "blue", done.stdout
    assert (release == "ours") is ("UNREACHABLE" in done.stdout)


@pytest.mark.parametrize(("version", "fast"), [("", True), ("v1.4.2", False)])
def test_a_version_chooses_the_slow_way(version: str, fast: bool, played: World) -> None:
    done = played.run(ROOT / "bluegreen.yml", "--tags", "rollback", "-e", "version=" + version, "--list-hosts")
    counts = dict(re.findall(r"\): (Roll back[^\t]*)\tTAGS.*?hosts \((\d)\)", done.stdout, re.DOTALL))
    assert counts == {"Roll back": str(int(fast)), "Roll back to the release that was named": str(int(not fast))}


def test_a_rollback_in_check_mode_changes_nothing(played: World) -> None:
    played.cut_over()
    before = played.switch.read()
    done = played.run(ROOT / "bluegreen.yml", "--tags", "rollback", "--check")
    assert done.returncode == 0 and played.switch.read() == before, done.stdout
    played.play(ROOT / "bluegreen.yml", "--tags", "rollback")


@pytest.mark.slow
def test_who_is_connected_is_told_live_and_noted(played: World) -> None:
    play = played.directory / "drain.yml"
    play.write_text(yaml.safe_dump(DRAIN))
    with websocket(played) as sock:
        played.cut_over()
        done = played.run(play, "-e", "deadline=16")
        assert done.returncode == 0, done.stdout + done.stderr
        sock.sendall(b"still here")
    assert len(re.findall(r"^\d\d:\d\d:\d\d  blue still has site: 1 ", done.stderr, re.MULTILINE)) >= 2
    assert "site: 1 stream or WebSocket" in done.stderr and "0 s left" in done.stderr
    told = noted(played)
    assert told["done"] is False and told["release"] == "v1.5.0-0123456789"
    assert [(one["service"], one["kind"], one["count"]) for one in told["left"]] == [("site", "stream or WebSocket", 1)]
    assert told["left"][0]["seconds"] >= 5 and "127.0.0.1" not in json.dumps(told)
    done = played.run(play, "-e", "deadline=30")
    assert done.returncode == 0 and "blue is drained" in done.stderr
    assert noted(played)["done"] is True and noted(played)["left"] == []


def noted(played: World) -> dict[str, Any]:
    lines = (played.directory / "state/ledger.jsonl").read_text().splitlines()
    return next(one for one in map(json.loads, reversed(lines)) if one["event"] == "drained")


@pytest.mark.parametrize(
    ("tags", "words"),
    [
        ("watch", "nothing to watch: no cutover yet. Fix: ansible-playbook bluegreen.yml -e version="),
        pytest.param("rollback", "nothing to roll back: not adopted (no switch at ", id="not adopted"),
    ],
)
def test_before_adopt_a_stage_says_in_one_sentence_that_there_is_nothing(tags: str, words: str) -> None:
    """No couriers, no second look, and no time but Ansible's own (R9)."""
    with world(adopted=False) as one:
        done = one.run(ROOT / "bluegreen.yml", "--tags", tags)
    said = " ".join((done.stdout + done.stderr).split())
    assert done.returncode == 2 and words in said, said
    assert "courier" not in said and "RETRYING" not in said and said.count("FAILED!") == 1


def test_before_a_cutover_there_is_nothing_to_roll_back() -> None:
    with world() as one:
        for tags, words in (("rollback", "nothing to roll back: no cutover yet"), ("watch", "nothing to watch: no")):
            done = one.run(ROOT / "bluegreen.yml", "--tags", tags)
            assert done.returncode == 2 and words in done.stdout, done.stdout + done.stderr
