# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, the olympus.bluegreen authors
"""The peers' own packages, unpacked below build/: nothing is installed, nothing is started as a service."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from olympus_lab.progress import step

ROOT = Path(__file__).resolve().parents[2]
WHERE = ROOT / "build" / "bench" / "peers"
# HAProxy's libraries are named because nothing is installed that could bring them.
PACKAGES = ("haproxy", "liblua5.3-0", "libopentracing-c-wrapper0", "libopentracing1", "nginx")


def fetch() -> None:
    """Download and unpack what is not there yet. CalledProcessError where apt has none of it."""
    stamp = WHERE / ".done"
    wanted = " ".join(PACKAGES)
    if stamp.exists() and stamp.read_text() == wanted:
        return
    (WHERE / "deb").mkdir(parents=True, exist_ok=True)
    with step("fetch haproxy and nginx"):
        subprocess.run(["apt-get", "download", "-q", *PACKAGES], cwd=WHERE / "deb", check=True)
    for package in sorted((WHERE / "deb").glob("*.deb")):
        subprocess.run(["dpkg-deb", "-x", str(package), str(WHERE)], check=True)
        package.unlink()
    stamp.write_text(wanted)


def binary(name: str) -> str:
    return str(WHERE / "usr" / "sbin" / name)


def environment() -> Mapping[str, str]:
    libraries = sorted(str(path) for path in (WHERE / "usr" / "lib").glob("*-linux-gnu*"))
    return {**os.environ, "LD_LIBRARY_PATH": ":".join(libraries)}


def version(name: str, flag: str) -> str:
    """What the binary itself says it is: the first thing in its answer that begins with a digit."""
    done = subprocess.run([binary(name), flag], env=environment(), capture_output=True, text=True, check=True)
    words = (done.stdout + done.stderr).replace("/", " ").split()
    return next(word for word in words if word[0].isdigit())
