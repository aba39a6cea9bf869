# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of ``schema_proof`` and its one way through: observe, prove, decide, record."""

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
from .._schema import bridge, exceptions, migrate
from .._schema import service as release
from .._schema.any_migrator import OPTIONS
from .._schema.options import MIGRATE, proof_path
from .._state.directory import StateDir
from . import bundle, policy, proof, record
from .evidence import SAFE
from .judge import not_judged
from .proof import Found, Subject
from .replay import app, binary, trial
from .shadow.client_programs import ServiceDatabase
from .shadow.exported import LOOKUP
from .shadow.room import private_place, room

# All of it here; or production's part here, the room's on another host, and the rest here again.
JUDGED, EXPORTED, REHEARSED = "judged", "exported", "rehearsed"
PROOF = ArgumentSpec(
    {
        "state": {"type": "str", "default": JUDGED, "choices": [JUDGED, EXPORTED, REHEARSED]},
        "bundle": {"type": "path", "default": ""},
        "colour": {"type": "str", "required": True, "choices": list(COLOURS)},
        "targets": {
            "type": "list",
            "elements": "dict",
            "required": True,
            "options": OPTIONS,
        },
        "services": {"type": "dict", "required": True},
        "rehearsal_image": {"type": "str", "default": ""},
        "rehearsal_data": {"type": "str", "default": LOOKUP},
        "lock_budget": {"type": "float", "default": 2.0},
        "policy": {"type": "dict", "default": {}},
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
THROUGH = "let it through in bluegreen_accept: {target: %s, hop: '%s', reason: <why>, expires: <YYYY-MM-DD>}"
WAYS = {
    "BLOCKING_LOCK": "migrate in a quiet hour with a higher bluegreen_lock_budget",
    "BRIDGE_REQUIRED": "complete the draft %s and put it into bridges/%s of the release's source",
    "BREAKS": "go there by a release in between, or add a bridge (bridges/%s/*.sql of the release's source)",
    "NOT_JUDGED": "remove that reason",
}
NO_IMAGE = "the database is in no container of this host"
NAME_IMAGE = "name an image of the same PostgreSQL major in bluegreen_rehearsal_image"
NOTHING_JUDGED: dict[str, Any] = {"changed": False, "targets": {}, "let_through": [], "steps": [], "bundle": ""}
NO_PROGRAM = "no container of the live colour is known that uses it"


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

    @property
    def data(self) -> str:
        return str(self.params["rehearsal_data"])

    def request(self, target: Mapping[str, Any]) -> migrate.MigrationRequest:
        return migrate.request({**self.params, "shadow_image": self.params["rehearsal_image"]}, self.podman, target)

    def source(self) -> str:
        return StateDir(self.state_dir).release(self.params["release"], "source")

    def image(self) -> str:
        """Of the throw-away PostgreSQL, '' where there is none."""
        container = migrate.database_container(self.podman, self.params)
        return self.params["rehearsal_image"] or migrate.database_image(self.podman, container)


def run(params: Mapping[str, Any], check_mode: bool, world: migrate.World) -> dict[str, Any]:
    """The module's result. Raises Refused where a target is not let through."""
    context = Context(params, world)
    said = policy.policy(params["policy"])
    if check_mode:
        steps = ["will be checked: whether the live colour keeps working"]
        return {**NOTHING_JUDGED, "steps": steps}
    if params["state"] == REHEARSED:
        return _rehearsed(context)
    begun = world.clock.monotonic()
    subjects = observe(context)
    path = proof_path(context.state_dir, params["release"])
    kept = read_mapping(path).get("targets") or {}
    fresh = [one for one in subjects if not record.holds(kept.get(one.target.name) or {}, one, context.data)]
    if params["state"] == EXPORTED:
        return _exported(context, fresh)
    found = _found(context, fresh)
    seconds = world.clock.monotonic() - begun
    told = {
        **kept,
        **{one.target.name: record.entry(one, found[one.target.name], context.data, seconds) for one in fresh},
    }
    refusals = [_decide(context, one.target.name, told[one.target.name], said) for one in subjects]
    if told:
        os.makedirs(os.path.dirname(path), mode=0o750, exist_ok=True)
        for one in fresh:
            record.write_beside(context.state_dir, params["release"], one, found[one.target.name])
        write_json(path, {"v": 2, "at": world.clock.now(), "targets": told})
    refused = [sentence for sentence in refusals if sentence]
    if refused:
        raise Refused("\n".join(refused), fix="")
    through = exceptions.events(params["release"], told)
    return {**NOTHING_JUDGED, "targets": told, "let_through": through}


def observe(context: Context) -> list[Subject]:
    """The targets that have something pending, with their programs. Reads production, writes nothing there."""
    document, found = release.load(context.params["compose_file"]), []
    for given in context.params["targets"]:
        asked = context.request(given)
        state = migrate.observe(asked, context.world)
        if state.difference.pending:
            found.append(_subject(context, document, asked, state))
    return found


def _subject(
    context: Context, document: Mapping[str, Any], asked: migrate.MigrationRequest, state: migrate.State
) -> Subject:
    podman, directory, target = context.podman, context.state_dir, asked.target
    about = context.params["services"].get(target.service) or {}
    live = _live(context, target.service, bool(target.product)) if about or target.product else None
    database = ServiceDatabase(asked, context.world, state.service, context.image())
    if target.product:
        new = migrator = binary.of_release(podman, document, target.service, target.product, directory)
    else:
        migrator = binary.of_target(podman, document, target, context.params["compose_file"])
        new = (
            migrator
            if live is None
            else binary.of_release(podman, document, target.service, "", directory, target.dsn_env)
        )
    old = None
    if live is not None:
        old = binary.of_container(podman, live, target.service, target.product, directory, target.dsn_env)
    return Subject(
        target=target,
        state=state,
        production=database,
        migrator=migrator,
        old=old,
        new=new if old else None,
        why="" if old else NO_PROGRAM,
        ports=trial.Ports(int(about.get("port") or 0), int(about.get("admin_port") or 0)),
        asked=app.Asked(
            ready=str(about.get("ready") or ""),
            paths=tuple(target.replay.get("paths") or ()),
            command=tuple(target.replay.get("command") or ()),
            host=str(about.get("host") or ""),
        ),
        bridges=bridge.read(context.source(), target.name, context.params["known"]),
    )


def _live(context: Context, service: str, needed: bool) -> Mapping[str, Any] | None:
    """The container of the live colour. None where it is gone, and the operator leaves that colour anyway."""
    params = context.params
    asked = (params["deployment"], params["project"], params["colour"])
    raw = shared_secrets.containers(context.podman, *asked, [service]).get(service)
    if raw is None and needed and not params["forward"]:
        raise BluegreenError(
            "the live colour has no container of it",
            option="targets",
            value=service,
            fix="run ansible-playbook bluegreen.yml --tags adopt, which brings it back",
        )
    return raw


def _exported(context: Context, subjects: Sequence[Subject]) -> dict[str, Any]:
    """Production's part, in a file for the rehearsal host. Nothing where nothing is to be tried."""
    path = str(context.params["bundle"])
    if subjects:
        podman, image = context.podman, context.image()
        if not image:
            raise BluegreenError(NO_IMAGE, fix=NAME_IMAGE)
        with private_place(podman, context.params["deployment"], context.state_dir) as place:
            copied = proof.copy(subjects, place.directory, place.labels, context.data)
            bundle.pack(path, place.directory, podman, subjects, copied, image)
    return {**NOTHING_JUDGED, "bundle": path if subjects else ""}


def _rehearsed(context: Context) -> dict[str, Any]:
    """The room's part, on the host that ``bundle`` was brought to."""
    path, world, params = str(context.params["bundle"]), context.world, context.params
    with private_place(context.podman, params["deployment"], os.path.dirname(path)) as place:
        work = bundle.unpack(path, place.directory, context.podman)
        image = params["rehearsal_image"] or work.image
        with room(world.podman, world.clock, place, image, world.connect, world.enter) as made:
            bundle.write(path, proof.tried(made, work.subjects, work.copied))
    return {**NOTHING_JUDGED, "bundle": path}


def _found(context: Context, subjects: Sequence[Subject]) -> dict[str, Found]:
    if not subjects:
        return {}
    if context.params["bundle"]:
        return proof.judged(subjects, bundle.read(context.params["bundle"]), context.params["lock_budget"])
    image = context.image()
    if not image:
        reason = "%s. Fix: %s" % (NO_IMAGE, NAME_IMAGE)
        return {one.target.name: Found(not_judged(reason)) for one in subjects}
    world, params = context.world, context.params
    try:
        with (
            private_place(world.podman, params["deployment"], context.state_dir) as place,
            room(world.podman, world.clock, place, image, world.connect, world.enter) as made,
        ):
            return proof.prove(made, subjects, context.data, params["lock_budget"])
    except BluegreenError as exc:
        return {one.target.name: Found(not_judged(str(exc))) for one in subjects}


def _decide(context: Context, name: str, told: dict[str, Any], said: Mapping[str, str]) -> str:
    """The refusal of a target, or ''. Notes in ``told`` who let it through."""
    decision = policy.decision(told["verdict"], bool(told.get("in_flight")), said)
    if decision == policy.PROCEED:
        return ""
    forward = context.params["forward"]
    if forward:
        # What already fails has nothing to lose; the gate of the new colour still stands.
        reason = "the live colour fails already (%s)" % forward
        told["accepted"] = exceptions.Accepted(reason, "this run", 0.0).noted(context.params["operator"])
        return ""
    way = exceptions.accepted(context.params["accept"], name, told["hop"], context.world.clock.now())
    if decision == policy.ASK and isinstance(way, exceptions.Accepted):
        told["accepted"] = way.noted(context.params["operator"])
        return ""
    ended = "" if isinstance(way, exceptions.Accepted) else str(way or "")
    return _refusal(context, name, told, ended, decision)


def _refusal(context: Context, name: str, told: Mapping[str, Any], expired: str, decision: str) -> str:
    """One sentence a reason, then the ways on. ``expired`` names an entry that let it through once."""
    open_ones = [one["why"] for one in told.get("objects", ()) if one["verdict"] != SAFE]
    reasons = [*told["reasons"], *told.get("in_flight", ())] or [*told.get("untried", ()), *open_ones]
    more = len(reasons) - SHOWN
    rest = "; and %d more in proof.json of the release" % more if more > 0 else ""
    what = "%s: %s (%s). %s" % (name, told["verdict"], told["hop"], "; ".join(reasons[:SHOWN]) + rest)
    ended = ". " + expired if expired else ""
    ways = [_way(context, name, told)]
    ways.append(
        THROUGH % (name, told["hop"])
        if decision == policy.ASK
        else "bluegreen_schema_policy lets no entry of bluegreen_accept through"
    )
    return "%s%s. %s%s" % (what.rstrip("."), ended, NOTHING, ", or ".join(one for one in ways if one))


def _way(context: Context, name: str, told: Mapping[str, Any]) -> str:
    verdict = str(told["verdict"])
    if verdict == "BRIDGE_REQUIRED":
        where = os.path.dirname(proof_path(context.state_dir, context.params["release"]))
        return WAYS[verdict] % (os.path.join(where, str(told.get("draft"))), name)
    return WAYS[verdict] % name if "%s" in WAYS.get(verdict, "") else WAYS.get(verdict, "")
