# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The edge's own Caddy, asked whether it takes its file and told to load it."""

from __future__ import annotations

from typing import Any

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import CommandError
from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.adopt.formats import Syntax
from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.running.admin import Admin
from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.running.base import Edge

# What Caddy's own command says where another reload closed the admin endpoint under it (see ``admin.AGAIN``): told
# again, so many times in all. An equal load is none, so it does no harm where the first one was carried out.
ATTEMPTS = 3
HUNG_UP = ("connection reset by peer", "EOF", "broken pipe", "no such file or directory")


def validate(edge: Edge, syntax: Syntax, text: str) -> None:
    """``text`` is the file with those that it imports. Raises CommandError where Caddy would not load it."""
    result = edge.caddy("validate", "--config", "-", *syntax.flags, stdin=text)
    if result.rc != 0:
        raise CommandError(
            "the edge's Caddy refuses the new Caddyfile: %s" % result.last_words(),
            fix="nothing was loaded; report its words with the file",
        )


def reload(edge: Edge, admin: Admin, syntax: Syntax, config: Any) -> None:
    """Load the file, of which Caddy makes ``config``. Raises CommandError where it is refused."""
    options = edge.options
    if options.admin_origin:
        # Caddy's own command can say no other host than the address that it speaks to.
        admin.load(config)
        return
    for _attempt in range(ATTEMPTS):
        result = edge.caddy("reload", "--config", options.config_path, *syntax.flags, "--address", options.admin)
        if result.rc == 0:
            return
        if not result.last_words().endswith(HUNG_UP):
            break
    raise CommandError(result.last_words())
