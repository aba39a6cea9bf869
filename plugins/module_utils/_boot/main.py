# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The program that a boot runs: ``main([<state_dir>/boot.json])``. 0 when the live colour answers, else 1."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from .._core.clock import SystemClock
from .._core.errors import BluegreenError
from .._core.runner import SubprocessRunner
from . import record
from .run import Boot


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main(argv: Sequence[str]) -> int:
    try:
        found = record.read(os.path.dirname(os.path.abspath(argv[0])))
        if found is None:
            raise BluegreenError("%s is missing" % argv[0], fix="run adopt again")
        return 0 if Boot(found, SubprocessRunner(), SystemClock(), say).run() else 1
    except BluegreenError as exc:
        say("WRONG: %s" % exc)
        return 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
