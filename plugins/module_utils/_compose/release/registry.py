# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a registry says of a reference, asked by podman: with its credentials, mirrors and certificates. No layer moves.

Podman 4.3 knows ``manifest inspect REF`` (with a transport before it: "unsupported transport"), and has no other
question that reads one manifest.
"""

from __future__ import annotations

import json
import re
import secrets
from dataclasses import dataclass

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.podman import Podman

# Seconds for a registry's answer; the pull itself has more patience.
SECONDS = 2.5
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


def ask(podman: Podman, reference: str, seconds: float = SECONDS) -> Answer:
    """Whether the registry of ``reference`` has it."""
    if reference.startswith(LOCAL):
        return Answer("missing", "not on this host, and localhost/ can't be pulled")
    asked = podman.run("manifest", "inspect", reference, timeout=seconds)
    if asked.rc == 0 or NO_LIST.search(asked.err):
        return Answer("resolvable")
    words = asked.last_words()
    return Answer("missing" if MISSING.search(words) else "unknown", words[-160:])


def digest(podman: Podman, reference: str, seconds: float = SECONDS) -> str:
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
