# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who is live: flip, roll back, and see at the public names that it is so."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ..._core.clock import Clock
from ..._core.errors import BluegreenError, Refused
from ..._core.finding import to_adopt
from ..._core.http import Http
from ..._core.names import OTHER
from ..._core.plan import Plan, Step
from ..._core.sockets import connections, silent
from ..._switch.switch import ReturnTo, Switch
from ..config import one_colour_form, query
from ..config.upstream import Upstream
from ..running.admin import Admin
from ..running.base import Edge, root_of
from ..running.find import method_in_force
from . import anonymous_visit

if TYPE_CHECKING:
    from ..adopt.reload_method import ReloadMethod

# So often in a row every public name has to say the new colour.
SEEN_TIMES = 3


@dataclass(frozen=True)
class Confirmed:
    """``seen_at`` is when every public name had said the colour for the first time; times are epoch seconds.
    ``silent``: those of ``spared`` that did not."""

    flipped_at: float
    seen_at: float
    observed: tuple[anonymous_visit.Answer, ...]
    silent: tuple[anonymous_visit.Answer, ...] = ()

    def result(self) -> dict[str, object]:
        ms = round((self.seen_at - self.flipped_at) * 1000, 1)
        return {"flipped_at": self.flipped_at, "seen_at": self.seen_at, "ms": ms, "observed": list(self.observed)}


class SwitchMethod:
    """The method ``switch``: the edge looks at the marker itself and follows by that."""

    accept_pending = False

    def steps(self, _colour: str) -> tuple[Step, ...]:
        return ()

    def check(self, _colour: str) -> None:
        pass

    def follow(self, back: bool = False) -> str:
        return ""


class Traffic:
    def __init__(self, edge: Edge, admin: Admin, upstreams: Sequence[Upstream], http: Http, clock: Clock) -> None:
        self.edge = edge
        self.admin = admin
        self.upstreams = upstreams
        self.http = http
        self.clock = clock
        self.switch = Switch(edge.place().directory)
        self.method = method_in_force(edge.options)

    @cached_property
    def followup(self) -> ReloadMethod | SwitchMethod:
        """How the edge is made to follow the switch. The method ``switch`` does not load the other one: a rollback does
        not wait for that."""
        if self.method == "switch":
            return SwitchMethod()
        from ..adopt.reload_method import ReloadMethod

        return ReloadMethod(self.edge, self.admin, self.upstreams)

    def config(self) -> Any:
        """The running configuration. Refused where the switch is not in it or plain coloured names are; where the
        method in force is another one, where it does not name a colour."""
        config = self.admin.config()
        if not self.in_force(config):
            raise Refused("the switch is not in the edge's running configuration", fix="run the adopt stage")
        plain = query.plain_names(config, self.upstreams, root_of(self.edge))
        if plain:
            raise Refused("the edge dials %s by its plain name" % ", ".join(plain), fix="run the adopt stage")
        return config

    def in_force(self, config: Any) -> bool:
        """Whether a configuration is what adopt made for the method in force."""
        wanted = "switch" if self.method == "switch" else "fixed"
        return self.switch.exists() and query.form(config, root_of(self.edge)) == wanted

    def running_method(self, config: Any) -> str:
        """The recorded method; the one that the running ``config`` of an adopted edge shows, where they disagree."""
        if query.form(config, root_of(self.edge)) == "switch":
            return "switch"
        return self.method if self.method != "switch" else "not known"

    def cost(self, config: Any) -> str:
        """What a flip costs now, as a sentence."""
        if self.running_method(config) == "switch":
            return "a flip loads nothing and loses nothing; each request asks for a file"
        from ..adopt.reload_method import cost

        return "a flip reloads the configuration; %s" % cost(self.edge, self.admin, config)

    def method_problems(self, config: Any, live: str) -> list[str]:
        """What is wrong with how the edge follows the switch."""
        wanted, switched = self.edge.options.method, query.form(config, root_of(self.edge)) == "switch"
        if switched != (self.method == "switch"):
            return [to_adopt("the edge does not run the recorded method (%s)" % self.method)]
        if self.method != wanted:
            return [to_adopt("edge.method is %s, but %s is in force" % (wanted, self.method))]
        if switched or not live:
            return []
        said = one_colour_form.colours(config)
        if said != {live}:
            return [to_adopt("the switch says %s, the edge runs %s" % (live, " and ".join(sorted(said))))]
        try:
            behind = self.followup.steps(live)
        except BluegreenError as exc:
            return [str(exc)]
        where = self.edge.options.caddyfile
        return (
            [to_adopt("after a restart the edge would not serve %s: %s does not name it" % (live, where))]
            if behind
            else []
        )

    def plan_live(self, colour: str) -> Plan:
        state = self.switch.read()
        steps = () if state.live == colour and not state.damage else (Step("flip", self.switch.path, "to " + colour),)
        return Plan({"live": state.live}, {"live": colour}, (*steps, *self.followup.steps(colour)))

    def make_live(self, colour: str, old_release: str, token: int) -> float:
        """Write the way back (to the live colour with ``old_release``), then flip. Returns when.

        An edge that does not follow leaves the switch where it was."""
        live = self.switch.read().live
        self.followup.check(colour)
        if live != colour:
            back = ReturnTo(live, old_release, secrets.token_hex(8), self.clock.now())
            self.switch.prepare(back, token)
        self.switch.flip(colour, token)
        at = self.clock.now()
        try:
            self.followup.follow()
        except (BluegreenError, OSError):
            if live == OTHER[colour]:
                # Where a rollback came before, the switch is back already.
                with suppress(BluegreenError, OSError):
                    self.switch.flip(live, token)
                with suppress(BluegreenError, OSError):
                    self.followup.follow(back=True)
            raise
        return at

    def plan_return(self, keep_sticky: bool = False, check_mode: bool = False) -> Plan:
        """Where there is no way back, a run on the way to the first cutover is still there to be stopped."""
        state = self.switch.read()
        if state.return_to is None and (check_mode or not (state.claimed and state.live)):
            raise Refused("nothing to roll back: no cutover yet", fix="check the status stage")
        live = state.return_to.colour if state.return_to else state.live
        warm = [colour for colour in state.warm if colour == live or keep_sticky]
        after = {"live": live, "warm": warm, "fenced": True}
        before = {"live": state.live, "warm": list(state.warm), "fenced": not state.claimed}
        steps = () if before == after else (Step("return", self.switch.path, "to " + live),)
        return Plan(before, after, (*steps, *self.followup.steps(live)))

    def require_alive(self, colour: str, config: Any) -> None:
        """Refused where an address of ``colour`` that the edge dials by its ``config`` accepts no connection from the
        edge's network."""
        targets = query.addresses(config, self.upstreams, colour)
        dead = silent(targets, self.edge.network())
        if dead or not targets:
            named = [(one.service, dial) for dial in dead for one in self.upstreams if one.dialled(dial, colour)]
            who = ", ".join(dict.fromkeys("%s (%s)" % one for one in named))
            raise Refused(
                "%s is not alive: %s"
                % (colour, "no connection to " + who if dead else "the edge dials no service of it"),
                fix="bring it back with the deploy stage, or override with -e bluegreen_force_rollback=true",
            )

    def confirm(
        self,
        colour: str,
        public: Sequence[anonymous_visit.Name],
        since: float,
        timeout: float = 10.0,
        spared: Sequence[anonymous_visit.Answer] = (),
    ) -> Confirmed:
        """Ask every public name at the edge until each has said ``colour`` several times in a row, ``timeout`` seconds
        at most. The answers ``spared``, given before the flip, are of names that need not, unless there is no other."""
        left = {(one["host"], one["path"]): 0 for one in public}
        free = {(one["host"], one["path"]) for one in spared}
        must = [key for key in left if key not in free] or list(left)
        seen: dict[tuple[str, str], anonymous_visit.Answer] = {}
        first: dict[tuple[str, str], float] = {}
        deadline = self.clock.monotonic() + timeout
        while any(left[key] < SEEN_TIMES for key in must):
            seconds = min(anonymous_visit.SECONDS, max(0.1, deadline - self.clock.monotonic()))
            answers = anonymous_visit.together(
                self._timed, [{"host": host, "path": path} for host, path in left], seconds
            )
            for key, answer in zip(list(left), answers):
                right = answer["colour"] == colour
                at = float(str(answer["at"]))
                seen[key] = {name: value for name, value in answer.items() if name != "at"}
                left[key] = left[key] + 1 if right else 0
                first[key] = first.get(key, at) if right else at
            if self.clock.monotonic() > deadline and any(left[key] < SEEN_TIMES for key in must):
                wrong = "; ".join(anonymous_visit.words(seen[key]) for key in must if not left[key])
                raise BluegreenError(
                    "the switch says %s, but %s" % (colour, wrong or "the public names change"),
                    fix="check the status stage; a rollback is always possible",
                    partial={"flipped_at": since, "observed": list(seen.values())},
                )
            if not all(left[key] for key in must):
                self.clock.sleep(0.02)
        silent = tuple(seen[key] for key in left if key not in must and not left[key])
        return Confirmed(since, max((first[key] for key in must), default=since), tuple(seen.values()), silent)

    def _timed(self, host: str, path: str, timeout: float) -> anonymous_visit.Answer:
        return {**self.ask(host, path, timeout), "at": self.clock.now()}

    def ask(
        self, host: str, path: str, timeout: float = anonymous_visit.SECONDS, headers: Mapping[str, str] | None = None
    ) -> anonymous_visit.Answer:
        return anonymous_visit.asked(self.http, self.edge.options, host, path, headers, timeout)

    def confirming(self, ways: Sequence[Sequence[anonymous_visit.Name]]) -> anonymous_visit.Confirming:
        """Which public names can confirm a flip."""
        return anonymous_visit.confirming_names(self.ask, ways)

    def open(self, config: Any) -> dict[str, dict[str, dict[str, int | None]]]:
        """Per colour: requests in flight by address (None: Caddy doesn't list it), and TCP connections."""
        counts, pid = self.admin.requests(), self.edge.place().pid
        every = {colour: query.addresses(config, self.upstreams, colour) for colour in OTHER}
        held = connections(pid, [target for targets in every.values() for target in targets])
        return {
            colour: {
                "requests": {target: counts.get(target) for target in targets},
                "connections": {target: held[target] for target in targets},
            }
            for colour, targets in every.items()
        }


def release_of(state_dir: str, colour: str) -> str:
    """The release that the state directory knows for a colour; '' where it knows none. History, not truth."""
    try:
        with open(os.path.join(state_dir, "stacks", colour, "services.json"), encoding="utf-8") as handle:
            return str(json.load(handle).get("release", ""))
    except (OSError, ValueError):
        return ""
