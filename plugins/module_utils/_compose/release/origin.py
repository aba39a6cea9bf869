# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where a new release's files come from: the project directory, or a git ref with what git must not hold laid over it.

Each run fetches a ref into a temporary directory of its own, so a check changes nothing and no run meets another's
clone. git finds its credentials where it always does on this host (SSH keys, credential helpers, .netrc): never in an
address.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from ..._core.errors import BluegreenError, CommandError
from ..._core.runner import Result, Runner
from ..deployment.model import Deployment, Git, Image
from . import compose_config, release

FETCH_SECONDS = 300.0
# No run keeps its files as long as this.
STALE_SECONDS = 6 * 3600.0


@dataclass(frozen=True)
class Origin:
    """``directory`` holds the project's files now; the rest is what release.json remembers of where they came from."""

    directory: str
    kind: str = "directory"
    path: str = ""
    ref: str = ""
    commit: str = ""
    repo: str = ""

    def record(self) -> dict[str, str]:
        found = {"kind": self.kind, "path": self.path, "ref": self.ref, "commit": self.commit}
        return {**found, "repo": self.repo} if self.kind == "git" else found


def of_directory(runner: Runner, wanted: Deployment, images: Mapping[str, Image]) -> release.Content:
    """The project directory as a release of these images."""
    project = compose_config.config(runner, wanted, wanted.source)
    names, warnings = compose_config.wanted_files(wanted, project)
    files, source = release.tree(wanted.source, names), Origin(wanted.source, path=wanted.source).record()
    return release.Content(images, names, files, wanted.source, source, tuple(warnings))


@contextmanager
def opened(runner: Runner, wanted: Deployment) -> Iterator[Origin]:
    """The files, for as long as a release is made of them. Raises BluegreenError before anything else is changed."""
    if wanted.git is None:
        yield Origin(wanted.source, path=wanted.source)
        return
    prefix = "bluegreen-%s-" % wanted.deployment
    _sweep(prefix)
    with tempfile.TemporaryDirectory(prefix=prefix) as where:
        # Named as the project directory is, for messages and for names that are derived from it.
        home = os.path.join(where, os.path.basename(wanted.source) or "project")
        yield _fetched(runner, wanted, wanted.git, where, home)


def _sweep(prefix: str) -> None:
    """What a run that was killed left behind: it may hold the overlay's secrets."""
    home = tempfile.gettempdir()
    for name in os.listdir(home):
        path = os.path.join(home, name)
        if not name.startswith(prefix) or os.path.islink(path):
            continue
        found = os.stat(path)
        if found.st_uid == os.geteuid() and time.time() - found.st_mtime > STALE_SECONDS:
            shutil.rmtree(path, ignore_errors=True)


def _fetched(runner: Runner, wanted: Deployment, git: Git, where: str, home: str) -> Origin:
    bare = os.path.join(where, ".git")
    _git(runner, bare, "init", "--quiet", "--bare")
    fetched = _git(runner, bare, "fetch", "--quiet", "--depth", "1", "--no-tags", "--", git.repo, git.ref, must=False)
    if fetched.rc != 0:
        raise CommandError(
            "git cannot fetch %s from %s: %s" % (git.ref, git.repo, fetched.last_words()),
            option="bluegreen_source.ref",
            value=git.ref,
            fix="correct repo and ref, or give this host's root access to the repository",
        )
    commit = _git(runner, bare, "rev-parse", "--verify", "FETCH_HEAD^{commit}").out.strip()
    tree = commit if git.path == "." else "%s:%s" % (commit, git.path)
    if _git(runner, bare, "read-tree", tree, must=False).rc != 0:
        raise BluegreenError(
            "%s at %s has no such directory" % (git.repo, git.ref),
            option="bluegreen_source.path",
            value=git.path,
            fix="name the directory of the repository that holds the compose files",
        )
    os.makedirs(home)
    _git(runner, bare, "checkout-index", "--all", tree=home)
    _readable(home)
    _lay_over(wanted, git, home)
    return Origin(home, "git", git.path, git.ref, commit, git.repo)


def _git(runner: Runner, bare: str, *args: str, must: bool = True, tree: str = "") -> Result:
    """``tree``: the directory that files are written to."""
    # No user is there to be asked for a password.
    env = {"GIT_TERMINAL_PROMPT": "0", **({"GIT_WORK_TREE": tree} if tree else {})}
    try:
        result = runner.run(["git", "--git-dir", bare, *args], env=env, cwd=tree or None, timeout=FETCH_SECONDS)
    except CommandError as exc:
        raise BluegreenError(
            "git is not installed on this host, and the source is a git ref",
            option="bluegreen_source",
            fix="install git there, or give bluegreen_source a directory",
        ) from exc
    if must and result.rc != 0:
        raise CommandError(
            "git %s failed (rc %d): %s" % (args[0], result.rc, result.last_words()),
            fix="try the command in the clone by hand, as the user that Ansible becomes",
        )
    return result


def _readable(home: str) -> None:
    """As a checkout under an ordinary umask: a service that does not run as root reads its configuration too."""
    for where, _folders, files in os.walk(home):
        os.chmod(where, 0o755)
        for file in files:
            path = os.path.join(where, file)
            if not os.path.islink(path):
                os.chmod(path, 0o755 if os.stat(path).st_mode & 0o100 else 0o644)


def _lay_over(wanted: Deployment, git: Git, home: str) -> None:
    for name in git.overlay:
        if not os.path.exists(os.path.join(wanted.source, name)):
            raise BluegreenError(
                "%s is not in %s" % (name, wanted.source),
                option="bluegreen_source.overlay",
                value=name,
                fix="put it there, or take it off the list",
            )
        there = os.path.join(home, name)
        if os.path.realpath(os.path.dirname(there)) != os.path.dirname(os.path.join(os.path.realpath(home), name)):
            raise BluegreenError(
                "the repository has a link in its place",
                option="bluegreen_source.overlay",
                value=name,
                fix="name a path of which no directory is a symbolic link there",
            )
        if os.path.isdir(there) and not os.path.islink(there):
            shutil.rmtree(there)
        elif os.path.lexists(there):
            os.unlink(there)
    release.copy(wanted.source, home, git.overlay)
