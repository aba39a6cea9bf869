# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the watcher tells by itself, when it has acted: its verdict, once, and the metrics. Nothing waits for either."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from .._core.clock import Clock
from .._core.errors import BluegreenError
from .._core.http import Http
from .._notify import message, textfile
from .._notify.send import WATCHER_SECONDS, Notifier
from .._state import events
from .._state.directory import StateDir
from .._switch.switch import Switch
from .config import Config

# Another hand ended the watch: the play that did so tells of that end.
BY_ANOTHER = ("superseded", "stopped", "never_live")
# Seconds between two writes of the metrics: a file that gets older has lost its watcher.
EVERY = 15.0


@dataclass(frozen=True)
class Notice:
    """``note`` writes an event of the watch."""

    config: Config
    http: Http
    clock: Clock
    note: Callable[[Mapping[str, Any]], object]

    @contextmanager
    def telling(self, verdict: Mapping[str, Any]) -> Iterator[None]:
        """Tell the verdict while the body runs; ends when it is told, or is given up."""

        def work() -> None:
            self.measure()
            self.tell(verdict)

        with _beside(work):
            yield

    @contextmanager
    def metrics(self) -> Iterator[None]:
        """Keep the metrics current while the body runs, and once more behind it."""
        if not self.config.textfile:
            yield
            return
        over = threading.Event()

        def keep() -> None:
            self.measure()
            while not over.wait(EVERY):
                self.measure()

        with _beside(keep):
            try:
                yield
            finally:
                over.set()
        self.measure()

    def tell(self, verdict: Mapping[str, Any]) -> None:
        """Once a verdict: a watcher that died behind it is started again, and looks whether it was told."""
        config, state = self.config, StateDir(self.config.state_dir)
        seen = events.read(state.release(config.release, "watch", "events.jsonl"))
        told = any(event["event"] == "notified" for event in seen)
        ended = any(event["event"] == "ended" and event.get("why") in BY_ANOTHER for event in seen)
        notifier = Notifier(config.deployment, config.notify, config.notify_url, self.http, self.clock)
        if told or ended or not notifier.wants(message.VERDICT):
            return
        sent = notifier.tell(message.of_verdict(verdict), WATCHER_SECONDS)
        self.note(sent.event(message.VERDICT))

    def measure(self) -> None:
        if not self.config.textfile:
            return
        try:
            live = Switch(self.config.switch_dir).read().live
        except (BluegreenError, OSError):
            live = ""
        why = textfile.write(self.config.textfile, StateDir(self.config.state_dir), self.config.deployment, live)
        if why:
            sys.stderr.write("the metrics were not written: %s\n" % why)


@contextmanager
def _beside(work: Callable[[], None]) -> Iterator[None]:
    """Run ``work`` in a thread beside the body and wait for its end. Where no thread can be had, behind the body."""
    worker = threading.Thread(target=work, daemon=True)
    try:
        worker.start()
    except RuntimeError:
        yield
        work()
        return
    try:
        yield
    finally:
        worker.join()
