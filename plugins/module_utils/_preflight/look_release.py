# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The release to come: its project as podman-compose reads it, secrets by name, images here or in a registry."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

from .._compose.deployment import model, store
from .._compose.release import compose_config, images, render
from .._core import publish
from .._core.errors import BluegreenError
from .._core.files import read_mapping
from .._core.names import OTHER
from .._core.netns import own_address
from .._core.podman import Podman
from .._ory import courier_command
from .._state.directory import PROOF, StateDir
from .model import PreflightInputs, empty_names, secret

COMMIT = re.compile(r"[0-9a-f]{7,64}\Z")


def compose_wanted(wanted: PreflightInputs) -> model.Deployment:
    return model.Deployment(
        deployment=wanted.deployment,
        state_dir=wanted.state_dir,
        project=wanted.project,
        source=wanted.source,
        compose_files=tuple(wanted.compose_files),
        services=model.services_from(wanted.services),
        shared=tuple(wanted.shared),
        version=wanted.version,
        images=wanted.images,
        podman_compose=wanted.podman_compose,
    )


def read(engine: Podman, wanted: PreflightInputs) -> dict[str, Any]:
    """The project as podman-compose reads it, {} of a git ref (nothing is fetched). Raises BluegreenError."""
    return {} if wanted.git else compose_config.config(engine.runner, compose_wanted(wanted), wanted.source)


def project(engine: Podman, wanted: PreflightInputs, found: Mapping[str, Any]) -> dict[str, Any]:
    """Of the project that was ``read``. Raises BluegreenError, whose text is the row, where git knows no such ref."""
    if wanted.git:
        ref = str(wanted.git.get("ref") or "{version}")
        return {"git": git_answer(engine, str(wanted.git.get("repo")), ref, wanted.version)}
    refuse_shell_lines(compose_wanted(wanted), found["services"])
    empty: list[str] = []
    count = 0
    for name in wanted.services:
        service = found["services"].get(name) or {}
        values = environment(service)
        empty += ["%s %s" % (name, key) for key in empty_names(values)]
        empty += ["%s secret file %s" % (name, path) for path in empty_files(wanted.source, found, service)]
        count += sum(secret(key) for key in values)
    return {"services": sorted(found["services"]), "secrets": count, "empty_secrets": sorted(empty)}


def proven(wanted: PreflightInputs) -> dict[str, Any]:
    """Schema target -> what proof.json of the newest release of this version says; {} before its first proof."""
    state = StateDir(wanted.state_dir)
    mine = [one["id"] for one in state.releases() if one["version"] == wanted.version]
    told = read_mapping(state.release(mine[-1], "schema", PROOF)).get("targets") if mine else {}
    return {"schema": told if isinstance(told, Mapping) else {}}


def refuse_shell_lines(asked: model.Deployment, services: Mapping[str, Mapping[str, Any]]) -> None:
    for one in asked.services:
        given = services.get(one.name) or {}
        if one.kind in courier_command.PRODUCTS:
            words = [render.words(given.get(key)) for key in ("entrypoint", "command")]
            courier_command.server_line(one.name, words[0], words[1], one.kind)


def git_answer(engine: Podman, repo: str, template: str, version: str) -> str:
    """What the repository says of the ref; a commit can't be asked for without fetching it."""
    ref = template.replace("{version}", version)
    env = {"GIT_TERMINAL_PROMPT": "0"}
    asked = engine.runner.run(
        ["git", "ls-remote", "--quiet", "--", repo, ref], env=env, timeout=images.REGISTRY_SECONDS
    )
    if asked.rc == 124:
        return "%s: no answer within %g s" % (ref, images.REGISTRY_SECONDS)
    known = bool(asked.out.strip()) or bool(COMMIT.match(ref))
    if asked.rc != 0 or not known:
        raise BluegreenError(
            "git finds no %s: %s" % (ref, asked.last_words() or "no such branch or tag"),
            option="bluegreen_source.ref",
            value=ref,
            fix="correct repo and ref, or give this host's root access to the repository",
        )
    return "%s at %s" % (repo, ref)


def environment(service: Mapping[str, Any]) -> dict[str, str | None]:
    """A compose environment, written as a mapping or as a list. Holds secrets."""
    given = service.get("environment") or {}
    if isinstance(given, Mapping):
        return {str(key): None if value is None else str(value) for key, value in given.items()}
    pairs = (str(item).partition("=") for item in given)
    return {name: value if sign else None for name, sign, value in pairs}


def empty_files(directory: str, found: Mapping[str, Any], service: Mapping[str, Any]) -> list[str]:
    declared = found.get("secrets") or {}
    names = [one.get("source") if isinstance(one, Mapping) else one for one in service.get("secrets") or []]
    files = [str((declared.get(name) or {}).get("file") or "") for name in names]
    return [name for name in files if name and not _filled(os.path.join(directory, os.path.expanduser(name)))]


def _filled(path: str) -> bool:
    try:
        return os.path.getsize(path) > 0
    except OSError:
        return False


def image_states(engine: Podman, wanted: PreflightInputs, found: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """Service -> {reference, state: here|resolvable|missing|unknown|moving|unfetched, words}; {} without a version.

    ``found``: the project that was ``read``. Of a git ref only bluegreen_images is known, the rest is
    ``unfetched``. Raises BluegreenError for an unknown service and for what is no reference.
    """
    if not wanted.version:
        return {}
    asked = compose_wanted(wanted)
    later = [name for name in wanted.services if not found and name not in wanted.images]
    known: dict[str, dict[str, str]] = {name: {} for name in wanted.services}
    if later:
        asked = replace(asked, services=tuple(one for one in asked.services if one.name in wanted.images))
    mapped = images.references(asked, found or {"services": known})
    unique = sorted(set(mapped.values()))
    with ThreadPoolExecutor(4) as pool:
        states = dict(zip(unique, pool.map(lambda one: _state(engine, one, wanted.allow_mutable), unique)))
    unfetched = {name: {"reference": "", "state": "unfetched"} for name in later}
    return {**unfetched, **{name: {"reference": one, **states[one]} for name, one in mapped.items()}}


def _state(engine: Podman, reference: str, allow_mutable: bool) -> dict[str, str]:
    if images.mutable(reference) and not allow_mutable:
        pin = "can move; pin it: %s; or set bluegreen_allow_mutable: true"
        return {"state": "moving", "words": pin % images.pinned(engine, reference)}
    if images.inspect(engine, reference):
        return {"state": "here"}
    answer = images.ask(engine, reference)
    return {"state": answer.state, "words": answer.words}


def ports(wanted: PreflightInputs) -> dict[str, Any]:
    """What published ports need: free ones of the idle colour, all of the live one, an address of this machine."""
    return {
        "ports_taken": taken_ports(wanted),
        "unpublished": unpublished(wanted),
        "publish_local": own_address(publish.address(wanted.publish)),
    }


def unpublished(wanted: PreflightInputs) -> list[str]:
    """Ports of the adopted colour that its containers did not publish at adopt; what we start publishes all."""
    asked = compose_wanted(wanted)
    if wanted.live != "blue" or not store.is_adopted(asked, "blue"):
        return []
    known = asked.nets.addresses.published
    return [
        "%s %s" % (name, inside)
        for name, one in wanted.services.items()
        if one.get("edge", True) is not False
        for inside, port in zip((one.get("port"), one.get("admin_port")), known.get(name, (0, 0)))
        if inside and not port
    ]


def taken_ports(wanted: PreflightInputs) -> list[str]:
    """Ports of the idle colour on this host that another program holds; [] while that colour runs and holds them."""
    if wanted.idle_running or not wanted.live:
        return []
    where, bases = publish.address(wanted.publish), publish.bases(wanted.port_base)
    nets, idle = compose_wanted(wanted).nets, OTHER[wanted.live]
    found = []
    for name, one in wanted.services.items():
        inside = (int(one.get("port") or 0), int(one.get("admin_port") or 0))
        for entry in publish.ports(where, nets.published(idle, name, bases), inside):
            try:
                publish.refuse_taken([(name, entry)])
            except BluegreenError:
                found.append(entry.rpartition(":")[0])
    return found
