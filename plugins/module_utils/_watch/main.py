# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The detached process: ``python3 -m ..._watch.main CONFIG``. Standard library only, no argument but a path.

``--replay EVENTS`` judges a recorded watch again and prints the verdict as JSON.
"""

from __future__ import annotations

import fcntl
import json
import os
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from .._core.clock import Clock, SteadyClock, SystemClock
from .._core.files import read_mapping, write_json
from .._core.http import DirectHttp
from .._core.podman import Podman
from .._core.process import identity
from .._core.runner import SubprocessRunner
from .._health import checks
from .._health.probe_origin import Standpoint
from .._report.write import write_report
from .._state import events
from .._state.directory import StateDir
from .._switch.switch import Switch
from .._verdict.judge import INCONCLUSIVE, judge
from .._verdict.parameters import Judgement
from . import singletons_followup
from .conclusion import conclude
from .config import Config, load
from .notice import Notice
from .observer import Observer, Public
from .prober import PairedProber, unready
from .rollback_followup import configuration, load_balancers
from .tail import Tail
from .watcher import Resume, Watcher, WatchInputs

# Another watcher of the deployment is running.
HELD = 3
# How often a dead watcher is started again, and seconds before that.
LIVES, PAUSE = 20, 0.5


def inputs_of(config: Config, standpoint: Standpoint, wall: Clock, podman: Podman) -> WatchInputs:
    ca = str(config.edge.get("ca") or "")
    connect: tuple[str, int] | None = None
    if config.edge.get("address"):
        connect = (str(config.edge["address"]), int(config.edge.get("port") or 443))
    # At an address of our own no certificate is needed; a name that is looked up may lead anywhere.
    http = DirectHttp(ca or None, verify=bool(ca) or connect is None)
    public = Public(http, config.public, connect, config.edge.get("scheme") or "https")
    clock = SteadyClock(wall)
    switch = Switch(config.switch_dir)
    cloudflare = config.edge.get("cloudflare")
    if cloudflare:
        follow = load_balancers(cloudflare, switch, clock)
    else:
        follow = configuration(podman.runner, switch, clock, config.state_dir)
    return WatchInputs(
        clock,
        switch,
        Tail(config.log, clock),
        Observer(config, podman, public, clock),
        public,
        PairedProber(config, DirectHttp(), clock, standpoint) if config.probe else None,
        follow,
    )


def watch(config: Config, deaths: int) -> dict[str, Any]:
    """One watch from beginning to its verdict, returned; after too many deaths only that it could not be watched."""
    clock, podman = SystemClock(), Podman(SubprocessRunner())
    both = {**checks.addresses(config.gate_plan(config.colour)), **checks.addresses(config.gate_plan(config.old))}
    standpoint = Standpoint(podman, str(config.edge.get("container") or ""), both)
    watcher = Watcher(config, inputs_of(config, standpoint, clock, podman))
    try:
        judgement = given_up(watcher, deaths) if deaths >= LIVES - 1 else watcher.run()
    except Exception as exc:  # a watch that ends without a verdict would be taken for one that still runs
        traceback.print_exc()
        judgement = Judgement(INCONCLUSIVE, ("the watcher broke: %s: %s" % (type(exc).__name__, exc),), {})
    verdict = conclude(watcher, judgement, lambda colour: unready(config, DirectHttp(), standpoint, colour))
    watcher.stop_sources()
    return verdict


def given_up(watcher: Watcher, deaths: int) -> Judgement:
    watcher.flip = str(Resume.of(events.read(watcher.path)).armed.get("flip", ""))
    return Judgement(INCONCLUSIVE, ("the watcher died %d times" % deaths,), {})


def keep(watch: Callable[[int], int], begun: Callable[[], bool], pause: float = PAUSE) -> int:
    """Run ``watch(deaths so far)`` in a child until it ends by itself; its exit code, negative for a signal.

    The parent has read the configuration once, so a watcher that it forks again has its probe secrets, though the disk
    has them no more. That is why it is there beside systemd, which starts again what lost its parent, too. Where
    neither is left, the run that follows the watch, or the boot, starts it again from its events.
    A watch that fails before it had ``begun`` would fail again: its starter reports it instead.
    """
    code = 1
    for deaths in range(LIVES):
        try:
            pid = os.fork()
        except OSError:
            # No process can be had now: what the bad release takes it may give back.
            time.sleep(pause)
            continue
        if pid == 0:
            os._exit(_guarded(watch, deaths))
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        if code in (0, HELD) or (code > 0 and not begun()):
            return code
        time.sleep(pause)
    return code


def _guarded(watch: Callable[[int], int], deaths: int) -> int:
    try:
        return watch(deaths)
    except BaseException:
        traceback.print_exc()
        return 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()


@contextmanager
def only_one(path: str) -> Iterator[bool]:
    """Whether this is the deployment's one watcher; the kernel gives the place back when it dies."""
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True
    finally:
        os.close(fd)


def main(argv: Sequence[str]) -> int:
    if len(argv) == 2 and argv[0] == "--replay":
        judged = judge(events.read(argv[1]))
        found = {"verdict": judged.verdict, "reasons": judged.reasons, "evidence": judged.evidence}
        sys.stdout.write(json.dumps(found, indent=2) + "\n")
        return 0
    config = load(argv[0])
    record = StateDir(config.state_dir).release(config.release, "watch", "events.jsonl")
    if events.read(record):
        config = config.askable()
    keeper = identity(os.getpid())
    return keep(lambda deaths: watch_alone(config, keeper, deaths), lambda: bool(events.read(record)))


def watch_alone(config: Config, keeper: Mapping[str, int], deaths: int) -> int:
    """Watch, unless another watcher of this deployment does or the verdict is there."""
    state = StateDir(config.state_dir)
    with only_one(state.path("watch.flock")) as alone:
        if not alone:
            sys.stderr.write("another watcher of this deployment is running\n")
            return HELD
        about = {"release": config.release, "colour": config.colour, "since": SystemClock().now()}
        me = {**identity(os.getpid()), **about, "keeper": keeper, "deaths": deaths}
        try:
            write_json(state.release(config.release, "watch", "pid"), me)
            write_json(state.path("watch.json"), me)
        except OSError:  # the disk is full: better an unknown watcher than none
            traceback.print_exc()
        notice = Notice(config, DirectHttp(), SystemClock(), lambda event: noted(config, event))
        with notice.metrics():
            judged = state.release(config.release, "verdict.json")
            if os.path.exists(judged):
                write_report(state, config.release)
                verdict = read_mapping(judged)
            else:
                verdict = watch(config, deaths)
            # Beside each other: neither a receiver that does not answer nor a courier that does not start delays more.
            with notice.telling(verdict):
                singletons_followup.follow(config, Podman(SubprocessRunner()), SystemClock(), notice.note)
    return 0


def noted(config: Config, event: Mapping[str, Any]) -> None:
    """One more event of a watch that has its verdict; a full disk is no reason to end."""
    with suppress(OSError):
        path = StateDir(config.state_dir).release(config.release, "watch", "events.jsonl")
        events.append(path, event, SystemClock().now())


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
