# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The command that a container was made with, read and written again for one that takes its place. Pure.

Podman keeps that command, with every value of ``-e`` in it: nothing here prints a word of it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..._core import podman as core
from ..._core.errors import Refused

# Options of podman create and run without a value of their own.
FLAGS = frozenset(
    [
        "--detach",
        "--disable-content-trust",
        "--env-host",
        "--http-proxy",
        "--init",
        "--interactive",
        "--no-healthcheck",
        "--no-hostname",
        "--no-hosts",
        "--oom-kill-disable",
        "--passwd",
        "--privileged",
        "--publish-all",
        "--quiet",
        "--read-only",
        "--read-only-tmpfs",
        "--replace",
        "--rm",
        "--rmi",
        "--rootfs",
        "--sig-proxy",
        "--tls-verify",
        "--tty",
    ]
)
SHORT_FLAGS = "ditPq"
# What the new container gets in another way, or must not have.
LEFT_OUT = {"-d", "--detach", "--replace", "--name", "-e", "--env", "--env-file", "--env-host", "--cidfile", "--quiet"}
VOLUME = ("-v", "--volume")
# Podman sets these by itself.
OWN = ("container", "HOSTNAME", "HOME", "TERM", "PATH")


@dataclass(frozen=True)
class Created:
    """``options``: (name, value) each, value None for a flag. ``rest``: the command behind the image."""

    options: tuple[tuple[str, str | None], ...]
    rest: tuple[str, ...]


def read(raw: Mapping[str, Any]) -> Created:
    """From ``podman inspect``. Raises Refused where it is not known or not understood."""
    words = [str(word) for word in (raw.get("Config") or {}).get("CreateCommand") or ()]
    at = next((n for n, word in enumerate(words) if n and word in ("run", "create")), 0)
    if not at:
        raise _unknown(raw, "podman does not know the command that it was made with")
    rest = words[at + 1 :]
    found: list[tuple[str, str | None]] = []
    while rest and rest[0].startswith("-") and rest[0] != "--":
        option, rest = _option(rest)
        found += option
    rest = rest[1:] if rest[:1] == ["--"] else rest
    if not rest or rest[0] not in _image_names(raw):
        raise _unknown(raw, "the command that it was made with can't be read")
    return Created(tuple(found), tuple(rest[1:]))


def _option(words: list[str]) -> tuple[list[tuple[str, str | None]], list[str]]:
    """The first option of ``words`` and what is left."""
    word = words[0]
    if word.startswith("--"):
        name, sign, value = word.partition("=")
        if sign:
            return [(name, value)], words[1:]
        return ([(name, None)], words[1:]) if name in FLAGS else ([(name, _next(words))], words[2:])
    found: list[tuple[str, str | None]] = []
    for n, letter in enumerate(word[1:], 1):
        if letter not in SHORT_FLAGS:
            inline = word[n + 1 :].removeprefix("=") if word[n + 1 :] else None
            value = inline if inline is not None else _next(words)
            return [*found, ("-" + letter, value)], words[1 if inline is not None else 2 :]
        found.append(("-" + letter, None))
    return found, words[1:]


def _next(words: Sequence[str]) -> str:
    return words[1] if len(words) > 1 else ""


def _image_names(raw: Mapping[str, Any]) -> Iterator[str]:
    yield str(raw.get("ImageName") or "")
    yield str((raw.get("Config") or {}).get("Image") or "")
    for name in (str(raw.get("ImageName") or ""),):
        # A name that was completed by podman: docker.io/library/box:latest for box.
        parts = name.split("/")
        for n in range(1, len(parts)):
            yield "/".join(parts[n:])
            yield "/".join(parts[n:]).removesuffix(":latest")
        yield name.removesuffix(":latest")
    identity = str(raw.get("Image") or "")
    yield from (identity, identity[:12], "sha256:" + identity)


def _unknown(raw: Mapping[str, Any], why: str) -> Refused:
    name = str(raw.get("Name", ""))
    return Refused(
        "%s depends on a coloured service, and %s, so it can't be recreated" % (name, why),
        option="dependents",
        value=name,
        fix="recreate %s yourself without depends_on on a coloured service, then run again" % name,
    )


def arguments(raw: Mapping[str, Any], name: str, without: Collection[str]) -> list[str]:
    """``create --name NAME ...`` and all behind it, for a container like this one that requires none of ``without``.

    Its volumes are named, anonymous ones too, so that it has the same data. The environment is ``environment``'s.
    """
    made = read(raw)
    kept: list[tuple[str, str | None]] = []
    for option, value in made.options:
        if option in LEFT_OUT or (option in VOLUME and ":" not in (value or "")) or _anonymous(option, value):
            continue
        if option == "--requires":
            needs = [need for need in (value or "").split(",") if need and need not in without]
            if not needs:
                continue
            value = ",".join(needs)
        _refuse_shared(raw, option, value, without)
        kept.append((option, value))
    words = ["create", "--name", name]
    for option, value in kept:
        words += [option] if value is None else ["%s=%s" % (option, value)] if _long(option) else [option, value]
    return [*words, *_volumes(raw, kept), str(raw["Image"]), *made.rest]


def _long(option: str) -> bool:
    return option.startswith("--")


def _anonymous(option: str, value: str | None) -> bool:
    parts = dict(part.partition("=")[::2] for part in (value or "").split(","))
    return option == "--mount" and parts.get("type") == "volume" and not {"src", "source"} & set(parts)


def _refuse_shared(raw: Mapping[str, Any], option: str, value: str | None, without: Collection[str]) -> None:
    """A container that lives inside another one, or by its volumes, can't do without it."""
    words = str(value or "")
    other = words.partition(":")[2] if words.startswith("container:") else words if option == "--volumes-from" else ""
    if other.partition(":")[0] in without or option == "--rm":
        why = "it goes away when it ends" if option == "--rm" else "it uses %s of that container" % option.strip("-")
        raise _unknown(raw, why)


def _volumes(raw: Mapping[str, Any], kept: Sequence[tuple[str, str | None]]) -> list[str]:
    """By name each volume that no option names."""
    named = {(value or "").split(":")[1] for option, value in kept if option in VOLUME}
    for option, value in kept:
        parts = dict(part.partition("=")[::2] for part in (value or "").split(",")) if option == "--mount" else {}
        named |= {parts[key] for key in ("dst", "destination", "target") if key in parts}
    named = {place.rstrip("/") for place in named}
    found = []
    for mount in raw.get("Mounts") or []:
        place = str(mount.get("Destination", ""))
        if mount.get("Type") == "volume" and place.rstrip("/") not in named:
            mode = "" if mount.get("RW", True) else ":ro"
            found += ["--volume", "%s:%s%s" % (mount["Name"], place, mode)]
    return found


def environment(raw: Mapping[str, Any], image: Mapping[str, Any]) -> dict[str, str]:
    """What it was given beside the image's own. Holds secrets."""
    own = dict(str(entry).partition("=")[::2] for entry in (image.get("Config") or {}).get("Env") or [])
    given = {str(value).partition("=")[0] for option, value in read(raw).options if option in ("-e", "--env") and value}
    return {
        name: value
        for name, value in core.environment(raw).items()
        if name in given or (name not in OWN and own.get(name) != value)
    }
