# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The order in which Caddy sorts the directives of a block, which the global option ``order`` changes.

A ``route`` decides, and its decision is remembered by ``vars``: both have to come before what goes by it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.config.imports import Tree
from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.config.lexer import CaddyfileError, Statement

CADDYS = (
    "tracing", "map", "vars", "fs", "root", "log_append", "skip_log", "log_skip", "log_name", "header",
    "copy_response_headers", "request_body", "redir", "method", "rewrite", "uri", "try_files", "basicauth",
    "basic_auth", "forward_auth", "request_header", "encode", "push", "intercept", "templates", "invoke", "handle",
    "handle_path", "route", "abort", "error", "copy_response", "respond", "metrics", "reverse_proxy", "php_fastcgi",
    "file_server", "acme_server",
)  # fmt: skip
DECIDES = {"reverse_proxy": "route", "forward_auth": "vars"}


def refuse_order(tree: Tree, done: Sequence[Statement]) -> None:
    """Raises CaddyfileError at the ``order`` that puts a proxy of ``done`` before what decides for it."""
    sorted_ones = {one.name for one in done if one.parent is not None and one.parent.name != "route"}
    order = list(CADDYS)
    for option in _options(tree):
        name, where, *of = (token.value for token in option.args)
        order = _moved(order, name, where, of[0] if of else "")
        for proxy in sorted(sorted_ones):
            if order.index(proxy) < order.index(DECIDES[proxy]):
                raise CaddyfileError(
                    option.root.where,
                    option.line,
                    "`%s` puts %s before %s, and the switch decides in a %s"
                    % (" ".join(token.value for token in option.tokens), proxy, DECIDES[proxy], DECIDES[proxy]),
                    fix="take that line out, or put the proxies into `route { }`",
                )


def _options(tree: Tree) -> Iterator[Statement]:
    """The ``order`` options, in their order: the global block is one without a name."""
    for block in tree.roots[tree.where].block or []:
        if not block.tokens:
            yield from (one for one in tree.reached(block) if one.name == "order" and len(one.args) > 1)


def _moved(order: Sequence[str], name: str, where: str, of: str) -> list[str]:
    moved = [one for one in order if one != name]
    if where in ("before", "after") and of not in moved:
        # Caddy refuses that itself, unless it is a plugin's whose place is not known here.
        return [*order]
    at = {"first": 0, "last": len(moved)}.get(where)
    if at is None:
        at = moved.index(of) + (where == "after")
    return [*moved[:at], name, *moved[at:]]
