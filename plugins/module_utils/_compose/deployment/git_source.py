# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A source in git as the operator names it: repository, ref, directory, and what is laid over it. Pure."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import BluegreenError

# ``user:password@`` of an address; ``git@host:path`` has none of it.
USER = re.compile(r"^(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<user>[^/@]*)@")
REF = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/+-]*\Z")


@dataclass(frozen=True)
class Git:
    """``path`` of the repository is the project directory; ``overlay`` names are taken from the one on the host."""

    repo: str
    ref: str
    path: str = "."
    overlay: tuple[str, ...] = ()


def git_from(given: Mapping[str, Any] | None, version: str) -> Git | None:
    """The module's ``git`` option, ``{version}`` filled in. Raises BluegreenError for what cannot be meant."""
    if not given:
        return None
    repo, ref = str(given["repo"]), str(given["ref"]).replace("{version}", version)
    _refuse_credentials(repo)
    if repo.startswith("-") or not repo:
        raise BluegreenError(
            "not an address of a repository", option="bluegreen_source.repo", value=repo, fix="give a URL or a path"
        )
    if not REF.match(ref) or ".." in ref:
        raise BluegreenError(
            "not a branch, a tag or a commit", option="bluegreen_source.ref", value=ref, fix="give one, or {version}"
        )
    path, overlay = _inside(str(given["path"] or ".")), tuple(_inside(str(name)) for name in given["overlay"] or [])
    return Git(repo, ref, path, overlay)


def _refuse_credentials(repo: str) -> None:
    """A login name for SSH is none; for HTTP the name alone can be a token."""
    found = USER.match(repo)
    if found is None or (found.group("scheme") == "ssh" and ":" not in found.group("user")):
        return
    raise BluegreenError(
        "the address of the repository holds credentials",
        option="bluegreen_source.repo",
        value="%s://***@%s" % (found.group("scheme"), repo[found.end() :]),
        fix="leave them out and give them to git on this host: an SSH key, a credential helper or .netrc",
    )


def _inside(name: str) -> str:
    plain = os.path.normpath(name)
    if os.path.isabs(plain) or plain.split(os.sep)[0] == os.pardir:
        raise BluegreenError(
            "leads out of the project", option="bluegreen_source", value=name, fix="give a path relative to it"
        )
    return plain
