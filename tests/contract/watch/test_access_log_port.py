# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Caddy at a port of its own keeps a site's log by a Host with that port: our own requests have to be in it."""

from __future__ import annotations

from pathlib import Path

import pytest
from kit import caddy_native as native

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.clock import SystemClock, wait_until
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.http import DirectHttp
from ansible_collections.olympus.bluegreen.plugins.module_utils._watch.accesslog import AGENT, parse
from ansible_collections.olympus.bluegreen.plugins.module_utils._watch.observer import Public

# The other site has no log, and without a log no site logs what is not its own.
CADDYFILE = """{
    admin localhost:%(admin)d
    auto_https off
}

http://site.test:%(port)d {
    reverse_proxy site:%(backend)d
}

http://other.test:%(port)d {
    respond 204
}
""".replace("    ", "\t")


@pytest.mark.parametrize("caddy", native.CADDIES)
def test_the_log_shows_our_own_request(caddy: str, tmp_path: Path) -> None:
    with native.world(tmp_path, CADDYFILE, caddy) as world:
        world.app(state="adopted")
        where = (world.edge.options.address, world.edge.options.port)
        public = Public(DirectHttp(), [{"host": "site.test", "path": "/"}], where, "http")
        answer = public.ask(0)
        assert (answer.status, answer.headers["x-bluegreen-colour"]) == (200, "blue")
        log = Path(world.edge.place().directory) / "log" / "access.log"
        read = wait_until(SystemClock(), log.read_text, lambda text: AGENT in text, 5.0)
        lines = [parse(line) for line in read.splitlines()]
        assert [(line.colour, line.ours, line.route) for line in lines if line] == [("blue", True, "site.test/")]
