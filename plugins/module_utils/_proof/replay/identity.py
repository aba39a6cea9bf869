# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An identity that fits an operator's identity schema: the least that its JSON Schema demands. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

# So deep are schemas at most; one that refers to itself ends here.
DEPTH = 12
FORMATS = {
    "email": "%s@example.com",
    "uri": "https://example.com/%s",
    "date": "2000-01-01",
    "date-time": "2000-01-01T00:00:00Z",
    "time": "00:00:00Z",
    "tel": "+15555550100",
    "uuid": "00000000-0000-4000-8000-000000000000",
    "ipv4": "192.0.2.1",
    "hostname": "example.com",
}
# The letters that a pattern begins with.
LITERAL = re.compile(r"\^?((?:[A-Za-z0-9 _-]|\\[-._/])+)")
DOMAIN = re.compile(r"@((?:[A-Za-z0-9-]|\\.|\.)+)")


@dataclass(frozen=True)
class Person:
    """``identifier``: what it logs in by, '' where no trait is a password's. ``verifiable``: (via, value) of addresses
    that a login may demand to be verified."""

    traits: Mapping[str, Any]
    identifier: str = ""
    verifiable: tuple[tuple[str, str], ...] = ()


def person(schema: Mapping[str, Any], name: str) -> Person:
    """One called ``name`` (small letters and digits). ``schema``: as Kratos answers at ``/schemas``, a JSON Schema with
    property ``traits``. What nothing requires is left out, unless it is all that a password's login could go by."""
    least = _written(schema, name, False)
    return least if least.identifier else _written(schema, name, True)


def _written(schema: Mapping[str, Any], name: str, identifiers: bool) -> Person:
    of_traits = _resolved((schema.get("properties") or {}).get("traits") or {}, schema)
    found = _Writer(schema, name, identifiers)
    value = found.instance(of_traits, 0)
    return Person(value if isinstance(value, dict) else {}, found.identifier, tuple(found.verifiable))


class _Writer:
    def __init__(self, root: Mapping[str, Any], name: str, identifiers: bool) -> None:
        self.root = root
        self.name = name
        self.identifiers = identifiers
        self.identifier = ""
        self.verifiable: list[tuple[str, str]] = []

    def instance(self, schema: Mapping[str, Any], depth: int) -> Any:
        """The smallest value that the schema takes."""
        schema = _resolved(schema, self.root)
        for key in ("const", "default"):
            if key in schema:
                return self._noted(schema, schema[key])
        for key in ("enum", "examples"):
            if schema.get(key) and not _is_identifier(schema):
                return schema[key][0]
        kind = schema.get("type") or ("object" if "properties" in schema else "string")
        kind = kind[0] if isinstance(kind, list) else kind
        if kind == "object":
            return self._object(schema, depth)
        if kind == "array":
            return [
                self.instance(schema.get("items") or {}, depth + 1) for _item in range(int(schema.get("minItems") or 1))
            ]
        if kind in ("integer", "number"):
            return schema.get("minimum", 0)
        return False if kind == "boolean" else self._noted(schema, self._text(schema)) if kind == "string" else None

    def _object(self, schema: Mapping[str, Any], depth: int) -> dict[str, Any]:
        properties = schema.get("properties") or {}
        required = schema.get("required") or []
        asked = [
            key for key in properties if key in required or (self.identifiers and self._logs_in(properties[key], depth))
        ]
        return {key: self.instance(properties[key], depth + 1) for key in asked} if depth < DEPTH else {}

    def _logs_in(self, schema: Mapping[str, Any], depth: int) -> bool:
        schema = _resolved(schema, self.root)
        if depth >= DEPTH or _is_identifier(schema):
            return _is_identifier(schema)
        below = [*(schema.get("properties") or {}).values(), *([schema["items"]] if "items" in schema else [])]
        return any(self._logs_in(one, depth + 1) for one in below if isinstance(one, dict))

    def _noted(self, schema: Mapping[str, Any], value: Any) -> Any:
        if _is_identifier(schema) and not self.identifier:
            self.identifier = str(value)
        via = ((schema.get("ory.sh/kratos") or {}).get("verification") or {}).get("via")
        if via:
            self.verifiable.append((str(via), str(value)))
        return value

    def _text(self, schema: Mapping[str, Any]) -> str:
        form = FORMATS.get(str(schema.get("format")), "%s")
        first = form % self.name if "%s" in form else form
        pattern = str(schema.get("pattern") or "")
        least, most = int(schema.get("minLength") or 0), int(schema.get("maxLength") or 0)
        candidates = [first, *(_variants(self.name, pattern) if pattern else [])]
        candidates += [str(one) for one in schema.get("examples") or []]
        sized = [(one + "0" * (least - len(one)))[: most or None] for one in candidates]
        return next((one for one in sized if _matches(pattern, one)), sized[0])


def _variants(name: str, pattern: str) -> Iterator[str]:
    """What people's patterns ask for: capitals, digits, a number behind some letters, an address of one domain."""
    digits = str(int(name.encode().hex(), 16))[-10:]
    letters = LITERAL.match(pattern)
    domain = DOMAIN.search(pattern)
    yield from (name.upper(), digits, digits[:3], "+1" + digits)
    if letters:
        plain = letters.group(1).replace("\\", "")
        yield from (plain + digits, plain + digits[:4], plain + name, plain + name.upper())
    if domain:
        yield "%s@%s" % (name, domain.group(1).replace("\\", ""))


def _is_identifier(schema: Mapping[str, Any]) -> bool:
    told = (schema.get("ory.sh/kratos") or {}).get("credentials") or {}
    return bool((told.get("password") or {}).get("identifier"))


def _matches(pattern: str, value: str) -> bool:
    try:
        return re.search(pattern, value) is not None
    except re.error:
        return True


def _resolved(schema: Mapping[str, Any], root: Mapping[str, Any]) -> Mapping[str, Any]:
    """With a reference inside the document followed, and the first of its alternatives merged in."""
    for _step in range(DEPTH):
        path = str(schema.get("$ref") or "")
        if not path.startswith("#/"):
            break
        found: Any = root
        for part in path[2:].split("/"):
            found = found.get(part.replace("~1", "/").replace("~0", "~")) if isinstance(found, Mapping) else None
        schema = found if isinstance(found, Mapping) else {}
    parts = [*(schema.get("allOf") or []), *(schema.get("anyOf") or [])[:1], *(schema.get("oneOf") or [])[:1]]
    merged = dict(schema)
    for part in parts:
        other = _resolved(part, root)
        both = {key: {**merged.get(key, {}), **other[key]} for key in ("properties",) if key in other}
        required = [*(merged.get("required") or []), *(other.get("required") or [])]
        merged = {**merged, **other, **both, **({"required": required} if required else {})}
    return {key: value for key, value in merged.items() if key not in ("allOf", "anyOf", "oneOf")}
