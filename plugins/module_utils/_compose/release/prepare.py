# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""state: rendered. A release on disk and the compose file of the idle colour; nothing is started."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from ..._core import yaml
from ..._core.errors import BluegreenError, Refused
from ..._core.files import read_text
from ..._core.plan import Plan, Step
from ..._discovery.release import refuse as refuse_new_services
from ..containers.observe import Containers
from ..deployment import store
from ..deployment.job import Context, Job
from ..deployment.model import Deployment
from . import changes, compose_config, images, kept_releases, release
from .origin import Origin
from .render import Renderer


@dataclass(frozen=True)
class Candidate:
    """What the release will be made of. ``ident`` is '' while an image is missing; ``project`` holds secrets."""

    ident: str
    choice: images.Choice
    content: release.Content
    compose_files: tuple[str, ...]
    project: Mapping[str, Any]
    warnings: tuple[str, ...]


def prepare(context: Context, kept_release: str, origin: Origin) -> Job:
    """``kept_release``: the id of a release that is already on disk; else one is made from ``origin``."""
    wanted = context.wanted
    _refuse(context)
    candidate = _kept(context, kept_release) if kept_release else _candidate(context, origin)
    live = store.release(wanted, str(store.live_stack(wanted).get("release", "")))
    _refuse_same(candidate, live)
    before = store.stack(wanted, wanted.colour)
    steps = store.address_steps(wanted) + [Step("pull", reference) for reference in candidate.choice.pull]
    if not store.release(wanted, candidate.ident):
        steps.append(Step("record-release", candidate.ident or wanted.version))
    if steps or not _up_to_date(context, candidate.ident):
        steps.append(Step("render", wanted.colour, candidate.ident))

    def do(step: Step) -> None:
        nonlocal candidate
        if step.action == "record-addresses":
            store.record_addresses(wanted)
        elif step.action == "pull":
            images.pull(context.podman, wanted, step.target, candidate.choice.services(step.target))
        elif step.action == "record-release":
            candidate = candidate if candidate.ident else _candidate(context, origin)
            _refuse_same(candidate, live)
            release.record(wanted, candidate.content, context.clock.now())
        elif step.action == "render":
            _write(context, candidate.ident)

    warnings, about = _about(context, candidate, live)
    after = {"release": candidate.ident or changes.UNKNOWN, "changed": about["changed"]}
    plan = Plan({"release": before.get("release", ""), "live": live.get("id", "")}, after, tuple(steps))
    return Job(plan, do, warnings=candidate.warnings + candidate.choice.warnings + warnings, notes={"release": about})


def _about(context: Context, candidate: Candidate, live: Mapping[str, Any]) -> tuple[tuple[str, ...], dict[str, Any]]:
    """Warnings, and the release as the module returns it."""
    found = {name: image.as_dict() for name, image in candidate.choice.images.items()}
    changed: dict[str, Any] = {
        "images": changes.images(live.get("images") or {}, found, candidate.choice.missing),
        "files": changes.names(live.get("files") or {}, candidate.content.files),
        "environment": {},
    }
    warnings: tuple[str, ...] = ()
    same: list[str] = []
    try:
        changed["environment"] = changes.environment(
            _live_environments(context, live), _environments(context, candidate)
        )
        same = changes.same_schema(live.get("images") or {}, found, changed["environment"])
    except BluegreenError as exc:
        # A live release that cannot be read any more must not stop the one that replaces it.
        warnings = ("the environments of the live release are not compared: %s" % exc,)
    lines = changes.lines(candidate.ident, str(live.get("id", "")), changed)
    return warnings, {
        "id": candidate.ident,
        "images": found,
        "changed": changed,
        "same_schema": same,
        "source": dict(candidate.content.source),
        "lines": lines,
    }


def _environments(context: Context, candidate: Candidate) -> dict[str, dict[str, str]]:
    """Service -> environment, still escaped. Holds secrets."""
    wanted = replace(context.wanted, compose_files=candidate.compose_files)
    return _rendered_environments(wanted, candidate.project, candidate.content.directory)


def _live_environments(context: Context, live: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    if not live:
        return {}
    known = tuple(one for one in context.wanted.services if one.name in live["images"])
    wanted = replace(context.wanted, services=known, singletons=())
    return _rendered_environments(*_recorded(context, wanted, live))


def _recorded(context: Context, wanted: Deployment, known: Mapping[str, Any]) -> tuple[Deployment, dict[str, Any], str]:
    """The deployment with the compose files of a recorded release, its project (with secrets) and its directory."""
    wanted = replace(wanted, compose_files=tuple(known["compose_files"]))
    copy = release.copy_of(wanted, str(known["id"]))
    return wanted, compose_config.config(context.podman.runner, wanted, copy), copy


def _rendered_environments(wanted: Deployment, project: Mapping[str, Any], directory: str) -> dict[str, dict[str, str]]:
    coloured = replace(wanted, singletons=())
    value = Renderer(coloured, "", dict.fromkeys(wanted.names, ""), project, directory).render()
    return {name: value["services"][name]["environment"] for name in wanted.names}


def _refuse(context: Context) -> None:
    wanted = context.wanted
    context.refuse_live()
    if store.is_adopted(wanted, wanted.colour) and Containers.look(context.podman, wanted).adopted():
        raise Refused(
            "%s still consists of the adopted project's own containers" % wanted.colour,
            option="colour",
            value=wanted.colour,
            fix="run the cleanup stage first (state absent): it frees the addresses",
        )


def _candidate(context: Context, origin: Origin) -> Candidate:
    wanted = replace(context.wanted, source=origin.directory)
    project = compose_config.config(context.podman.runner, wanted, wanted.source)
    refuse_new_services(project["services"], wanted.names, (*wanted.imaged, *wanted.shared, wanted.edge_service))
    names, warnings = compose_config.wanted_files(wanted, project)
    choice = images.choose(context.podman, wanted, project)
    files = release.tree(wanted.source, names)
    every = tuple(warning.replace(origin.directory, context.wanted.source) for warning in warnings)
    content = release.Content(choice.images, names, files, wanted.source, origin.record(), every)
    ident = "" if choice.pull else content.ident(wanted.version)
    # What adopt, or an earlier stage, has said of the same files is not said again in every stage.
    before = {one for known in kept_releases.everything(wanted) for one in known.get("warnings") or ()}
    new = tuple(warning for warning in every if warning not in before)
    return Candidate(ident, choice, content, wanted.compose_files, project, new)


def _kept(context: Context, ident: str) -> Candidate:
    wanted = context.wanted
    known, found = kept_releases.usable(context.podman, wanted, ident)
    as_recorded, project, copy = _recorded(context, wanted, known)
    content = release.Content(found, known["names"], known["files"], copy, known.get("source") or {})
    return Candidate(ident, images.Choice(found), content, as_recorded.compose_files, project, ())


def _refuse_same(candidate: Candidate, live: Mapping[str, Any]) -> None:
    ids = {name: image.id for name, image in candidate.choice.images.items()}
    same = ids == {name: entry["id"] for name, entry in (live.get("images") or {}).items()}
    files, before = candidate.content.files, live.get("files") or {}
    if (
        candidate.ident
        and live
        and same
        and compose_config.without_bridges(files) == compose_config.without_bridges(before)
    ):
        raise Refused(
            "nothing changed: images and files are those of the live release %s" % live["id"],
            option="version",
            value=str(candidate.ident),
            fix="give another version, or change the project directory",
        )


def text_of(context: Context, ident: str) -> str:
    """The compose file of the colour at a recorded release. Holds secrets."""
    known = store.release(context.wanted, ident)
    as_recorded, project, copy = _recorded(context, context.wanted, known)
    ids = {name: str(entry["id"]) for name, entry in known["images"].items()}
    return yaml.dump(Renderer(as_recorded, ident, ids, project, copy).render())


def _up_to_date(context: Context, ident: str) -> bool:
    wanted = context.wanted
    text = text_of(context, ident)
    same = store.stack(wanted, wanted.colour) == stack_of(wanted, ident, text)
    return same and read_text(wanted.stack_file(wanted.colour, "compose.yml")) == text


def stack_of(wanted: Deployment, ident: str, text: str) -> dict[str, Any]:
    """services.json of a rendered colour; ``compose`` is the hash of the file beside it."""
    known = store.release(wanted, ident).get("images") or {}
    named = partial(wanted.container_name, wanted.colour)
    services = {
        name: store.service_entry(wanted, wanted.colour, name, named(name), entry["id"], False)
        for name, entry in known.items()
        if name in wanted.names
    }
    digest = hashlib.sha256(text.encode()).hexdigest()
    return {"colour": wanted.colour, "release": ident, "adopted": False, "compose": digest, "services": services}


def _write(context: Context, ident: str) -> None:
    wanted = context.wanted
    release.verify(wanted, ident)
    text = text_of(context, ident)
    store.write_stack(wanted, wanted.colour, stack_of(wanted, ident, text), text)
