# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A thread that sees something and reports it in events. No failure ends it: it waits, reports that and goes on."""

from __future__ import annotations

import queue
import threading
from typing import Any

from .._core.clock import Clock

Event = dict[str, Any]
# Seconds after a failure, and before the same one is reported again.
PAUSE, AGAIN = 1.0, 30.0


class Source:
    """``work()`` is what the thread does until it is stopped; ``failed`` is the event of its failure."""

    name = ""
    patience = 8.0

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._queue: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._complained: tuple[str, float] = ("", 0.0)

    def work(self) -> None:
        raise NotImplementedError

    def failed(self, detail: str) -> Event:
        raise NotImplementedError

    def start(self) -> None:
        """Begin, or begin again where the thread is gone; to be called at each look."""
        if self._stopping.is_set() or (self._thread is not None and self._thread.is_alive()):
            return
        thread = threading.Thread(target=self._run, name=self.name, daemon=True)
        try:
            thread.start()
        except RuntimeError as exc:
            # No thread can be had now: a leaking release takes them all. The next look tries again.
            self._complain(str(exc))
            return
        self._thread = thread

    def stop(self) -> None:
        self._stopping.set()
        if self._thread is not None and self._thread.is_alive():
            self._thread.join(self.patience)

    def events(self) -> list[Event]:
        """What was seen since the last call."""
        found = []
        while True:
            try:
                found.append(self._queue.get_nowait())
            except queue.Empty:
                return found

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self.work()
            except Exception as exc:  # no fork, no thread, no network, an answer of another shape: all may pass
                self._complain(str(exc) or type(exc).__name__)
                self._stopping.wait(PAUSE)

    def _complain(self, detail: str) -> None:
        last, until = self._complained
        now = self._clock.monotonic()
        if detail != last or now >= until:
            self._complained = (detail, now + AGAIN)
            self._put(self.failed(detail))

    def _put(self, event: Event) -> None:
        self._queue.put({"at": self._clock.now(), **event})
