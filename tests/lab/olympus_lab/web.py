# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, the olympus.bluegreen authors
"""HTTP to the lab, never beyond loopback and never retried: public names through Caddy's published port."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from olympus_lab import config

TIMEOUT = 10.0


@dataclass(frozen=True)
class Answer:
    """A complete answer."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


class _Edge(http.client.HTTPSConnection):
    """Dials loopback; the host name is only SNI, certificate name and Host header."""

    def __init__(self, host: str, context: ssl.SSLContext, port: int) -> None:
        super().__init__(host, timeout=TIMEOUT)
        self._tls, self._dial = context, port

    def connect(self) -> None:
        plain = socket.create_connection((config.LOOPBACK, self._dial), self.timeout)
        self.sock = self._tls.wrap_socket(plain, server_hostname=self.host)


def public(
    host: str, path: str, method: str = "GET", body: bytes | None = None, headers: Mapping[str, str] | None = None
) -> Answer:
    """One request to a public name through Caddy, the certificate checked against its CA. OSError if none came."""
    context = ssl.create_default_context(cafile=str(config.CA_FILE))
    return _exchange(_Edge(host, context, config.HTTPS_PORT), method, path, body, headers)


def local(
    port: int,
    path: str,
    method: str = "GET",
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    timeout: float = TIMEOUT,
) -> Answer:
    """One plain HTTP request to a port published on loopback. OSError if no answer came."""
    connection = http.client.HTTPConnection(config.LOOPBACK, port, timeout=timeout)
    return _exchange(connection, method, path, body, headers)


def _exchange(
    connection: http.client.HTTPConnection,
    method: str,
    path: str,
    body: bytes | None,
    headers: Mapping[str, str] | None,
) -> Answer:
    try:
        connection.request(method, path, body, {**(headers or {}), "Connection": "close"})
        response = connection.getresponse()
        return Answer(response.status, response.headers, response.read())
    except http.client.HTTPException as error:
        raise ConnectionError(f"no complete answer: {error!r}") from error
    finally:
        connection.close()
