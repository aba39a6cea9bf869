# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Adopt and undo: the switch into, and out of, the configuration of a running edge.

Every step can be cut off: the journal is written before the file, the file before the one reload, and what is still
to do is read from the world (file, running configuration) and never from a note about it.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from ..._core.argspec import COLOURS
from ..._core.errors import BluegreenError, CommandError, Refused
from ..._core.files import read_bytes
from ..._core.plan import Plan, Step
from ..._core.sockets import silent
from ..._switch.directory import switch_problems
from ..._switch.switch import Switch
from ..config import one_colour_form, query
from ..config.caddyfile_rewrite import unified
from ..config.upstream import Upstream
from ..running.admin import Admin
from ..running.base import Edge, arguments, root_of
from ..running.reaches import Reached, Reaches
from .formats import text_of
from .imported_files import FileChange
from .journal import TURN, Journal, overwrite
from .reference import Reference
from .reload_method import ReloadMethod, cost, reload, validate
from .rewriting import Rewriting, rewriting_of


@dataclass(frozen=True)
class Change:
    """From ``current`` to ``wanted`` bytes in the file; ``base`` is what ``wanted`` was made of. ``files`` holds the
    same and every imported file in the order in which they are written, ``whole`` all of them as one text. ``live``:
    the colour that ``config`` names (method ``reload``), else ''. ``found``: see Rewritten."""

    current: bytes
    base: bytes
    wanted: bytes
    config: Any
    plan: Plan
    patch: str
    warnings: tuple[str, ...] = ()
    files: tuple[FileChange, ...] = ()
    whole: str = ""
    live: str = ""
    found: Mapping[str, Reached] = field(default_factory=dict)

    @property
    def texts(self) -> tuple[str, str]:
        """What a diff shows."""
        return text_of(self.current), text_of(self.wanted)


class Adopter:
    """For an edge that reads a file. ``step`` is called with a name before every change: tests stop there."""

    def __init__(
        self, edge: Edge, admin: Admin, upstreams: Sequence[Upstream], step: Callable[[str], None] = lambda name: None
    ) -> None:
        self.edge = edge
        self.admin = admin
        self.upstreams = upstreams
        self.step = step
        # Whether a file that says something else than what runs is meant to go live.
        self.accept_pending = False
        self.reaches = Reaches()
        self.switch = Switch(edge.place().directory, step)
        # The colour that the operator says was live, for a switch that is lost.
        self.assume_live = ""
        self.deployment = ""
        self.journal = Journal(edge.options.state_dir)

    @property
    def syntax(self) -> Rewriting:
        colour = self.live() if self.edge.options.method != "switch" else ""
        return rewriting_of(self.edge, self.upstreams, colour, self.reaches)

    def adopted(self) -> Change:
        """What adopt would do. Raises where the rewrite is impossible or would mean something else."""
        current, base = self._current()
        done = self.syntax.rewritten(base)
        present = self.syntax.present
        self._refuse_pending(done.config, [lambda: done.before, lambda: present(current)], {done.before: done.original})
        main = self._main(current, base, done.content)
        # The Caddyfile first, as it has the snippets; back last. So what is there always loads.
        files = (main, *self.syntax.imported().changes(done.others))
        change = self._change(main, files, done.whole, done.config, self._install_steps(), done.warnings)
        return replace(change, found=done.found)

    def undone(self, force: bool = False) -> Change:
        """What undo would do. Refused where it would lose an edit or move the public to another colour."""
        current = self._file()
        before = self.journal.before
        if before is None and self.syntax.adopted(current):
            raise Refused(
                "the journal with the operator's file is missing", fix="restore the file from your repository"
            )
        if before is None:
            main, config = self._main(current, current, current), self.syntax.config(current)
            self._refuse_pending(config, [lambda: self.syntax.present(current)])
            return self._change(main, (main,), "", config, ())
        self._refuse_undo(force or current == before)
        ours = current == before or self._made(current) or self.journal.torn(current)
        if not force and current != before and not (ours and self.journal.base == before):
            raise Refused(
                "%s was edited since adopt: undo would lose that" % self.edge.options.caddyfile,
                fix="keep a copy and undo with -e bluegreen_force_undo=true, or remove the switch by hand",
            )
        main = self._main(current, before, before)
        files = (*self.syntax.imported().undone(force), main)
        whole = self.syntax.whole(before)
        config = self.syntax.loaded(whole)
        after = self.journal.after
        made = after or current
        self._refuse_pending(config, [lambda: self.syntax.present(current), lambda: self.syntax.made(made)])
        return self._change(main, files, whole, config, ())

    def _refuse_pending(
        self, wanted: Any, texts: Iterable[Callable[[], str]], known: Mapping[str, Any] | None = None
    ) -> None:
        """Refused where our reload would make live what was not asked for. The edge may run the configuration
        ``wanted`` or that of one of ``texts``: its file's, or what is left where an adopt or undo was cut off.
        ``known``: what Caddy makes of a text."""
        reference = Reference(self.edge, self.upstreams, self.admin.config())
        if not self.accept_pending and not reference.runs(wanted):
            reference.require(self._loaded(texts, known or {}))

    def _loaded(self, texts: Iterable[Callable[[], str]], known: Mapping[str, Any]) -> Iterator[Any]:
        done: set[str] = set()
        for read in texts:
            # One that was half written loads nowhere.
            with suppress(BluegreenError):
                text = read()
                if text not in done:
                    done.add(text)
                    yield known[text] if text in known else self.syntax.loaded(text)

    def apply(self, change: Change) -> None:
        """Carry it out and read it back; a reload that fails puts the bytes back. Refused where a configuration that
        names a colour would undo a rollback."""
        if not (change.live and change.plan.changed and self.switch.exists()):
            self._apply(change)
            return
        follower = ReloadMethod(self.edge, self.admin, self.upstreams, self.step)
        with follower.alone():
            if self.live() != change.live:
                raise Refused(
                    "the switch moved during adopt: %s is no longer live" % change.live,
                    fix="run the adopt stage again",
                )
            self._apply(change)
        # A rollback that came meanwhile waits for us, or has given up waiting.
        if query.form(change.config, root_of(self.edge)):
            follower.follow(back=True)

    def _apply(self, change: Change) -> None:
        actions = {step.action for step in change.plan.steps}
        if "make" in actions:
            self._install()
        if "rewrite" in actions:
            self._rewrite(change)
        if "reload" in actions:
            self._reload(change)
        if change.plan.changed and self.admin.config() != change.config:
            raise BluegreenError("the edge does not run what its file says", fix="read its log and run adopt again")

    def _current(self) -> tuple[bytes, bytes]:
        """The bytes in the file, and those that adopt begins with: the same, unless an adopt made these."""
        current, base = self._file(), self.journal.base
        whole = self._made(current) and not self.syntax.imported().edited()
        if base is not None and (whole or self.journal.torn(current)):
            return current, base
        return current, current

    def _made(self, current: bytes) -> bool:
        """Whether an adopt made these bytes, with whichever colour live by now or about to be."""
        after = self.journal.after
        if Journal(self.edge.options.state_dir, TURN).torn(current):
            return True
        return after is not None and any(current == self.syntax.with_live_colour(after, colour) for colour in COLOURS)

    def _file(self) -> bytes:
        options = self.edge.options
        if "--resume" in arguments(self.edge.place().pid):
            raise Refused(
                "the edge runs with --resume: it starts with the last configuration of its API and not with a file",
                option="edge.caddyfile",
                value=options.caddyfile,
                fix="keep its configuration in a file and run it with `caddy run --config FILE`",
            )
        current = read_bytes(options.caddyfile)
        if current is None:
            raise BluegreenError(
                "no such file",
                option="edge.caddyfile",
                value=options.caddyfile,
                fix="name the Caddyfile of this host that the edge runs",
            )
        if self.edge.seen_caddyfile() != current:
            raise Refused(
                "the edge does not see %s at %s" % (options.caddyfile, options.config_path),
                fix="the file was replaced under its mount, or it is another one: write it in place (cat new > file),"
                " or recreate the edge's container",
            )
        return current

    def _main(self, current: bytes, base: bytes, wanted: bytes) -> FileChange:
        options = self.edge.options
        adopted = self.syntax.adopted(base)
        return FileChange(options.caddyfile, options.config_path, self.journal, current, base, wanted, adopted)

    def _change(
        self,
        main: FileChange,
        files: tuple[FileChange, ...],
        whole: str,
        config: Any,
        first: tuple[Step, ...],
        warnings: tuple[str, ...] = (),
    ) -> Change:
        steps = list(first)
        steps += [Step("rewrite", one.path, "in place") for one in files if one.wanted != one.current]
        running = self.admin.config()
        if running != config:
            steps.append(Step("reload", self.edge.place().name, cost(self.edge, self.admin, running)))
        root = root_of(self.edge)
        state = {"caddyfile": text_of(main.current), "switch_running": bool(query.form(running, root))}
        after = {"caddyfile": text_of(main.wanted), "switch_running": bool(query.form(config, root))}
        names = {one: os.path.basename(one.path) if one is main else one.seen for one in files}
        patch = "".join(unified(text_of(one.base), text_of(one.wanted), names[one].lstrip("/")) for one in files)
        plan = Plan(state, after, tuple(steps))
        live = self.live() if self.edge.options.method != "switch" else ""
        return Change(main.current, main.base, main.wanted, config, plan, patch, warnings, files, whole, live)

    def _rewrite(self, change: Change) -> None:
        validate(self.edge, self.syntax, change.whole)
        self.step("journal")
        # The Caddyfile's last: only then there is something to undo.
        for one in sorted(change.files, key=lambda one: one.journal is self.journal):
            one.note()
        for one in change.files:
            if one.wanted != one.current:
                overwrite(one.path, one.wanted, self.step)

    def _reload(self, change: Change) -> None:
        self.step("reload")
        try:
            reload(self.edge, self.admin, self.syntax, change.config)
        except CommandError as exc:
            for one in reversed(change.files):
                if one.restored() != one.wanted:
                    overwrite(one.path, one.restored(), self.step)
            raise CommandError(
                "the edge did not reload: %s" % exc.msg,
                fix="read Caddy's words; the file is restored and the edge serves as before",
            ) from exc

    def _install_steps(self) -> tuple[Step, ...]:
        if (
            self.switch.exists()
            and not self.switch.read().damage
            and not switch_problems(self.switch.path, self.edge.place().owner)
        ):
            return ()
        return (Step("make", self.switch.path, "with %s live" % self.live()),)

    def _install(self) -> None:
        """What is missing; then the edge must be able to use it, or nothing has changed for the public."""
        fresh, live = not os.path.exists(self.switch.path), self.live()
        # The volume of a container is there; a native edge's place may have to be made.
        os.makedirs(os.path.dirname(self.switch.path), mode=0o711, exist_ok=True)
        self.switch.install(live, self.edge.place().owner, self.deployment)
        reason = self.edge.hidden(self.switch.path)
        if reason and fresh:
            shutil.rmtree(self.switch.path)
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
        if self.assume_live or len(alive) == 1:
            return self.assume_live or alive[0]
        raise Refused(
            "the switch is lost, and which colour was live is not known: %s" % (" and ".join(alive) or "none")
            + (" are alive" if alive else " is alive"),
            fix="name it with -e bluegreen_assume_live=blue or green (the ledger knows the last cutover)",
        )

    def _refuse_undo(self, allowed: bool) -> None:
        if not allowed and self.switch.exists() and self.switch.read().live != "blue":
            raise Refused("green is live and the operator's configuration only knows blue", fix="roll back first")

    def _alive(self, config: Any, colour: str) -> bool:
        targets = query.addresses(config, self.upstreams, colour)
        return bool(targets) and not silent(targets, self.edge.network())
