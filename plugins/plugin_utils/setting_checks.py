# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is wrong with the operator's settings, by the one description of them. Pure.

Ansible's own validator checks the options of modules. Here it would take text for a dictionary and any value for a
text, and would repeat the value of a secret.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import BluegreenError
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.hostname import ascii_host
from ansible_collections.olympus.bluegreen.plugins.module_utils._deployment.fields import Field
from ansible_collections.olympus.bluegreen.plugins.module_utils._deployment.tree import CADDY_KINDS, CLOUDFLARE
from ansible_collections.olympus.bluegreen.plugins.module_utils._schema import exceptions
from ansible_collections.olympus.bluegreen.plugins.plugin_utils.settings import (
    FACT_VARS,
    INTERNAL_VARS,
    PREFIX,
    SETTINGS,
)

REFUSE, WARN = "refuse", "warn"
# How alike two names must be, without the prefix, to be taken for one mistyped.
ALIKE = 0.82
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}\Z")
PLAIN = "letters, digits, dot, dash and underscore, at most 63, the first a letter or digit"
HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*\Z")
# Longer than this between two looks (seconds) a bad release would stay.
SLOWEST = 60.0
# A key of a setting that would hold a secret: it has a sentence of its own.
SECRETS = {"bluegreen_edge": "api_token", "bluegreen_notify": "url"}
EDGE_KINDS = (*CADDY_KINDS, CLOUDFLARE)
Row = dict[str, str]


def _number(value: Any) -> float:
    """NaN, which is in no range, for what is none."""
    try:
        return float("nan") if isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        return float("nan")


def _whole(value: Any) -> bool:
    count = _number(value)
    return 0 <= count < float("inf") and count == int(count)


def _digits(value: Any) -> bool:
    return not isinstance(value, (bool, float)) and str(value).isdecimal()


def blank(value: Any) -> bool:
    """Whether it is what a survey sends for a question without an answer."""
    return isinstance(value, str) and not value.strip()


def _text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _host(value: Any) -> bool:
    """As people write it or as DNS has it."""
    try:
        return value is not None and bool(HOST.match(ascii_host(str(value))))
    except BluegreenError:
        return False


@dataclass(frozen=True)
class Type:
    """``fits`` as Ansible takes a value: what -e k=v gives is text, which may hold a number or a truth."""

    fits: Callable[[Any], bool]
    called: str
    fix: str = ""


TYPES = {
    "any": Type(lambda value: True, "a value"),
    "str": Type(_text, "a text"),
    "text": Type(lambda value: isinstance(value, str), "a text", "quote it"),
    "path": Type(lambda value: isinstance(value, str), "a path", "quote it"),
    "directory": Type(lambda value: str(value).startswith("/"), "an absolute path", "give it from /"),
    "url path": Type(lambda value: str(value).startswith("/"), "a path", "it begins with /"),
    "host": Type(_host, "a host name", "without scheme, port and path"),
    "int": Type(_whole, "a whole number, 0 or more"),
    "count": Type(lambda value: _whole(value) and _number(value) >= 1, "1 or more"),
    "digits": Type(_digits, "a whole number, 0 or more", "seconds, or events, in digits"),
    "number": Type(lambda value: 0 <= _number(value) < float("inf"), "a number, 0 or more"),
    "seconds": Type(
        lambda value: 0 < _number(value) <= SLOWEST, "seconds between two looks", "more than 0, at most %d" % SLOWEST
    ),
    "port": Type(
        lambda value: _digits(value) and 1 <= int(str(value)[:9]) <= 65535, "a port", "a whole number from 1 to 65535"
    ),
    "bool": Type(
        lambda value: str(value).lower() in ("true", "false", "yes", "no", "1", "0", "on", "off"), "true or false"
    ),
    "flag": Type(lambda value: isinstance(value, bool), "true or false", "write it without quotes"),
    "dict": Type(lambda value: isinstance(value, Mapping), "a dictionary"),
    "list": Type(lambda value: isinstance(value, (list, tuple)), "a list"),
    "files": Type(
        lambda value: isinstance(value, (list, tuple)) and bool(value),
        "a list of files",
        "name the compose file, or take the setting away",
    ),
    "source": Type(lambda value: isinstance(value, Mapping) or _text(value), "a text or a dictionary"),
}


def wrong_settings(variables: Mapping[str, Any]) -> list[Row]:
    """One {level, name, found, wanted, fix, sentence} for each that is of a wrong type or looks mistyped."""
    found: list[Row] = []
    well: dict[str, Any] = {}
    for name in sorted(str(key) for key in variables if str(key).startswith(PREFIX)):
        if name in SETTINGS:
            rows = list(_setting(name, SETTINGS[name], variables, well))
            # What is wrong inside of one leaves its other parts to be compared.
            if any(row["name"] == name for row in rows):
                well.pop(name, None)
            found += rows
        elif name not in FACT_VARS:
            found += _unknown(name)
    return found + [row for check in (_accept, _shared, _edge, _notify) for row in check(well)]


def unusable(variables: Mapping[str, Any]) -> set[str]:
    """The settings that are refused for what they are, whatever the others say."""
    rows = {name: _setting(name, SETTINGS[name], variables, {}) for name in variables}
    return {name for name, found in rows.items() if any(row["level"] == REFUSE for row in found)}


def _row(level: str, name: str, found: str, wanted: str, fix: str) -> Row:
    sentence = "%s=%s: not %s. Fix: %s" % (name, found, wanted, fix)
    return {"level": level, "name": name, "found": found, "wanted": wanted, "fix": fix, "sentence": sentence}


def meant(key: str, known: Sequence[str]) -> str:
    """What to do about a key that is not known."""
    near = difflib.get_close_matches(key, known, 1, 0.6)
    return "write %s" % near[0] if near else "take it away; known are %s" % ", ".join(known)


def _unknown(name: str) -> Iterator[Row]:
    bare = {known[len(PREFIX) :]: known for known in SETTINGS}
    near = [bare[one] for one in difflib.get_close_matches(name[len(PREFIX) :], bare, 1, ALIKE)]
    if name in INTERNAL_VARS:
        hint = " (%s is meant?)" % near[0] if near else ""
        yield _row(WARN, name, "a name of the collection's own: it has no effect", "a setting", "take it away" + hint)
    elif near:
        yield _row(WARN, name, "unknown: it has no effect", near[0], "write %s, if that is meant" % near[0])


def _setting(name: str, field: Field, variables: Mapping[str, Any], well: dict[str, Any]) -> Iterator[Row]:
    """Asked for by its name alone: hostvars make a value, or an error, of any other too."""
    try:
        value = variables[name]
    except Exception as exc:
        # A template that can't be made: of a secret not even the reason is repeated.
        why = "can't be evaluated" + ("" if field.secret else ": %s" % (str(exc).splitlines() or [""])[0][:120])
        yield _row(REFUSE, name, why, TYPES[field.type].called, "correct its template, or what the template refers to")
        return
    if not blank(value):
        well[name] = value
        yield from _value(name, field, value, field.secret)


def _value(name: str, field: Field, value: Any, hidden: bool) -> Iterator[Row]:
    kind = TYPES[field.type]
    if not kind.fits(value):
        yield _row(REFUSE, name, _shown(value, hidden), kind.called, _fix(name, kind, value))
        return
    given = value if isinstance(value, (list, tuple)) else [value]
    for one in (one for one in given if field.choices and one not in field.choices):
        yield _row(REFUSE, name, repr(one), "one of %s" % ", ".join(field.choices), meant(str(one), field.choices))
    names = [value] if isinstance(value, str) else list(value) if field.plain else []
    odd = [repr(str(one)) for one in names if field.plain and not NAME.match(str(one))]
    if odd:
        yield _row(REFUSE, name, ", ".join(odd), "a plain name", PLAIN)
    elif field.keys and isinstance(value, Mapping):
        yield from (_entries if field.each else _keys)(name, field, value, hidden)
    elif field.keys and not isinstance(value, str):
        for at, one in enumerate(value):
            yield from _entry("%s[%d]" % (name, at), field, one)


def _shown(value: Any, hidden: bool) -> str:
    """By its type alone, as a comparison is an error where a template could not be made."""
    empty = isinstance(value, (list, dict)) and not value
    simple = not hidden and (value is None or empty or isinstance(value, (str, int, float)))
    return repr(value) if simple else type(value).__name__


def _fix(name: str, kind: Type, value: Any) -> str:
    if isinstance(value, str) and kind.called.startswith(("a dictionary", "a list")):
        if "." in name:
            return "write it as YAML"
        example = '{"%s": %s}' % (name, "{...}" if kind.called == "a dictionary" else "[...]")
        return "write it as YAML in the inventory, or on the command line as JSON: -e '%s'" % example
    return kind.fix or "give %s" % kind.called


def _keys(name: str, field: Field, value: Mapping[Any, Any], hidden: bool) -> Iterator[Row]:
    """Those of one dictionary. A default that is written as null is none."""
    kind = value.get("kind", EDGE_KINDS[0]) if field.behind else ""
    if kind and kind not in EDGE_KINDS:
        yield _row(REFUSE, name + ".kind", repr(kind), "a kind of edge", "one of %s" % ", ".join(EDGE_KINDS))
        return
    fields = (field.keys[0], *field.behind) if kind == CLOUDFLARE else field.keys
    known = {one.name: one for one in fields}
    for key, one in value.items():
        inner = known.get(key)
        if inner and not (inner.default is not None and one is None) and not (kind and key == "kind"):
            yield from _value("%s.%s" % (name, key), inner, one, hidden)
    for key in sorted(map(str, set(value) - set(known) - {SECRETS.get(name)})) if field.strict is not None else ():
        level, found = (REFUSE, "unknown") if field.strict else (WARN, "unknown: it has no effect")
        yield _row(level, "%s.%s" % (name, key), found, "a known key", meant(key, list(known)))


def _entries(name: str, field: Field, value: Mapping[Any, Any], hidden: bool) -> Iterator[Row]:
    """Of each entry by its name; without ``strict`` a key itself may stand there, for all of them."""
    known = {one.name: one for one in field.keys} if field.strict is None else {}
    for key, one in value.items():
        here = "%s.%s" % (name, key)
        if key in known:
            yield from _value(here, known[key], one, hidden)
        elif isinstance(one, Mapping):
            yield from _keys(here, field, one, hidden)
        elif one is not False or field.strict is None:
            # One that is false is none any more.
            yield _row(REFUSE, here, _shown(one, hidden), "a dictionary", "write its options below it")


def _entry(name: str, field: Field, one: Any) -> Iterator[Row]:
    """Of a list; the first key is the entry's name, without which it is none."""
    first = field.keys[0].name
    if isinstance(one, Mapping):
        yield from _keys(name, field, {first: None, **one}, False)
    else:
        yield _row(REFUSE, name, _shown(one, False), "a dictionary", "write {%s: ...}" % first)


# What several settings say together


def _accept(given: Mapping[str, Any]) -> Iterator[Row]:
    for at, key, found, wanted, fix in exceptions.wrong(given.get("bluegreen_accept") or ()):
        yield _row(REFUSE, "bluegreen_accept[%d]%s" % (at, "." + key if key else ""), found, wanted, fix)


def _shared(given: Mapping[str, Any]) -> Iterator[Row]:
    name = "bluegreen_shared"
    shared, edge = [str(one) for one in given.get(name, ())], given.get("bluegreen_edge", {})
    for one in dict.fromkeys(one for one in shared if shared.count(one) > 1):
        yield _row(REFUSE, name, repr(one), "named once", "take one away")
    front = str(edge.get("service", ""))
    if edge.get("kind", "container") == "container" and front in shared:
        fix = "take it away: the edge joins no colour's own network"
        yield _row(REFUSE, name, repr(front), "a service that both colours use, as the edge is", fix)


def _edge(given: Mapping[str, Any]) -> Iterator[Row]:
    """What an edge behind Cloudflare needs, and what it can't go with."""
    edge, place = given.get("bluegreen_edge", {}), "a file of mode 0600 on the host of the state"
    if edge.get("kind") != CLOUDFLARE:
        return
    if "api_token" in edge:
        fix = "write it into %s, and name that in api_token_file" % place
        yield _row(REFUSE, "bluegreen_edge.api_token", "(hidden)", "a place for a secret", fix)
    if not edge.get("api_token_file"):
        fix = "name %s that holds the API token" % place.replace("a file", "the file")
        yield _row(REFUSE, "bluegreen_edge.api_token_file", "''", "given", fix)
    if given.get("bluegreen_publish") == "network":
        fix = "bluegreen_publish: loopback, and let the pools' origins lead to those ports (docs/cloudflare.md)"
        yield _row(REFUSE, "bluegreen_publish", "network", "reachable for Cloudflare", fix)


def _notify(given: Mapping[str, Any]) -> Iterator[Row]:
    """What a play is given in a description is in its facts and, with -v, in its output."""
    if "url" in given.get("bluegreen_notify", {}):
        fix = (
            "give it as bluegreen_notify_url, from your vault, or name a file of mode 0600 in bluegreen_notify.url_file"
        )
        yield _row(REFUSE, "bluegreen_notify.url", "(hidden)", "a place for a secret", fix)
