# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""podman-compose as we call it: our rendered file by standard input, secrets by environment, one service a call.

One container stopped and removed.
"""

from __future__ import annotations

import math
import re
import shlex
import tempfile
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from typing import Any

from ..._core import yaml
from ..._core.errors import BluegreenError, CommandError
from ..._core.files import read_text
from ..._core.podman import HELD, Podman, handed
from ..._core.runner import Result
from ..._core.yaml import unescape
from ..._ory.courier_command import PROFILE
from ..._state.redact import scrub
from ..deployment.job import Context, nothing

DURATION = re.compile(r"(?:(\d+)h)?(?:(\d+)m(?!s))?(?:(\d+(?:\.\d+)?)(?:s|$))?(?:(\d+)ms)?")


class AddressHeld(CommandError):
    """Podman keeps the container's address for one that is gone."""


def stack_of(context: Context, colour: str) -> dict[str, Any]:
    """The rendered compose file of a colour as a value, still escaped. Holds secrets."""
    path = context.wanted.stack_file(colour, "compose.yml")
    text = read_text(path)
    if text is None:
        raise BluegreenError("%s has not been rendered" % colour, option="colour", value=colour, fix="deploy it first")
    value = yaml.load(text, path)
    return value if isinstance(value, dict) else {}


def environment(stack: Mapping[str, Any], service: str) -> dict[str, str]:
    """What a service of a rendered file gets, unescaped. Holds secrets."""
    found = stack["services"][service].get("environment") or {}
    return {unescape(str(key)): unescape(str(value)) for key, value in found.items()}


def up_service(context: Context, colour: str, stack: Mapping[str, Any], service: str) -> None:
    """Create and start one service's container.

    podman-compose would put every value on podman's command line, where each user of the host can read it. So it sees
    only names (``--env NAME``), and podman takes the values from its environment; what would steer podman there comes
    from a file that only root can read.
    """
    wanted = context.wanted
    values = environment(stack, service)
    shown = {key: value for key, value in stack["services"][service].items() if key != "environment"}
    text = yaml.dump({**stack, "services": {service: shown}})
    argv = [wanted.podman_compose, "-p", wanted.stack_project(colour), "--profile", PROFILE, "-f", "-"]
    grace = seconds(stack["services"][service].get("stop_grace_period"))
    where = wanted.path("stacks", colour)
    with tempfile.NamedTemporaryFile("w", dir=where, prefix=".env-") if handed(values).file else nullcontext() as file:
        given = handed(values, file.name if file else "")
        if file:
            file.write(given.file)
            file.flush()
        # podman-compose heeds stop_grace_period only when it stops something itself; the container has to know it.
        words = [*given.arguments, *(["--stop-timeout", str(grace)] if grace else [])]
        argv += ["--podman-run-args=" + " ".join(map(shlex.quote, words))] if words else []
        argv += ["up", "-d", "--no-deps", "--no-build", service]
        result = context.podman.runner.run(argv, env=given.env, stdin=text, cwd=where, timeout=180)
    if result.rc != 0:
        said = scrub(result.last_words(), values.values())
        text = "podman-compose up %s failed (rc %d): %s" % (service, result.rc, said)
        if HELD.search(result.err):
            raise AddressHeld(
                text, fix="reboot the host: podman was killed during a start, and frees the address only then"
            )
        raise CommandError(text, fix="look at podman ps -a")


def seconds(duration: Any) -> int:
    """A duration of a compose file (``90``, ``90s``, ``1m30s``, ``1h``), rounded up; 0 where none is given."""
    given = str(duration or "").strip()
    found = DURATION.fullmatch(given)
    if not found:
        raise BluegreenError("not a duration", option="stop_grace_period", value=given, fix="write it as 1m30s")
    parts = [float(part or 0) for part in found.groups()]
    return math.ceil(parts[0] * 3600 + parts[1] * 60 + parts[2] + parts[3] / 1000)


def remove_container(
    podman: Podman, name: str, at_once: bool = False, grace: int = 0, still: Callable[[], None] = nothing
) -> None:
    """Stop by the container's own signal and time (or ``grace`` seconds, if more; ``at_once``: kill), then remove.

    ``name``: its name or id; it goes by the id that this has now, so that a successor of that name is never meant. One
    that is gone is no error. ``still`` raises when it may not go (any more): it is asked before the stop, between stop
    and removal (what ran is started again) and after the removal.
    """
    still()
    seen = podman.one("container", name)
    if seen is None:
        return
    ident = str(seen.get("Id") or name)
    own = int((seen.get("Config") or {}).get("StopTimeout") or 10)
    grace = 0 if at_once else max(own, grace)
    if at_once or status(seen) not in ("running", "stopping"):
        result = _force(podman, ident, grace)
    elif _stop(podman, ident, grace, still):
        # Without force: podman refuses one that was started again this moment.
        result = podman.run("rm", ident, timeout=60)
        if result.rc != 0 and status(podman.one("container", ident) or {}) != "running":
            result = _force(podman, ident, grace)
    else:
        result = _force(podman, ident, 0)
    if result.rc != 0 and podman.one("container", ident) is not None:
        still()
        raise BluegreenError(
            "container %s cannot be removed: %s" % (seen.get("Name") or name, result.last_words()),
            fix="look at podman ps -a",
        )
    still()


def _stop(podman: Podman, ident: str, grace: int, still: Callable[[], None]) -> bool:
    """False where podman hangs over it: what is left is to kill."""
    result = podman.run("stop", "--time", str(grace), ident, timeout=grace + 60)
    try:
        still()
    except BluegreenError:
        podman.run("start", ident, timeout=180)
        raise
    return result.rc != 124


def _force(podman: Podman, ident: str, grace: int) -> Result:
    result = podman.run("rm", "--force", "--time", str(grace), ident, timeout=grace + 60)
    if result.rc == 124:
        result = podman.run("rm", "--force", "--time", "0", ident, timeout=60)
    return result


def status(seen: Mapping[str, Any]) -> str:
    return str((seen.get("State") or {}).get("Status", "")).lower()
