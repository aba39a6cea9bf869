# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who may do what, of any kind of object. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from .changes import BREAKS, CALL, CONDITIONAL, SAFE, Change
from .match import Pair
from .rules import Context, Rule

REVOKE = Rule("revoke", BREAKS, "may not be used as before (42501): %s", CALL)
REVOKE_ALL = Rule("revoke", CONDITIONAL, "may not be used as before by a role that owns nothing (42501): %s", CALL)
GRANT = Rule("grant", SAFE, "may be used by more: %s")
OWNER = Rule(
    "change_owner", CONDITIONAL, "belongs to another role (%s): the one before has what was granted to it", CALL
)
# What a program's own statements need. DDL and the like is a migrator's.
NEEDED = ("SELECT", "INSERT", "UPDATE", "DELETE", "USAGE", "EXECUTE", "CONNECT")
# PUBLIC is every role, and these two stand before everything else.
DOORS = ("USAGE", "CONNECT")


def rights(ctx: Context, pair: Pair) -> Iterator[Change]:
    old, new = set(pair.before.local["acl"]), set(pair.after.local["acl"])
    public = {one.split(" ", 1)[1] for one in new if one.startswith("PUBLIC ")}
    lost = [one for one in sorted(old - new) if one.rsplit(" ", 1)[1] not in public and not _was_owner(pair, one)]
    named = [one for one in lost if _breaks(one, pair.before.kind)]
    if named:
        yield ctx.tell(pair.before, REVOKE, ", ".join(named))
    elif lost:
        yield ctx.tell(pair.before, REVOKE_ALL, ", ".join(lost))
    gained = [one for one in sorted(new - old) if not one.startswith("%s " % pair.after.local.get("owner"))]
    gained = [one for one in gained if one.rsplit(" ", 1)[1] in NEEDED]
    if gained and not lost:
        yield ctx.tell(pair.before, GRANT, ", ".join(gained))


def _was_owner(pair: Pair, right: str) -> bool:
    """Its own rights went to the new owner, which is told by itself."""
    was, now = pair.before.local.get("owner"), pair.after.local.get("owner")
    return was != now and right.startswith("%s " % was)


def _breaks(right: str, kind: str) -> bool:
    role, name = right.rsplit(" ", 1)
    if role == "PUBLIC":
        return name in DOORS and kind in ("schema", "database")
    return name in NEEDED


def owner(ctx: Context, pair: Pair) -> Iterator[Change]:
    said = "%s to %s" % (pair.before.local["owner"], pair.after.local["owner"])
    yield ctx.tell(pair.before, OWNER, said)
