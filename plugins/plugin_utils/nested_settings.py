# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is wrong inside of the operator's dictionaries and lists, where each as a whole can be read. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import BluegreenError
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.hostname import ascii_host
from ansible_collections.olympus.bluegreen.plugins.module_utils._schema import exceptions
from ansible_collections.olympus.bluegreen.plugins.plugin_utils.edge_settings import Wrong, meant

# Those of _compose/deployment/model.py, which the guard of a rollback has no time to load; a test keeps them the same.
KINDS = ("kratos", "hydra", "hera", "athena", "site", "other")
SERVICE = ("kind", "port", "admin_port", "domain", "ready", "ui", "edge", "alike", "host")
PROBE = ("identifier", "client_id", "redirect_uri", "scope", "kratos", "hydra", "hera", "login_host", "oauth_host")
# Those of _health/checks.py, likewise.
GATE = (
    "secrets", "ready", "version", "warm", "jwks", "tokens", "sessions", "admin", "login", "code_flow", "silent",
    "settings",
)  # fmt: skip
HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*\Z")
# Longer than this between two looks (seconds) a bad release would stay.
SLOWEST = 60.0


def wrong_inside(given: Mapping[str, Any]) -> Iterator[Wrong]:
    """``given`` are the settings that are there, by name."""
    for name, check in CHECKS.items():
        if name in given:
            yield from check(name, given[name])
    yield from _shared(given)


def _mapping(name: str, value: Any) -> Iterator[Wrong]:
    for key, one in value.items():
        if not isinstance(one, Mapping):
            yield "%s.%s" % (name, key), type(one).__name__, "a dictionary", "write its options below it"


def _flat(name: str, value: Mapping[str, Any], of_all: Sequence[str]) -> Iterator[Wrong]:
    """By domain, or (``of_all``) the same for every one."""
    yield from _mapping(name, {key: one for key, one in value.items() if key not in of_all})
    for key in of_all:
        if key in value and not isinstance(value[key], str):
            yield "%s.%s" % (name, key), type(value[key]).__name__, "a text", "quote it"


def _probes(name: str, value: Mapping[str, Any]) -> Iterator[Wrong]:
    yield from _flat(name, value, PROBE)


def _secrets(name: str, value: Mapping[str, Any]) -> Iterator[Wrong]:
    yield from _flat(name, value, ("password", "client_secret"))


def _services(name: str, value: Mapping[str, Any]) -> Iterator[Wrong]:
    # One that is false is none any more.
    yield from _mapping(name, {key: one for key, one in value.items() if one is not False})
    for key, one in value.items():
        if isinstance(one, Mapping):
            yield from _service("%s.%s" % (name, key), one)


def _service(name: str, one: Mapping[str, Any]) -> Iterator[Wrong]:
    for key in sorted((key for key in one if key not in SERVICE), key=str):
        yield "%s.%s" % (name, key), "unknown", "an option of a service", meant(str(key), SERVICE)
    if one.get("kind", "other") not in KINDS:
        yield name + ".kind", repr(one["kind"]), "a kind of service", "one of %s" % ", ".join(KINDS)
    # What is not said is learned.
    for key in ("port", "admin_port"):
        if key in one and not _port(one.get(key)):
            yield "%s.%s" % (name, key), repr(one.get(key)), "a port", "a whole number from 1 to 65535"
    if "host" in one and not _host(one["host"]):
        yield name + ".host", repr(one["host"]), "a host name", "without scheme, port and path"
    for key in ("ui", "edge"):
        if not isinstance(one.get(key, True), bool):
            yield "%s.%s" % (name, key), repr(one[key]), "true or false", "write it without quotes"


def _port(value: Any) -> bool:
    return not isinstance(value, (bool, float)) and str(value).isdecimal() and 1 <= int(str(value)[:9]) <= 65535


def _public(name: str, value: Sequence[Any]) -> Iterator[Wrong]:
    for at, one in enumerate(value):
        here = "%s[%d]" % (name, at)
        if not isinstance(one, Mapping):
            yield here, repr(one), "a dictionary", "write {host: login.example.com}"
            continue
        if not _host(one.get("host")):
            yield here + ".host", repr(one.get("host")), "a host name", "without scheme, port and path"
        path = str(one.get("path", "/"))
        if not path.startswith("/"):
            yield here + ".path", repr(path), "a path", "it begins with /"


def _host(name: Any) -> bool:
    """As people write it or as DNS has it."""
    try:
        return name is not None and bool(HOST.match(ascii_host(str(name))))
    except BluegreenError:
        return False


def _watch(name: str, value: Mapping[str, Any]) -> Iterator[Wrong]:
    for key in ("window", "min_events"):
        if key in value and not str(value[key]).isdecimal():
            yield "%s.%s" % (name, key), repr(value[key]), "a whole number, 0 or more", "seconds, or events, in digits"
    try:
        fits = 0 < float(value.get("interval", 1)) <= SLOWEST
    except (TypeError, ValueError, OverflowError):
        fits = False
    if not fits:
        fix = "more than 0, at most %d" % SLOWEST
        yield name + ".interval", repr(value["interval"]), "seconds between two looks", fix


def _checks(name: str, value: Mapping[str, Any]) -> Iterator[Wrong]:
    skip = value.get("skip") or []
    if not isinstance(skip, (list, tuple)):
        yield name + ".skip", type(skip).__name__, "a list", "write skip: [code_flow]"
        return
    for one in skip:
        if one not in GATE:
            yield name + ".skip", repr(one), "a check of the gate", meant(str(one), GATE)


def _accept(name: str, value: Sequence[Any]) -> Iterator[Wrong]:
    for at, key, found, wanted, fix in exceptions.wrong(value):
        yield "%s[%d]%s" % (name, at, "." + key if key else ""), found, wanted, fix


def _files(name: str, value: Sequence[Any]) -> Iterator[Wrong]:
    if not value:
        yield name, "[]", "a list of files", "name the compose file, or take the setting away"


def _directory(name: str, value: Any) -> Iterator[Wrong]:
    if not str(value).startswith("/"):
        yield name, repr(value), "an absolute path", "give it from /"


def _releases(name: str, value: Any) -> Iterator[Wrong]:
    if float(value) < 1:
        yield name, repr(value), "1 or more", "the release that is live is kept in any case"


def _lost(name: str, value: Any) -> Iterator[Wrong]:
    if value not in ("", "blue", "green"):
        yield name, repr(value), "a colour", "blue or green"


def _colours(name: str, value: Mapping[str, Any]) -> Iterator[Wrong]:
    for key in sorted((key for key in value if key not in ("blue", "green")), key=str):
        yield "%s.%s" % (name, key), "unknown", "a colour", "blue or green"


def _shared(given: Mapping[str, Any]) -> Iterator[Wrong]:
    name = "bluegreen_shared"
    shared, edge = [str(one) for one in given.get(name, ())], given.get("bluegreen_edge", {})
    for one in dict.fromkeys(one for one in shared if shared.count(one) > 1):
        yield name, repr(one), "named once", "take one away"
    front = str(edge.get("service", ""))
    if edge.get("kind", "container") == "container" and front in shared:
        fix = "take it away: the edge joins no colour's own network"
        yield name, repr(front), "a service that both colours use, as the edge is", fix


CHECKS: dict[str, Callable[[str, Any], Iterator[Wrong]]] = {
    "bluegreen_accept": _accept,
    "bluegreen_services": _services,
    "bluegreen_probes": _probes,
    "bluegreen_probe_secrets": _secrets,
    "bluegreen_public": _public,
    "bluegreen_watch": _watch,
    "bluegreen_checks": _checks,
    "bluegreen_compose_files": _files,
    "bluegreen_state_dir": _directory,
    "bluegreen_keep_releases": _releases,
    "bluegreen_assume_live": _lost,
    "bluegreen_port_base": _colours,
}
