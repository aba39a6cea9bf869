# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Programs behind a seam: argv lists only, secrets by environment, always a timeout."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from . import process_tree
from .errors import CommandError

# What a child may inherit: a stray COMPOSE_* or *_IMAGE_TAG of the caller's must not reach a release.
PASSED_ON = (
    "PATH", "HOME", "LANG", "XDG_RUNTIME_DIR", "TMPDIR",
    "CONTAINERS_CONF", "CONTAINERS_STORAGE_CONF", "CONTAINERS_REGISTRIES_CONF",
)  # fmt: skip


# Stays until the program has ended, and keeps from it what must not outlive it: a container's monitor would hold a
# lock that it inherited for as long as the container runs.
KEEPER = "import subprocess, sys; sys.exit(subprocess.call(sys.argv[1:]))"


@dataclass(frozen=True)
class Result:
    rc: int
    out: str
    err: str

    def last_words(self) -> str:
        lines = [line for line in (self.err or self.out).splitlines() if line.strip()]
        return " | ".join(lines[-3:])


class Runner(Protocol):
    def run(
        self,
        argv: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        stdin: str | None = None,
        cwd: str | None = None,
        timeout: float = 120,
    ) -> Result:
        """Run to the end. ``env`` is added to the few variables that are passed on; rc 124 is our timeout."""


class SubprocessRunner:
    """``inherited``: descriptors that stay open until a program we run has ended, even if we are killed: a flock."""

    def __init__(self, inherited: Sequence[int] = ()) -> None:
        self.inherited = tuple(inherited)

    def run(
        self,
        argv: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        stdin: str | None = None,
        cwd: str | None = None,
        timeout: float = 120,
    ) -> Result:
        base = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
        base["LC_ALL"] = "C.UTF-8"
        kept = [sys.executable, "-c", KEEPER] if self.inherited else []
        try:
            child = subprocess.Popen(
                [*kept, *argv],
                env={**base, **(env or {})},
                cwd=cwd,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                errors="replace",
                pass_fds=self.inherited,
            )
        except FileNotFoundError as exc:
            raise CommandError("%s is not installed" % argv[0], fix="install it on this host") from exc
        with child:
            try:
                out, err = child.communicate(stdin if stdin is not None else "", timeout)
            except subprocess.TimeoutExpired:
                process_tree.end(child.pid)
                return Result(124, "", "no answer within %g s" % timeout)
            except BaseException:
                child.kill()
                raise
        return Result(child.returncode, out, err)


def check(result: Result, what: str, fix: str = "") -> Result:
    """The result if it succeeded, else the program's last words as an error."""
    if result.rc != 0:
        raise CommandError("%s failed (rc %d): %s" % (what, result.rc, result.last_words()), fix=fix)
    return result
