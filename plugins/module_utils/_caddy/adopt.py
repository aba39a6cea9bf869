# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Adopt and undo: the switch into, and out of, the configuration of a running edge.

Every step can be cut off: the journal is written before the file, the file before the one reload, and what is still
to do is read from the world (file, running configuration) and never from a note about it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.olympus.bluegreen.plugins.module_utils._caddy import meaning
from ansible_collections.olympus.bluegreen.plugins.module_utils._caddy.caddyfile import rewrite, unified
from ansible_collections.olympus.bluegreen.plugins.module_utils._caddy.edge import Admin, Edge, adapt, has_named_logs
from ansible_collections.olympus.bluegreen.plugins.module_utils._caddy.forms import BEGIN, DIRECTORY, Upstream
from ansible_collections.olympus.bluegreen.plugins.module_utils._caddy.journal import Journal, overwrite, read_bytes
from ansible_collections.olympus.bluegreen.plugins.module_utils._caddy.switch import Switch
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import (
    BluegreenError,
    CommandError,
    Refused,
)
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.plan import Plan, Step


def root_of(edge: Edge) -> str:
    """The directory that the edge's file matchers look into, as the edge sees it."""
    return "%s/%s/switch" % (edge.options.mount.rstrip("/"), DIRECTORY)


@dataclass(frozen=True)
class Change:
    """From ``current`` to ``wanted`` bytes in the Caddyfile; ``base`` is what ``wanted`` was made of."""

    current: bytes
    base: bytes
    wanted: bytes
    config: Any
    plan: Plan
    patch: str
    warnings: tuple[str, ...] = ()


class Adopter:
    """``step`` is called with a name before every change: tests stop there, nobody else needs it."""

    def __init__(
        self, edge: Edge, admin: Admin, upstreams: Sequence[Upstream], step: Callable[[str], None] = lambda name: None
    ) -> None:
        self.edge = edge
        self.admin = admin
        self.upstreams = upstreams
        self.step = step
        self.directory = edge.place().directory
        self.journal = Journal(self.directory)
        self.switch = Switch(self.directory, step)

    def adopted(self) -> Change:
        """What adopt would do. Raises where the rewrite is impossible or would mean something else."""
        current, base = self._current()
        named_log = has_named_logs(self.edge)
        done = rewrite(_text(base), self.upstreams, self.edge.options.mount, self.edge.options.caddyfile, named_log)
        config = adapt(self.edge, done.text)
        self._prove(base, config, named_log)
        wanted = done.text.encode()
        first = () if self._installed() else (Step("make", self.directory),)
        return self._change(current, base, wanted, config, first, done.warnings)

    def undone(self, force: bool = False) -> Change:
        """What undo would do. Refused where it would lose an edit or move the public to another colour."""
        current = self._file()
        before, after = self.journal.before, self.journal.after
        if before is None and BEGIN.encode() in current:
            raise Refused(
                "the journal with the operator's Caddyfile is gone", mend="restore the file from your repository"
            )
        if before is None:
            return self._change(current, current, current, adapt(self.edge, _text(current)), ())
        if self.switch.exists() and self.switch.read().live != "blue" and not force and current != before:
            raise Refused("green is live and the operator's Caddyfile only knows blue", mend="roll back first")
        ours = current in (before, after) or self.journal.torn(current)
        if not force and current != before and not (ours and self.journal.base == before):
            raise Refused(
                "%s was edited since adopt: undo would lose that" % self.edge.options.caddyfile,
                mend="keep a copy and undo with force, or take the switch out by hand",
            )
        return self._change(current, before, before, adapt(self.edge, _text(before)), ())

    def apply(self, change: Change) -> None:
        """Carry it out and read it back; a reload that fails puts the bytes back."""
        for step in change.plan.steps:
            if step.action == "make":
                self.switch.install("blue", self.edge.place().owner)
            elif step.action == "rewrite":
                self._rewrite(change)
            elif step.action == "reload":
                self._reload(change)
        if change.plan.changed and self.admin.config() != change.config:
            raise BluegreenError("the edge does not run what its file says", mend="read its log and run adopt again")

    def _current(self) -> tuple[bytes, bytes]:
        """The bytes in the file, and those that adopt begins with: the same, unless an adopt made these."""
        current, base = self._file(), self.journal.base
        if base is not None and (current == self.journal.after or self.journal.torn(current)):
            return current, base
        return current, current

    def _file(self) -> bytes:
        options = self.edge.options
        current = read_bytes(options.caddyfile)
        if current is None:
            raise BluegreenError("no such file", option="edge.caddyfile", value=options.caddyfile)
        if self.edge.seen_caddyfile() != current:
            raise Refused(
                "the edge does not see %s at %s" % (options.caddyfile, options.config_path),
                mend="the file was replaced under its mount, or it is another one: recreate the edge's container"
                " (-e bluegreen_recreate_edge=true)",
            )
        return current

    def _installed(self) -> bool:
        return self.switch.exists() and not self.switch.read().damage

    def _prove(self, base: bytes, config: Any, named_log: bool) -> None:
        plain = meaning.plain_names(config, self.upstreams, root_of(self.edge))
        if plain:
            raise Refused(
                "after the rewrite the edge would still dial %s by its plain name" % ", ".join(plain),
                mend="it comes from an imported file or a variable: write it into the Caddyfile itself",
            )
        if not meaning.has_switch(config, root_of(self.edge)):
            raise Refused("no coloured service is an upstream in %s" % self.edge.options.caddyfile)
        if BEGIN in _text(base):
            return
        original = adapt(self.edge, _text(base))
        where = meaning.difference(original, config, self.upstreams, root_of(self.edge), named_log)
        if where:
            raise Refused("the rewritten Caddyfile would mean something else at %s" % where, mend="report this form")

    def _change(
        self,
        current: bytes,
        base: bytes,
        wanted: bytes,
        config: Any,
        first: tuple[Step, ...],
        warnings: tuple[str, ...] = (),
    ) -> Change:
        options, steps = self.edge.options, list(first)
        if wanted != current:
            steps.append(Step("rewrite", options.caddyfile, "in place"))
        running = self.admin.config()
        if running != config:
            steps.append(Step("reload", self.edge.place().name, "about one request per busy connection may be lost"))
        root = root_of(self.edge)
        state = {"caddyfile": _text(current), "switch_running": meaning.has_switch(running, root)}
        after = {"caddyfile": _text(wanted), "switch_running": meaning.has_switch(config, root)}
        patch = unified(_text(base), _text(wanted), os.path.basename(options.caddyfile))
        return Change(current, base, wanted, config, Plan(state, after, tuple(steps)), patch, warnings)

    def _rewrite(self, change: Change) -> None:
        self._validate(_text(change.wanted))
        self.step("journal")
        if change.wanted != change.base:
            # After an edit of an adopted file the operator's bytes stay those from before the first adopt.
            edited = BEGIN.encode() in change.base
            before = (self.journal.before or change.base) if edited else change.base
            facts: dict[str, object] = {"caddyfile": self.edge.options.caddyfile, "edited": edited}
            self.journal.write(before, change.base, change.wanted, facts)
        overwrite(self.edge.options.caddyfile, change.wanted, self.step)

    def _validate(self, text: str) -> None:
        result = self.edge.caddy("validate", "--config", "-", "--adapter", "caddyfile", stdin=text)
        if result.rc != 0:
            raise CommandError("the edge's Caddy refuses the new Caddyfile: %s" % result.last_words())

    def _reload(self, change: Change) -> None:
        self.step("reload")
        result = self.edge.caddy("reload", "--config", self.edge.options.config_path, "--adapter", "caddyfile")
        if result.rc == 0:
            return
        # A run that was cut off left the new file, or half of it: then the way back is the journal's other half.
        cut_off = change.current == change.wanted or self.journal.torn(change.current)
        other = self.journal.after if change.wanted == change.base else self.journal.base
        restored = other if cut_off and other is not None else change.current
        overwrite(self.edge.options.caddyfile, restored, self.step)
        raise CommandError(
            "the edge did not reload: %s" % result.last_words(),
            mend="the Caddyfile is as it was, the edge serves as before",
        )


def _text(content: bytes) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError as exc:
        raise BluegreenError("the Caddyfile is not UTF-8: %s" % exc) from exc
