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
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from ansible_collections.olympus.bluegreen.plugins.module_utils._caddy.switch import Switch
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.clock import SystemClock
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.files import write_json
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.http import DirectHttp
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.podman import Podman
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.runner import SubprocessRunner
from ansible_collections.olympus.bluegreen.plugins.module_utils._health import checks
from ansible_collections.olympus.bluegreen.plugins.module_utils._ledger import events
from ansible_collections.olympus.bluegreen.plugins.module_utils._watch.accesslog import Tail
from ansible_collections.olympus.bluegreen.plugins.module_utils._watch.conclude import conclude
from ansible_collections.olympus.bluegreen.plugins.module_utils._watch.config import Config, load
from ansible_collections.olympus.bluegreen.plugins.module_utils._watch.judge import INCONCLUSIVE, judge
from ansible_collections.olympus.bluegreen.plugins.module_utils._watch.network import Network
from ansible_collections.olympus.bluegreen.plugins.module_utils._watch.observer import Observer, Public
from ansible_collections.olympus.bluegreen.plugins.module_utils._watch.parameters import Judgement
from ansible_collections.olympus.bluegreen.plugins.module_utils._watch.prober import PairedProber, unready
from ansible_collections.olympus.bluegreen.plugins.module_utils._watch.process import identity
from ansible_collections.olympus.bluegreen.plugins.module_utils._watch.watcher import Watcher, World

HELD = 3


def world_of(config: Config, network: Network, clock: SystemClock, podman: Podman) -> World:
    ca = str(config.edge.get("ca") or "")
    connect: tuple[str, int] | None = None
    if config.edge.get("address"):
        connect = (str(config.edge["address"]), int(config.edge.get("port") or 443))
    public = Public(
        DirectHttp(ca or None, verify=bool(ca)), config.public, connect, config.edge.get("scheme") or "https"
    )
    return World(
        clock,
        Switch(config.switch_dir),
        Tail(os.path.join(config.switch_dir, "log", "access.log")),
        Observer(config, podman, public, clock),
        public,
        PairedProber(config, DirectHttp(), clock, network) if config.probe else None,
    )


def watch(config: Config) -> None:
    """One watch from beginning to verdict."""
    clock, podman = SystemClock(), Podman(SubprocessRunner())
    both = {**checks.addresses(config.wanted(config.colour)), **checks.addresses(config.wanted(config.old))}
    network = Network(podman, str(config.edge.get("container") or ""), both)
    watcher = Watcher(config, world_of(config, network, clock, podman))
    try:
        judgement = watcher.run()
    except Exception as exc:  # a watch that ends without a verdict would be taken for one that still runs
        traceback.print_exc()
        judgement = Judgement(INCONCLUSIVE, ("the watch broke: %s: %s" % (type(exc).__name__, exc),), {})
    conclude(watcher, judgement, lambda colour: unready(config, DirectHttp(), network, colour))
    watcher.stop_sources()


@contextmanager
def only_one(path: str) -> Iterator[bool]:
    """Whether we are the deployment's one watcher; the kernel gives the place back when we die."""
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
        told = judge(events.read(argv[1]))
        found = {"verdict": told.verdict, "reasons": told.reasons, "evidence": told.evidence}
        sys.stdout.write(json.dumps(found, indent=2) + "\n")
        return 0
    where = os.path.dirname(os.path.abspath(argv[0]))
    config = load(argv[0])
    with only_one(os.path.join(config.state_dir, "watch.flock")) as alone:
        if not alone:
            sys.stderr.write("another watcher of this deployment is running\n")
            return HELD
        me = {**identity(os.getpid()), "release": config.release, "colour": config.colour, "since": SystemClock().now()}
        write_json(os.path.join(where, "pid"), me)
        write_json(os.path.join(config.state_dir, "watch.json"), me)
        watch(config)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
