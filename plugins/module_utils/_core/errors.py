# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one way a helper says no. Only ``main()`` turns it into ``fail_json``."""

from __future__ import annotations

import errno
from collections.abc import Sequence
from typing import Any

# A module's option -> the operator's variable, where they are not called alike; what is not here is named as it is.
_SET_AS = {"git": "bluegreen_source", "skip": "bluegreen_checks.skip"}
# fmt: off
_SETTINGS = frozenset((
    "allow_mutable", "backup", "cache_probe", "cache_ttl", "compose_files", "database", "deployment", "edge", "images",
    "network_range", "notify", "podman_compose", "port_base", "probe_secrets", "probes", "project", "public", "publish",
    "schema_targets", "services", "shared", "singletons", "source", "state_dir", "textfile", "undo",
))
# fmt: on


def as_set(option: str) -> str:
    """What the operator wrote for a module's option: ``edge.service`` is set by ``bluegreen_edge.service``."""
    root, dot, below = option.partition(".")
    return _SET_AS.get(root, "bluegreen_" + root if root in _SETTINGS else root) + dot + below


class BluegreenError(Exception):
    """Something the operator can fix.

    ``msg`` says what is wrong, ``fix`` what to do about it; ``option`` and ``value`` name the input that caused it.
    ``partial`` holds what had already been done, for a caller that must report it. Never put a secret in any of them.
    """

    def __init__(
        self,
        msg: str,
        *,
        fix: str = "",
        option: str = "",
        value: object = None,
        partial: dict[str, object] | None = None,
    ) -> None:
        self.msg = msg
        self.fix = fix
        self.option = option
        self.value = value
        self.partial = partial or {}
        super().__init__(str(self))

    @property
    def said(self) -> str:
        """What is wrong, without what to do about it."""
        return ("%s=%r: " % (as_set(self.option), self.value) if self.option else "") + self.msg

    def __str__(self) -> str:
        stop = "" if self.msg.endswith((".", "!", "?")) else "."
        return "%s%s" % (self.said, "%s Fix: %s" % (stop, self.fix) if self.fix else "")


class Refused(BluegreenError):
    """A stage's own rule says no; nothing was changed."""


class CommandError(BluegreenError):
    """A program that we ran failed."""


class Fenced(BluegreenError):
    """A newer run or a rollback raised the fencing token: this one must write no more."""


def first_few(names: Sequence[object], most: int = 6, between: str = ", ") -> str:
    """For a sentence: the first names, and how many more there are."""
    more = " and %d more" % (len(names) - most) if len(names) > most else ""
    return between.join(map(str, names[:most])) + more


_FIXES = {
    errno.ENOSPC: "free space or inodes on the disk of that path",
    errno.EDQUOT: "raise the quota on the disk of that path",
    errno.EROFS: "mount it writable",
    errno.EACCES: "run as root (become)",
    errno.EPERM: "run as root (become)",
}


def refusal(exc: BluegreenError | OSError) -> dict[str, Any]:
    """What a module's ``fail_json`` says of what ended it: an error of ours, or what the system said of a file."""
    if isinstance(exc, OSError):
        said = exc.strerror or str(exc)
        fix = _FIXES.get(exc.errno or 0, "look at that path")
        exc = BluegreenError("%s: %s" % (exc.filename, said) if exc.filename else said, fix=fix)
    return {"msg": str(exc), "said": exc.said, "fix": exc.fix, "partial": exc.partial}
