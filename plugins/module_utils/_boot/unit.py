# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The systemd unit that runs the boot program: its text, and whether it is there and enabled."""

from __future__ import annotations

import os
import re

from .._core.detach import SYSTEMD
from .._core.files import read_text

DIRECTORY = "/etc/systemd/system"
# Long enough for a slow disk; the program itself gives up earlier and says why.
PATIENCE = 900
TEXT = """# Written by olympus.bluegreen (adopt); undo removes it.
[Unit]
Description=Bring back the live colour of {deployment}
Wants=network-online.target
After=network-online.target podman.service podman-restart.service
RequiresMountsFor={state_dir} {switch_dir}

[Service]
Type=oneshot
RemainAfterExit=yes
# The containers that it starts outlive it.
KillMode=process
TimeoutStartSec={patience}
ExecStart={python} {program}

[Install]
WantedBy=multi-user.target
"""


def name(deployment: str) -> str:
    return "olympus-bluegreen-boot-%s.service" % re.sub(r"[^A-Za-z0-9_.-]", "-", deployment)


def path(deployment: str, directory: str = DIRECTORY) -> str:
    return os.path.join(directory, name(deployment))


def text(deployment: str, state_dir: str, switch_dir: str, python: str, program: str) -> str:
    quoted = {key: _quoted(value) for key, value in (("python", python), ("program", program))}
    places = {"state_dir": _quoted(state_dir), "switch_dir": _quoted(switch_dir)}
    return TEXT.format(deployment=deployment.replace("%", "%%"), patience=PATIENCE, **quoted, **places)


def _quoted(value: str) -> str:
    """One word to systemd: no specifier, no variable, no end of the word."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return '"%s"' % escaped if re.search(r'[\s"\\]', value) else escaped


def systemd() -> bool:
    return os.path.isdir(SYSTEMD)


def present(deployment: str, directory: str = DIRECTORY) -> str | None:
    """The unit's text as it is on disk."""
    return read_text(path(deployment, directory))


def enabled(deployment: str, directory: str = DIRECTORY) -> bool:
    return os.path.islink(os.path.join(directory, "multi-user.target.wants", name(deployment)))
