# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a singleton is ended: it finishes its work, and it is gone for podman and for the kernel.

A courier stopped between two mails. What its database says of them, and how a half-taken batch is given back.

Kratos takes up to ten mails at once by setting them to processing (3), counts ``send_count`` up before it sends one,
and writes a row of ``courier_message_dispatches`` after it. On SIGTERM it ends at once: what it had taken stays in
processing for ever, and whether the one that it was sending went out is unknown. So it is paused first, and ended
only while no mail is being sent; what it had taken and not sent is queued (1) again.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from ..._core import dsn, postgres, process
from ..._core import podman as core
from ..._core.clock import Clock, wait_until
from ..._core.errors import BluegreenError, CommandError
from ..._core.podman import Podman
from ..._core.postgres import Db
from ..._ory import courier_command
from ..._schema import db_session, service_files
from ..containers import lifecycle
from ..containers.observe import Containers
from ..deployment.job import Context, nothing
from ..deployment.singletons import Singleton

APPLICATION = "olympus-bluegreen courier handover"
UNCONFIRMED = (
    "%d mail(s) in database %s were being sent when their courier stopped. Whether they were sent is unknown: %s. "
    "Fix: to send them (again), see 'Unconfirmed mails' in docs/operations.md"
)
BLIND = "%s was stopped, and its mails could not be read before: %s"


def end(
    context: Context,
    name: str,
    singleton: str = "",
    grace: int = 0,
    ident: str = "",
    still: Callable[[], None] = nothing,
) -> dict[str, Any]:
    """{singleton, container, quiet, waited, returned, unconfirmed, warning}; the container is gone afterwards.

    A courier is ended between two mails. Everything else gets its own stop signal and as long as it asked for
    (stop_grace_period), or ``grace`` seconds, then it is killed. Raises where podman cannot do or tell it: then
    nothing may be started. ``ident``: of the very container that is meant. ``still`` as of ``discard.container``.
    """
    podman = context.podman
    still()
    raw = podman.one("container", ident or name)
    done: dict[str, Any] = {"singleton": singleton, "container": name, "quiet": True, "waited": 0.0}
    begun = context.clock.monotonic()
    if raw is not None:
        pid = process.identity(int((raw.get("State") or {}).get("Pid") or 0))
        if courier_command.sends(core.command_line(raw)) and lifecycle.status(raw) in ("running", "paused"):
            done.update(_end_courier(context, raw, still))
        else:
            lifecycle.remove_container(podman, ident or name, grace=grace, still=still)
        _gone(context, ident or name, pid)
    return {**done, "seconds": round(context.clock.monotonic() - begun, 2)}


def _gone(context: Context, name: str, pid: Mapping[str, int]) -> None:
    """Podman's word, and the kernel's: a process that lost its conmon would go on unseen."""
    if context.podman.one("container", name) is not None:
        raise BluegreenError("container %s is still there" % name, fix="look at podman ps -a, run again")
    if wait_until(context.clock, lambda: process.alive(pid), lambda alive: not alive, 10.0):
        raise BluegreenError(
            "process %d of container %s still runs" % (pid["pid"], name), fix="end it, then run the stage again"
        )


def _end_courier(context: Context, raw: Mapping[str, Any], still: Callable[[], None]) -> dict[str, Any]:
    name, ident, podman = str(raw["Name"]), str(raw.get("Id") or raw["Name"]), context.podman
    try:
        db = open_mails(context, raw)
    except BluegreenError as exc:
        _plainly(podman, ident, still)
        return {"quiet": False, "warning": BLIND % (name, exc)}
    try:
        try:
            paused = pause(podman, ident, lambda: being_sent(db), context.clock)
        except BluegreenError as exc:
            _plainly(podman, ident, still)
            return {"quiet": False, "warning": BLIND % (name, exc), **_returned(db, None)}
        try:
            lifecycle.remove_container(podman, ident, at_once=True, still=still)
        except BluegreenError:
            # It may go on with its mails; where it is gone this does nothing.
            podman.run("unpause", ident)
            raise
        return {"quiet": not paused.unconfirmed, "waited": paused.seconds, **_returned(db, paused.unconfirmed)}
    finally:
        db.close()


def _plainly(podman: Podman, ident: str, still: Callable[[], None]) -> None:
    """As podman would: by its stop signal, then by force. One that is paused has to run to hear a signal."""
    podman.run("unpause", ident)
    lifecycle.remove_container(podman, ident, still=still)


def _returned(db: postgres.Db, unconfirmed: frozenset[str] | None) -> dict[str, Any]:
    """Give back what was taken and not sent; ``unconfirmed`` None: ask the database which are unconfirmed."""
    try:
        open_ones = being_sent(db) if unconfirmed is None else unconfirmed
        found: dict[str, Any] = {"returned": give_back(db, open_ones), "unconfirmed": sorted(open_ones)}
        if not open_ones:
            found["adapted"] = name_channel(db, alone=True)
        names = [str(row[0]) for row in db.query("SELECT current_database()")]
    except BluegreenError as exc:
        return {"warning": "mails that the courier had taken may wait in processing: %s" % exc}
    if open_ones:
        found["warning"] = UNCONFIRMED % (len(open_ones), names[0], ", ".join(sorted(open_ones)))
    return found


def settle(
    context: Context, world: Containers, colour: str, singleton: Singleton, started: bool = False
) -> dict[str, Any]:
    """While no courier runs: what a dead one left half-way is queued again or named.

    And whether one has ``started`` or not: mails queued by the other colour's version are made fit for this one's.
    """
    done: dict[str, Any] = {"singleton": singleton.name, "container": ""}
    server = world.of_colour(colour).get(singleton.service)
    raw = context.podman.one("container", server.name) if server else None
    if raw is None:
        return done
    try:
        db = open_mails(context, raw)
    except BluegreenError as exc:
        return {
            **done,
            "warning": "%s starts, and the mails that were left half sent could not be read: %s"
            % (singleton.name, exc),
        }
    try:
        return {
            **done,
            **({"adapted": name_channel(db, alone=False)} if started else _returned(db, None)),
        }
    except BluegreenError as exc:
        return {**done, "warning": "mails of the other colour's version may not be sent: %s" % exc}
    finally:
        db.close()


def open_mails(context: Context, raw: Mapping[str, Any]) -> postgres.Db:
    """A session in the database of a Kratos container, as its own role, in the network of the database's container."""
    name = core.labels(raw).get(core.COMPOSE_SERVICE, "")
    given = core.environment(raw)
    address = dsn.parse(given.get("DSN", ""), name, given)
    servers = context.podman.containers({core.COMPOSE_PROJECT: context.wanted.project})
    return db_session.open_session(address, APPLICATION, service_files.of_container(context.podman, raw, name), servers)


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
    """Ids of mails whose present attempt has begun and not ended. After a courier's death: the unconfirmed ones."""
    begun = {str(row[0]): int(row[1]) for row in db.query(BEGUN)}
    if not begun:
        return set()
    ended = {str(row[0]): int(row[1]) for row in db.query(TRIED, [list(begun)])}
    return {ident for ident, count in begun.items() if count > ended.get(ident, 0)}


def give_back(db: Db, but: Collection[str]) -> int:
    """Queue again what a courier that is gone had taken and not sent, ``but`` for unconfirmed mails. How many.

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
    """``unconfirmed``: ids of mails that were being sent all the time; empty: nothing was on its way."""

    unconfirmed: frozenset[str] = frozenset()
    seconds: float = 0.0


def pause(podman: Podman, name: str, look: Callable[[], Collection[str]], clock: Clock) -> Paused:
    """Pause a courier between two mails; it stays paused. Raises BluegreenError, and then it runs again."""
    begun = clock.monotonic()
    while True:
        _pause(podman, name)
        try:
            unconfirmed = frozenset(look())
        except BluegreenError:
            podman.run("unpause", name)
            raise
        spent = clock.monotonic() - begun
        if not unconfirmed or spent >= PATIENCE:
            return Paused(unconfirmed, round(spent, 2))
        podman.run("unpause", name)
        clock.sleep(BETWEEN)


def _pause(podman: Podman, name: str) -> None:
    """One that is paused already (we died while it was) is as good."""
    result = podman.run("pause", name)
    if result.rc == 0:
        return
    seen = podman.one("container", name) or {}
    if lifecycle.status(seen) != "paused":
        raise CommandError(
            "podman pause %s failed: %s" % (name, result.last_words()),
            fix="look whether it runs (podman ps -a) and whether this host has the freezer cgroup",
        )
