# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from kit.recording import Recording

from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.deployment.model import Deployment, git_from
from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.release import origin
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import BluegreenError, CommandError
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.runner import Result, SubprocessRunner


def git(where: Path, *args: str) -> str:
    who = {
        "GIT_AUTHOR_NAME": "a",
        "GIT_AUTHOR_EMAIL": "a@test",
        "GIT_COMMITTER_NAME": "a",
        "GIT_COMMITTER_EMAIL": "a@test",
    }
    done = subprocess.run(
        ["git", *args], cwd=where, env={**os.environ, **who}, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


class Repository:
    """A bare repository with two releases of ``prod/``, and the directory on the host with what git does not hold."""

    def __init__(self, directory: Path) -> None:
        self.bare, self.host, work = directory / "platform.git", directory / "opt" / "prod", directory / "work"
        git(directory, "init", "-q", "--bare", "-b", "main", str(self.bare))
        git(directory, "init", "-q", "-b", "main", str(work))
        (work / "prod" / "hera").mkdir(parents=True)
        (work / "prod" / "compose.yml").write_text("services: {hera: {image: 'hera:1'}}\n")
        (work / "prod" / "run.sh").write_text("#!/bin/sh\n")
        (work / "prod" / "run.sh").chmod(0o755)
        (work / "prod" / "hera" / "theme.css").symlink_to("../compose.yml")
        (work / "README").write_text("not of the project\n")
        self.first = self._commit(work, "v1.4.2")
        (work / "prod" / "compose.yml").write_text("services: {hera: {image: 'hera:2'}}\n")
        self.second = self._commit(work, "v1.5.0")
        git(work, "push", "-q", str(self.bare), "main", "v1.4.2", "v1.5.0")
        self.host.mkdir(parents=True)
        (self.host / ".env").write_text("DSN=hush-5ecret\n")
        (self.host / ".env").chmod(0o600)

    @staticmethod
    def _commit(work: Path, tag: str) -> str:
        git(work, "add", "-A")
        git(work, "commit", "-q", "-m", tag)
        git(work, "tag", "-a", "-m", tag, tag)
        return git(work, "rev-parse", "HEAD")

    def wanted(self, version: str = "v1.5.0", **given: Any) -> Deployment:
        asked = {"repo": str(self.bare), "ref": "{version}", "path": "prod", "overlay": [".env"], **given}
        return Deployment("olympus", "/nowhere", source=str(self.host), version=version, git=git_from(asked, version))


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    places = tmp_path / "tmp"
    places.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(places))
    return Repository(tmp_path)


@pytest.mark.parametrize("ref", ["{version}", "v1.5.0", "main", "refs/tags/v1.5.0", "second"])
def test_a_ref_is_fetched_and_what_git_must_not_hold_laid_over_it(repository: Repository, ref: str) -> None:
    runner = Recording()
    wanted = repository.wanted(ref=repository.second if ref == "second" else ref)
    with origin.opened(runner, wanted) as found:
        here = Path(found.directory)
        assert here.name == "prod" and (here / "compose.yml").read_text() == "services: {hera: {image: 'hera:2'}}\n"
        assert sorted(path.name for path in here.iterdir()) == [".env", "compose.yml", "hera", "run.sh"]
        assert (here / ".env").read_text() == "DSN=hush-5ecret\n"
        assert [(here / name).stat().st_mode & 0o777 for name in (".env", "run.sh", "compose.yml", "hera")] == [
            0o600, 0o755, 0o644, 0o755,
        ]  # fmt: skip
        assert os.readlink(here / "hera" / "theme.css") == "../compose.yml"
        record = found.record()
        assert record["kind"] == "git" and record["commit"] == repository.second and record["path"] == "prod"
    assert not here.exists() and list(Path(tempfile.gettempdir()).iterdir()) == []
    assert "5ecret" not in " ".join(word for argv in runner.seen for word in argv)


def test_what_a_killed_run_left_is_swept_away(repository: Repository, tmp_path: Path) -> None:
    home = Path(tempfile.gettempdir())
    for name in ("bluegreen-olympus-old", "bluegreen-olympus-new", "bluegreen-other-old"):
        (home / name).mkdir()
        (home / name / ".env").write_text("DSN=hush")
        if name.endswith("old"):
            os.utime(home / name, (1, 1))
    (home / "bluegreen-olympus-link").symlink_to(home / "bluegreen-other-old")
    with origin.opened(SubprocessRunner(), repository.wanted()):
        pass
    left = ["bluegreen-olympus-link", "bluegreen-olympus-new", "bluegreen-other-old"]
    assert sorted(path.name for path in home.iterdir()) == left


def test_the_version_chooses_the_tag(repository: Repository) -> None:
    with origin.opened(SubprocessRunner(), repository.wanted("v1.4.2")) as found:
        assert found.commit == repository.first and "hera:1" in (Path(found.directory) / "compose.yml").read_text()


def test_a_directory_is_taken_as_it_is(repository: Repository) -> None:
    with origin.opened(SubprocessRunner(), Deployment("olympus", "/nowhere", source=str(repository.host))) as found:
        assert found.directory == str(repository.host)
        assert found.record() == {"kind": "directory", "path": str(repository.host), "ref": "", "commit": ""}


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"ref": "v9"}, r"bluegreen_source.ref='v9': git cannot fetch v9 from .*Fix: correct repo and ref"),
        ({"repo": "/nowhere/at/all.git"}, r"git cannot fetch v1.5.0 from /nowhere/at/all.git"),
        ({"path": "production"}, r"bluegreen_source.path='production': .* has no such directory"),
        ({"path": "README"}, r"bluegreen_source.path='README': .* has no such directory"),
        ({"overlay": [".env", "certs"]}, r"bluegreen_source.overlay='certs': certs is not in .*Fix: put it there"),
    ],
)
def test_what_is_not_there_is_named_and_leaves_nothing(repository: Repository, given: Any, words: str) -> None:
    with pytest.raises(BluegreenError, match=words), origin.opened(SubprocessRunner(), repository.wanted(**given)):
        pass
    assert list(Path(tempfile.gettempdir()).iterdir()) == []


def test_an_overlay_never_follows_a_link_of_the_repository(repository: Repository, tmp_path: Path) -> None:
    work = tmp_path / "work"
    (work / "prod" / "conf").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere").mkdir()
    git(work, "add", "-A")
    git(work, "commit", "-q", "-m", "link")
    git(work, "push", "-q", str(repository.bare), "main")
    (repository.host / "conf").mkdir()
    (repository.host / "conf" / "key").write_text("k")
    wanted = repository.wanted(ref="main", overlay=["conf/key"])
    with pytest.raises(BluegreenError, match="has a link in its place"), origin.opened(SubprocessRunner(), wanted):
        pass
    assert list((tmp_path / "elsewhere").iterdir()) == []


class NoGit:
    def run(self, argv: Sequence[str], **_given: Any) -> Result:
        raise CommandError("%s is not installed" % argv[0])


def test_a_host_without_git_is_told_once(repository: Repository) -> None:
    told = pytest.raises(BluegreenError, match=r"git is not installed on this host.*Fix: install git")
    with told, origin.opened(NoGit(), repository.wanted()):
        pass


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (
            {"repo": "https://me:ghp_hush@example.org/p.git"},
            r"value='https://\*\*\*@example.org/p.git'|holds credentials",
        ),
        ({"repo": "https://ghp_hush@example.org/p.git"}, "holds credentials"),
        ({"repo": "ssh://git:hush@example.org/p.git"}, "holds credentials"),
        ({"repo": "--upload-pack=touch /tmp/hush"}, "not an address"),
        ({"repo": ""}, "not an address"),
        ({"ref": "--hush"}, "not a branch"),
        ({"ref": "a:refs/heads/b"}, "not a branch"),
        ({"ref": "a..b"}, "not a branch"),
        ({"path": "../prod"}, "leads out"),
        ({"path": "/etc"}, "leads out"),
        ({"overlay": ["a/../../b"]}, "leads out"),
    ],
)
def test_what_cannot_be_meant_is_refused_without_showing_a_credential(given: dict[str, Any], words: str) -> None:
    with pytest.raises(BluegreenError, match=words) as caught:
        git_from({"repo": "https://example.org/p.git", "ref": "v1", "path": ".", "overlay": [], **given}, "v1")
    if "credentials" in words:
        assert "hush" not in str(caught.value)


@pytest.mark.parametrize(
    "repo", ["git@example.org:p.git", "ssh://git@example.org/p.git", "https://example.org/p.git", "/srv/p.git"]
)
def test_ordinary_addresses(repo: str) -> None:
    found = git_from({"repo": repo, "ref": "release/{version}", "path": "", "overlay": None}, "v1")
    assert found and (found.repo, found.ref, found.path, found.overlay) == (repo, "release/v1", ".", ())
