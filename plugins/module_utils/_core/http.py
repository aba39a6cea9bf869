# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One HTTP request, answered or not: no retry, no redirect, no proxy, always a timeout.

``connect`` sends the request to another address than the URL's, as a public name must be asked at the edge of this
very deployment and not wherever DNS points today.
"""

from __future__ import annotations

import http.client
import json
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import urlsplit


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

    def _connection(self, url: str, connect: tuple[str, int] | None, timeout: float) -> http.client.HTTPConnection:
        parts = urlsplit(url)
        host = parts.hostname or ""
        secure = parts.scheme == "https"
        port = parts.port or (443 if secure else 80)
        connection = http.client.HTTPConnection(host, port, timeout=timeout)
        sock = socket.create_connection(connect or (host, port), timeout, self._source)
        connection.sock = self._context().wrap_socket(sock, server_hostname=host) if secure else sock
        return connection

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
        parts = urlsplit(url)
        target = (parts.path or "/") + ("?" + parts.query if parts.query else "")
        try:
            connection = self._connection(url, connect, timeout)
            try:
                # Ours by name: http.client would write the port of a mapped https address into it.
                own = {"Host": parts.netloc.rpartition("@")[2], "Connection": "close"}
                connection.request(method, target, body=body, headers={**own, **(headers or {})})
                answer = connection.getresponse()
                content = answer.read()
            finally:
                connection.close()
        except (OSError, ValueError, http.client.HTTPException) as exc:
            return Response(0, error="%s: %s" % (type(exc).__name__, exc))
        named = {name.lower(): value for name, value in answer.getheaders()}
        return Response(answer.status, named, content, tuple(answer.msg.get_all("Set-Cookie") or ()))
