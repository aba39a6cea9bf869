# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the migrator's own sessions may wait for and hold, and no other session. Pure.

A table that is locked, or waited for, holds up the live colour: every bound here is one on that.
"""

from __future__ import annotations

# ``transaction_timeout`` is there from here on; before it, one statement and an idle transaction are what can be held.
TRANSACTION_TIMEOUT = 170000
# PostgreSQL cuts a longer one.
NAME = 63


def application(kind: str, target: str) -> str:
    """The name of the migrator's sessions, by which they are found when their program is gone. Without a blank, as
    ``dsn.bounded`` wants it."""
    return ("olympus-bluegreen-%s-%s" % (kind, target))[:NAME]


def settings(name: str, lock: float, transaction: float = 0.0, server: int = 0) -> dict[str, str]:
    """PostgreSQL's settings of these sessions. ``transaction``: seconds that one may hold its locks; ``server``: its
    version as a number, 0 where only a question is asked."""
    found = {"lock_timeout": _milliseconds(lock), "application_name": name}
    if not server:
        return found
    whole = "transaction_timeout" if server >= TRANSACTION_TIMEOUT else "statement_timeout"
    return {
        **found,
        whole: _milliseconds(transaction),
        "idle_in_transaction_session_timeout": _milliseconds(transaction),
    }


def _milliseconds(seconds: float) -> str:
    """Never 0, by which PostgreSQL means for ever."""
    return str(max(1, int(seconds * 1000)))
