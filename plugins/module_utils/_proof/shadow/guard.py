# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a session is in the shadow and in no production: asked again right before everything that destroys.

No address decides it, as an address can be written in any way (another name, a socket, a forwarder): the server that
answers says who it is. What it must be (our user, our marker, where we put it) and what it must not be (a production)
are told apart, so that one of them is enough to refuse.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass, field

from ..._core.dsn import Dsn
from ..._core.errors import Refused
from ..._core.postgres import Db

# The marker is a comment on our own user: a row of a catalog that every database of the server shows.
FACTS = """
SELECT session_user::text, coalesce(host(inet_server_addr()), ''), coalesce(inet_server_port(), 0),
       extract(epoch FROM pg_postmaster_start_time())::text, has_function_privilege('pg_control_system()', 'EXECUTE'),
       coalesce((SELECT shobj_description(oid, 'pg_authid') FROM pg_roles WHERE rolname = session_user), '')
"""
SYSTEM = "SELECT system_identifier::text FROM pg_control_system()"


@dataclass(frozen=True)
class Identity:
    """Which server answers. ``system``: what initdb gave it, '' where the role may not read it. ``started``: when it
    was, to the microsecond. ``address``, ``port``: where it says that it is; ('', 0) through a socket."""

    system: str
    started: str
    address: str = ""
    port: int = 0
    user: str = ""
    marker: str = field(default="", repr=False)


def identity(db: Db) -> Identity:
    """As the server says it, whatever it was reached by."""
    user, address, port, started, readable, marker = db.query(FACTS)[0]
    system = str(db.query(SYSTEM)[0][0]) if readable else ""
    return Identity(system, str(started), str(address), int(port), str(user), str(marker))


@dataclass(frozen=True)
class Production:
    """A server that must never be taken for the shadow. ``hosts``: what its DSN says of it."""

    identity: Identity
    hosts: frozenset[str] = frozenset()


def production(seen: Identity, address: Dsn) -> Production:
    named = {*address.hosts, *address.keywords.get("hostaddr", "").split(","), seen.address}
    return Production(seen, frozenset(_plain(host) for host in named if host))


def _plain(host: str) -> str:
    try:
        return str(ipaddress.ip_address(host.strip("[]").partition("%")[0]))
    except ValueError:
        return host.rstrip(".").lower()


@dataclass
class Guard:
    """``user`` and ``marker`` are random and of this run; ``address`` is where our server listens."""

    user: str
    marker: str = field(repr=False)
    address: str = ""
    port: int = 5432
    productions: list[Production] = field(default_factory=list)

    def forbid(self, one: Production) -> None:
        """From here on that server is refused. Raises Refused where its address is the shadow's."""
        if not ipaddress.ip_address(self.address).is_loopback and _plain(self.address) in one.hosts:
            raise _refused(["its address, %s, is that of production" % self.address])
        if one not in self.productions:
            self.productions.append(one)

    def mark(self, db: Db) -> None:
        """Once, on the server that we have just made: no other one has this user."""
        self._refuse([*self._mistaken(identity(db), marked=False)])
        db.query('COMMENT ON ROLE "%s" IS %%s' % self.user, [self.marker])

    def check(self, db: Db) -> None:
        """Raises Refused unless it is the shadow. Call it right before each change that can't be taken back."""
        self._refuse([*self._mistaken(identity(db), marked=True)])

    def _refuse(self, why: list[str]) -> None:
        if why:
            raise _refused(why)

    def _mistaken(self, seen: Identity, marked: bool) -> Iterable[str]:
        """What tells this server from our own."""
        for one in self.productions:
            if seen.system and seen.system == one.identity.system:
                yield "it has production's system identifier"
            if seen.started == one.identity.started:
                yield "it was started in the same microsecond as production"
        if seen.user != self.user:
            yield "the session is not our user's"
        if (seen.address, seen.port) != (self.address, self.port):
            yield "it listens elsewhere than the shadow"
        if marked and seen.marker != self.marker:
            yield "it does not bear this run's marker"


def _refused(why: list[str]) -> Refused:
    return Refused(
        "the database to rehearse in is not the throw-away one: %s" % ", ".join(why),
        fix="Nothing was changed there. Look which servers listen on this host, and run it again",
    )
