# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Cloudflare's API: one envelope, a budget of calls, and no answer taken for more than it is.

A read is asked again after 429, 5xx or no answer. A write is repeated by itself only after a 429, which did nothing;
after 5xx or no answer it may have worked, so it is ``Lost`` and its caller reads back before it decides.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from .._core.clock import Clock
from .._core.errors import BluegreenError, Refused
from .._core.http import Http, Response
from .._core.private_file import read_private

# What a header may hold; http.client would quote the value in its complaint.
TOKEN = re.compile(r"[\x21-\x7e]{8,}")
LOOPBACK = ("127.0.0.1", "::1", "localhost")
TRIES = 4
# Seconds to wait where a 429 does not say how long.
UNSAID = 5.0
# Raises where a write must not be sent any more.
Guard = Callable[[], object]
RATE = "1200 calls in 5 minutes"
BALANCERS = "Load Balancers"
POOLS = "Load Balancing: Monitors and Pools"


class ApiError(BluegreenError):
    """Cloudflare said no: ``status`` is the answer's (0: there was none)."""

    def __init__(self, msg: str, status: int = 0, fix: str = "") -> None:
        super().__init__(msg, fix=fix)
        self.status = status


class Lost(ApiError):
    """A write without an answer to rely on: it may have worked."""


class Api:
    """``base`` without a slash at its end, ``budget`` calls at most, ``patience`` seconds of waiting in all.

    ``used`` counts every request sent, ``left`` what may still be sent: by our own count, and by what the answers say
    of the token (others use it too).
    """

    def __init__(
        self, http: Http, clock: Clock, base: str, token: str, *, budget: int, patience: float, timeout: float = 20
    ) -> None:
        self._http = http
        self._clock = clock
        self._base = base
        self._token = token
        self._budget = budget
        self._patience = patience
        self._timeout = timeout
        self._said: int | None = None
        self._blocked = 0.0
        self.used = 0

    @property
    def left(self) -> int:
        own = self._budget - self.used
        return own if self._said is None else min(own, self._said)

    def require(self, calls: int, what: str) -> None:
        """Refused where ``calls`` are more than the budget still has: nothing is begun that cannot be ended."""
        if calls > self.left:
            raise Refused(
                "%s takes up to %d calls of Cloudflare's API, %d are left of %s" % (what, calls, self.left, RATE),
                option="budget",
                value=self._budget,
                fix="wait five minutes, or use a token that no other program uses",
            )

    def get(self, path: str) -> Any:
        """``result`` of the envelope."""
        return self._read(path).get("result")

    def list(self, path: str) -> list[dict[str, Any]]:
        """Every page of a list."""
        found: dict[str, dict[str, Any]] = {}
        page = 1
        while True:
            answer = self._read("%s%spage=%d" % (path, "&" if "?" in path else "?", page) if page > 1 else path)
            new = [one for one in answer.get("result") or [] if one.get("id") not in found]
            found.update({str(one["id"]): one for one in new})
            total = (answer.get("result_info") or {}).get("total_count") or 0
            if not new or len(found) >= total:
                return [*found.values()]
            page += 1

    def write(self, method: str, path: str, body: Mapping[str, Any], guard: Guard | None = None) -> Any:
        """``result`` of the envelope. Lost where the answer is missing or a 5xx, ApiError where it is a no.

        ``guard`` is asked right before it is sent, and again where a 429 was waited for.
        """
        while True:
            answer = self._send(method, path, body, guard)
            if answer.status == 429:
                self._wait(answer)
                continue
            envelope = _envelope(answer)
            if answer.status in (0, *range(500, 600)) or envelope is None:
                raise Lost(self._text(method, path, answer), answer.status)
            self._check(method, path, answer, envelope)
            return envelope.get("result")

    def settle(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any],
        landed: Callable[[], bool],
        guard: Guard | None = None,
        taken: bool = False,
    ) -> None:
        """A write that is repeated after a lost answer, unless ``landed`` reads back that it worked.

        ``guard`` is asked right before each try: what it raises after the first does not say that nothing was written.

        ``taken``: a no to a repeated one may be about our own first, whose answer was lost; then ``landed`` decides.
        """
        for attempt in range(TRIES):
            try:
                self.write(method, path, body, guard)
                return
            except ApiError as exc:
                if not isinstance(exc, Lost) and not (taken and attempt):
                    raise
                lost = exc
            self._clock.sleep(0.5 * 2**attempt)
            if landed():
                return
        raise ApiError(str(lost), lost.status, "run the stage again: it continues where it stopped")

    def _read(self, path: str) -> dict[str, Any]:
        for attempt in range(TRIES):
            answer = self._send("GET", path, None)
            envelope = _envelope(answer)
            if answer.status == 429:
                self._wait(answer)
            elif answer.status == 0 or answer.status >= 500 or envelope is None:
                if attempt + 1 < TRIES:
                    self._clock.sleep(0.5 * 2**attempt)
            else:
                self._check("GET", path, answer, envelope)
                return envelope
        raise ApiError(
            self._text("GET", path, answer), answer.status, "check Cloudflare's status page, then run the stage again"
        )

    def _send(self, method: str, path: str, body: Mapping[str, Any] | None, guard: Guard | None = None) -> Response:
        pause = self._blocked - self._clock.monotonic()
        if pause > 0:
            self._pause(pause)
        self.require(1, "the next request")
        if guard:
            guard()
        self.used += 1
        answer = self._http.request(
            method,
            self._base + path,
            headers={"Authorization": "Bearer " + self._token, "Content-Type": "application/json"},
            body=None if body is None else json.dumps(body).encode(),
            timeout=self._timeout,
        )
        said = re.search(r"\br=(\d+)", answer.headers.get("ratelimit", ""))
        self._said = int(said.group(1)) if said else None if self._said is None else self._said - 1
        return answer

    def _wait(self, answer: Response) -> None:
        """Note until when Cloudflare refuses every call; the next one waits, or is refused where that is too long."""
        after = answer.headers.get("retry-after", "")
        seconds = float(after) if after.isdigit() else UNSAID
        self._blocked = self._clock.monotonic() + seconds
        if self._said == 0:
            # The window is over when we are let in again, and only then is it known what is left.
            self._said = None
        self._pause(seconds, dry=True)

    def _pause(self, seconds: float, dry: bool = False) -> None:
        if seconds > self._patience:
            raise ApiError(
                "Cloudflare refuses every call for %d s more (429; %s)" % (round(seconds), RATE),
                429,
                "run the stage again after that: it continues where it stopped",
            )
        if not dry:
            self._patience -= seconds
            self._clock.sleep(seconds)

    def _check(self, method: str, path: str, answer: Response, envelope: Mapping[str, Any]) -> None:
        if answer.status < 300 and envelope.get("success"):
            return
        raise ApiError(self._text(method, path, answer), answer.status, _fix(method, path, answer.status))

    def _text(self, method: str, path: str, answer: Response) -> str:
        """What was asked and what came, never with the token."""
        envelope = _envelope(answer) or {}
        errors = [one for one in envelope.get("errors") or [] if isinstance(one, dict)]
        said = "; ".join("%s (code %s)" % (one.get("message"), one.get("code")) for one in errors)
        text = "%s %s: %s" % (method, path, said or answer.error or "status %d" % answer.status)
        return text.replace(self._token, "(token)")


def _envelope(answer: Response) -> dict[str, Any] | None:
    found = answer.json()
    return found if isinstance(found, dict) else None


def _fix(method: str, path: str, status: int) -> str:
    if status == 401:
        return "give a valid API token by api_token, api_token_file or CLOUDFLARE_API_TOKEN"
    if status == 403 and re.match(r"/zones(\?|/[^/]*$)", path):
        return "give the API token the permission 'Zone Read', or say bluegreen_edge.zone_id and account_id"
    if status == 403:
        half = "Read" if method == "GET" else "Write"
        account = path.startswith("/accounts")
        what = "%s %s' for the %s" % (POOLS if account else BALANCERS, half, "account" if account else "zone")
        return "give the API token the permission '" + what
    return ""


# The API as the operator's options reach it


def api_of(params: Mapping[str, Any], http: Http, clock: Clock) -> Api:
    """``params``: ``api``, ``api_token``, ``api_token_file``, ``budget`` and ``patience`` of cloudflare_lb_pool."""
    parts = urlsplit(params["api"])
    if parts.scheme != "https" and (parts.scheme != "http" or parts.hostname not in LOOPBACK):
        raise Refused(
            "the API token is sent over https only", option="api", value=params["api"], fix="leave the option out"
        )
    base = params["api"].rstrip("/")
    return Api(http, clock, base, _token(params), budget=params["budget"], patience=params["patience"])


def _token(params: Mapping[str, Any]) -> str:
    """Never in an error, whatever is wrong with it."""
    path = params["api_token_file"]
    text = params["api_token"] or (read_private(path, "api_token_file", "the API token") if path else "")
    if not text.strip():
        raise Refused(
            "no API token is given",
            option="api_token_file",
            value=path,
            fix="give it by api_token, api_token_file or the environment variable CLOUDFLARE_API_TOKEN",
        )
    if not TOKEN.fullmatch(text.strip()):
        raise Refused("the API token holds a character that no token has", fix="write only the token, in one line")
    return str(text.strip())
