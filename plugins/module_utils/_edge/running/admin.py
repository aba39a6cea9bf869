# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The running edge's admin endpoint, spoken to from the edge's own network or by its unix socket.

``edge.admin`` is ``host:port`` or ``unix//path`` as Caddy writes it. Where Caddy's ``origins`` name other hosts than
that one, ``edge.admin_origin`` is one of them.
"""

from __future__ import annotations

import http.client
import io
import json
import socket
from typing import Any

from ..._core.clock import Clock, SystemClock
from ..._core.deadline_socket import Deadline, Timed, connected
from ..._core.errors import BluegreenError, CommandError
from ..._core.http import Response
from .base import Edge

UNIX = "unix/"
# Seconds for a whole answer. A reload waits for what it provisions (certificates, listeners), a question for nothing.
ASK, LOAD = 5.0, 60.0
# A reload makes Caddy's admin server a new one: who speaks to the old one in that moment is hung up on, or finds no
# socket. Asked again for so long and so often, in seconds. A write that was carried out all the same does no harm the
# second time: an equal load is none, and the tag of another write is used up.
AGAIN, EVERY = 2.0, 0.02


class Unanswered(ValueError):
    """Hung up on before any byte came."""


class Admin:
    """What the running edge says about itself, and the configuration it is given."""

    def __init__(self, edge: Edge, clock: Clock | None = None) -> None:
        self._edge, self._clock = edge, clock or SystemClock()

    def config(self) -> Any:
        """The running configuration."""
        return self._get("/config/").json()

    def tagged(self) -> tuple[Any, str]:
        """The running configuration and its tag, by which ``patch`` knows that it is still the same."""
        answer = self._get("/config/")
        return answer.json(), answer.headers.get("etag", "")

    def requests(self) -> dict[str, int]:
        """Requests (and WebSockets) in flight by upstream address. An address that is not there is not known."""
        listed = self._get("/reverse_proxy/upstreams").json() or []
        return {one["address"]: int(one["num_requests"]) for one in listed}

    def load(self, config: Any) -> None:
        """Run another configuration, as ``caddy reload`` does."""
        headers = {"Content-Type": "application/json"}
        self._require_taken(self._ask("POST", "/load", json.dumps(config).encode(), headers, LOAD))

    def patch(self, path: str, value: Any, tag: str) -> bool:
        """Exchange the value at ``path`` of the configuration; False when that was changed since it had ``tag``."""
        headers = {"Content-Type": "application/json", "If-Match": tag}
        answer = self._ask("PATCH", "/config" + path, json.dumps(value).encode(), headers, LOAD)
        if answer.status == 412:
            return False
        self._require_taken(answer)
        return True

    def _require_taken(self, answer: Response) -> None:
        if answer.status != 200:
            said = answer.error or "status %d %s" % (answer.status, answer.body.decode(errors="replace").strip())
            raise CommandError(
                "the edge refused the configuration: %s" % said,
                fix="read the edge's log; the edge still runs the previous configuration",
            )

    def _get(self, path: str) -> Response:
        answer = self._ask("GET", path, b"", {}, ASK)
        if answer.status == 403:
            raise BluegreenError(
                "the edge's admin endpoint does not answer this host name: its `origins` don't list it",
                option="edge.admin_origin",
                value=self._edge.options.admin_origin,
                fix="name one of its `origins` in bluegreen_edge.admin_origin",
            )
        if answer.status != 200:
            raise BluegreenError(
                "the edge's admin endpoint does not answer: %s" % (answer.error or "status %d" % answer.status),
                option="edge.admin",
                value=self._edge.options.admin,
                fix="is the edge running? Is its `admin` option another one, or `off`? Without an admin endpoint Caddy"
                " takes no configuration: take `admin off` out and restart it once",
            )
        return answer

    def _ask(self, method: str, path: str, body: bytes, headers: dict[str, str], timeout: float) -> Response:
        origin = self._edge.options.admin_origin
        # On a unix socket old releases know no host at all.
        host = origin or ("" if self._edge.options.admin.startswith(UNIX) else self._edge.options.admin)
        sent = {"Host": host, "Connection": "close", "Content-Length": str(len(body)), **headers}
        if origin:
            sent["Origin"] = "http://" + origin
        lines = ["%s %s HTTP/1.1" % (method, path), *("%s: %s" % item for item in sent.items()), "", ""]
        request, until, deadline = "\r\n".join(lines).encode() + body, 0.0, Deadline(timeout)
        while True:
            try:
                with self._socket(deadline) as sock:
                    timed = Timed(sock, deadline)
                    timed.sendall(request)
                    return parsed(timed.makefile().read())
            except (OSError, ValueError, http.client.HTTPException) as exc:
                hung_up = isinstance(exc, (ConnectionResetError, BrokenPipeError, FileNotFoundError, Unanswered))
                until = until or self._clock.monotonic() + AGAIN
                if not hung_up or self._clock.monotonic() >= until:
                    return Response(0, error="%s: %s" % (type(exc).__name__, exc))
            self._clock.sleep(EVERY)

    def _socket(self, deadline: Deadline) -> socket.socket:
        admin = self._edge.options.admin
        if admin.startswith(UNIX):
            sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            sock.settimeout(deadline.left())
            try:
                sock.connect("/proc/%d/root%s" % (self._edge.place().pid, admin[len(UNIX) :]))
            except OSError:
                sock.close()
                raise
            return sock
        host, _colon, port = admin.rpartition(":")
        host = "127.0.0.1" if host in ("localhost", "") else host.strip("[]")
        with self._edge.network():
            return connected(host, int(port), deadline)


def parsed(raw: bytes) -> Response:
    """A whole HTTP/1.1 answer, its trailers among the headers: Caddy before 2.8 sends the ETag there."""
    stream = io.BytesIO(raw)
    status = stream.readline().split(None, 2)
    if len(status) < 2:
        raise Unanswered("no answer")
    headers = {name.lower(): value for name, value in http.client.parse_headers(stream).items()}
    if headers.get("transfer-encoding", "") != "chunked":
        body = stream.read()
        if len(body) != int(headers.get("content-length", len(body))):
            raise ValueError("half an answer")
        return Response(int(status[1]), headers, body)
    chunks = []
    while True:
        size = int(stream.readline().split(b";")[0], 16)
        if not size:
            break
        chunks.append(stream.read(size))
        stream.readline()
    trailers = {name.lower(): value for name, value in http.client.parse_headers(stream).items()}
    return Response(int(status[1]), {**headers, **trailers}, b"".join(chunks))
