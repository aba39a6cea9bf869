# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Pure: what the operator asks for, before anything is made of it. Source, images, secrets, places, settings."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .model import REFUSE, WARN, Observed, PreflightInputs, Row, failed, listed, row

# Without these Kratos and Hydra do not start, or make new ones that no other colour knows.
NEEDED = re.compile(r"^(DSN|SECRETS_\w+|\w*PAIRWISE_SALT)$")


def settings(seen: Observed, wanted: PreflightInputs) -> Iterator[Row]:
    """From the controller, which alone sees the variables by name."""
    told = seen.controller.get("settings")
    for one in told or []:
        level = REFUSE if one["level"] == REFUSE else WARN
        yield row("settings", False, level, one["found"], one["wanted"], one["fix"], about=one["name"])
    if told == []:
        yield row("settings", True, REFUSE, "known names, right types", "known names, right types")


def told(seen: Observed, wanted: PreflightInputs) -> Iterator[Row]:
    """Of the address only that it is one: it is a secret."""
    for name, why in (seen.host.get("told") or {}).items():
        if why:
            yield failed(name, REFUSE, why, "usable")
        else:
            yield row(name, True, REFUSE, "an address" if name == "notify" else wanted.textfile, "usable")


def source(seen: Observed, wanted: PreflightInputs) -> Iterator[Row]:
    why = seen.errors.get("source")
    if why:
        yield failed("source", REFUSE, why, "a project that podman-compose reads")
    elif seen.release.get("git"):
        yield row("source", True, REFUSE, seen.release["git"], "a ref that git finds")
    elif seen.release.get("services") is not None:
        count = len(seen.release["services"])
        yield row("source", True, REFUSE, "%s: %d services" % (wanted.source, count), "every coloured service")


def secrets(seen: Observed, wanted: PreflightInputs) -> Iterator[Row]:
    """Refused: what Ory can't be without, and what the live colour has. Others may be empty by intent."""
    empty = seen.release.get("empty_secrets")
    if empty is None:
        return
    before = set(seen.containers.get("empty_secrets") or [])
    bad = [name for name in empty if name not in before or NEEDED.match(name.rpartition(" ")[2])]
    found = "empty: %s" % listed(bad or empty) if empty else "%d, none empty" % int(seen.release.get("secrets") or 0)
    yield row("secrets", not empty, REFUSE if bad else WARN, found, "none empty")


def images(seen: Observed, wanted: PreflightInputs) -> Iterator[Row]:
    known = seen.release.get("images")
    if not known:
        return
    by_state: dict[str, list[str]] = {}
    for name, one in known.items():
        by_state.setdefault(one["state"], []).append(name)
    for words, references in _of_state(known, "missing").items():
        found = "%s: %s" % (listed(references), words)
        yield row("images", False, REFUSE, found, "on this host or in its registry")
    for words, references in _of_state(known, "moving").items():
        # adopt takes what runs as it is; only a release has to be pinned.
        level = REFUSE if wanted.live else WARN
        yield row("images", False, level, "%s %s" % (listed(references), words), "a version tag or a digest")
    for words, references in _of_state(known, "unknown").items():
        yield row("images", False, WARN, "%s: %s" % (listed(references), words), "an answer of its registry")
    if not set(by_state) & {"missing", "moving", "unknown"}:
        found = ", ".join("%d %s" % (len(names), state) for state, names in sorted(by_state.items()))
        yield row("images", True, REFUSE, found, "on this host or in its registry")


def schema(seen: Observed, wanted: PreflightInputs) -> Iterator[Row]:
    """What stops is migrate itself, by the policy; this table says it before."""
    for name, one in sorted((seen.release.get("schema") or {}).items()):
        used, asked = one.get("exercised") or (0, 0)
        objects = "; %d of %d changed objects exercised" % (used, asked) if asked else ""
        let = ", let through by %s" % one["accepted"]["by"] if one.get("accepted") else ""
        well = one.get("verdict") in ("SAFE", "SAFE_IF_EXERCISED")
        found = "%s (%s)%s%s" % (one.get("verdict"), one.get("hop"), objects, let)
        yield row("schema", well or bool(let), WARN, found, "SAFE, or SAFE_IF_EXERCISED", about=name)


def _of_state(known: object, state: str) -> dict[str, list[str]]:
    """What is said -> of which references: one reason is one row, however many services share it."""
    found: dict[str, list[str]] = {}
    for one in known.values() if isinstance(known, dict) else ():
        references = found.setdefault(str(one.get("words") or state), []) if one["state"] == state else []
        if str(one["reference"]) not in references:
            references.append(str(one["reference"]))
    return found


def state_dir(seen: Observed, wanted: PreflightInputs) -> Iterator[Row]:
    state = seen.host.get("state")
    if not state:
        return
    mode = int(state.get("mode") or 0)
    there = bool(state.get("exists"))
    wrong = ""
    if there and not state.get("directory"):
        wrong = "not a directory"
    elif not state.get("writable"):
        wrong = "can't be written" + (" (read-only file system)" if state.get("read_only") else "")
    open_ = there and mode & 0o027
    found = wrong or ("mode %04o" % mode if there else "will be made in %s" % state.get("parent"))
    fix = "chmod 0750 %s" % wanted.state_dir if open_ and not wrong else ""
    yield row(
        "state_dir", not wrong and not open_, REFUSE if wrong else WARN, found, "writable, mode 0750 or less", fix
    )


def publish(seen: Observed, wanted: PreflightInputs) -> Iterator[Row]:
    taken = seen.host.get("ports_taken")
    if taken is not None and wanted.by_ports:
        yield row("publish", not taken, REFUSE, "taken: %s" % listed(taken) if taken else "free", "free ports")


def published(seen: Observed, wanted: PreflightInputs) -> Iterator[Row]:
    """What the adopted colour does not publish can be asked by no gate and no watch."""
    lost = seen.host.get("unpublished")
    if lost is not None and wanted.by_ports:
        found = "not published: %s" % listed(lost) if lost else "published"
        yield row("publish.live", not lost, REFUSE, found, "every port of bluegreen_services")
