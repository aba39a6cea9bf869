# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Imports that hand a coloured service to a snippet or a file: as an argument, or in a block.

What the snippet dials then differs from import to import, so these are written out where they stand. So are those of
a snippet that one site brings in twice, as our matchers would be defined twice there, and those in the block of a
coloured proxy that bring another one, or what depends on the dialled name.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.config.imports import Tree
from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.config.inline_import import written_out
from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.config.lexer import Statement, parse
from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.config.proxies import Proxies, indent, ours
from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.config.text_edits import Edits
from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.config.upstream_host import names_upstream

# What the rewrite asks for in the block of a proxy.
SEEN = ("lb_policy", "transport", "health_uri", "health_path", "health_port", "health_upstream", "health_headers")


def write_out_handed(tree: Tree, proxies: Proxies) -> dict[str, Edits]:
    """The changes to each file, none where nothing is handed on. Another round may find more."""
    edits = {path: Edits(root.text) for path, root in tree.roots.items()}
    twice = {id(one) for one in (*_twice(tree, proxies), *_within(tree, proxies))}
    taken: set[int] = set()
    for statement in [*tree.walk()]:
        if statement.parent is not None and id(statement.parent) in taken:
            taken.add(id(statement))
        elif _handed(tree, proxies, statement) or id(statement) in twice:
            (target,) = tree.targets(statement)
            taken.add(id(statement))
            said = " ".join(token.value for token in statement.tokens if "\n" not in token.value)
            text = "# %s: written out by olympus.bluegreen\n%s%s"
            new = text % (said, indent(statement), written_out(statement, target))
            edits[tree.path(statement)].add(statement.start, statement.end, new)
    return edits


def _handed(tree: Tree, proxies: Proxies, used: Statement) -> bool:
    targets = tree.targets(used)
    if used.name != "import" or ours(used) or len(targets) != 1:
        return False
    given = [*used.args[1:], *(token for child in used.block or [] for one in child.walk() for token in one.tokens)]
    if not any(proxies.names(token) for token in given) and not any(map(proxies.waits, targets[0].walk())):
        return False
    return _dialling(proxies, brought(used, targets[0])) > _dialling(proxies, targets[0])


def brought(used: Statement, target: Statement) -> Statement:
    """What an import brings, as statements."""
    return parse(written_out(used, target), used.root.where, fragment=True)


def _dialling(proxies: Proxies, part: Statement) -> int:
    return sum(
        proxies.dials(one)
        or (one.name == "import" and (_waited_for(proxies, one) or any(proxies.names(token) for token in one.args[1:])))
        for one in part.walk()
    )


def _waited_for(proxies: Proxies, used: Statement) -> bool:
    """Whether an import says what a proxy waits for."""
    waiting = (one for target in proxies.tree.targets(used) for one in target.walk())
    return not proxies.waits(used) and any(map(proxies.waits, waiting))


def _within(tree: Tree, proxies: Proxies) -> Iterator[Statement]:
    for proxy in tree.walk():
        for used in proxy.walk() if proxies.dials(proxy) else ():
            targets = tree.targets(used)
            if (
                used.name == "import"
                and len(targets) == 1
                and any(_counts(proxies, one) for one in tree.reached(targets[0]))
            ):
                yield used


def _counts(proxies: Proxies, one: Statement) -> bool:
    """Whether a line of a coloured proxy's block is one that the rewrite has to see."""
    return proxies.dials(one) or one.name in SEEN or any(names_upstream(token.value) for token in one.tokens)


def _twice(tree: Tree, proxies: Proxies) -> Iterator[Statement]:
    for root in tree.roots.values():
        for site in root.block or []:
            if root.fragment or site.name == "import" or site.name.startswith("("):
                continue
            uses = [one for one in tree.reached(site) if one.name == "import" and len(tree.targets(one)) == 1]
            holding = [use for use in uses if any(proxies.dials(one) for one in tree.targets(use)[0].walk())]
            often = Counter(id(tree.targets(use)[0]) for use in holding)
            yield from (use for use in holding if often[id(tree.targets(use)[0])] > 1)
