# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The description of a deployment as the documentation of modules has it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.olympus.bluegreen.plugins.module_utils._deployment import tree
from ansible_collections.olympus.bluegreen.plugins.module_utils._deployment.fields import Field, option
from ansible_collections.olympus.bluegreen.plugins.module_utils._deployment.inputs import CARRIED, bare


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


def deployment_option() -> dict[str, Any]:
    """The option as a module's documentation has it, and the flat one beside it."""
    inner = {name: bare(one) for name, one in documented(CARRIED).items()}
    inner["dependents"]["elements"] = "dict"
    says = (
        "The deployment, as M(olympus.bluegreen.release_deployment) and filter P(olympus.bluegreen.deployment#filter)"
        " describe it. It goes before the options of the same name and replaces those that are required."
    )
    name = "Name of the deployment where O(deployment) does not say it. Networks and labels are made of it."
    return {
        "deployment": {"description": [says], "type": "dict", "suboptions": inner},
        "name": {"description": [name], "type": "str", "default": tree.NAME},
    }
