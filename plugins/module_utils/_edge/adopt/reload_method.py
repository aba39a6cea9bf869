# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The method ``reload``: the switch says which colour is wanted, and the edge is made to follow.

A caller only asks to follow, and the marker is read once that caller is alone. So of two at the same time (a stage, a
watcher that rolls back) the later one leaves what the marker says. What was cut off anywhere is found in the world
(running configuration, file) and done by the next one.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

from ..._core.errors import BluegreenError, CommandError, Refused
from ..._core.files import locked, read_bytes
from ..._core.plan import Step
from ..._core.sockets import clients
from ..._switch.switch import Switch
from ..config import one_colour_form, query
from ..config.our_routes import objects
from ..config.upstream import Upstream
from ..running.admin import Admin
from ..running.base import Edge, root_of
from .formats import Syntax, syntax_of
from .journal import TURN, Journal, overwrite
from .reference import Reference

# So often another program may change the configuration between our look and our write.
WRITES = 5
# How long to wait for another process that makes the edge follow, in seconds. On the way back the write goes on then:
# the edge itself refuses it where the other one comes between.
BACK, FORWARD = 5.0, 120.0
# What Caddy's own command says where another reload closed the admin endpoint under it (see ``admin.AGAIN``): told
# again, so many times in all. An equal load is none, so it does no harm where the first one was carried out.
RELOADS = 3
HUNG_UP = ("connection reset by peer", "EOF", "broken pipe", "no such file or directory")


class ReloadMethod:
    """``step`` is called with a name before every change: tests stop there."""

    def __init__(
        self,
        edge: Edge,
        admin: Admin,
        upstreams: Sequence[Upstream],
        step: Callable[[str], None] = lambda name: None,
    ) -> None:
        self.edge = edge
        self.admin = admin
        self.step = step
        # Whether a file that says something else than what runs is meant to go live.
        self.accept_pending = False
        self.upstreams = upstreams
        self.switch = Switch(edge.place().directory)
        self.syntax = syntax_of(edge, upstreams)
        self._turn = Journal(edge.options.state_dir, TURN)

    def steps(self, colour: str) -> tuple[Step, ...]:
        """What it takes until the edge serves ``colour`` and does so after a restart; nothing with the switch."""
        running, steps = self._running(), []
        if running is not None and self._turned(running, colour) != running:
            steps.append(Step("reload", self.edge.place().name, cost(self.edge, self.admin, running)))
        return (*steps, *self._turn_steps(colour))

    def _turn_steps(self, colour: str) -> list[Step]:
        path = self.edge.options.caddyfile
        try:
            now, whole = self._file()
            behind = now != whole or self.syntax.with_live_colour(whole, colour) != whole
        except (BluegreenError, OSError) as exc:
            # ``check`` refuses it before a cutover; for the way back it is no reason to stay.
            return [Step("turn", path, "to %s, which can't be: %s" % (colour, exc))]
        return [Step("turn", path, "to " + colour)] if behind else []

    def check(self, colour: str) -> None:
        """Before anything is moved: the edge has to run what its file says, and its own Caddy to take the file with
        ``colour``."""
        whole = self._file()[1]
        validate(self.edge, self.syntax, self.syntax.present(self.syntax.with_live_colour(whole, colour)))
        if self.edge.place().pid and not self.accept_pending:
            said = self.syntax.loaded(self.syntax.present(whole))
            Reference(self.edge, self.upstreams, self.admin.config()).require([said])

    @contextmanager
    def alone(self, back: bool = False) -> Iterator[None]:
        """Nothing else makes the edge follow meanwhile; on the way back it is not waited for for long."""
        where = self.edge.options.state_dir
        with ExitStack() as held:
            try:
                os.makedirs(where, mode=0o750, exist_ok=True)
                seconds = BACK if back else FORWARD
                held.enter_context(locked(os.path.join(where, "follow.lock"), seconds, passing=back))
            except OSError:
                # A state directory that can't be written is no reason to stay.
                if not back:
                    raise
            yield

    def follow(self, back: bool = False) -> str:
        """Make the edge serve what the marker says. ``back``: by one write to the admin endpoint. It does not load what
        another program is about to write into the file, nor fail for it: returned is, why a restart would not come up
        with the same."""
        with self.alone(back):
            live = self.switch.read().live
            if not live:
                raise BluegreenError(
                    "the switch directory contains no colour marker: no colour is live", fix="run the adopt stage"
                )
            # Where Caddy's own command is not let in (see ``reload``), the admin act has to do.
            if not (back or self.edge.options.admin_origin or not self.edge.place().pid):
                self._reload(live)
                return ""
            self._patch(live)
            try:
                self._write(live)
            except (BluegreenError, OSError) as exc:
                if not back:
                    raise
                return "the edge serves %s, but would not after a restart: %s" % (live, exc)
            return ""

    def _running(self) -> Any:
        """The running configuration, None where none runs or it is not of this form."""
        if not self.edge.place().pid:
            return None
        running = self.admin.config()
        return running if self._names_one(running) else None

    def _names_one(self, config: Any) -> bool:
        return query.form(config, root_of(self.edge)) == "fixed"

    def _turned(self, running: Any, colour: str) -> Any:
        return one_colour_form.config_with_live_colour(running, self.upstreams, colour)

    def _patch(self, live: str) -> None:
        """One write for all sites, where an edge of this form runs; repeated when another program wrote since our
        look."""
        for _attempt in range(WRITES):
            if not self.edge.place().pid:
                return
            running, tag = self.admin.tagged()
            if not self._names_one(running):
                return
            wanted = self._turned(running, live)
            if wanted == running:
                return
            self.step("patch")
            if self.admin.patch(*one_colour_form.smallest(running, wanted), tag):
                return
        raise Refused(
            "another program keeps changing the edge's configuration: the edge refused %d writes" % WRITES,
            fix="stop that program, then run the stage again",
        )

    def _reload(self, live: str) -> None:
        """The published recipe: the file, then ``caddy reload``; one that is refused puts the bytes back."""
        before, running = self._file()[1], self._running()
        self._write(live)
        wanted = self._file()[1]
        if running is None or self._turned(running, live) == running:
            return
        self.step("reload")
        try:
            reload(self.edge, self.admin, self.syntax, None)
        except CommandError as exc:
            # Where a run was cut off before its reload the file is ahead of the edge: back to what runs.
            old = (
                before if before != wanted else self.syntax.with_live_colour(before, *one_colour_form.colours(running))
            )
            overwrite(self.edge.options.caddyfile, old, self.step)
            raise CommandError(
                "the edge did not reload: %s" % exc.msg,
                fix="read Caddy's words; the file is restored and the edge serves as before",
            ) from exc

    def _file(self) -> tuple[bytes, bytes]:
        """The file as it is, and as the last turn of it would have left it, had it not been cut off."""
        path = self.edge.options.caddyfile
        now = read_bytes(path)
        if now is None:
            raise BluegreenError("no such file", option="edge.caddyfile", value=path, fix="restore it, then run adopt")
        return now, (self._turn.after or now) if self._turn.torn(now) else now

    def _write(self, live: str) -> None:
        """The file in its place, its inode kept."""
        path, (now, whole) = self.edge.options.caddyfile, self._file()
        if now != whole:
            overwrite(path, whole, self.step)
        wanted = self.syntax.with_live_colour(whole, live)
        if wanted == whole:
            return
        # On a full disk there is no journal; the file needs no more space than it has.
        with suppress(OSError):
            self._turn.write(whole, whole, wanted, {"caddyfile": path})
        overwrite(path, wanted, self.step)


def validate(edge: Edge, syntax: Syntax, text: str) -> None:
    """``text`` is the file with those that it imports. Raises CommandError where Caddy would not load it."""
    result = edge.caddy("validate", "--config", "-", *syntax.flags, stdin=text)
    if result.rc != 0:
        raise CommandError(
            "the edge's Caddy refuses the new Caddyfile: %s" % result.last_words(),
            fix="nothing was loaded; report Caddy's words with the file",
        )


def reload(edge: Edge, admin: Admin, syntax: Syntax, config: Any) -> None:
    """Load the file, of which Caddy makes ``config``. Raises CommandError where it is refused."""
    options = edge.options
    if options.admin_origin:
        # Caddy's own command can say no other host than the address that it speaks to.
        admin.load(config)
        return
    for _attempt in range(RELOADS):
        result = edge.caddy("reload", "--config", options.config_path, *syntax.flags, "--address", options.admin)
        if result.rc == 0:
            return
        if not result.last_words().endswith(HUNG_UP):
            break
    raise CommandError(result.last_words())


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
