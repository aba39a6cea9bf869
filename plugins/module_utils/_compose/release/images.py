# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which image each coloured service of the new release runs: resolved to local ids before anything starts.

The release's own compose files say which (with their ``.env``); ``bluegreen_images`` says it for one service.

What a registry says of a reference, asked by podman: with its credentials, mirrors and certificates. No layer moves.

Podman 4.3 knows ``manifest inspect REF`` (with a transport before it: "unsupported transport"), and has no other
question that reads one manifest.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..._core.errors import BluegreenError, CommandError
from ..._core.podman import Podman
from ..deployment.model import Deployment, Image

DIGEST = re.compile(r"sha256:[0-9a-f]{64}\Z")
# An image of this host by its id, as podman takes it in a compose file.
IDENT = re.compile(r"(sha256:)?[0-9a-f]{64}\Z")
# What podman gets as an argument: no option, no second word. A variable without a value leaves ``name:`` behind.
REFERENCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/:@-]{0,511}(?<![:@/])\Z")


@dataclass(frozen=True)
class Choice:
    """``images``: what is known now. ``missing``: service -> reference that is not here."""

    images: dict[str, Image] = field(default_factory=dict)
    missing: Mapping[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    @property
    def pull(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(self.missing.values()))

    def services(self, reference: str) -> list[str]:
        """Whose image has to be pulled by this reference."""
        return [name for name, one in self.missing.items() if one == reference]


COMMIT_TAG = re.compile(r"sha-[0-9a-f]{7,}\Z")


def repository(reference: str) -> str:
    """Without tag and digest."""
    plain = reference.partition("@")[0]
    path, slash, name = plain.rpartition("/")
    return path + slash + name.partition(":")[0]


def mutable(reference: str) -> bool:
    """Whether it has no tag or one without a digit (latest, stable, main): such a tag is made to be moved.

    Another tag can be moved too, and breaks a promise then; ``sha-`` with a commit is one, whatever its letters are.
    """
    if "@" in reference or IDENT.match(reference):
        return False
    tag = reference.rpartition("/")[2].partition(":")[2]
    return not (any(letter.isdigit() for letter in tag) or COMMIT_TAG.match(tag))


def references(wanted: Deployment, project: Mapping[str, Any]) -> dict[str, str]:
    """Service -> reference. ``project``: the release's compose project, its variables filled in."""
    for name in wanted.images:
        if name not in wanted.imaged:
            raise BluegreenError(
                "not a service of a colour", option="bluegreen_images", value=name, fix="name it in bluegreen_services"
            )
    return {name: _reference(wanted, name, project["services"][name]) for name in wanted.imaged}


def _reference(wanted: Deployment, name: str, service: Mapping[str, Any]) -> str:
    composed = str(service.get("image") or "")
    template = str(wanted.images[name] or "") if name in wanted.images else composed
    if not template and name not in wanted.images:
        raise _error(wanted, [name], "", "none is named", "write image: into it, or name the image in bluegreen_images")
    given = template
    if name in wanted.images:
        given = template.replace("{version}", wanted.version)
        if DIGEST.match(given):
            given = "%s@%s" % (_repository(wanted, name, composed), given)
    if not REFERENCE.match(given):
        fix = "write repository:tag or repository@sha256:...; has each of its variables a value in .env?"
        if name in wanted.images:
            fix = "give repository:tag, repository@sha256:..., or sha256:...; {version} is the only placeholder"
        raise _error(wanted, [name], template, "not an image reference", fix)
    # Podman takes a tag or a digest; where both are named the digest is what is meant.
    return "%s@%s" % (repository(given), given.partition("@")[2]) if "@" in given else given


def _repository(wanted: Deployment, name: str, composed: str) -> str:
    """Of which repository a digest alone is: the one that the compose file names."""
    if not REFERENCE.match(composed) or IDENT.match(composed):
        raise _error(
            wanted,
            [name],
            "",
            "a digest alone needs the repository that the compose file names, and it names none",
            "write repository@sha256:...",
        )
    return repository(composed)


def _error(wanted: Deployment, names: Sequence[str], reference: str, why: str, fix: str) -> BluegreenError:
    """Names the services, the reference and the place where it is written."""
    what = "image %sof service %s: %s" % (reference.strip() + " " if reference else "", ", ".join(sorted(names)), why)
    if any(name in wanted.images for name in names):
        return BluegreenError(what, option="bluegreen_images", value=reference, fix=fix)
    return BluegreenError(what, option="compose_files", value=", ".join(wanted.compose_files), fix=fix)


def choose(podman: Podman, wanted: Deployment, project: Mapping[str, Any]) -> Choice:
    """What each service runs, as far as it is on this host. Raises BluegreenError before anything is pulled."""
    images: dict[str, Image] = {}
    missing: dict[str, str] = {}
    mapped = references(wanted, project)
    warnings = _moving(podman, wanted, mapped)
    for name, reference in mapped.items():
        found = inspect(podman, reference)
        if found:
            images[name] = found
        elif reference.startswith(LOCAL) or IDENT.match(reference):
            why = "no such image on this host, and it can't be pulled"
            raise _error(wanted, [name], reference, why, "build or load it, or name another one")
        else:
            missing[name] = reference
    return Choice(images, missing, warnings)


def _moving(podman: Podman, wanted: Deployment, mapped: Mapping[str, str]) -> tuple[str, ...]:
    """What to say about tags that move. Refused without leave: later nothing could say what ran."""
    found = {name: reference for name, reference in mapped.items() if mutable(reference)}
    if found and not wanted.allow_mutable:
        raise _refused(podman, wanted, found)
    said = "%s: %s can move; the release keeps the image that it names on this host now"
    return tuple(said % pair for pair in found.items())


def _refused(podman: Podman, wanted: Deployment, found: Mapping[str, str]) -> BluegreenError:
    unique = sorted(set(found.values()))
    who = {one: ", ".join(sorted(name for name, reference in found.items() if reference == one)) for one in unique}
    ours = [name for name in found if name in wanted.images]
    files = ", ".join(wanted.compose_files)
    written = " and ".join((["bluegreen_images"] if ours else []) + ([files] if len(ours) < len(found) else []))
    option, value = ("bluegreen_images", unique) if ours else ("compose_files", files)
    return BluegreenError(
        "%s can move" % ", ".join("%s (%s)" % pair for pair in who.items()),
        option=option,
        value=value,
        fix="pin it in %s: %s; or set bluegreen_allow_mutable: true"
        % (written, ", ".join(pinned(podman, one) for one in unique)),
    )


def pinned(podman: Podman, reference: str) -> str:
    """How to write a tag that moves as what it is now: in its registry, else on this host; a local build by its id."""
    name = repository(reference)
    found = registry_digest(podman, reference)
    here = podman.one("image", reference)
    if not found and here and not reference.startswith(LOCAL):
        known = [str(one) for one in here.get("RepoDigests") or []]
        found = next((one.partition("@")[2] for one in known if one.partition("@")[0] == name), "")
    if found:
        return "%s@%s" % (name, found)
    if here:
        return "podman tag %s %s:<version> and name that" % (str(here["Id"])[:12], name)
    return "%s:<version> or %s@sha256:..." % (name, name)


def inspect(podman: Podman, reference: str) -> Image | None:
    raw = podman.one("image", reference)
    return Image(reference, str(raw["Id"]), str(raw.get("Digest", ""))) if raw else None


def pull(podman: Podman, wanted: Deployment, reference: str, services: Sequence[str]) -> None:
    result = podman.run("pull", "--quiet", reference, timeout=1800)
    if result.rc != 0 or inspect(podman, reference) is None:
        wrong = _error(
            wanted,
            services,
            reference,
            "podman can't pull it: %s" % result.last_words(),
            "correct the reference or the version, or log in to its registry",
        )
        raise CommandError(wrong.msg, option=wrong.option, value=wrong.value, fix=wrong.fix)


# Seconds for a registry's answer; the pull itself has more patience.
REGISTRY_SECONDS = 2.5
LOCAL = "localhost/"
MISSING = re.compile(
    "manifest unknown|name unknown|not found|unauthorized|denied|authentication required|invalid reference"
    "|no such image",
    re.I,
)
# Podman 4.3 reads the manifest of one OCI image and then says that it is no list: so it is there.
NO_LIST = re.compile(r"^Error: parsing manifest blob |is not a manifest list", re.M)


@dataclass(frozen=True)
class Answer:
    """``state``: resolvable, missing or unknown (no answer that decides it); ``words``: the registry's own."""

    state: str
    words: str = ""


def ask(podman: Podman, reference: str, seconds: float = REGISTRY_SECONDS) -> Answer:
    """Whether the registry of ``reference`` has it."""
    if reference.startswith(LOCAL):
        return Answer("missing", "not on this host, and localhost/ can't be pulled")
    asked = podman.run("manifest", "inspect", reference, timeout=seconds)
    if asked.rc == 0 or NO_LIST.search(asked.err):
        return Answer("resolvable")
    words = asked.last_words()
    return Answer("missing" if MISSING.search(words) else "unknown", words[-160:])


def registry_digest(podman: Podman, reference: str, seconds: float = REGISTRY_SECONDS) -> str:
    """What the registry has under ``reference`` now, for this machine; '' where it does not say.

    Podman tells a digest only of what is on a list, so there is one for the time of the question.
    """
    if reference.startswith(LOCAL):
        return ""
    name = "%solympus-bluegreen/asked:%s" % (LOCAL, secrets.token_hex(6))
    if podman.run("manifest", "create", name).rc != 0:
        return ""
    try:
        added = podman.run("manifest", "add", name, "docker://" + reference, timeout=seconds)
        listed = podman.run("manifest", "inspect", name) if added.rc == 0 else added
    finally:
        podman.run("manifest", "rm", name)
    if listed.rc != 0:
        return ""
    entries = json.loads(listed.out).get("manifests") or [{}]
    return str(entries[0].get("digest", ""))
