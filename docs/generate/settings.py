# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/settings.md from the description of a deployment. ``make docs`` writes it, a test keeps it current."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from ansible_collections.olympus.bluegreen.plugins.module_utils._deployment import tree
from ansible_collections.olympus.bluegreen.plugins.module_utils._deployment.edge import BEHIND_CLOUDFLARE
from ansible_collections.olympus.bluegreen.plugins.module_utils._deployment.fields import Field
from ansible_collections.olympus.bluegreen.plugins.plugin_utils.settings import SETTINGS

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "settings.md"
HEAD = """<!-- SPDX-License-Identifier: GPL-3.0-or-later -->
<!-- Written by `make docs` from the code; a test keeps it current. -->
# Settings

Every variable that an operator may set: in the inventory, or with `-e` for one command. \
A wrong type is refused before a host is asked. A name that is nearly one of these gives a warning. \
A blank text is as good as not given.
*plain*: all names in it have letters, digits, dot, dash and underscore only. \
*secret*: the value is never shown. `[]`: of each entry of a list, `.*`: of each entry of a dictionary. \
*learned*: `adopt` finds it out.

"""
COLUMNS = "| setting | type | default | what it is |\n|---|---|---|---|\n"
Row = tuple[str, str, str, str]
# The names of types that only the guard knows.
CALLED = {"raw": "any", "path": "path"}


def words(field: Field) -> str:
    text = " ".join(field.description)
    return re.sub(r"\b[CVOMEP]\(([^)#]*?)(#[\w:]+)?\)", r"`\1`", text).replace("|", "\\|")


def _type(field: Field, setting: str) -> str:
    kind = "str or dict" if field.type == "source" else CALLED.get(field.option_type, field.option_type)
    choices = list(field.choices)
    if setting == "bluegreen_edge.kind":
        choices.append(tree.CLOUDFLARE)
    kind += ", *plain*" * field.plain + ", *secret*" * field.secret
    shown = ["`%s`" % one for one in choices]
    return kind + (": " + ", ".join(shown) if shown else "")


def _value(value: Any) -> str:
    if value in (None, "", {}, []):
        return "-"
    return "`%s`" % ("%g" % value if isinstance(value, float) else json.dumps(value).strip('"'))


def default(field: Field) -> str:
    if field.usual:
        return field.usual if "`" in field.usual else "`%s`" % field.usual
    if field.required:
        return "required"
    return "learned" if field.learned else _value(field.default)


def _rows(name: str, field: Field) -> Iterator[Row]:
    yield name, _type(field, name), default(field), words(field)
    entry = "[]" if field.option_type == "list" else ".*" if field.each and field.strict else ""
    for key in field.keys:
        yield from _rows("%s%s.%s" % (name, entry, key.name), key)


def _table(rows: Iterable[Row]) -> str:
    return COLUMNS + "".join("| `%s` | %s | %s | %s |\n" % row for row in rows)


def page() -> str:
    made = HEAD + _table(row for name in sorted(SETTINGS) for row in _rows(name, SETTINGS[name]))
    behind = (row for one in BEHIND_CLOUDFLARE for row in _rows("bluegreen_edge." + one.name, one))
    return made + "\n## bluegreen_edge of kind cloudflare\n\n" + _table(behind)


if __name__ == "__main__":
    PAGE.write_text(page())
    sys.stdout.write("%s: %d lines\n" % (PAGE.name, len(PAGE.read_text().splitlines())))
