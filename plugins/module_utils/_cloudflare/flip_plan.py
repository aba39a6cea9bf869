# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a flip says it would do, and what it says where it could not."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.olympus.bluegreen.plugins.module_utils._cloudflare import steering
from ansible_collections.olympus.bluegreen.plugins.module_utils._cloudflare.balancers import Goal, Seen
from ansible_collections.olympus.bluegreen.plugins.module_utils._cloudflare.context import World
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import BluegreenError
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.plan import Plan, Step

Goals = Mapping[str, Goal]


def changed(
    live: str, wanted: str, seen: Seen, todo: Mapping[str, Mapping[str, Any]], steps: Sequence[Step],
    last: Sequence[Step] = (),
) -> Plan:  # fmt: skip
    """Only the fields that are written are in ``before`` and ``after``."""
    before = {host: {name: seen[host].get(name) for name in body} for host, body in todo.items()}
    writes = [Step("patch", host, ", ".join(body)) for host, body in todo.items()]
    return Plan({"live": live, "hosts": before}, {"live": wanted, "hosts": todo}, (*steps, *writes, *last))


def halfway(world: World, exc: BluegreenError, wanted: str, ids: steering.Pools) -> BluegreenError:
    """The error of a run that neither came through nor took everything back: what stands where, and how it goes on.

    A rerun goes on to ``wanted``; a rollback works from here.
    """
    hosts: dict[str, str] = {}
    with contextlib.suppress(BluegreenError):
        hosts = {host: steering.live(lb, ids) for host, lb in world.balancers.look().items()}
    partial: dict[str, object] = {
        "state": "partial",
        "wanted": wanted,
        "hosts": hosts or "not known: Cloudflare does not answer",
        "written": list(dict.fromkeys(world.balancers.written)),
    }
    where = ", ".join("%s on %s" % (host, colour or "both") for host, colour in hosts.items()) or "where is not known"
    return BluegreenError(
        "%s; half way to %s: %s" % (exc.msg, wanted, where),
        fix="%s%srun the same again to go on, or roll back" % (exc.fix, "; " if exc.fix else ""),
        partial=partial,
    )
