# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Brackets that say nothing: ((a AND b) AND c). PostgreSQL drops some when it reads its own text again. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Union

TOKEN = re.compile(r"'(?:[^']|'')*'| AND | OR |[()]|(?:(?! AND | OR )[^'()])+|.", re.DOTALL)
AND, OR = " AND ", " OR "
Node = Union[str, "list[Node]"]


def flattened(text: str) -> str:
    """As (a AND b AND c). A text whose brackets do not match stays as it is."""
    if AND not in text and OR not in text:
        return text
    stack: list[list[Node]] = [[]]
    for token in TOKEN.findall(text):
        if token == "(":
            stack.append([])
        elif token != ")":
            stack[-1].append(token)
        elif len(stack) == 1:
            return text
        else:
            group = stack.pop()
            stack[-1].append(_flat(group))
    return _written(stack[0]) if len(stack) == 1 else text


def _flat(group: list[Node]) -> list[Node]:
    """With each operand in place that is a group of the same operator. Those inside are flat already."""
    operator = _operator(group)
    if not operator:
        return group
    found: list[Node] = []
    for at, node in enumerate(group):
        beside = [*group[max(0, at - 1) : at], *group[at + 1 : at + 2]]
        alone = isinstance(node, list) and all(one == operator for one in beside)
        found += node if isinstance(node, list) and alone and _operator(node) == operator else [node]
    return found


def _operator(group: Sequence[Node]) -> str:
    """AND or OR, where nothing but that one joins the group."""
    there = {one for one in group if one in (AND, OR)}
    return str(there.pop()) if len(there) == 1 else ""


def _written(nodes: Sequence[Node]) -> str:
    return "".join(one if isinstance(one, str) else "(%s)" % _written(one) for one in nodes)
