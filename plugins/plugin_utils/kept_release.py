# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Back to a release that is kept: ``--tags rollback -e version=...``, decided from preflight's facts. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ansible_collections.olympus.bluegreen.plugins.plugin_utils.commands import PLAY
from ansible_collections.olympus.bluegreen.plugins.plugin_utils.releases import Releases, find, schema_changes_since
from ansible_collections.olympus.bluegreen.plugins.plugin_utils.stages import Decision, World, release_decision

__all__ = ["find", "rollback_decision", "schema_changes_since"]


def rollback_decision(
    seen: World, facts: Mapping[str, Any], version: str, ignore_fence: bool = False, forward: bool = False
) -> Decision:
    """``fast``: it is where a rollback goes anyway. ``kept``: the id of the release that the idle colour is given."""
    releases: Releases = (facts.get("compose") or {}).get("releases") or []
    fence = str(((facts.get("ledger") or {}).get("marks") or {}).get("fence") or "")
    target = find(releases, version)
    base = Decision(live=seen.live, idle=seen.idle, misplaced=seen.misplaced)
    if not target:
        names = ", ".join(str(one["id"]) for one in releases) or "none"
        return replace(base, refusal="version=%s: no such release is kept. Kept are %s" % (version, names))
    ident, idle = str(target["id"]), seen.colour(seen.idle)
    if ident == seen.colour(seen.live).release:
        said = "%s is live on %s already: nothing to do. To leave it: %s --tags rollback"
        return replace(base, summary=said % (ident, seen.live, PLAY))
    if seen.back and ident == idle.release and idle.running:
        return replace(base, fast=True, summary="%s is where a rollback goes: the switch alone" % ident)
    between = [] if ignore_fence else schema_changes_since(releases, fence, ident)
    if between:
        refusal = (
            "version=%s: %s was made before the fence (%s), and %s changed the schema since; it is not proven to "
            "serve on that schema. Fix: deploy a newer one, or override with -e bluegreen_ignore_fence=true"
        )
        return replace(base, refusal=refusal % (version, ident, fence, ", ".join(between)))
    first = release_decision(seen, str(target["version"]), forward, clears=True)
    if first.refusal:
        return first
    return replace(
        base,
        summary="%s comes back on %s; %s stays live until it has passed its gate" % (ident, seen.idle, seen.live),
        proceed=True,
        release=ident,
        kept=ident,
        replaces_containers=idle.pending or (idle.running and idle.release != ident),
    )
