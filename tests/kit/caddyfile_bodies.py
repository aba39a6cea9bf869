# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the rewrite makes of a Caddyfile of three services."""

from __future__ import annotations

from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.config.caddyfile_rewrite import rewrite
from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.config.snippets import BEGIN, END
from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.config.upstream import Upstream

UPSTREAMS = (
    Upstream("ciam-kratos", "10.0.0.16", "10.0.1.16"),
    Upstream("ciam-hera", "10.0.0.18", "10.0.1.18", ui=True),
    Upstream("site", "10.0.0.24", "10.0.1.24", ui=True),
)


def after(text: str) -> str:
    return rewrite(text, UPSTREAMS, "/config").text


def body(text: str) -> str:
    """The rewritten text without the preamble."""
    done = after(text)
    return done[done.index(END) + len(END) + 1 :] if done.startswith(BEGIN) else done
