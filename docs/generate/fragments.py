# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The doc fragments `deployment` and `edge`, from the one description of a deployment. ``make docs`` writes them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from ansible_collections.olympus.bluegreen.plugins.module_utils._deployment import tree
from ansible_collections.olympus.bluegreen.plugins.module_utils._deployment.edge import CADDY, UPSTREAMS
from ansible_collections.olympus.bluegreen.plugins.module_utils._deployment.fields import Field, option
from ansible_collections.olympus.bluegreen.plugins.module_utils._deployment.inputs import CARRIED, bare

PLACE = Path(__file__).resolve().parents[2] / "plugins" / "doc_fragments"
HEAD = '''# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Written by `make docs` from module_utils/_deployment; a test keeps it current.

"""%s"""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
%s"""
'''
SHARED = ("edge", "public", "publish", "port_base", "project", "services", "shared", "network_range")
# What the modules say of an option of their own beside its description.
MORE: dict[str, dict[str, Any]] = {
    "edge": {"default": None},
    "publish": {
        "type": "raw",
        "description": [
            *tree.BY_NAME["publish"].description,
            "A native edge needs V(loopback) or an address.",
            "C(blue) and C(green), each with an IPv4 address, where the colours are on hosts of their own. C(upstreams)"
            " of O(edge) says what the edge dials then. The stages know one host only.",
        ],
    },
}


def documented(fields: tuple[Field, ...], more: Mapping[str, Mapping[str, Any]] | None = None) -> dict[str, Any]:
    """As a module's documentation has it; ``more``: by option, what that module says of its own."""
    made = {}
    for one in fields:
        said = {"description": one.description, **option(one), **(more or {}).get(one.name, {})}
        if said.get("default", "") is None:
            del said["default"]
        if said.pop("options", None):
            said["suboptions"] = documented(one.keys)
        made[one.name] = said
    return made


def deployment_options() -> dict[str, Any]:
    """``deployment`` with its sub-options, and the flat ``name`` beside it."""
    inner = {name: bare(one) for name, one in documented(CARRIED).items()}
    inner["dependents"]["elements"] = "dict"
    says = (
        "The deployment, as M(olympus.bluegreen.release_deployment) and filter P(olympus.bluegreen.deployment#filter)"
        " describe it. An option of the same name counts where this says nothing; another value there is refused."
    )
    name = "Name of the deployment where O(deployment) does not say it. Networks and labels are made of it."
    return {
        "deployment": {"description": [says], "type": "dict", "suboptions": _within(inner)},
        "name": {"description": [name], "type": "str", "default": tree.NAME},
    }


def _within(value: Any) -> Any:
    """The sentences of sub-options name their neighbours as options of ``deployment``."""
    if isinstance(value, dict):
        return {key: _within(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_within(one) for one in value]
    return re.sub(r"\bO\((?!deployment)", "O(deployment.", value) if isinstance(value, str) else value


def edge_options() -> dict[str, Any]:
    more = {**MORE, "edge": {"default": None, "suboptions": documented(CADDY)}}
    more["public"] = {"suboptions": documented(tree.PUBLIC)}
    return documented((UPSTREAMS, *(tree.BY_NAME[name] for name in SHARED)), more)


def pages() -> dict[str, str]:
    """File name -> its whole text."""
    made = {
        "deployment": ("The description of a deployment, which every module takes.", deployment_options()),
        "edge": ("The edge, what it serves and how it reaches the colours, as modules document it.", edge_options()),
    }
    return {
        name + ".py": HEAD % (title, yaml.safe_dump({"options": said}, sort_keys=False, width=100, allow_unicode=True))
        for name, (title, said) in made.items()
    }


if __name__ == "__main__":
    for file, text in pages().items():
        (PLACE / file).write_text(text)
        print("%s: %d lines" % (file, text.count("\n")))
