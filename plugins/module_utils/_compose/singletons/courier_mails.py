# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A courier stopped between two mails. What its database says of them, and how a half-taken batch is given back.

Kratos takes up to ten mails at once by setting them to processing (3), counts ``send_count`` up before it sends one,
and writes a row of ``courier_message_dispatches`` after it. On SIGTERM it ends at once: what it had taken stays in
processing for ever, and nobody knows whether the one that it was sending went out. So it is paused first, and ended
only while no mail is being sent; what it had taken and not sent is queued (1) again.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.clock import Clock
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import BluegreenError, CommandError
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.podman import Podman
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.postgres import Db

# A mail server may take its time; a mail that is still being sent then is reported, not waited for.
PATIENCE, BETWEEN = 20.0, 0.1
BEGUN = "SELECT id::text, send_count FROM courier_messages WHERE status IN (1, 3) AND send_count > 0"
TRIED = (
    "SELECT message_id::text, count(*) FROM courier_message_dispatches WHERE message_id = ANY(%s::uuid[]) GROUP BY 1"
)
ENDED = "(SELECT count(*) FROM courier_message_dispatches d WHERE d.message_id = m.id)"
# What was counted up since the last look was not sent: the courier stood still before it could hear of it.
GIVE_BACK = (
    "UPDATE courier_messages m SET status = 1, send_count = " + ENDED + " WHERE NOT id = ANY(%s::uuid[])"
    " AND (status = 3 OR status = 1 AND send_count > " + ENDED + ") RETURNING id::text"
)

# Kratos 1.2 and later send by a named channel; an older one queues mails without. A newer courier fails at those six
# times and gives them up (4): in a rollback as well, while it still runs. Nothing older than an hour is dug out.
HAS_CHANNEL = (
    "SELECT 1 FROM pg_attribute WHERE attrelid = 'courier_messages'::regclass AND attname = 'channel'"
    " AND NOT attisdropped"
)
REFUSED = "error::text LIKE '%%unknown channel%%'"
NAMELESS = (
    "SELECT id::text FROM courier_messages m WHERE coalesce(channel, '') = '' AND (status = ANY(%s) OR status IN (1, 4)"
    " AND created_at > timezone('utc', now()) - interval '1 hour' AND EXISTS"
    " (SELECT FROM courier_message_dispatches d WHERE d.message_id = m.id AND " + REFUSED + "))"
)
FORGET = "DELETE FROM courier_message_dispatches WHERE message_id = ANY(%s::uuid[]) AND " + REFUSED
NAME_CHANNEL = (
    "UPDATE courier_messages m SET channel = CASE type WHEN 2 THEN 'sms' ELSE 'email' END, status = 1, send_count = "
    + ENDED
    + " WHERE id = ANY(%s::uuid[])"
)


def being_sent(db: Db) -> set[str]:
    """Ids of mails whose present attempt has begun and not ended. After a courier's death: those in doubt."""
    begun = {str(row[0]): int(row[1]) for row in db.query(BEGUN)}
    if not begun:
        return set()
    ended = {str(row[0]): int(row[1]) for row in db.query(TRIED, [list(begun)])}
    return {ident for ident, count in begun.items() if count > ended.get(ident, 0)}


def give_back(db: Db, but: Collection[str]) -> int:
    """Queue again what a courier that is gone had taken and not sent, ``but`` for mails in doubt. How many.

    A statement that it had under way when it was paused may be carried out only now; we wait for its row.
    """
    return len(db.query(GIVE_BACK, [sorted(but)]))


def name_channel(db: Db, alone: bool) -> int:
    """Make what an older version queued fit for a newer courier. How many. ``alone``: no courier runs.

    While one runs only mails are touched that it has refused: another may be on its way this moment.
    """
    if not db.query(HAS_CHANNEL):
        return 0
    found = [str(row[0]) for row in db.query(NAMELESS, [[1, 3] if alone else []])]
    if found:
        db.query(FORGET, [found])
        db.query(NAME_CHANNEL, [found])
    return len(found)


@dataclass(frozen=True)
class Paused:
    """``doubt``: ids of mails that were being sent all the time; empty: nothing was on its way."""

    doubt: frozenset[str] = frozenset()
    seconds: float = 0.0


def pause(podman: Podman, name: str, look: Callable[[], Collection[str]], clock: Clock) -> Paused:
    """Pause a courier between two mails; it stays paused. Raises BluegreenError, and then it runs again."""
    begun = clock.monotonic()
    while True:
        _pause(podman, name)
        try:
            doubt = frozenset(look())
        except BluegreenError:
            podman.run("unpause", name)
            raise
        spent = clock.monotonic() - begun
        if not doubt or spent >= PATIENCE:
            return Paused(doubt, round(spent, 2))
        podman.run("unpause", name)
        clock.sleep(BETWEEN)


def _pause(podman: Podman, name: str) -> None:
    """One that is paused already (we died while it was) is as good."""
    result = podman.run("pause", name)
    if result.rc == 0:
        return
    seen = podman.one("container", name) or {}
    if str((seen.get("State") or {}).get("Status", "")).lower() != "paused":
        raise CommandError(
            "podman pause %s failed: %s" % (name, result.last_words()),
            fix="look whether it runs (podman ps -a) and whether this host has the freezer cgroup",
        )
