# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The courier as its own service: Kratos without ``--watch-courier`` sends no mail, so one ``courier watch`` does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .._core.errors import BluegreenError
from .cli import PROGRAMS, Line, config_files, line, shell_line

FLAG = "--watch-courier"
PROFILE = "singleton"
# These are run with other arguments than the service's own, too: a migration, a courier.
PRODUCTS = PROGRAMS


def watches(command: Sequence[str]) -> bool:
    """Whether this command line runs the courier inside the server."""
    return any(FLAG in word and not word.endswith("=false") for word in command)


def without(command: Sequence[str], service: str) -> list[str]:
    """The server's command line without the courier."""
    rest = [word for word in command if word != FLAG and not word.startswith(FLAG + "=")]
    if any(FLAG in word for word in rest):
        raise BluegreenError(
            "the command of %s hides %s inside a shell line" % (service, FLAG),
            option="services",
            value=service,
            fix="write the command of %s as a plain kratos command line" % service,
        )
    return rest


def server_line(service: str, entrypoint: Sequence[str], command: Sequence[str], product: str) -> Line:
    """How a service runs its program. A shell line is refused, without a word of it: it may hold secrets."""
    if shell_line((*entrypoint, *command)):
        raise BluegreenError(
            "the command of %s is a shell line, so its configuration files and its arguments can't be read from it"
            % service,
            option="services",
            value=service,
            fix="write it as a plain command line (%s serve -c FILE) and give values by environment or env_file"
            % product,
        )
    return line(entrypoint, command, product)


def command(server: Line) -> list[str]:
    """``courier watch`` with the configuration files of the server's command line, in their order.

    What stands behind the service's own entrypoint: behind a shim with the program's name.
    """
    files = config_files(server.arguments)
    return server.command(["courier", "watch", *(part for path in files for part in ("-c", path))])


def sends(command: Sequence[str]) -> bool:
    """Whether a container with this command line sends mail: a server with the courier inside, or a courier alone."""
    words = list(command)
    alone = any(words[n : n + 2] == ["courier", "watch"] or "courier watch" in words[n] for n in range(len(words)))
    return alone or watches(words)


def definition(server: Mapping[str, object], words: Sequence[str]) -> dict[str, object]:
    """A singleton's service of a coloured one: the same but for its command, its health check and its address.

    The profile keeps it down where the file is started without naming it.
    """
    kept = {key: value for key, value in server.items() if key not in ("healthcheck", "hostname", "expose", "networks")}
    return {**kept, "command": list(words), "networks": {"colour": {}}, "profiles": [PROFILE]}
