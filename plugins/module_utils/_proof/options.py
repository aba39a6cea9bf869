# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of ``schema_proof`` and its one way through: observe, judge, record."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .._core.argspec import COLOURS, ArgumentSpec
from .._core.errors import BluegreenError, Refused
from .._core.files import read_mapping, write_json
from .._core.podman import Podman
from .._health import shared_secrets
from .._schema import bridge, bridge_record, exceptions, migrate
from .._schema import service as release
from .._schema.any_migrator import OPTIONS, Target
from .._schema.options import MIGRATE, proof_path
from .._state.directory import StateDir
from . import evidence, judge, proof
from .replay import binary, trial
from .shadow.room import room

PROOF = ArgumentSpec(
    {
        "colour": {"type": "str", "required": True, "choices": list(COLOURS)},
        "targets": {
            "type": "list",
            "elements": "dict",
            "required": True,
            "options": OPTIONS,
        },
        "services": {"type": "dict", "required": True},
        "rehearsal_image": {"type": "str", "default": ""},
        "known": {"type": "list", "elements": "str", "default": []},
        "accept": {
            "type": "list",
            "elements": "dict",
            "default": [],
            "options": {name: {"type": "str", "required": True} for name in exceptions.KEYS},
        },
        "operator": {"type": "str", "default": ""},
        "forward": {"type": "str", "default": ""},
        "release": {"type": "str", "required": True},
        "compose_file": {"type": "path", "required": True},
        **{name: MIGRATE.options[name] for name in ("network", "project", "database_service")},
    }
)
# So many reasons are written out.
SHOWN = 3
NOTHING = "Nothing was changed in production. Fix: "
WAYS = (
    "go there by a release in between, add a bridge (bridges/%s/*.sql of the release's source), or let it through in "
    "bluegreen_accept: {target: %s, hop: '%s', reason: <why>, expires: <YYYY-MM-DD>}"
)


@dataclass(frozen=True)
class Context:
    params: Mapping[str, Any]
    world: migrate.World

    @property
    def podman(self) -> Podman:
        return self.world.podman

    @property
    def state_dir(self) -> str:
        return str(self.params["state_dir"])

    def request(self, target: Mapping[str, Any]) -> migrate.MigrationRequest:
        return migrate.request({**self.params, "shadow_image": self.params["rehearsal_image"]}, self.podman, target)

    def source(self) -> str:
        return StateDir(self.state_dir).release(self.params["release"], "source")


def run(params: Mapping[str, Any], check_mode: bool, world: migrate.World) -> dict[str, Any]:
    """The module's result. Raises Refused where a target is not let through."""
    context = Context(params, world)
    if check_mode:
        steps = ["will be checked: whether the live colour keeps working"]
        return {"changed": False, "targets": {}, "let_through": [], "steps": steps}
    begun = world.clock.monotonic()
    subjects, others = observe(context)
    path = proof_path(context.state_dir, params["release"])
    kept = read_mapping(path).get("targets") or {}
    fresh = [one for one in subjects if not proof.holds(kept.get(one.target.name) or {}, one)]
    verdicts = _judged(context, fresh)
    seconds = world.clock.monotonic() - begun
    told = {
        **kept,
        **others,
        **{one.target.name: proof.described(one, verdicts[one.target.name], seconds) for one in fresh},
    }
    refusals = [_decide(context, name, told[name]) for name in [*(one.target.name for one in subjects), *others]]
    if told:
        os.makedirs(os.path.dirname(path), mode=0o750, exist_ok=True)
        write_json(path, {"v": 1, "at": world.clock.now(), "targets": told})
    refused = [sentence for sentence in refusals if sentence]
    if refused:
        raise Refused("\n".join(refused), fix="")
    through = exceptions.events(params["release"], told)
    return {"changed": False, "targets": told, "let_through": through, "steps": []}


def observe(context: Context) -> tuple[list[proof.Subject], dict[str, dict[str, Any]]]:
    """The targets that have something pending: Ory's with their two programs, and what is said of any other's. Reads
    production, writes nothing there."""
    params, found = context.params, []
    others: dict[str, dict[str, Any]] = {}
    document = release.load(params["compose_file"])
    for given in params["targets"]:
        asked = context.request(given)
        state = migrate.observe(asked, context.world)
        if not asked.target.product:
            if state.difference.pending:
                others[asked.target.name] = _unproven(context, asked, state)
            continue
        live = _live(context, asked.target.service) if state.difference.pending else None
        if live is not None:
            found.append(_subject(context, document, asked.target, state, live))
    return found, others


def _unproven(context: Context, asked: migrate.MigrationRequest, state: migrate.State) -> dict[str, Any]:
    """Nothing knows what users do with this program, so nothing tries it: the operator decides."""
    why = "its migrator is not Ory's, and no journey of its application is known to try"
    told = migrate.result(state, migrate.plan(state, asked))
    hop = "%s -> %s" % (asked.target.name, binary.tag(context.podman, state.image.id))
    return {
        **{key: told[key] for key in ("before", "after")},
        **{"verdict": evidence.NOT_JUDGED, "hop": hop},
        **{"old": "", "new": state.image.id, "reasons": [why], "untried": [], "journeys": 0, "seconds": 0.0},
        **{"bridges": [], "accepted": {}, "fingerprint": ""},
    }


def _subject(
    context: Context,
    document: Mapping[str, Any],
    target: Target,
    state: migrate.State,
    live: Mapping[str, Any],
) -> proof.Subject:
    podman, directory = context.podman, context.state_dir
    old = binary.of_container(podman, live, target.service, target.product, directory)
    about = context.params["services"].get(target.service) or {}
    records = [
        read_mapping(StateDir(directory).release(one["id"], "schema", target.name + ".json"))
        for one in StateDir(directory).releases()
        if one["id"] != context.params["release"]
    ]
    return proof.Subject(
        target=target,
        state=state,
        old=old,
        new=binary.of_release(podman, document, target.service, target.product, directory),
        ports=trial.Ports(int(about.get("port") or 0), int(about.get("admin_port") or 0)),
        earlier=proof.earlier_images(records, old.image.id),
        standing=tuple(one.bridge for one in bridge_record.read(directory, target.name).bridges),
        bridges=bridge.read(context.source(), target.name, context.params["known"]),
    )


def _live(context: Context, service: str) -> Mapping[str, Any] | None:
    """The container of the live colour. None where it is gone, and the operator leaves that colour anyway."""
    params = context.params
    asked = (params["deployment"], params["project"], params["colour"])
    raw = shared_secrets.containers(context.podman, *asked, [service]).get(service)
    if raw is None and not params["forward"]:
        raise BluegreenError(
            "the live colour has no container of it",
            option="targets",
            value=service,
            fix="run ansible-playbook bluegreen.yml --tags adopt, which brings it back",
        )
    return raw


def _judged(context: Context, subjects: Sequence[proof.Subject]) -> dict[str, judge.Verdict]:
    if not subjects:
        return {}
    container = migrate.database_container(context.podman, context.params)
    image = context.params["rehearsal_image"] or migrate.database_image(context.podman, container)
    if not image:
        reason = "the database is in no container of this host. Fix: name an image of the same PostgreSQL major in "
        return {one.target.name: judge.not_judged(reason + "bluegreen_rehearsal_image") for one in subjects}
    world, deployment = context.world, context.params["deployment"]
    try:
        with room(world.podman, world.clock, deployment, image, world.connect, world.enter) as place:
            return proof.prove(place, subjects)
    except BluegreenError as exc:
        return {one.target.name: judge.not_judged(str(exc)) for one in subjects}


def _decide(context: Context, name: str, told: dict[str, Any]) -> str:
    """The refusal of a target, or ''. Notes in ``told`` who let it through."""
    if told["verdict"] in judge.PASSES:
        return ""
    forward = context.params["forward"]
    if forward:
        # What already fails has nothing to lose; the gate of the new colour still stands.
        reason = "the live colour fails already (%s)" % forward
        told["accepted"] = exceptions.Accepted(reason, "this run", 0.0).noted(context.params["operator"])
        return ""
    way = exceptions.accepted(context.params["accept"], name, told["hop"], context.world.clock.now())
    if isinstance(way, exceptions.Accepted):
        told["accepted"] = way.noted(context.params["operator"])
        return ""
    return _refusal(name, told, str(way or ""))


def _refusal(name: str, told: Mapping[str, Any], expired: str) -> str:
    """One sentence a reason, then the ways on. ``expired`` names an entry that let it through once."""
    more = len(told["reasons"]) - SHOWN
    rest = "; and %d more in proof.json of the release" % more if more > 0 else ""
    reasons = "; ".join(told["reasons"][:SHOWN]) + rest
    what = "%s: %s (%s). %s" % (name, told["verdict"], told["hop"], reasons)
    ended = ". " + expired if expired else ""
    return "%s%s. %s%s" % (what.rstrip("."), ended, NOTHING, WAYS % (name, name, told["hop"]))
