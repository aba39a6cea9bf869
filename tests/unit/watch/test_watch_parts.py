# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Access log, processes, detaching, containers, continuity: each by what it must not get wrong."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.olympus.bluegreen.plugins.module_utils._core import code_copy, detach, process
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.clock import SystemClock
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.http import Response
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.runner import Result
from ansible_collections.olympus.bluegreen.plugins.module_utils._watch import observer
from ansible_collections.olympus.bluegreen.plugins.module_utils._watch.accesslog import parse
from ansible_collections.olympus.bluegreen.plugins.module_utils._watch.config import Config, load
from ansible_collections.olympus.bluegreen.plugins.module_utils._watch.prober import (
    KEYS,
    SESSION,
    SessionContinuity,
)
from ansible_collections.olympus.bluegreen.plugins.module_utils._watch.samples import Counts
from ansible_collections.olympus.bluegreen.plugins.module_utils._watch.tail import Tail


def entry(status: int, colour: str = "green", at: float = 100.0, took: float = 0.5, **request: Any) -> str:
    """A line as Caddy writes it."""
    headers = {"X-Bluegreen-Colour": [colour]} if colour else {}
    asked = {
        "host": "login.ciam.olympus.test",
        "uri": "/login?code=canary",
        "headers": {"User-Agent": ["x"]},
        **request,
    }
    return json.dumps({"ts": at, "duration": took, "status": status, "request": asked, "resp_headers": headers}) + "\n"


def counted(*lines: str, flipped: float | None = 90.0) -> dict[str, Any]:
    counts = Counts("green", "blue")
    counts.flipped = flipped
    # Blue answered on this route before.
    counts.add([line for text in (entry(200, "blue", at=10.0),) if (line := parse(text))])
    counts.take()
    counts.add(line for text in lines if (line := parse(text)))
    return {**counts.take(), "routes": dict(counts.routes)}


@pytest.mark.parametrize(
    ("line", "new", "old"),
    [
        (entry(200), (1, 0), (0, 0)),
        (entry(500), (1, 1), (0, 0)),
        (entry(404), (1, 0), (0, 0)),
        (entry(500, "blue"), (0, 0), (1, 1)),
        (entry(499), (0, 0), (0, 0)),
        (entry(0), (0, 0), (0, 0)),
        # The edge's own 5xx: whoever was live when the request began.
        (entry(502, ""), (1, 1), (0, 0)),
        (entry(502, "", took=20), (0, 0), (1, 1)),
        # The edge's own 404 is nobody's failure.
        (entry(404, ""), (0, 0), (0, 0)),
        (entry(500, headers={"User-Agent": ["olympus-bluegreen"]}), (0, 0), (0, 0)),
        # Who previews a colour is no visitor of it.
        (
            entry(500).replace("X-Bluegreen-Colour", 'X-Bluegreen-Preview": ["idle"], "X-Bluegreen-Colour'),
            (0, 0),
            (0, 0),
        ),
        ("no json", (0, 0), (0, 0)),
        ('{"ts": 1}', (0, 0), (0, 0)),
        ("[]", (0, 0), (0, 0)),
    ],
)
def test_whom_an_answer_counts_for(line: str, new: tuple[int, int], old: tuple[int, int]) -> None:
    found = counted(line)
    assert (found["new"]["n"], found["new"]["bad"]) == new
    assert (found["old"]["n"], found["old"]["bad"]) == old


def test_routes_hold_no_id_and_no_query() -> None:
    found = counted(entry(500), entry(500, uri="/verify-0a1b2c3d/x"), entry(500, uri="/"))["routes"]
    assert found == {
        "login.ciam.olympus.test/login 500": 1,
        "login.ciam.olympus.test/* 500": 1,
        "login.ciam.olympus.test/ 500": 1,
    }


def seen(tail: Tail) -> list[int]:
    return [line.status for line in tail.lines()]


def test_the_tail_survives_rotation_and_half_lines(tmp_path: Path) -> None:
    path = tmp_path / "access.log"
    tail = Tail(str(path))
    assert tail.open(0) is False and seen(tail) == []
    path.write_text(entry(200) + entry(201)[:30])
    assert seen(tail) == [200]
    with path.open("a") as handle:
        handle.write(entry(201)[30:])
    assert seen(tail) == [201]
    with path.open("a") as handle:
        handle.write(entry(202))
    os.rename(path, tmp_path / "access-1.log")
    path.write_text(entry(203))
    assert seen(tail) == [202, 203]
    path.write_text(entry(204)[:60])
    assert seen(tail) == []
    path.write_text("")
    assert seen(tail) == []
    path.write_text(entry(205))
    assert seen(tail) == [205]


def test_the_tail_starts_near_the_end(tmp_path: Path) -> None:
    path = tmp_path / "access.log"
    path.write_text("".join(entry(200 + n) for n in range(50)))
    tail = Tail(str(path))
    tail.open(len(entry(200)) * 3 + 5)
    assert seen(tail) == [247, 248, 249]


def test_a_process_is_known_by_its_start_too() -> None:
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    known = process.identity(child.pid)
    assert process.alive(known)
    assert not process.alive({**known, "start": known["start"] + 1})
    assert process.end({**known, "start": known["start"] + 1}, SystemClock(), 1) is False
    assert process.alive(known)
    assert process.end(known, SystemClock(), 5) is False
    assert not process.alive(known)
    child.wait()
    assert child.returncode == -signal.SIGTERM
    assert not process.alive({}) and not process.alive(None)


def test_who_ignores_the_term_is_killed() -> None:
    code = "import signal,time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"
    child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    if child.stdout is None or child.stdout.readline() != b"up\n":
        raise AssertionError("no child")
    assert process.end(process.identity(child.pid), SystemClock(), 0.5) is True
    assert child.wait() == -signal.SIGKILL


class Recorder:
    """A runner that answers ``rc`` and remembers."""

    def __init__(self, rc: int) -> None:
        self.rc = rc
        self.argv: list[str] = []

    def run(self, argv: Any, **_given: Any) -> Result:
        self.argv = list(argv)
        return Result(self.rc, "", "")


def test_systemd_gets_a_service_of_its_own(tmp_path: Path) -> None:
    runner = Recorder(0)
    begun = detach.start(runner, "unit-x", "/lib/x", "os", "config.json", str(tmp_path / "log"), lambda: True)
    assert begun.how == "systemd"
    assert runner.argv[:4] == ["systemd-run", "--collect", "--quiet", "--unit=unit-x"]
    assert "--setenv=PYTHONPATH=/lib/x" in runner.argv
    assert runner.argv[-3:] == ["-m", "os", "config.json"]


def test_without_a_usable_systemd_it_is_a_session(tmp_path: Path) -> None:
    log = tmp_path / "log"
    code = tmp_path / "here.py"
    code.write_text("import os, sys; print(os.getsid(0) == os.getpid(), sys.argv[1], os.getcwd())")
    begun = detach.start(Recorder(1), "u", str(tmp_path), "here", "config.json", str(log), lambda: True)
    assert begun.how == "session"
    while not begun.gone():
        pass
    assert log.read_text() == "True config.json /\n"


def test_the_code_is_copied_once_and_runs_alone(tmp_path: Path) -> None:
    """No Ansible on the path, only the copy."""
    library = code_copy.install(str(tmp_path / "lib"))
    assert code_copy.install(str(tmp_path / "lib")) == library
    done = subprocess.run(
        [sys.executable, "-S", "-m", code_copy.ENTRY, "--replay", str(tmp_path / "none")],
        env={"PYTHONPATH": library, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["verdict"] == ""


def test_a_copy_that_a_power_cut_has_torn_is_made_anew(tmp_path: Path) -> None:
    library = Path(code_copy.install(str(tmp_path / "lib")))
    torn = library / code_copy.PACKAGE / "_watch/main.py"
    whole = torn.read_bytes()
    torn.write_bytes(b"")
    assert not code_copy.whole(str(library), code_copy.read_source())
    assert code_copy.install(str(tmp_path / "lib")) == str(library) and torn.read_bytes() == whole


def test_secrets_are_struck_from_the_disk(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    Config("d", str(tmp_path), "r", "green", "s", probe_secrets={"ciam": {"password": "canary"}}).write(str(path))
    assert oct(path.stat().st_mode)[-3:] == "600"
    assert load(str(path)).probe_secrets == {"ciam": {"password": "canary"}}
    assert "canary" not in path.read_text()
    assert oct(path.stat().st_mode)[-3:] == "600"


RUNNING = ("running", 5, 0)


@pytest.mark.parametrize(
    ("now", "told"),
    [
        ({"hera": RUNNING, "site": RUNNING}, ""),
        ({"hera": ("exited", 5, 0), "site": RUNNING}, "hera is exited"),
        ({"hera": ("running", 9, 0), "site": RUNNING}, "hera was restarted"),
        ({"hera": ("running", 5, 1), "site": RUNNING}, "hera was restarted"),
        ({"site": RUNNING}, "hera is gone"),
        ({"hera": RUNNING, "site": RUNNING, "migrate": ("exited", 1, 0)}, ""),
    ],
)
def test_what_happened_to_containers(now: dict[str, tuple[str, int, int]], told: str) -> None:
    assert observer.changed({"hera": RUNNING, "site": RUNNING}, now) == told


SERVICES = {
    "k": {"kind": "kratos", "port": 1, "admin_port": 2},
    "h": {"kind": "hydra", "port": 3, "admin_port": 4},
}
PROBES = {
    "ciam": {"kratos": "k", "hydra": "h", "login_host": "login.test", "oauth_host": "oauth.test", "identifier": "p@x"}
}


class Ory:
    """Kratos and Hydra of both colours, as far as continuity asks them; ``refuse`` and ``lack`` name colours."""

    def __init__(self) -> None:
        self.refuse: set[str] = set()
        self.lack: set[str] = set()

    def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        connect: tuple[str, int] | None = None,
        timeout: float = 10,
    ) -> Response:
        colour = "blue" if connect and connect[0].startswith("10.231.16.") else "green"
        if "jwks" in url:
            keys = [{"kid": "a"}] + ([] if colour in self.lack else [{"kid": "b"}])
            return Response(200, body=json.dumps({"keys": keys}).encode())
        session = {"active": True, "identity": {"id": "i"}}
        if "whoami" in url:
            told = (
                Response(401, body=b"{}") if colour in self.refuse else Response(200, body=json.dumps(session).encode())
            )
            return told
        answers: dict[str, Any] = {"id": "flow", "session_token": "s", "session": session}
        return Response(204 if method == "DELETE" else 200, body=json.dumps(answers).encode())


@pytest.mark.parametrize(
    ("refuse", "lack", "broken"),
    [
        (set(), set(), set()),
        ({"green"}, set(), {SESSION}),
        ({"green", "blue"}, set(), set()),
        (set(), {"green"}, {KEYS}),
        (set(), {"blue"}, set()),
        (set(), {"blue", "green"}, set()),
    ],
)
def test_continuity(refuse: set[str], lack: set[str], broken: set[str]) -> None:
    """A refusal counts only while the old colour says yes; additional keys are no harm."""
    config = Config(
        "d", "/s", "r", "green", "s", services=SERVICES, probes=PROBES, probe_secrets={"ciam": {"password": "p"}}
    )
    ory = Ory()
    continuity = SessionContinuity(config, ory)
    continuity.open()
    ory.refuse, ory.lack = refuse, lack
    found = continuity.look()
    assert set(found) == {SESSION, KEYS}
    assert {rule for rule, detail in found.items() if detail} == broken
    continuity.close()
