# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One value of a description: its name, type, default and sentence, and the module options made of these. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

# A type of a field -> that of a module's option. plugin_utils/settings.py knows what fits each.
OPTION_TYPES = {
    "any": "raw", "bool": "bool", "count": "int", "dict": "dict", "digits": "int", "directory": "path",
    "files": "list", "flag": "bool", "host": "str", "int": "int", "list": "list", "number": "float", "path": "path",
    "port": "int", "seconds": "float", "source": "path", "str": "str", "text": "str", "url path": "str",
}  # fmt: skip


@dataclass(frozen=True)
class Field:
    """``says``: its sentences, as a module's option has them. ``keys``: what a dictionary may have, or with ``each``
    what every entry of it may have; those of a list are always of each entry. ``behind``: the keys that a Cloudflare
    edge may have instead.

    ``strict``: an unknown key is refused, else it is warned of; None allows any. ``learned``: adopt finds it out.
    ``required``: of an entry, or of a module's option. A ``plain`` one, or its keys or items, are names of containers,
    networks or directories: nothing else than a plain name may get that far. The value of a ``secret`` one is never
    shown, nor why it can't be read. An ``empty`` text is the answer of a survey that was left blank: as good as none.
    ``usual``: the default in words, where it depends on the edge or belongs to the code.
    """

    name: str
    type: str
    says: str | tuple[str, ...]
    default: Any = None
    keys: tuple[Field, ...] = ()
    each: bool = False
    behind: tuple[Field, ...] = ()
    choices: tuple[str, ...] = ()
    strict: bool | None = True
    learned: bool = False
    required: bool = False
    plain: bool = False
    secret: bool = False
    empty: bool = False
    usual: str = ""

    @property
    def option_type(self) -> str:
        return OPTION_TYPES[self.type]

    @property
    def description(self) -> list[str]:
        return [self.says] if isinstance(self.says, str) else list(self.says)


def option(field: Field) -> dict[str, Any]:
    """As a module's argument spec has it."""
    made: dict[str, Any] = {"type": field.option_type}
    if field.required:
        made["required"] = True
    elif field.default is not None:
        made["default"] = field.default
    if field.choices:
        made["choices"] = list(field.choices)
    if made["type"] == "list":
        made["elements"] = "dict" if field.keys else "str"
    # A key that may be left out would be there as null.
    whole = all(one.required or one.default is not None for one in field.keys)
    if field.keys and whole and field.strict and not (field.each or field.behind):
        made["options"] = options(field.keys)
    return made


def options(fields: tuple[Field, ...]) -> dict[str, dict[str, Any]]:
    return {one.name: option(one) for one in fields}


def documented(fields: tuple[Field, ...], more: Mapping[str, Mapping[str, Any]] | None = None) -> dict[str, Any]:
    """As a module's documentation has it; ``more``: by option, what that module says of its own."""
    made = {}
    for one in fields:
        said = {"description": one.description, **option(one), **(more or {}).get(one.name, {})}
        if said.get("default", "") is None:
            del said["default"]
        if said.pop("options", None):
            said["suboptions"] = documented(one.keys)
        made[one.name] = said
    return made
