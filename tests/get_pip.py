# SPDX-License-Identifier: GPL-3.0-or-later
"""Stands where ansible-test keeps its downloaded pip bootstrap: the same job from what Python ships."""

from __future__ import annotations

import subprocess
import sys

DROPPED = {"--no-setuptools", "--no-wheel"}


def main() -> int:
    subprocess.run([sys.executable, "-m", "ensurepip", "--default-pip"], check=True)
    wanted = [arg for arg in sys.argv[1:] if arg not in DROPPED]
    return subprocess.run([sys.executable, "-m", "pip", "install", *wanted], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
