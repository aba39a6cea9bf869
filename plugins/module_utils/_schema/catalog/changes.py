# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One difference between two looks at a catalog, and what it means to a program that was written for the first."""

from __future__ import annotations

from dataclasses import dataclass

# What the catalog alone can say. CONDITIONAL: the old program's use of the object decides (``needs`` says which use).
SAFE, CONDITIONAL, BRIDGE, BREAKS = "SAFE", "CONDITIONAL", "BRIDGE", "BREAKS"
# read, write: a statement of the old program that reads or writes the object; call: one that names it.
# meets: it reads what the new program wrote. plan: it may get slower, which no trial on few rows shows.
READ, WRITE, CALL, MEETS, PLAN = "read", "write", "call", "meets", "plan"


@dataclass(frozen=True)
class Change:
    """``kind``: PostgreSQL's word (column, table, constraint, index, ...). ``name``: qualified, as a person reads it.

    ``table``: the qualified table that it belongs to ('' where none), ``columns`` those of that table.
    ``what``: the class, one word of ``classes`` (add_column, drop_column, set_not_null, ...). ``text``: a sentence.
    ``probe``: SQL without a value that finds a row of production which the change can't take ('' where none can be
    asked: no such kind of change, or a column that production does not have).
    """

    kind: str
    name: str
    what: str
    text: str
    rating: str
    table: str = ""
    columns: tuple[str, ...] = ()
    needs: str = ""
    probe: str = ""

    def __str__(self) -> str:
        return self.text
