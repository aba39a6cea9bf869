# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A courier that can't start is found out before the old one ends, and one that does not stay up right after."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from kit.clocks import Clock

from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.deployment.job import Context
from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.deployment.model import Deployment
from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.singletons import courier_trial, handover
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import BluegreenError, Refused
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.podman import Podman
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.runner import Result

SECRET = "5ecret-value"
COURIER = {
    "image": "image-id",
    "entrypoint": ["sh", "/check.sh", "DSN", "--"],
    "command": ["kratos", "courier", "watch", "-c", "/k.yml"],
    "environment": {"DSN": SECRET, "PATH": "/bin"},
    "volumes": ["/copy/check.sh:/check.sh:ro"],
}


class Runs:
    def __init__(self, rc: int) -> None:
        self.rc, self.asked = rc, list[tuple[list[str], dict[str, str]]]()

    def run(self, argv: Sequence[str], env: Mapping[str, str] | None = None, **_more: Any) -> Result:
        self.asked.append((list(argv), dict(env or {})))
        return Result(self.rc, "", "exec: courier: not found %s" % SECRET)


def context(runner: Runs) -> Context:
    return Context(Deployment("olympus", "/nowhere"), Podman(runner), Clock())


def test_the_very_courier_is_asked_for_its_help_without_a_network() -> None:
    runner = Runs(0)
    courier_trial.prove(
        context(runner), {"services": {"kratos-courier": COURIER}}, ["kratos-courier", "absent-courier"]
    )
    ((argv, env),) = runner.asked
    assert argv[argv.index("--network") + 1] == "none" and "/copy/check.sh:/check.sh:ro" in argv
    assert argv[argv.index("--entrypoint") + 1] == '["sh", "/check.sh", "DSN", "--"]'
    assert argv[-7:] == ["image-id", *COURIER["command"], "--help"]
    assert env == {"DSN": SECRET} and not any(SECRET in word for word in argv)


def test_one_that_cannot_start_is_refused_by_name_and_without_secrets() -> None:
    with pytest.raises(Refused, match=r"kratos-courier can't start.*ended with 127.*not touched") as failed:
        courier_trial.prove(context(Runs(127)), {"services": {"kratos-courier": COURIER}}, ["kratos-courier"])
    assert SECRET not in str(failed.value)


@pytest.mark.parametrize(
    ("processes", "stays"),
    [([7], True), ([0], False), ([7, 7, 7, 0], False), ([7, 7, 9], False)],
    ids=["steady", "never", "ended", "started again"],
)
def test_one_that_does_not_stay_up_is_an_error(
    monkeypatch: pytest.MonkeyPatch, processes: list[int], stays: bool
) -> None:
    seen = itertools.chain(processes, itertools.repeat(processes[-1]))
    monkeypatch.setattr(Podman, "pid", lambda _podman, _name: next(seen))
    asked = context(Runs(0))
    if stays:
        handover._stays(asked, "kratos-courier")
    else:
        with pytest.raises(BluegreenError, match="does not stay up"):
            handover._stays(asked, "kratos-courier")
    assert asked.clock.monotonic() <= handover.STEADY * 3 + 1
