# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Ansible packs for each module, as Ansible does it: ``python -m kit.payload [module ...]`` prints it as JSON."""

from __future__ import annotations

import base64
import io
import json
import re
import sys
import zipfile
from pathlib import Path
from typing import Any

from ansible.executor import module_common
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.loader import init_plugin_loader, module_loader
from ansible.template import Templar

ROOT = Path(__file__).resolve().parents[2]
OURS = "ansible_collections/olympus/"


def names() -> list[str]:
    """The modules that run on a host: some are nothing but the documentation of their action."""
    found = (ROOT / "plugins/modules").glob("*.py")
    return sorted(path.stem for path in found if "import AnsibleModule" in path.read_text())


def packed(module: str) -> dict[str, int]:
    """Path -> bytes of each own file with content."""
    # Without types of its own.
    common: Any = module_common
    loader: Any = module_loader
    loader_of_files: Any = DataLoader
    name = "olympus.bluegreen." + module
    built = common.modify_module(
        module_name=name,
        module_path=loader.find_plugin(name),
        module_args={},
        module_compression="ZIP_STORED",
        task_vars={"ansible_python_interpreter": "/usr/bin/python3"},
        templar=Templar(loader_of_files()),
    )
    found = re.search(rb"zip_data='([^']+)'", built.b_module_data)
    if not found:
        raise SystemExit("Ansible packs in another way")
    with zipfile.ZipFile(io.BytesIO(base64.b64decode(found[1]))) as archive:
        sizes = {one.filename: one.file_size for one in archive.infolist()}
    return {path: size for path, size in sizes.items() if path.startswith(OURS) and size}


if __name__ == "__main__":
    begin: Any = init_plugin_loader
    begin()
    print(json.dumps({name: packed(name) for name in sys.argv[1:] or names()}))
