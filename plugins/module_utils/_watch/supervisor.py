# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who keeps the watcher: its parent, which forks it anew when it dies before its end.

The parent has read the configuration once, so a watcher that is begun again has its probe secrets though the disk has
them no more. When the parent dies the watcher goes on alone; when both die systemd starts them again where it is
there, and where it is not, whoever follows the watch does.
"""

from __future__ import annotations

import os
import sys
import time
import traceback
from collections.abc import Callable

# Another watcher of the deployment is running.
HELD = 3
# How often a watcher is begun again, and seconds before that.
LIVES, PAUSE = 20, 0.5


def keep(watch: Callable[[int], int], begun: Callable[[], bool], pause: float = PAUSE) -> int:
    """Run ``watch(deaths so far)`` in a child until it ends by itself; its exit code, negative for a signal.

    A watch that fails before it had ``begun`` would fail again: its starter is told instead.
    """
    code = 1
    for deaths in range(LIVES):
        try:
            pid = os.fork()
        except OSError:
            # No process can be had now: what the bad release takes it may give back.
            time.sleep(pause)
            continue
        if pid == 0:
            os._exit(_guarded(watch, deaths))
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        if code in (0, HELD) or (code > 0 and not begun()):
            return code
        time.sleep(pause)
    return code


def _guarded(watch: Callable[[int], int], deaths: int) -> int:
    try:
        return watch(deaths)
    except BaseException:
        traceback.print_exc()
        return 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
