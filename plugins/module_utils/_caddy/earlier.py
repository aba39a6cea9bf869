# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A file that was adopted in the form before, in which every proxy asked the disk itself, and was edited since.

Adopt begins with it as it lies there (where it was not edited it begins with the operator's own bytes), so what is ours
in it is brought to the form of today first: two forms would not go by the same snippets.
"""

from __future__ import annotations

import re

from ansible_collections.olympus.bluegreen.plugins.module_utils._caddy.edits import Edits
from ansible_collections.olympus.bluegreen.plugins.module_utils._caddy.imports import Tree
from ansible_collections.olympus.bluegreen.plugins.module_utils._caddy.snippets import BEGIN, DECIDES, END, preamble

# The form that names one colour has no such snippet, and no earlier one either.
MATCHES = "(bluegreen_green)"
_HEAD = re.compile(re.escape(BEGIN) + ".*?" + re.escape(END) + r"\r?\n", re.DOTALL)
# Where no import stands in it the form asks the disk itself and goes on doing so: a named route.
_IMPORTS = r"@bluegreen%s_nobody \{[^@]*import bluegreen_nobody"
_FIRST = r"(?m)^([ \t]*)reverse_proxy @bluegreen%s_"
_REASON = re.compile(r'^[ \t]*(header @bluegreen(\d+)_nobody X-Bluegreen-Reason "no switch")\r?\n', re.MULTILINE)
_AUTH = re.compile(
    r"(@bluegreen\d+_marked \{\s*import bluegreen_)green|(@bluegreen\d+_nobody \{[^@]*import bluegreen_)ready"
)


def brought_up(tree: Tree, mount: str, named_log: bool) -> dict[str, Edits]:
    """The changes to each file; none where nothing of an earlier form is in them."""
    edits = {path: Edits(root.text) for path, root in tree.roots.items()}
    main = tree.roots[tree.where].text
    head = _HEAD.search(main)
    if head is None or DECIDES in head.group(0) or MATCHES not in head.group(0):
        return edits
    edits[tree.where].add(head.start(), head.end(), preamble(mount, named_log))
    for one in edits.values():
        for found in _REASON.finditer(one.text):
            first = re.search(_FIRST % found.group(2), one.text)
            if first and re.search(_IMPORTS % found.group(2), one.text):
                _decide(one, first, found)
        for found in _AUTH.finditer(one.text):
            before = found.group(1) or found.group(2)
            one.add(found.start(), found.end(), before + ("marked" if found.group(1) else "sentinel"))
    return edits


def _decide(edits: Edits, first: re.Match[str], reason: re.Match[str]) -> None:
    """Before its first proxy: what it goes by, and the reason that stood behind them."""
    indent = first.group(1)
    steps = ("import bluegreen_decide", "import bluegreen_form", reason.group(1))
    inside = "".join("%s\t%s\n" % (indent, step) for step in steps)
    edits.add(first.start(), first.start(), "%sroute {\n%s%s}\n" % (indent, inside, indent))
    edits.add(reason.start(), reason.end(), "")
