# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is proven before a reload: that the rewritten Caddyfile means what the operator's does."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..._core.argspec import COLOURS
from ..._core.errors import BluegreenError, CommandError, Refused
from ..config import equivalence, one_colour_form
from ..config.caddyfile_rewrite import Rewritten
from ..config.lexer import CaddyfileError
from ..config.proxies import OWN_SITE
from ..config.upstream import Upstream
from ..running.base import Edge, adapt, has_named_logs, root_of


@dataclass(frozen=True)
class Proof:
    """``original`` is what Caddy runs of the operator's text; None where there is no such text any more."""

    edge: Edge
    colour: str
    upstreams: Sequence[Upstream]
    original: Any
    environ: Mapping[str, str]

    def tried(self, after: str) -> tuple[Any, str]:
        """What Caddy makes of a rewritten text (None: nothing), and what is wrong with that ('': nothing)."""
        try:
            config = adapt(self.edge, after)
        except CommandError as exc:
            return None, "Caddy takes the operator's form of it and not ours (%s)" % exc.msg
        if self.original is None:
            return config, ""
        named_log, root = has_named_logs(self.edge), root_of(self.edge)
        for one, colours in self._each(after, config):
            where = equivalence.first_difference(
                self.original, one, self.upstreams, root, named_log, self.environ, colours
            )
            if where:
                return config, "it would mean something else at %s" % where
        return config, ""

    def _each(self, after: str, config: Any) -> Iterator[tuple[Any, Sequence[str]]]:
        """Each configuration that has to mean what the operator's does, and the colours whose proxies are in it."""
        if not self.colour:
            yield config, COLOURS
            return
        for colour in COLOURS:
            yield (
                config if colour == self.colour else adapt(self.edge, one_colour_form.with_live_colour(after, colour)),
                (colour,),
            )

    def blamed(
        self, lines: Sequence[tuple[str, int]], rewritten: Callable[..., Rewritten], wrong: str
    ) -> BluegreenError:
        """The refusal: of the first proxy whose rewrite alone is wrong, by its line."""
        for number, (where, line) in enumerate(lines, 1):
            alone = self.tried(rewritten(only=number).after)[1]
            if alone:
                return CaddyfileError(where, line, "this proxy can't be rewritten: " + alone, OWN_SITE)
        return Refused("the Caddyfile can't be rewritten: " + wrong, fix="report this form")
