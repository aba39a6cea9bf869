# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, the olympus.bluegreen authors
"""What an operator does for a release: other image lines in his compose file, other tags in his .env."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from olympus_lab import config

ORY = re.compile(r"^(\s*image:\s*['\"]?docker\.io/oryd/(kratos|hydra)):[^\s'\"]+", re.M)
TAG = re.compile(r"^((HERA|ATHENA|SITE)_IMAGE_TAG)=.*$", re.M)


def compose_text(text: str, release: config.Release) -> str:
    """A compose file whose Ory images are those of ``release``; all else as it is."""
    return ORY.sub(lambda line: f"{line[1]}:{getattr(release, line[2])}", text)


def env_text(text: str, release: config.Release) -> str:
    """A .env whose image tags are those of ``release``; all else as it is."""
    return TAG.sub(lambda line: f"{line[1]}={release.version}", text)


def to(version: str) -> bool:
    """Edit the operator's directory to that release; whether anything had to be. KeyError: the lab has no such one."""
    release = config.release(version)
    edited = [
        _edit(config.OPERATOR / config.COMPOSE_FILE, compose_text, release),
        _edit(config.OPERATOR / ".env", env_text, release),
    ]
    return any(edited)


def known(version: object) -> bool:
    return version in {release.version for release in config.RELEASES}


def _edit(path: Path, change: Callable[[str, config.Release], str], release: config.Release) -> bool:
    """In place: owner, mode and inode stay, and with them who may read .env."""
    before = path.read_text()
    after = change(before, release)
    if after != before:
        path.write_text(after)
    return after != before
