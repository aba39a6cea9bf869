# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a courier can start, found out before the one at work is ended.

Its very image, entrypoint, variables, mounts and command run once with ``--help`` behind, without a network: so nothing
is sent and no database is asked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.job import Context
from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.upping import scrub
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import Refused
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.ory import entrypoint_text
from ansible_collections.olympus.bluegreen.plugins.module_utils._schema import oneshot, release

SECONDS = 30.0


def prove(context: Context, stack: Mapping[str, Any], names: Sequence[str]) -> None:
    """``stack``: a rendered file. ``names``: couriers in it. Raises Refused naming the first that can't start."""
    for name in names:
        if name in (stack.get("services") or {}):
            _prove(context, release.parse(stack, name))


def _prove(context: Context, service: release.Service) -> None:
    given, secret = oneshot.given(service.environment, service.volumes, entrypoint_text(service.entrypoint))
    words = ("--network", "none", "--pull", "never", *given, service.image, *service.command, "--help")
    result = context.podman.run("run", "--rm", *words, env=secret, timeout=SECONDS)
    if result.rc != 0:
        raise Refused(
            "the courier %s can't start: `%s --help` ended with %d (%s)"
            % (
                service.name,
                " ".join(service.command),
                result.rc,
                scrub(result.last_words(), service.environment.values()),
            ),
            option="services",
            value=service.name,
            mend="let the entrypoint and the command of its Kratos service run `kratos courier watch`; "
            "the courier at work was not touched",
        )
