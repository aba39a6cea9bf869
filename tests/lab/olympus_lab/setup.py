# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, the olympus.bluegreen authors
"""What a fresh Debian 12 lacks, and nothing that is there already. Runs on the system's bare python3 as root."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path

from olympus_lab import config, golang, lock, podman
from olympus_lab.progress import LabError, run_logged, say

# The one list. The second column is what proves that the package is there.
PACKAGES = {
    "podman": "podman",
    "crun": "crun",
    "runc": "runc",
    "netavark": "/usr/lib/podman/netavark",
    "aardvark-dns": "/usr/lib/podman/aardvark-dns",
    "uidmap": "newuidmap",
    "iptables": "iptables",
    "iproute2": "ip",
    "busybox-static": "/bin/busybox",
    "mmdebstrap": "mmdebstrap",
    "shellcheck": "shellcheck",
    "make": "make",
    "git": "git",
    "ca-certificates": "/etc/ssl/certs/ca-certificates.crt",
    "python3-venv": "/usr/share/python-wheels",
    "openssl": "openssl",
    # PostgreSQL 18 comes from the package registries of Node and Python.
    "npm": "npm",
}
INDEX_AGE = 24 * 3600.0


def missing() -> list[str]:
    """Packages of the list whose program or file is not here."""
    return [name for name, proof in PACKAGES.items() if not (shutil.which(proof) or Path(proof).exists())]


def _index_is_fresh() -> bool:
    """Whether apt's package index was fetched in the last day."""
    stamps = [path.stat().st_mtime for path in Path("/var/lib/apt/lists").glob("*_Packages*")]
    return bool(stamps) and time.time() - max(stamps) < INDEX_AGE


def ensure_index() -> None:
    """``apt-get update``, only when the index is absent or older than a day."""
    if not _index_is_fresh():
        run_logged("apt-get update", ["apt-get", "update"])


def _install(names: list[str]) -> None:
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    run_logged(
        f"install {len(names)} packages", ["apt-get", "install", "-y", "--no-install-recommends", *names], env=env
    )


def _static(busybox: Path) -> bool:
    """Whether ``busybox`` needs no library: the images hold nothing else."""
    done = subprocess.run(["ldd", str(busybox)], capture_output=True, check=False)
    return done.returncode != 0


def setup() -> None:
    """Packages, Go and Podman's settings; converges, changes nothing where nothing lacks."""
    if os.geteuid() != 0:
        raise LabError("the lab runs rootful containers and sets a route: run it as root")
    with lock.held(lock.MACHINE):
        _equip()


def _equip() -> None:
    if names := missing():
        if not shutil.which("apt-get"):
            raise LabError(f"no apt-get here; install these yourself: {' '.join(names)}")
        say(f"missing: {' '.join(names)}")
        ensure_index()
        _install(names)
    if not _static(Path("/bin/busybox")):
        ensure_index()
        _install(["busybox-static"])
    config.BUILD.mkdir(parents=True, exist_ok=True)
    go = golang.ensure()
    podman.adapt()
    say(f"ready: go {go}, podman {podman.call(['--version']).stdout.split()[-1]}")
