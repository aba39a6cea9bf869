# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A colour that becomes live while its containers are being removed keeps them, whatever made it live."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from kit.clocks import Clock

from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.containers import create_command, dependents
from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.containers.observe import Containers
from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.deployment import store
from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.deployment.job import Context, carry_out
from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.deployment.model import (
    Deployment,
    services_from,
)
from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.stack import remove, repair, start
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import BluegreenError, Fenced, Refused
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.podman import Podman
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.runner import Result
from ansible_collections.olympus.bluegreen.plugins.module_utils._switch.switch import ReturnTo, Switch

SERVICES = ("hera", "site")
BACK = ReturnTo("blue", "v1-0123456789", "00112233aabbccdd", 1.0)
OURS = {"olympus.bluegreen.deployment": "olympus", "olympus.bluegreen.kind": "service"}


class Machine:
    """Podman by id and name. ``at``: called once, right before a command whose words begin so is carried out."""

    def __init__(self) -> None:
        self.here: dict[str, dict[str, Any]] = {}
        self.at: dict[str, Callable[[], object]] = {}
        self.after: dict[str, Callable[[], object]] = {}

    def make(self, name: str, service: str, **labels: str) -> str:
        ident = "%064x" % (len(self.here) + 1)
        given = {"com.docker.compose.project": "prod", "com.docker.compose.service": service, **labels}
        self.here[ident] = {
            "Id": ident, "Name": name, "Image": "image", "Config": {"Labels": given},
            "State": {"Status": "running", "Pid": 0},
        }  # fmt: skip
        return ident

    def states(self) -> dict[str, str]:
        return {one["Name"]: one["State"]["Status"] for one in self.here.values()}

    def _one(self, word: str) -> dict[str, Any] | None:
        return next((one for one in self.here.values() if word in (one["Id"], one["Name"])), None)

    def run(self, argv: Sequence[str], **_given: Any) -> Result:
        verb = argv[1]
        for key in [key for key in self.at if verb == key]:
            self.at.pop(key)()
        result = self._run(verb, list(argv))
        for key in [key for key in self.after if verb == key]:
            self.after.pop(key)()
        return result

    def _run(self, verb: str, argv: list[str]) -> Result:
        if argv[0] == "ip":
            return Result(0, "[]", "")
        if argv[0] != "podman":
            return Result(1, "", "no compose file")
        if verb == "ps":
            return Result(0, "\n".join(self.here), "")
        if argv[1:3] == ["container", "inspect"]:
            return Result(0, json.dumps([one for one in map(self._one, argv[3:]) if one]), "")
        one = self._one(argv[-1])
        if verb == "rm" and one and "--force" not in argv and one["State"]["Status"] == "running":
            return Result(2, "", "cannot remove a running container")
        if verb in ("stop", "start") and one:
            one["State"]["Status"] = {"stop": "exited", "start": "running"}[verb]
        if verb == "rm" and one:
            del self.here[one["Id"]]
        return Result(0 if one or verb == "network" else 1, "", "")


def a_switch(path: Path, back: str = "blue") -> Switch:
    """The other colour is live, and a rollback goes to ``back``."""
    switch = Switch(str(path))
    switch.install(back)
    token = switch.claim(0)
    switch.prepare(ReturnTo(back, *list(vars(BACK).values())[1:]), token)
    switch.flip("green" if back == "blue" else "blue", token)
    switch.unclaim(token)
    return switch


@pytest.fixture
def machine() -> Machine:
    return Machine()


@pytest.fixture
def context(tmp_path: Path, machine: Machine) -> Context:
    """Blue is the adopted project's; its cleanup holds the lock."""
    found = Deployment(
        "olympus", str(tmp_path / "state"), "prod", colour="blue", live_colour="green",
        services=services_from({name: {"port": 3000, "edge": False} for name in SERVICES}),
    )  # fmt: skip
    ids = {name: machine.make("prod_%s_1" % name, name) for name in SERVICES}
    entries = {
        name: {**store.service_entry(found, "blue", name, "prod_%s_1" % name, "image", True), "id": ids[name]}
        for name in SERVICES
    }
    store.write_stack(found, "blue", {"colour": "blue", "release": "v1-0", "adopted": True, "services": entries})
    switch = a_switch(tmp_path / "switch")
    return Context(found, Podman(machine), Clock(), lambda: "green", lambda: switch, token=switch.claim(0))


def the_switch(context: Context) -> Switch:
    switch = context.switch()
    assert switch is not None
    return switch


def offered_and_rolled_back(context: Context) -> None:
    """A boot took the fence away (it may be typed at any time), then a person went back."""
    the_switch(context).allow_rollback("blue")
    assert the_switch(context).rollback().live == "blue"


def taken_over(context: Context) -> None:
    """The controller is dead and its module lives on: a new run finds every container right, and cuts over."""
    switch = the_switch(context)
    token = switch.claim(0)
    switch.allow_rollback("blue", token)
    switch.prepare(ReturnTo("green", *list(vars(BACK).values())[1:]), token)
    switch.flip("blue", token)
    switch.unclaim(token)


def only_begun(context: Context) -> None:
    """A newer run counts on what is there, and has not flipped yet."""
    the_switch(context).allow_rollback("blue", the_switch(context).claim(0))


@pytest.mark.parametrize("meanwhile", [offered_and_rolled_back, taken_over, only_begun])
@pytest.mark.parametrize("when", ["while it stops", "when it has stopped"])
def test_what_became_live_while_it_was_being_stopped_runs(
    context: Context, machine: Machine, meanwhile: Callable[[Context], None], when: str
) -> None:
    hooks = machine.at if when == "while it stops" else machine.after
    hooks["stop"] = lambda: meanwhile(context)
    with pytest.raises((Refused, Fenced), match=r"blue is live now|the switch is at") as failed:
        carry_out(remove.absent(context), check_mode=False)
    assert machine.states() == {"prod_hera_1": "running", "prod_site_1": "running"}
    assert failed.value.partial["failed"]


@pytest.mark.parametrize("meanwhile", [offered_and_rolled_back, taken_over])
def test_one_that_is_gone_already_is_named_and_the_others_stay(
    context: Context, machine: Machine, meanwhile: Callable[[Context], None]
) -> None:
    """An adopted container only the operator can make again."""
    machine.after["rm"] = lambda: meanwhile(context)
    with pytest.raises((Refused, Fenced), match=r"blue still lacks: project prod has no container of .*run adopt"):
        carry_out(remove.absent(context), check_mode=False)
    assert len(machine.states()) == 1 and set(machine.states().values()) == {"running"}


def test_one_that_was_started_again_this_moment_is_not_removed(context: Context, machine: Machine) -> None:
    """Between the last question and the removal, as close as a signal can freeze us."""

    def frozen() -> None:
        offered_and_rolled_back(context)
        for one in machine.here.values():
            one["State"]["Status"] = "running"

    machine.at["rm"] = frozen
    with pytest.raises(Refused, match="blue is live now"):
        carry_out(remove.absent(context), check_mode=False)
    assert machine.states() == {"prod_hera_1": "running", "prod_site_1": "running"}


def test_the_container_of_the_plan_is_meant_and_none_of_its_name(context: Context, machine: Machine) -> None:
    """Frozen before its first step; meanwhile another run has made containers of the same names."""
    job = remove.absent(context)
    for ident, one in list(machine.here.items()):
        del machine.here[ident]
        machine.here["new" + ident] = {**one, "Id": "new" + ident}
    the_switch(context).block_rollback("blue", context.token)
    for step in job.plan.steps:
        if step.action == "remove":
            job.do(step)
    assert len(machine.here) == 2 and set(machine.states().values()) == {"running"}


def test_a_run_that_was_overtaken_removes_nothing(context: Context, machine: Machine) -> None:
    job = remove.absent(context)
    the_switch(context).claim(0)
    with pytest.raises(Fenced):
        carry_out(job, check_mode=False)
    assert set(machine.states().values()) == {"running"} and not the_switch(context).rollback_blocked("blue")


def test_a_renewal_of_the_network_is_fenced_too(context: Context, machine: Machine) -> None:
    labels = {**OURS, "olympus.bluegreen.colour": "blue"}
    machine.make("olympus-blue_hera_1", "hera", **labels)
    machine.at["stop"] = lambda: taken_over(context)
    with pytest.raises((Fenced, Refused)):
        carry_out(start.rename_network(context), check_mode=False)
    assert machine.states()["olympus-blue_hera_1"] == "running"


def test_a_repair_removes_only_what_it_saw(context: Context, machine: Machine) -> None:
    """Podman can't start it; by then another run has made one of this name, which is whole."""
    labels = {**OURS, "olympus.bluegreen.colour": "green"}
    ident = machine.make("olympus-green_hera_1", "hera", **labels)
    machine.here[ident]["State"]["Status"] = "exited"
    fixing = repair.plan(context, Containers.look(context.podman, context.wanted), ("green",))
    step = next(step for step in fixing.steps if step.target == "olympus-green_hera_1")
    one = machine.here.pop(ident)
    machine.here["new"] = {**one, "Id": "new", "State": {"Status": "running", "Pid": 0}}
    with pytest.raises(BluegreenError, match="does not start"):
        repair.do(context, fixing, step)
    assert machine.states()["olympus-green_hera_1"] == "running" and "new" in machine.here


def reachable(switch: Switch) -> tuple[bool, bool, bool]:
    state = switch.read()
    return "blue" in state.warm, "blue" in state.assets, "blue" not in state.removing


CONSOLE_FAILS = BluegreenError("prod_console_1, recreated, does not start", fix="look at it")


@pytest.mark.parametrize("refused", ["in the plan", "half way", "by a newer run", "behind a rollback from it"])
def test_a_cleanup_that_is_refused_before_it_removes_gives_forms_assets_and_the_way_back_back(
    context: Context, machine: Machine, monkeypatch: pytest.MonkeyPatch, refused: str
) -> None:
    """It has drained blue already. inputs/shared_depends_on_coloured, line 4."""
    blue = machine.make("prod_console_1", "console")
    machine.here[blue]["Dependencies"] = [next(iter(machine.here))]
    switch = the_switch(context)
    if refused == "behind a rollback from it":
        # Green is what a rollback goes to: blue was left because it is bad, and no form may go there again.
        switch.prepare(ReturnTo("green", *list(vars(BACK).values())[1:]), context.token)
        switch.flip("blue", context.token)
        switch.rollback()
        context = replace(context, token=switch.claim(0))
    switch.unpin("blue")
    if refused == "by a newer run":
        switch.claim(0)
    if refused == "half way":
        monkeypatch.setattr(create_command, "arguments", lambda *_given: ["create"])
        monkeypatch.setattr(dependents, "do", lambda *_given: raising(CONSOLE_FAILS))
    with pytest.raises(BluegreenError):
        carry_out(remove.absent(context), check_mode=False)
    whole = refused in ("in the plan", "half way")
    assert reachable(switch) == (whole, whole, True) and set(machine.states().values()) == {"running"}


def raising(exc: Exception) -> None:
    raise exc
