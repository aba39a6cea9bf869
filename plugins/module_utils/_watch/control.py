# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An operator's order to a running watcher: a file ``control`` beside its events, one at a time.

The watcher answers with an event of the order's id and takes the file away. Killed between the two it knows the id
again and takes away only the file, so that an order counts once.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import BluegreenError
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.files import (
    locked,
    read_json,
    sync_dir,
    write_json,
)

ORDERS = ("abort", "hold", "resume", "extend", "promote")
LONGEST = 86400


@dataclass(frozen=True)
class Order:
    """``by`` is who gave it, ``seconds`` counts for ``extend``."""

    id: str
    do: str
    by: str
    at: float
    seconds: int = 0


def wanted(do: str, seconds: object, by: str, ident: str, at: float) -> Order:
    """The order that an operator typed. Raises BluegreenError that names his variable."""
    if do not in ORDERS:
        raise BluegreenError(
            "no such order to a watch", option="bluegreen_watch_do", value=do, fix="say one of %s" % ", ".join(ORDERS)
        )
    text = str(seconds).strip()
    if do == "extend" and not (text.isdecimal() and 1 <= int(text) <= LONGEST):
        raise BluegreenError(
            "not a number of seconds from 1 to %d" % LONGEST,
            option="bluegreen_watch_extend",
            value=seconds,
            fix="say how much longer to watch, as -e bluegreen_watch_extend=600",
        )
    if do != "extend" and text:
        raise BluegreenError(
            "counts only for extend",
            option="bluegreen_watch_extend",
            value=seconds,
            fix="leave it away, or say -e bluegreen_watch_do=extend",
        )
    return Order(ident, do, by, at, int(text) if text else 0)


def put(path: str, order: Order) -> bool:
    """Hand an order over; False while another one is not answered."""
    with locked(path + ".lock", seconds=10.0):
        if os.path.exists(path):
            return False
        write_json(path, {"v": 1, **asdict(order)})
        return True


def pending(path: str) -> Order | None:
    """The order that lies there; one that nobody can read is taken away."""
    try:
        found = read_json(path)
        return None if found is None else _order(found)
    except (BluegreenError, KeyError, TypeError, ValueError):
        clear(path)
        return None


def _order(found: Mapping[str, Any]) -> Order:
    given = {name: found[name] for name in ("id", "do", "by", "at", "seconds")}
    return Order(**{**given, "seconds": int(given["seconds"]), "at": float(given["at"])})


def clear(path: str) -> None:
    """Take an order away, whether or not it is there."""
    try:
        os.unlink(path)
    except FileNotFoundError:
        return
    sync_dir(os.path.dirname(path))
