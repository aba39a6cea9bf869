# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The same questions to both colours at the same time, and the hard rules that need no statistics.

A thread of its own, so that a service that hangs never delays the judge. Events go to a queue.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass

from .._core.clock import Clock
from .._core.http import Http
from .._health import answers, checks, oauth, ory_admin
from .._health.checks import Check
from .._health.model import CheckResult, Domain
from .._health.probe_origin import Standpoint
from .._health.session import Failed, Visit
from .._health.session_sweep import Sweep
from .config import Config
from .source import Event, Source

# Seconds between two runs of a check. One that failed on the new colour alone is asked again every second: which
# question comes next may depend on the past without spoiling the paired test.
EVERY = {"ready": 2, "warm": 1, "token": 2, "tokens": 2, "keys": 5, "jwks": 5, "admin": 5, "login": 5}
SELDOM = 15
SECONDS = 4.0
THREADS = 12
# Without these no login works: a rollback to a colour that lacks one would not help.
ESSENTIAL = ("kratos", "hydra", "hera")

# The journey of a person. One whose right password is refused counts towards a lockout of the login UI's: this rule
# ends the watch at the third time, before any lockout that starts at 5.
PERSON, LOGIN_RULE = "code_flow", "a login that the old colour takes is refused"

SESSION, KEYS = "a session of the old colour is refused", "signing keys of the old colour are missing"
REFUSED = 401


@dataclass(frozen=True)
class Pair:
    name: str
    new: Check
    old: Check

    @property
    def label(self) -> str:
        return "%s %s" % (self.name, self.new.service)


Answered = tuple[Pair, CheckResult, CheckResult]


def _sweep_ended(visit: Visit, begun: Sweep) -> None:
    """A session that can't be ended now ends by itself in time; the watch is not about that."""
    with suppress(Failed):
        begun.end(Visit(visit.http, visit.domain, SECONDS))


class SessionContinuity:
    """A session of the old colour, and its signing keys, must hold on the new one; a refusal counts only while the old
    colour itself still says yes. ``look()``: for each rule why it is broken, or None where it holds."""

    def __init__(self, config: Config, http: Http) -> None:
        self._http = http
        new, old = config.gate_plan(config.colour), config.gate_plan(config.old)
        self._names = list(new.probes)
        self._domains = {
            name: (checks.domain(new, config.colour, name), checks.domain(old, config.old, name))
            for name in self._names
        }
        self._secrets = new.secrets
        self._tokens: dict[str, str] = {}

    def open(self) -> None:
        """A session on the old colour for every domain that has none yet."""
        for name in self._names:
            if name not in self._tokens and name in self._secrets:
                try:
                    token = ory_admin.open_session(self._visit(self._domains[name][1]), self._secrets[name])
                except Failed:
                    continue
                self._tokens[name] = token

    def close(self) -> None:
        """Log the sessions out again where they were made."""
        for name, token in self._tokens.items():
            try:
                ory_admin.close_session(self._visit(self._domains[name][1]), token)
            except Failed:
                continue
        self._tokens = {}

    def look(self) -> dict[str, str | None]:
        sessions = [self._session(name, token) for name, token in list(self._tokens.items())]
        keys = [self._keys(name) for name in self._names]
        found: dict[str, str | None] = {}
        if sessions:
            found[SESSION] = "; ".join(filter(None, sessions)) or None
        if keys:
            found[KEYS] = "; ".join(filter(None, keys)) or None
        return found

    def _session(self, name: str, token: str) -> str:
        new, old = self._domains[name]
        try:
            if ory_admin.ask_whoami(self._visit(new), token).status != REFUSED:
                return ""
            kept = ory_admin.ask_whoami(self._visit(old), token)
            if kept.status == REFUSED:
                # It was ended for both, as a logout of its person does: another one will be opened.
                self._tokens.pop(name, None)
            if answers.whoami(kept) == "":
                return "%s: whoami answers 401 on %s and 200 on %s" % (name, new.side, old.side)
        except Failed:
            return ""
        return ""

    def _keys(self, name: str) -> str:
        new, old = self._domains[name]
        try:
            missing = oauth.key_ids(self._visit(old)) - oauth.key_ids(self._visit(new))
        except Failed:
            return ""
        return "%s: %d of them on %s" % (name, len(missing), new.side) if missing else ""

    def _visit(self, domain: Domain) -> Visit:
        return Visit(self._http, domain, SECONDS)


class PairedProber(Source):
    """Speaks from ``standpoint``, which is entered again when it is gone: an edge may be restarted meanwhile."""

    name = "prober"
    patience = SECONDS * 3

    def __init__(self, config: Config, http: Http, clock: Clock, standpoint: Standpoint) -> None:
        super().__init__(clock)
        self.config = config
        self._http = http
        self._standpoint = standpoint
        gates = [config.gate_plan(colour) for colour in (config.colour, config.old)]
        self._pairs = [Pair(a.name, a, b) for a, b in zip(*map(checks.plan, gates))]
        self._continuity = SessionContinuity(config, http)
        self._swept = {name: checks.domain(gates[1], config.old, name) for name in gates[1].probes}
        self._suspects: set[str] = set()
        self._tick = 0

    def failed(self, detail: str) -> Event:
        return {"event": "probing", "ok": False, "detail": detail}

    def work(self) -> None:
        """One round a second until it is stopped. Raises when the network is gone."""
        with self._standpoint.enter(), ThreadPoolExecutor(THREADS) as pool:
            self._continuity.open()
            while not self._stopping.is_set():
                begun = self._clock.monotonic()
                self._tick += 1
                self._round(pool, self._tick - 1)
                if self._tick % 10 == 0:
                    self._standpoint.check()
                    self._continuity.open()
                self._stopping.wait(max(0.05, 1.0 - (self._clock.monotonic() - begun)))
            self._continuity.close()

    def _due(self, tick: int) -> list[Pair]:
        return [
            pair
            for index, pair in enumerate(self._pairs)
            if pair.label in self._suspects or (tick + index) % EVERY.get(pair.name, SELDOM) == 0
        ]

    def _round(self, pool: ThreadPoolExecutor, tick: int) -> None:
        due = self._due(tick)
        # What a login at the server's side leaves at Kratos: taken away when no login is under way.
        sweeps = [self._sweep_begun(pair.new.group) for pair in due if pair.name == PERSON]
        asked = [(pair, self._ask(pool, pair.new), self._ask(pool, pair.old)) for pair in due]
        session = pool.submit(self._continuity.look)
        answers = [(pair, new.result(), old.result()) for pair, new, old in asked]
        found = session.result()
        for visit, begun in sweeps:
            _sweep_ended(visit, begun)
        judged = [(pair, new, old) for pair, new, old in answers if not (new.busy or old.busy)]
        if not judged and not answers:
            return
        outcomes: dict[str, list[bool]] = {pair.label: [new.ok, old.ok] for pair, new, old in judged}
        self._suspects = {label for label, (new, old) in outcomes.items() if old and not new}
        why = {pair.label: new.detail for pair, new, _old in judged if not new.ok}
        self._put({"event": "pair", "checks": outcomes, **({"why": why} if why else {})})
        self._rules(judged, found)

    def _sweep_begun(self, name: str) -> tuple[Visit, Sweep]:
        visit = Visit(self._http, self._swept[name], SECONDS)
        return visit, Sweep.begin(visit)

    def _ask(self, pool: ThreadPoolExecutor, check: Check) -> Future[CheckResult]:
        return pool.submit(check.run, self._http, SECONDS)

    def _rules(self, judged: list[Answered], found: Mapping[str, str | None]) -> None:
        for name, rule in (("ready", "not ready"), (PERSON, LOGIN_RULE)):
            asked = [item for item in judged if item[0].name == name]
            alone = ["%s: %s" % (new.service, new.detail) for _pair, new, old in asked if old.ok and not new.ok]
            if asked:
                self._put(_rule(rule, "; ".join(alone) or None))
        for rule, detail in found.items():
            self._put(_rule(rule, detail))


def _rule(rule: str, detail: str | None) -> Event:
    return {"event": "rule", "rule": rule, "bad": detail is not None, "detail": detail or ""}


def unready(config: Config, http: Http, standpoint: Standpoint, colour: str) -> list[str]:
    """Essential services of a colour that are not ready now, in plain words."""
    gate = config.gate_plan(colour)
    kinds = {name: str(given.get("kind", "other")) for name, given in gate.services.items()}
    needed = [kind for kind in ESSENTIAL if kind in kinds.values()] or [*kinds.values()]
    # A target, which has no kind, was named as it has to answer.
    asked = [
        check
        for check in checks.plan(gate)
        if check.name == "ready" and (check.service not in kinds or kinds[check.service] in needed)
    ]
    with standpoint.enter(), ThreadPoolExecutor(THREADS) as pool:
        answers = list(pool.map(lambda check: check.run(http, 2.0), asked))
    return ["%s: %s" % (answer.service, answer.detail) for answer in answers if not answer.ok]
