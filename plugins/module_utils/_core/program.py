# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The programs that adopt leaves in the state directory; they use the same copy of this library as the watcher.

``boot`` brings the live colour back, started by systemd or a person. ``return`` does what caddy_upstream does for
``state=returned``, started by its action plugin with the validated options as one word, and says one JSON object.
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Mapping, Sequence
from typing import Any

from .files import read_text

BOOT, RETURN = "boot", "return"
TEXT = """#!{python}
import os
import sys

for name, value in {environment!r}.items():
    os.environ.setdefault(name, value)
sys.path.insert(0, {library!r})
from {entry} import main

sys.exit(main({argv!r} or sys.argv[1:]))
"""


def path(state_dir: str, name: str) -> str:
    return os.path.join(state_dir, name)


def text(python: str, library: str, environment: Mapping[str, str], entry: str, argv: Sequence[str] = ()) -> str:
    """``environment``: what podman needs beside what systemd or a shell gives."""
    return TEXT.format(python=python, environment=dict(environment), library=library, entry=entry, argv=list(argv))


def current(state_dir: str, name: str) -> str | None:
    return read_text(path(state_dir, name))


def word(options: Mapping[str, Any]) -> str:
    """Options as one word of a shell."""
    return base64.b64encode(json.dumps(options).encode()).decode()


def options(word: str) -> dict[str, Any]:
    return dict(json.loads(base64.b64decode(word)))


def said(rc: int, out: str) -> dict[str, Any] | None:
    """What a program that was started has answered; None where it did not."""
    try:
        found = json.loads(out.strip().rpartition("\n")[2])
    except ValueError:
        return None
    return found if rc == 0 and isinstance(found, dict) else None
