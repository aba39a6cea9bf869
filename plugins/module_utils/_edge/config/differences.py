# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The places at which two configurations differ."""

from __future__ import annotations

import json
from collections.abc import Iterator
from difflib import SequenceMatcher
from typing import Any


def differences(running: Any, said: Any, path: str = "") -> Iterator[str]:
    """The JSON paths at which two configurations differ, the innermost of each; never a value."""
    if isinstance(running, dict) and isinstance(said, dict):
        for key in sorted({*running, *said}):
            inner = "%s/%s" % (path, key)
            if key not in running or key not in said:
                yield inner
            else:
                yield from differences(running[key], said[key], inner)
    elif isinstance(running, list) and isinstance(said, list):
        yield from _of_lists(running, said, path)
    elif running != said:
        yield path or "/"


def _of_lists(running: list[Any], said: list[Any], path: str) -> Iterator[str]:
    """An element that one of them has more moves the others: it alone is a difference."""
    here, there = ([json.dumps(one, sort_keys=True) for one in side] for side in (running, said))
    for kind, begin, end, other, other_end in SequenceMatcher(None, here, there, autojunk=False).get_opcodes():
        pairs = zip(range(begin, end), range(other, other_end))
        if kind == "replace" and end - begin == other_end - other:
            for at, its in pairs:
                yield from differences(running[at], said[its], "%s/%d" % (path, at))
        elif kind != "equal":
            yield "%s/%d" % (path, begin)
