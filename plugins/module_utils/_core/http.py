# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One HTTP request, answered or not: no retry, no redirect, no proxy, always a deadline.

``timeout`` is for all of it together, from the look-up of the name to the last byte: a peer that sends a byte a second
gets no more time than one that sends none. An answer has a limit too.

``connect`` sends the request to another address than the URL's, as a public name must be asked at the edge of this
very deployment and not wherever DNS points today. A name is asked as DNS has it, and a path percent-encoded.
"""

from __future__ import annotations

import http.client
import json
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import quote, urlsplit

from .deadline_socket import Deadline, Timed, connected
from .errors import BluegreenError
from .hostname import ascii_host

# How the error of an answer begins that was not whole in time.
LATE = "no whole answer within"
# What a path and a query may hold as they are; the rest is written %XX, and what is written so stays.
SAFE = "/%:=&?~+!$,;'@()*[]|"


@dataclass(frozen=True)
class Response:
    """``status`` 0 means no complete answer, ``error`` says why. ``headers`` has lower-case names, last one wins;
    ``cookies`` are the raw Set-Cookie values."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    cookies: tuple[str, ...] = ()
    error: str = ""

    def json(self) -> Any:
        """The body as JSON, or None where it is not."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None


class Http(Protocol):
    def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        connect: tuple[str, int] | None = None,
        timeout: float = 10,
    ) -> Response: ...


class DirectHttp:
    """Standard library, one connection a request. ``ca`` is a PEM file; ``source`` the local address that asks ('' for
    any); ``verify=False`` only for a lab's own CA."""

    def __init__(self, ca: str | None = None, source: str = "", verify: bool = True) -> None:
        self._ca = ca
        self._source = (source, 0) if source else None
        self._verify = verify

    def _context(self) -> ssl.SSLContext:
        try:
            context = ssl.create_default_context(cafile=self._ca)
        except OSError as exc:
            raise OSError("the CA file %s (edge.ca): %s" % (self._ca, exc.strerror or exc)) from exc
        if not self._verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context

    def _socket(self, host: str, where: tuple[str, int], secure: bool, deadline: Deadline) -> socket.socket:
        context = self._context() if secure else None
        sock = connected(*where, deadline, self._source)
        if context is None:
            return sock
        sock.settimeout(deadline.left())
        return context.wrap_socket(sock, server_hostname=host)

    def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        connect: tuple[str, int] | None = None,
        timeout: float = 10,
    ) -> Response:
        deadline, parts = Deadline(timeout), urlsplit(url)
        secure = parts.scheme == "https"
        try:
            target = quote((parts.path or "/") + ("?" + parts.query if parts.query else ""), safe=SAFE)
            host, port = ascii_host(parts.hostname or ""), parts.port or (443 if secure else 80)
            # Ours by name: http.client would write the port of a mapped https address into it.
            own = {"Host": ascii_host(parts.netloc.rpartition("@")[2]), "Connection": "close"}
            with self._socket(host, connect or (host, port), secure, deadline) as sock:
                connection = http.client.HTTPConnection(host, port)
                timed: Any = Timed(sock, deadline)
                connection.sock = timed
                connection.request(method, target, body=body, headers={**own, **(headers or {})})
                answer = connection.getresponse()
                content = _content(answer)
        except (TimeoutError, socket.timeout):
            return Response(0, error="%s %.3g s" % (LATE, timeout))
        except (BluegreenError, OSError, ValueError, http.client.HTTPException) as exc:
            return Response(0, error="%s: %s" % (type(exc).__name__, exc))
        named = {name.lower(): value for name, value in answer.getheaders()}
        return Response(answer.status, named, content, tuple(answer.msg.get_all("Set-Cookie") or ()))


def _content(answer: http.client.HTTPResponse) -> bytes:
    """By pieces: what an answer says of its length is nothing to make room for."""
    parts = []
    while part := answer.read(1 << 16):
        parts.append(part)
    if answer.length:
        raise http.client.IncompleteRead(b"".join(parts), answer.length)
    return b"".join(parts)
