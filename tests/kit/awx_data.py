# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The files of awx/ as awx/apply.yml sees them, with the settings filled in."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import yaml
from jinja2.nativetypes import NativeEnvironment

ROOT = Path(__file__).resolve().parents[2]


class Loader(yaml.SafeLoader):
    """With Ansible's tag for what no template is."""


class Unsafe(str):
    pass


def _unsafe(loader: Loader, node: yaml.ScalarNode) -> Unsafe:
    return Unsafe(loader.construct_scalar(node))


Loader.add_constructor("!unsafe", _unsafe)


def load() -> dict[str, Any]:
    """Every variable of the data."""
    found: dict[str, Any] = {}
    for path in (ROOT / "awx/settings.yml", *sorted((ROOT / "awx/data").glob("*.yml"))):
        found.update(yaml.load(path.read_text(), Loader))
    settings = {name: value for name, value in found.items() if name.startswith("olympus_")}
    jinja = NativeEnvironment()
    jinja.globals["lookup"] = lambda _kind, name: os.environ.get(name, "")
    filled: dict[str, Any] = _filled(found, jinja, settings)
    return filled


def _filled(value: Any, jinja: NativeEnvironment, settings: dict[str, Any]) -> Any:
    if isinstance(value, dict):
        return {name: _filled(one, jinja, settings) for name, one in value.items()}
    if isinstance(value, list):
        return [_filled(one, jinja, settings) for one in value]
    if isinstance(value, str) and "{{" in value and not isinstance(value, Unsafe):
        return jinja.from_string(value).render(settings)
    return value
