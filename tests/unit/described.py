# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""playbooks/vars/deployment.json from the YAML beside it, as the plays read it. ``make docs`` writes it.

Ansible parses the files of ``vars_files`` anew several times for each task and each play: JSON costs it a fifth of
YAML, which is a tenth of a whole rollback.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import yaml

SOURCE = Path(__file__).resolve().parents[2] / "playbooks" / "vars" / "deployment.yml"
COPY = SOURCE.with_suffix(".json")


def text() -> str:
    return json.dumps(yaml.safe_load(SOURCE.read_text()), indent=2) + "\n"


if __name__ == "__main__":
    COPY.write_text(text())
    sys.stdout.write("%s: %d lines\n" % (COPY.name, len(text().splitlines())))
