# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A process that starts a watcher, so that a test can kill it afterwards."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

STARTER = """
import json, sys, time
from ansible_collections.olympus.bluegreen.plugins.module_utils._watch.module import manage
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.clock import SystemClock
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.runner import SubprocessRunner
manage(json.load(sys.stdin), False, SubprocessRunner(), SystemClock())
print("started", flush=True)
time.sleep(600)
"""
ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}


def starter_of(params: dict[str, Any]) -> subprocess.Popen[str]:
    """A process that has started the watcher and then stays, as a module's controller does."""
    starter = subprocess.Popen(
        [sys.executable, "-c", STARTER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=ENVIRONMENT,
        start_new_session=True,
    )
    if starter.stdin is None or starter.stdout is None:
        raise AssertionError("no pipes")
    with starter.stdin as given:
        given.write(json.dumps(params))
    assert starter.stdout.readline() == "started\n"
    return starter
