# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The switch directory of an edge: made, fixed, and never with the wrong colour live."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.argspec import COLOURS
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import Refused
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.plan import Step
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.sockets import clients, silent
from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.config import one_colour_form, query
from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.config.our_routes import objects
from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.config.proxy_form import Upstream
from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.running.admin import Admin
from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.running.base import Edge, root_of
from ansible_collections.olympus.bluegreen.plugins.module_utils._switch.directory import switch_problems
from ansible_collections.olympus.bluegreen.plugins.module_utils._switch.switch import Switch


class Installer:
    def __init__(
        self, edge: Edge, admin: Admin, upstreams: Sequence[Upstream], step: Callable[[str], None] = lambda name: None
    ) -> None:
        self.edge = edge
        self.admin = admin
        self.upstreams = upstreams
        self.place = edge.place()
        self.directory = self.place.directory
        self.switch = Switch(self.directory, step)
        # The colour that the operator says was live, for a switch that is lost.
        self.said = ""
        self.deployment = ""

    def steps(self) -> tuple[Step, ...]:
        if (
            self.switch.exists()
            and not self.switch.read().damage
            and not switch_problems(self.directory, self.place.owner)
        ):
            return ()
        return (Step("make", self.directory, "with %s live" % self.live()),)

    def make(self) -> None:
        """What is missing; then the edge must be able to use it, or nothing has changed for the public."""
        fresh, live = not os.path.exists(self.directory), self.live()
        # The volume of a container is there; a native edge's place may have to be made.
        os.makedirs(os.path.dirname(self.directory), mode=0o711, exist_ok=True)
        self.switch.install(live, self.place.owner, self.deployment)
        reason = self.edge.hidden(self.directory)
        if reason and fresh:
            shutil.rmtree(self.directory)
        if reason:
            raise Refused(
                "the edge can't use the switch: %s" % reason,
                fix="let the edge's user read and write there, or give another place (edge.mount, switch_dir)",
            )

    def live(self) -> str:
        """What the marker says; where it is lost, the one colour that is alive. Before any adoption that is blue."""
        state = self.switch.read() if self.switch.exists() else None
        markers = self.switch.markers()
        if len(markers) == 1:
            return markers[0]
        if state and state.live == "green":
            return "green"
        config = self.admin.config()
        form = query.form(config, root_of(self.edge))
        if form != "switch":
            # With any other method the configuration itself names the colour.
            return "blue" if not form else min(one_colour_form.colours(config))
        alive = [colour for colour in COLOURS if self._alive(config, colour)]
        if self.said or len(alive) == 1:
            return self.said or alive[0]
        raise Refused(
            "the switch is lost, and which colour was live is not known: %s" % (" and ".join(alive) or "none")
            + (" are alive" if alive else " is alive"),
            fix="name it with -e bluegreen_assume_live=blue or green (the ledger knows the last cutover)",
        )

    def refuse_undo(self, allowed: bool) -> None:
        if not allowed and self.switch.exists() and self.switch.read().live != "blue":
            raise Refused("green is live and the operator's configuration only knows blue", fix="roll back first")

    def _alive(self, config: Any, colour: str) -> bool:
        targets = query.addresses(config, self.upstreams, colour)
        return bool(targets) and not silent(targets, self.edge.network())


def cost(edge: Edge, admin: Admin, running: Any) -> str:
    """What a reload costs at this moment, as a sentence. One that names a colour keeps its streams for
    a while, where Caddy can."""
    listening = set(ports(running)) | {edge.options.port}
    held, busy = clients(edge.place().pid, listening), sum(admin.requests().values())
    kept = one_colour_form.keeps_streams(running)
    streams = "stays open for %s at most" % one_colour_form.STREAMS if kept else "is closed"
    return (
        "%d client connections are open now, with %d requests or WebSockets in flight to upstreams: a request can be"
        " lost on each connection that is busy at that moment, and every open WebSocket %s" % (held, busy, streams)
    )


def ports(config: Any) -> Iterator[int]:
    """The TCP ports that a configuration listens on."""
    for one in objects(config):
        for address in one.get("listen") or [] if isinstance(one.get("listen"), list) else ():
            found = re.search(r":(\d+)(?:-(\d+))?$", str(address))
            if found and not str(address).startswith(("unix", "udp")):
                yield from range(int(found.group(1)), int(found.group(2) or found.group(1)) + 1)
