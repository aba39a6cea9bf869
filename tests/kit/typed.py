# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A playbook as an operator runs it, to its end."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


def typed(path: Path, *options: str, **variables: Any) -> tuple[int, str]:
    """The rc of a playbook and what it printed."""
    env = {**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_NOCOLOR": "1"}
    env.pop("ANSIBLE_INVENTORY", None)
    argv = [str(Path(sys.executable).parent / "ansible-playbook"), str(path), *options, "-e", json.dumps(variables)]
    done = subprocess.run(argv, env=env, cwd=ROOT, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def play(path: Path, *options: str, **variables: Any) -> tuple[int, str]:
    """The same, folded."""
    rc, said = typed(path, *options, **variables)
    return rc, " ".join(said.split())
