# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An identity that fits an operator's identity schema: the least that its JSON Schema demands. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
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
DOMAIN = re.compile(r"@((?:[A-Za-z0-9-]|\\.|\.)+)")


@dataclass(frozen=True)
class Person:
    """``identifier``: what it logs in by, '' where no trait is a password's. ``verifiable``: (via, value) of addresses
    that a login may demand to be verified."""

    traits: Mapping[str, Any]
    identifier: str = ""
    verifiable: tuple[tuple[str, str], ...] = ()


def person(schema: Mapping[str, Any], name: str) -> Person:
    """One called ``name``. ``schema``: as Kratos answers at ``/schemas``, a JSON Schema with property ``traits``."""
    of_traits = _resolved((schema.get("properties") or {}).get("traits") or {}, schema)
    found = _Writer(schema, name)
    value = found.instance(of_traits, 0)
    return Person(value if isinstance(value, dict) else {}, found.identifier, tuple(found.verifiable))


class _Writer:
    def __init__(self, root: Mapping[str, Any], name: str) -> None:
        self.root = root
        self.name = name
        self.identifier = ""
        self.verifiable: list[tuple[str, str]] = []

    def instance(self, schema: Mapping[str, Any], depth: int) -> Any:
        """The smallest value that the schema takes, with every trait that a password's login asks for."""
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
        asked = [key for key in properties if key in required or self._logs_in(properties[key], depth)]
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
        value = form % self.name if "%s" in form else form
        pattern = str(schema.get("pattern") or "")
        domain = DOMAIN.search(pattern)
        candidates = [value, *([str(one) for one in schema.get("examples") or []])]
        candidates += ["%s@%s" % (self.name, domain.group(1).replace("\\", ""))] if domain else []
        fitting = [one for one in candidates if _matches(pattern, one)]
        value = (fitting or candidates)[0]
        value += "x" * (int(schema.get("minLength") or 0) - len(value))
        return value[: int(schema.get("maxLength") or len(value))]


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
