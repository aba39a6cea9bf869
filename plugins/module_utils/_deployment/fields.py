# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One value of a description: its name, type, default and sentence, and the module options made of these. Pure."""

from __future__ import annotations

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
    """``keys``: what a dictionary may have, with ``each`` every entry of it, of a list always; ``behind``: what an edge
    behind Cloudflare may have instead. An unknown key is refused (``strict``), warned of, or (None) let be.

    ``learned``: adopt finds it out. ``plain``: it is, or holds, names of containers or directories, nothing else. A
    ``secret`` is never shown. ``usual``: the default in words.
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
