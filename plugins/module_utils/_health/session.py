# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One visitor on one journey: cookies, a deadline, and the way to the right service. Not shared between threads."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from email.message import Message
from http.cookiejar import CookieJar
from types import SimpleNamespace
from typing import Optional
from urllib.parse import urlsplit
from urllib.request import Request

from .._core.http import Http, Response
from .model import CheckResult, Domain, Endpoint
from .through_edge import Through

# No single request may eat the whole budget of a journey.
REQUEST_SECONDS = 10.0
# Tells probes from people in every log.
AGENT = "olympus-bluegreen-probe"
# Of logins at Kratos' own API, which end their sessions themselves.
API_AGENT = AGENT + "-api"
ENDED_TLS = {"X-Forwarded-Proto": "https"}

Headers = Optional[Mapping[str, str]]
Address = tuple[str, int]


class Failed(Exception):
    """The journey ended badly; the text says where and why, without secrets."""


class Busy(Failed):
    """A rate limit answered: no verdict."""


class Cookies:
    """A browser's cookies, by public URL: where a colour is dialled does not matter to them."""

    def __init__(self) -> None:
        self._jar = CookieJar()

    def take(self, url: str, lines: tuple[str, ...]) -> None:
        message = Message()
        for line in lines:
            message["Set-Cookie"] = line
        # Of the answer the jar wants its headers alone.
        self._jar.extract_cookies(SimpleNamespace(info=lambda: message), Request(url))  # type: ignore[arg-type]

    def header(self, url: str) -> str:
        request = Request(url)
        self._jar.add_cookie_header(request)
        return request.get_header("Cookie") or ""


class Visit:
    """Requests of one journey to one side of a domain; ``timeout`` seconds for all of them together.

    ``way``: public names are asked through the edge, and each answer has to be of the colour that is meant.
    """

    def __init__(self, http: Http, domain: Domain | None, timeout: float, way: Through | None = None) -> None:
        self.http = http
        self.domain = domain
        self.way = way
        self.cookies = Cookies()
        self._deadline = time.monotonic() + timeout

    @property
    def its_domain(self) -> Domain:
        if self.domain is None:
            raise Failed("this visit has no domain")
        return self.domain

    @property
    def side(self) -> str:
        return self.its_domain.side

    def left(self) -> float:
        """Seconds that one request may take now."""
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise Failed("out of time")
        return min(left, REQUEST_SECONDS)

    def send(self, method: str, url: str, headers: Headers = None, body: bytes | None = None) -> Response:
        """One request to a public URL of the domain, sent to the service that the edge would choose, or to the edge."""
        parts = urlsplit(url)
        host = (parts.hostname or "").lower()
        endpoint = self.domain.endpoint(host, parts.path) if self.domain else None
        if endpoint is None:
            raise Failed("sent to %s%s, which is not a part of this domain" % (host, parts.path))
        public = "//%s%s%s" % (parts.netloc, parts.path or "/", "?" + parts.query if parts.query else "")
        kept = self.cookies.header("https:" + public)
        given = {**(headers or {}), **({"Cookie": kept} if kept else {})}
        scheme, to = (self.way.scheme, None) if self.way else (endpoint.scheme, endpoint.address)
        if to and scheme == "http":
            given.update(ENDED_TLS)
        response = self._ask(endpoint, method, "%s:%s" % (scheme, public), to, given, body)
        self.cookies.take("https:" + public, response.cookies)
        return response

    def admin(
        self, endpoint: Endpoint, method: str, path: str, headers: Headers = None, body: bytes | None = None
    ) -> Response:
        """One request to a service's admin port."""
        if endpoint.admin is None:
            raise Failed("%s has no admin port here" % endpoint.service)
        # An old Hydra serves its admin port only where TLS is used, or is said to have ended in front of it.
        url = "http://%s:%d%s" % (*endpoint.admin, path)
        return self._ask(endpoint, method, url, endpoint.admin, {**ENDED_TLS, **(headers or {})}, body)

    def direct(
        self, endpoint: Endpoint, method: str, path: str, headers: Headers = None, body: bytes | None = None
    ) -> Response:
        """One request to a service by its address; it is asked for its ``host``, where it has one."""
        url = "%s://%s%s" % (endpoint.scheme, endpoint.host or "%s:%d" % endpoint.address, path)
        return self._ask(endpoint, method, url, endpoint.address, {**ENDED_TLS, **(headers or {})}, body)

    def _ask(
        self, endpoint: Endpoint, method: str, url: str, to: Address | None, headers: Headers, body: bytes | None
    ) -> Response:
        """``to``: where to connect; None is the way through the edge."""
        way = self.way if to is None else None
        given = {"User-Agent": AGENT, **(headers or {}), **(way.headers if way else {})}
        http, to = (way.http, way.address) if way else (self.http, to)
        answer = http.request(method, url, headers=given, body=body, connect=to, timeout=self.left())
        path = urlsplit(url).path
        if answer.status == 0:
            raise Failed("%s %s %s: no answer (%s)" % (endpoint.service, method, path, answer.error))
        if answer.status == 429:
            raise Busy("%s %s %s: rate limited (429), no verdict" % (endpoint.service, method, path))
        wrong = way.wrong(answer) if way else ""
        if wrong:
            raise Failed("%s %s: %s" % (method, path, wrong))
        return answer


def must(reason: str, what: str) -> None:
    """Go on when ``reason`` is empty, else end the journey with it."""
    if reason:
        raise Failed("%s: %s" % (what, reason))


class Untested(Exception):
    """The journey could not prove what it was sent for, and nothing is wrong with that; the text says why."""


class OtherFailed(Exception):
    """What the other side itself can't do: no failure of the side that is asked. The text says what."""


@contextmanager
def of_other(side: str) -> Iterator[None]:
    """What fails in here is the failure of ``side``. A rate limit stays what it is: no verdict."""
    try:
        yield
    except Busy:
        raise
    except Failed as exc:
        raise OtherFailed("%s itself fails: %s" % (side, exc)) from exc


def probe(name: str, service: str, act: Callable[[], str]) -> CheckResult:
    """Run one journey; what it returns is the detail of success."""
    start = time.monotonic()
    ok, busy, untested, other = True, False, "", ""
    try:
        detail = act()
    except OtherFailed as exc:
        detail = untested = other = str(exc)
    except Untested as exc:
        detail = untested = str(exc)
    except Failed as exc:
        ok, busy, detail = False, isinstance(exc, Busy), str(exc)
    return CheckResult(name, service, ok, detail, round((time.monotonic() - start) * 1000, 1), busy, untested, other)
