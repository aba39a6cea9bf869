# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where probes speak from: the edge's own network namespace, or the host's where no edge is named."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import BluegreenError
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.netns import network_of
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.podman import Podman
from ansible_collections.olympus.bluegreen.plugins.module_utils._health import gate


class Network:
    """``addresses`` (IP -> who) must lie on networks that the edge has joined, or entering is refused."""

    def __init__(self, podman: Podman, container: str, addresses: Mapping[str, str]) -> None:
        self._podman = podman
        self._container = container
        self._addresses = addresses
        self._pid = 0

    @contextmanager
    def enter(self) -> Iterator[None]:
        if not self._container:
            yield
            return
        edge = gate.find_edge(self._podman, self._container)
        gate.refuse_strangers(edge, self._addresses)
        self._pid = edge.pid
        with network_of(edge.pid):
            yield

    def check(self) -> None:
        """Raises when the process whose network was entered is gone."""
        if self._container and not os.path.exists("/proc/%d" % self._pid):
            raise BluegreenError("the edge %s was restarted" % self._container)
