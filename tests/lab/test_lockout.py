# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, the olympus.bluegreen authors
"""A login UI that locks at five wrong passwords, and one that asks for a CAPTCHA."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import pytest

from olympus_lab import config, release, stack, truth

pytestmark = [pytest.mark.lab, pytest.mark.slow]
# Seconds; what a deployment has that says nothing else. Below 300 no watch comes to a verdict.
WINDOW = int(os.environ.get("LOCKOUT_WINDOW", "1800"))


@contextmanager
def lab(**dotenv: str) -> Iterator[None]:
    shutil.rmtree(config.STATE, ignore_errors=True)
    stack.up(fresh=True, dotenv=dotenv)
    try:
        yield
    finally:
        stack.down()


def verdict() -> Mapping[str, object]:
    (written,) = (config.STATE / "releases").glob("v1.5.0-*/verdict.json")
    told: Mapping[str, object] = json.loads(written.read_text())
    return told


def test_a_whole_watch_locks_no_account() -> None:
    """Every gate of an upgrade, then the watch: what counts wrong passwords has counted no more than gates may send."""
    with lab(LOCKOUT_MAX_ATTEMPTS="5"):
        release.must("lockout-adopt", "adopt", {"version": "v1.4.2"}, quiet=True)
        # No visitor asks here.
        watch = {"window": WINDOW, "interval": 1, "min_events": 30}
        release.must("lockout-upgrade", "", {"version": "v1.5.0", "bluegreen_watch": watch}, quiet=True)
        assert set(truth.in_public().values()) == {"green"} and verdict()["verdict"] == "PASS_SYNTHETIC_ONLY"
        assert stack.psql("SELECT identifier, failed FROM login_lockouts") == []


def test_a_captcha_is_told_by_preflight() -> None:
    with lab(CIAM_CAPTCHA_ENABLED="true", CIAM_CAPTCHA_SITE_KEY="site", CIAM_CAPTCHA_SECRET_KEY="secret"):
        told = release.play("captcha", "preflight", {"version": "v1.4.2"}, quiet=True)
        assert told.rc != 0 and "CAPTCHA is on" in " ".join(told.out.split())
        assert "bluegreen_checks: {skip: [code_flow]}" in " ".join(told.out.split())
        skipped = {"version": "v1.4.2", "bluegreen_checks": {"skip": ["code_flow"]}}
        release.must("captcha-skipped", "preflight", skipped, quiet=True)
