# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""state: rendered. A release on disk and the compose file of the idle colour; nothing is started."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.olympus.bluegreen.plugins.module_utils._compose import images, release, source, store, yamlio
from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.job import Context, Job
from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.model import Image, Wanted
from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.render import Renderer
from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.world import World
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import Refused
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.files import read_text
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.plan import Plan, Step

UNKNOWN = "known after the pull"


@dataclass(frozen=True)
class Candidate:
    """What the release will be made of. ``ident`` is '' while an image is missing."""

    ident: str
    choice: images.Choice
    names: tuple[str, ...]
    files: Mapping[str, str]
    warnings: tuple[str, ...]


def prepare(context: Context, kept_release: str = "") -> Job:
    """``kept_release``: the id of a release that is already on disk; else one is made from the source."""
    wanted = context.wanted
    _refuse(context)
    candidate = _kept(context, kept_release) if kept_release else _candidate(context)
    live = store.release(wanted, str(store.live_stack(wanted).get("release", "")))
    _refuse_same(candidate, live)
    before = store.stack(wanted, wanted.colour)
    steps = store.address_steps(wanted) + [Step("pull", reference) for reference in candidate.choice.pull]
    if not store.release(wanted, candidate.ident):
        steps.append(Step("record-release", candidate.ident or wanted.version))
    if steps or not _up_to_date(context, candidate.ident):
        steps.append(Step("render", wanted.colour, candidate.ident))

    def do(step: Step) -> None:
        if step.action == "record-addresses":
            store.record_addresses(wanted)
        elif step.action == "pull":
            images.pull(context.podman, step.target)
        elif step.action == "record-release":
            complete = candidate if candidate.ident else _candidate(context)
            _refuse_same(complete, live)
            release.record(wanted, complete.choice.images, complete.names, complete.files, context.clock.now())
        elif step.action == "render":
            _write(context, candidate.ident or _candidate(context).ident)

    ids = {name: image.id for name, image in candidate.choice.images.items()}
    after = {"release": candidate.ident or UNKNOWN, "images": ids, "changed_files": _changed(candidate.files, live)}
    plan = Plan({"release": before.get("release", ""), "images": _image_ids(before)}, after, tuple(steps))
    notes = _notes(candidate, live)
    return Job(plan, do, warnings=candidate.warnings + candidate.choice.warnings, notes=notes)


def _notes(candidate: Candidate, live: Mapping[str, Any]) -> dict[str, object]:
    known = live.get("images") or {}
    found = candidate.choice.images
    return {
        "release": candidate.ident,
        "images": {name: image.as_dict() for name, image in found.items()},
        "changed": sorted(name for name, image in found.items() if (known.get(name) or {}).get("id") != image.id),
        "kept": list(candidate.choice.kept),
        "files": _changed(candidate.files, live),
    }


def _refuse(context: Context) -> None:
    wanted = context.wanted
    if wanted.colour == wanted.live_colour:
        raise Refused("%s is live" % wanted.colour, option="colour", value=wanted.colour, mend="render the idle colour")
    if store.is_adopted(wanted, wanted.colour) and World.look(context.podman, wanted).adopted():
        raise Refused(
            "%s is still the adopted project's own containers" % wanted.colour,
            option="colour",
            value=wanted.colour,
            mend="clean up first (state absent), so that its addresses are free",
        )


def _candidate(context: Context) -> Candidate:
    wanted = context.wanted
    project = source.config(context.podman.runner, wanted, wanted.source)
    names, warnings = source.wanted_files(wanted, project)
    files = release.tree(wanted.source, names)
    live = store.release(wanted, str(store.live_stack(wanted).get("release", "")))
    choice = images.choose(context.podman, wanted, live.get("images") or {})
    ident = ""
    if not choice.pull:
        ident = release.release_id(wanted.version, {name: image.id for name, image in choice.images.items()}, files)
    return Candidate(ident, choice, tuple(names), files, tuple(warnings))


def _kept(context: Context, ident: str) -> Candidate:
    known = store.release(context.wanted, ident)
    if not known:
        raise Refused("no such release is kept", option="release", value=ident, mend="name one that status lists")
    if set(known["images"]) != set(context.wanted.names):
        raise Refused(
            "release %s has other services than this deployment" % ident,
            option="services",
            value=sorted(set(known["images"]) ^ set(context.wanted.names)),
            mend="deploy from the source again",
        )
    release.verify(context.wanted, ident)
    found = {}
    for name, entry in known["images"].items():
        if images.inspect(context.podman, str(entry["id"])) is None:
            raise Refused(
                "image of service %s (%s) is gone from this host" % (name, entry["reference"]),
                option="release",
                value=ident,
                mend="load or pull it again, or deploy another release",
            )
        found[name] = Image(str(entry["reference"]), str(entry["id"]), str(entry.get("digest", "")))
    return Candidate(ident, images.Choice(found), tuple(known["names"]), known["files"], ())


def _refuse_same(candidate: Candidate, live: Mapping[str, Any]) -> None:
    ids = {name: image.id for name, image in candidate.choice.images.items()}
    same = ids == {name: entry["id"] for name, entry in (live.get("images") or {}).items()}
    if candidate.ident and live and same and dict(candidate.files) == live.get("files"):
        raise Refused(
            "nothing changed: images and files are those of the live release %s" % live["id"],
            option="version",
            value=str(candidate.ident),
            mend="give another version, or change the project directory",
        )


def _changed(files: Mapping[str, str], live: Mapping[str, Any]) -> list[str]:
    known = live.get("files") or {}
    return sorted(name for name in {*files, *known} if files.get(name) != known.get(name))


def _image_ids(stack: Mapping[str, Any]) -> dict[str, str]:
    return {name: str(entry.get("image", "")) for name, entry in (stack.get("services") or {}).items()}


def text_of(context: Context, ident: str) -> str:
    """The compose file of the colour at a recorded release. Holds secrets."""
    wanted = context.wanted
    known = store.release(wanted, ident)
    copy = release.copy_of(wanted, ident)
    as_recorded = Wanted(**{**wanted.__dict__, "compose_files": tuple(known["compose_files"])})
    project = source.config(context.podman.runner, as_recorded, copy)
    ids = {name: str(entry["id"]) for name, entry in known["images"].items()}
    return yamlio.dump(Renderer(as_recorded, ident, ids, project, copy).render())


def _up_to_date(context: Context, ident: str) -> bool:
    wanted = context.wanted
    if store.stack(wanted, wanted.colour) != stack_of(wanted, ident):
        return False
    return read_text(wanted.stack_file(wanted.colour, "compose.yml")) == text_of(context, ident)


def stack_of(wanted: Wanted, ident: str) -> dict[str, Any]:
    """services.json of a rendered colour."""
    known = store.release(wanted, ident).get("images") or {}
    project = wanted.stack_project(wanted.colour)
    services = {
        name: store.service_entry(wanted, wanted.colour, name, "%s_%s_1" % (project, name), entry["id"], False)
        for name, entry in known.items()
    }
    return {"colour": wanted.colour, "release": ident, "adopted": False, "services": services}


def _write(context: Context, ident: str) -> None:
    wanted = context.wanted
    release.verify(wanted, ident)
    store.write_stack(wanted, wanted.colour, stack_of(wanted, ident), text_of(context, ident))
