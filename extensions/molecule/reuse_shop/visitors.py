# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Visitors of the shop, until the file VISITORS is gone; it counts answers by status in that file's neighbour."""

from __future__ import annotations

import collections
import http.client
import json
import sys
import time
from pathlib import Path


def ask(host: str) -> str:
    connection = http.client.HTTPConnection("127.0.0.1", 18480, timeout=5)
    try:
        connection.request("GET", "/", headers={"Host": host})
        return str(connection.getresponse().status)
    except OSError as exc:
        return type(exc).__name__
    finally:
        connection.close()


def main(mark: Path) -> None:
    seen: collections.Counter[str] = collections.Counter()
    until = time.monotonic() + 900
    while mark.exists() and time.monotonic() < until:
        for host in ("shop.test", "api.shop.test"):
            seen[ask(host)] += 1
        mark.with_suffix(".json").write_text(json.dumps(seen))
        time.sleep(0.03)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
