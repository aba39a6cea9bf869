# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One visitor on one journey: cookies, a deadline, and the way to the right service. Not shared between threads."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from urllib.parse import urlsplit

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.http import Http, Response
from ansible_collections.olympus.bluegreen.plugins.module_utils._health.model import CheckResult, Domain, Endpoint
from ansible_collections.olympus.bluegreen.plugins.module_utils._health.through_edge import Through

# No single request may eat the whole budget of a journey.
REQUEST_SECONDS = 10.0
# Tells probes from people in every log.
AGENT = "olympus-bluegreen-probe"
# Of logins at Kratos' own API, which end their sessions themselves.
API_AGENT = AGENT + "-api"


class Failed(Exception):
    """The journey ended badly; the text says where and why, without secrets."""


class Busy(Failed):
    """A rate limit answered: no verdict."""


class Cookies:
    """Enough of RFC 6265 for one domain: host-only unless a Domain attribute widens it, Max-Age 0 removes."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, bool, str], str] = {}

    def take(self, host: str, lines: tuple[str, ...]) -> None:
        for line in lines:
            pair, *rest = [part.strip() for part in line.split(";")]
            name, _sign, value = pair.partition("=")
            attributes = {key.strip().lower(): given.strip() for key, _sign, given in (p.partition("=") for p in rest)}
            wide = attributes.get("domain", "").lstrip(".").lower()
            key = (wide or host, bool(wide), name)
            if attributes.get("max-age", "1").lstrip("-") == "0" or attributes.get("max-age", "1").startswith("-"):
                self._kept.pop(key, None)
            else:
                self._kept[key] = value

    def header(self, host: str) -> str:
        def sent(domain: str, wide: bool) -> bool:
            return host == domain or (wide and host.endswith("." + domain))

        return "; ".join("%s=%s" % (key[2], value) for key, value in self._kept.items() if sent(key[0], key[1]))


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

    def left(self) -> float:
        """Seconds that one request may take now."""
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise Failed("out of time")
        return min(left, REQUEST_SECONDS)

    def send(
        self, method: str, url: str, headers: Mapping[str, str] | None = None, body: bytes | None = None
    ) -> Response:
        """One request to a public URL of the domain, sent to the service that the edge would choose, or to the edge."""
        parts = urlsplit(url)
        host = (parts.hostname or "").lower()
        endpoint = self.domain.endpoint(host, parts.path) if self.domain else None
        if endpoint is None:
            raise Failed("sent to %s%s, which is not a part of this domain" % (host, parts.path))
        scheme = self.way.scheme if self.way else endpoint.scheme
        asked = "%s://%s%s%s" % (scheme, parts.netloc, parts.path or "/", "?" + parts.query if parts.query else "")
        given = {**(headers or {})}
        kept = self.cookies.header(host)
        if kept:
            given["Cookie"] = kept
        if self.way:
            response = self._through(self.way, endpoint, method, asked, given, body)
        else:
            if scheme == "http":
                given["X-Forwarded-Proto"] = "https"
            response = self._ask(endpoint, method, asked, endpoint.address, given, body)
        self.cookies.take(host, response.cookies)
        return response

    def _through(
        self, way: Through, endpoint: Endpoint, method: str, url: str, headers: Mapping[str, str], body: bytes | None
    ) -> Response:
        given = {"User-Agent": AGENT, **headers, **way.headers}
        answer = way.http.request(method, url, headers=given, body=body, connect=way.address, timeout=self.left())
        response = self._answered(answer, endpoint, method, url)
        wrong = way.wrong(response)
        if wrong:
            raise Failed("%s %s: %s" % (method, urlsplit(url).path, wrong))
        return response

    def admin(
        self,
        endpoint: Endpoint,
        method: str,
        path: str,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> Response:
        """One request to a service's admin port."""
        if endpoint.admin is None:
            raise Failed("%s has no admin port here" % endpoint.service)
        # An old Hydra serves its admin port only where TLS is used, or is said to have ended in front of it.
        given = {"X-Forwarded-Proto": "https", **(headers or {})}
        return self._ask(endpoint, method, "http://%s:%d%s" % (*endpoint.admin, path), endpoint.admin, given, body)

    def direct(
        self,
        endpoint: Endpoint,
        method: str,
        path: str,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> Response:
        """One request to a service by its address; it is asked for its ``host``, where it has one."""
        url = "%s://%s%s" % (endpoint.scheme, endpoint.host or "%s:%d" % endpoint.address, path)
        given = {"X-Forwarded-Proto": "https", **(headers or {})}
        return self._ask(endpoint, method, url, endpoint.address, given, body)

    def _ask(
        self,
        endpoint: Endpoint,
        method: str,
        url: str,
        address: tuple[str, int],
        headers: Mapping[str, str] | None,
        body: bytes | None,
    ) -> Response:
        given = {"User-Agent": AGENT, **(headers or {})}
        answer = self.http.request(method, url, headers=given, body=body, connect=address, timeout=self.left())
        return self._answered(answer, endpoint, method, url)

    @staticmethod
    def _answered(response: Response, endpoint: Endpoint, method: str, url: str) -> Response:
        what = "%s %s %s" % (endpoint.service, method, urlsplit(url).path)
        if response.status == 0:
            raise Failed("%s: no answer (%s)" % (what, response.error))
        if response.status == 429:
            raise Busy("%s: rate limited (429), no verdict" % what)
        return response


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
