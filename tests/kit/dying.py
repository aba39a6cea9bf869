# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Podman that is killed while it sets up a container's network, at a moment that is chosen."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PLACES = ("/usr/lib/podman", "/usr/libexec/podman", "/usr/local/lib/podman", "/usr/local/libexec/podman")
# Podman has given the address away already, and notes whose it is only after this program has ended.
NETAVARK = """#!/bin/sh
case "$*" in *setup*)
    echo setup >>"{counted}"
    if [ "$(wc -l <"{counted}")" -eq {number} ]; then
        {work}kill -9 "$PPID"
        exit 1
    fi ;;
esac
exec "{real}" "$@"
"""
WORK = 'cat >"{counted}.in"; "{real}" "$@" <"{counted}.in" >/dev/null\n        '


@contextmanager
def podman_dies(directory: Path, number: int, after: bool) -> Iterator[Path]:
    """In the ``number``-th set-up from now on, before anything of it is done or ``after`` all of it.

    Yields a file with a line for each set-up that was asked for.
    """
    helpers, counted = directory / "helpers", directory / "setups"
    helpers.mkdir(exist_ok=True)
    counted.write_text("")
    real = shutil.which("netavark", path=os.pathsep.join(PLACES))
    assert real, "podman here has no netavark"
    work = WORK.format(counted=counted, real=real) if after else ""
    program = helpers / "netavark"
    program.write_text(NETAVARK.format(counted=counted, number=number, real=real, work=work))
    program.chmod(0o755)
    before = os.environ["CONTAINERS_CONF"]
    conf = directory / "dying.conf"
    line = "[engine]\nhelper_binaries_dir = [%s]\n" % ", ".join('"%s"' % one for one in (helpers, *PLACES))
    conf.write_text(Path(before).read_text().replace("[engine]\n", line))
    os.environ["CONTAINERS_CONF"] = str(conf)
    try:
        yield counted
    finally:
        os.environ["CONTAINERS_CONF"] = before
