# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Targets: what any application has to answer. ``parse`` is pure and refuses; ``ask`` sends one question."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from .._core import dsn, postgres
from .._core.argspec import COLOURS, ArgumentSpec
from .._core.deadline_socket import Deadline, connected
from .._core.errors import BluegreenError
from .._core.files import read_text
from .._core.http import DirectHttp, Http, Response
from .answers import same_version
from .model import CheckResult
from .session import Failed, probe

URL, TCP, POSTGRES, DSN_FILE, ORY = KINDS = ("url", "tcp", "postgres", "dsn_file", "ory")
OF_URL = ("host", "status", "body", "version", "json", "ca")
OK = (200,)
WRITE = {
    URL: "write it as http://127.0.0.1:9002/health",
    TCP: "write it as 127.0.0.1:9002",
    POSTGRES: "write it as 127.0.0.1:5432",
    DSN_FILE: "write the path of a file on this host, from / on",
    ORY: "write the name of a domain of bluegreen_probes",
}
# The version of the protocol, and a role that does not exist: that it is refused is an answer, too.
STARTUP = b"\0\0\0\x2b\0\3\0\0user\0olympus_bluegreen\0database\0x\0\0"
STARTING, FULL = b"57P03", b"53300"

TARGETS = ArgumentSpec(
    {
        "targets": {
            "type": "list",
            "elements": "dict",
            "default": [],
            "options": {
                "name": {"type": "str", "required": True},
                **{kind: {"type": "raw"} for kind in KINDS[:-1]},
                ORY: {"type": "str"},
                "host": {"type": "str"},
                "status": {"type": "list", "elements": "int"},
                "body": {"type": "str"},
                "version": {"type": "str"},
                "json": {"type": "dict"},
                "ca": {"type": "path"},
                "verify": {"type": "bool", "default": True},
            },
        }
    }
)


@dataclass(frozen=True)
class Target:
    """``at``: colour -> where it answers; '' is one place for both."""

    name: str
    kind: str
    at: Mapping[str, str]
    host: str = ""
    status: tuple[int, ...] = OK
    body: str = ""
    version: str = ""
    json: Mapping[str, Any] = field(default_factory=dict)
    ca: str = ""
    verify: bool = True

    @property
    def coloured(self) -> bool:
        return "" not in self.at

    def place(self, colour: str) -> str:
        """Where it is asked. Raises BluegreenError where it says nothing of this colour."""
        if self.coloured and not colour:
            raise wrong_target(self.name, "%s names an address for each colour" % self.kind, "give colour")
        if self.coloured and colour not in self.at:
            raise wrong_target(self.name, "%s names no address of %s" % (self.kind, colour), "give %s, too" % colour)
        return self.at.get(colour) or self.at[""]


def parse(given: Sequence[Mapping[str, Any]]) -> tuple[Target, ...]:
    """The option ``targets``. Raises BluegreenError for the first that is wrong."""
    found = tuple(map(_target, given))
    names = [one.name for one in found]
    for name in names:
        if names.count(name) > 1:
            raise wrong_target(name, "two targets have this name", "give each a name of its own")
    return found


def _target(given: Mapping[str, Any]) -> Target:
    name = str(given.get("name") or "")
    said = {key: value for key, value in given.items() if value not in (None, "", [], {})}
    kinds = [kind for kind in KINDS if kind in said]
    if len(kinds) != 1:
        what = "it names %s" % " and ".join(kinds) if kinds else "it says nothing that can be asked"
        raise wrong_target(name, what, "give one of %s" % ", ".join(KINDS))
    kind = kinds[0]
    away = [key for key in OF_URL if key in said and kind != URL]
    if away:
        raise wrong_target(name, "%s belongs to url, this is %s" % (away[0], kind), "remove %s" % away[0])
    return Target(
        name,
        kind,
        _places(name, kind, said[kind]),
        status=tuple(int(one) for one in _listed(said.get("status", OK))),
        json=dict(said.get("json") or {}),
        verify=given.get("verify") is not False,
        **{key: str(said.get(key, "")) for key in ("host", "body", "version", "ca")},
    )


def _listed(value: Any) -> Sequence[Any]:
    return value if isinstance(value, (list, tuple)) else [value]


def _places(name: str, kind: str, given: Any) -> dict[str, str]:
    places = dict(given) if isinstance(given, Mapping) else {"": given}
    if isinstance(given, Mapping) and (kind == ORY or set(places) - set(COLOURS)):
        raise wrong_target(
            name, "%s has other keys than blue and green" % kind, WRITE[kind] + ", or as one of each colour"
        )
    for place in places.values():
        wrong = _wrong_place(kind, place) if isinstance(place, str) else "no text"
        if wrong:
            # Not quoted: it may hold a password.
            raise wrong_target(name, "%s is %s" % (kind, wrong), WRITE[kind])
    return places


def _wrong_place(kind: str, place: str) -> str:
    if kind == DSN_FILE:
        return "" if os.path.isabs(place) else "no absolute path"
    if kind == ORY:
        return ""
    try:
        parts = urlsplit(place if kind == URL else "//" + place)
        port = parts.port
    except ValueError:
        return "no address"
    if parts.username is not None:
        return "an address with a user in it, which results would show"
    if kind == URL:
        return "" if parts.scheme in ("http", "https") and parts.hostname else "no URL of http or https"
    return "" if parts.hostname and port and not parts.path else "no host:port"


def check_files(targets: Sequence[Target]) -> None:
    """Refuse a file that this host can't read, before anything is sent."""
    for one in targets:
        for path in [one.ca, *(one.at.values() if one.kind == DSN_FILE else ())]:
            if path and not os.access(path, os.R_OK):
                raise wrong_target(one.name, "%s can't be read" % path, "put the file there, readable for this user")


def wrong_target(name: str, msg: str, fix: str) -> BluegreenError:
    return BluegreenError(msg, option="targets", value=name, fix=fix)


# Asking


def ask(target: Target, colour: str, http: Http, seconds: float) -> CheckResult:
    """One question to one target; it never raises for what the world does."""
    place = target.place(colour)

    def act() -> str:
        if target.kind == URL:
            return _url(target, place, http, seconds)
        if target.kind == DSN_FILE:
            return _query(target.name, place, seconds)
        return _socket(target.kind, place, seconds)

    return probe("ready", target.name, act)


def _url(target: Target, url: str, http: Http, seconds: float) -> str:
    if target.ca or not target.verify:
        http = DirectHttp(target.ca or None, verify=target.verify)
    connect = None
    if target.host:
        # The name that it is asked for is also the name that its certificate has to have.
        parts = urlsplit(url)
        connect = (str(parts.hostname), parts.port or (443 if parts.scheme == "https" else 80))
        url = parts._replace(netloc=target.host).geturl()
    answer = http.request("GET", url, connect=connect, timeout=seconds)
    wrong = judge(target, answer)
    if wrong:
        raise Failed(wrong)
    return "status %d%s" % (answer.status, ", version %s" % target.version if target.version else "")


def judge(target: Target, answer: Response) -> str:
    """Why this answer is not the wanted one, or ''. Pure."""
    if not answer.status:
        return "no answer (%s)" % answer.error
    if answer.status not in target.status:
        return "status %d, not %s" % (answer.status, " or ".join(map(str, target.status)))
    text = answer.body.decode("utf-8", "replace")
    if target.body not in text:
        return "the body does not contain %r" % target.body
    for path, wanted in target.json.items():
        found = _at(answer.json(), path)
        if _word(found) != _word(wanted):
            return "JSON %s is %s, not %s" % (path, _word(found)[:80], _word(wanted))
    if target.version and not _names(answer, text, target.version):
        return "the answer does not name version %s" % target.version
    return ""


def _at(value: Any, path: str) -> Any:
    """``a.b.0``: keys and numbers of entries; None where there is nothing."""
    for part in path.split("."):
        if isinstance(value, dict):
            value = value.get(part)
        elif isinstance(value, list) and part.isdigit() and int(part) < len(value):
            value = value[int(part)]
        else:
            return None
    return value


def _word(value: Any) -> str:
    """A template makes texts of numbers and truths."""
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)


def _names(answer: Response, text: str, version: str) -> bool:
    """In a header that is called a version, or as a word of the body."""
    if any("version" in name and same_version(value.strip(), version) for name, value in answer.headers.items()):
        return True
    bare = re.escape(version.lstrip("v"))
    return bool(re.search(r"(?<![\w.+-])v?%s(?![\w+-]|\.\w)" % bare, text))


def _socket(kind: str, place: str, seconds: float) -> str:
    """A connection; of PostgreSQL also what it says to one who begins a session."""
    parts, deadline = urlsplit("//" + place), Deadline(seconds)
    try:
        with connected(str(parts.hostname), int(parts.port or 0), deadline) as sock:
            if kind == TCP:
                return "connected"
            sock.settimeout(deadline.left())
            sock.sendall(STARTUP)
            said = sock.recv(4096)
    except OSError as exc:
        raise Failed("no answer (%s)" % (exc.strerror or exc)) from exc
    if said[:1] not in (b"R", b"E"):
        raise Failed("not PostgreSQL" if said else "it hangs up")
    if said[:1] == b"E" and (STARTING in said or FULL in said):
        raise Failed("PostgreSQL takes no session now (%s)" % (STARTING if STARTING in said else FULL).decode())
    return "PostgreSQL takes sessions"


def _query(name: str, path: str, seconds: float) -> str:
    """A login and a question. No message holds the DSN."""
    try:
        asked = dsn.parse((read_text(path) or "").strip(), name)
        database = postgres.connect({**asked.keywords, "connect_timeout": str(max(2, int(seconds)))})
        try:
            database.query("SELECT 1")
        finally:
            database.close()
    except (BluegreenError, OSError) as exc:
        raise Failed(exc.msg if isinstance(exc, BluegreenError) else str(exc)) from exc
    return "logged in to PostgreSQL and asked"
