# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The edge itself as the way to the idle colour: the public names, TLS and the preview secret of the release.

Every answer says which colour gave it. One that says another colour, or none, ends the journey.
"""

from __future__ import annotations

import os
import random
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .._core.files import read_json, read_text
from .._core.http import DirectHttp, Http, Response
from .probe_origin import Edge

# The names that the edge's snippets use (_edge/config/snippets.py); a test keeps them the same.
COLOUR_HEADER, PREVIEW_HEADER = "X-Bluegreen-Colour", "X-Bluegreen-Preview"
SECRET = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True)
class Through:
    """How public names are asked at the edge so that ``colour`` ('' for any) answers; ``headers`` hold the preview
    secret."""

    http: Http
    address: tuple[str, int]
    scheme: str
    colour: str
    headers: Mapping[str, str] = field(repr=False)

    def wrong(self, response: Response) -> str:
        """Why this answer is not the colour's own, or ''."""
        if not self.colour:
            return ""
        answered = response.headers.get(COLOUR_HEADER.lower(), "")
        if answered == self.colour:
            return ""
        return "%s answered, %s was meant" % (answered or "no colour", self.colour)


def previewed(state_dir: str, switch_dir: str, colour: str) -> str:
    """The preview secret of the release that ``colour`` holds, where the edge takes it; '' where it does not (yet)."""
    about = read_json(os.path.join(state_dir, "stacks", colour, "services.json")) or {}
    release = str(about.get("release") or "")
    if not switch_dir or not release or os.path.basename(release) != release:
        return ""
    name, _colon, value = (read_text(os.path.join(state_dir, "releases", release, "preview")) or "").partition(": ")
    secret = value.strip()
    if name != PREVIEW_HEADER or not SECRET.fullmatch(secret):
        return ""
    return secret if os.path.lexists(os.path.join(switch_dir, "preview", secret)) else ""


def through(
    edge: Mapping[str, Any],
    state_dir: str,
    switch_dir: str,
    colour: str,
    inside: Edge | None,
    http: Callable[[str, str], Http] = DirectHttp,
) -> Through | None:
    """The way through a Caddy that looks at the switch itself; None where there is none, or no preview (yet).

    ``inside``: the edge container whose network the questions come from; None: they come from this host. A colour that
    is live is not previewed: what the preview leads to is the other one.
    """
    switches = edge.get("kind") != "cloudflare" and (edge.get("method") or "switch") == "switch"
    if not switches or os.path.lexists(os.path.join(switch_dir, colour)):
        return None
    secret = previewed(state_dir, switch_dir, colour)
    if not secret:
        return None
    address, source = entrance(edge, inside)
    asks = http(str(edge.get("ca") or ""), source)
    return Through(asks, address, str(edge.get("scheme") or "https"), colour, {PREVIEW_HEADER: secret})


def entrance(edge: Mapping[str, Any], inside: Edge | None) -> tuple[tuple[str, int], str]:
    """Where the edge answers, and the address that asks it there ('' for any).

    On loopback that is one of its own: a rate limit counts addresses, and what visitors did behind the one
    that a published port gives them all would be the gate's failure.
    """
    ip, port = str(edge.get("address") or "127.0.0.1"), int(edge.get("port") or 443)
    if inside:
        ip, port = "127.0.0.1", inside.ports.get(port, port)
    if ip != "127.0.0.1" or not (inside or edge.get("kind") == "native"):
        return (ip, port), ""
    return (ip, port), "127.%d.%d.%d" % (random.randint(1, 254), random.randint(1, 254), random.randint(1, 254))
