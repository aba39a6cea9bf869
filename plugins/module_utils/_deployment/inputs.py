# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The option ``deployment`` of every module: one description in place of the options that modules share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from .._core.argspec import ArgumentSpec
from . import fields, tree

DEPENDENTS = fields.Field("dependents", "list", "Containers that depend on coloured ones, as adopt found them.")
CARRIED = (*tree.DEPLOYMENT, DEPENDENTS)
# What an edge behind Cloudflare has to say.
OF_CLOUDFLARE = ("account_id", "pools")
# Of these a module has options of the same name with another meaning.
OTHER = ("name", "checks", "watch", "dependents", "cache_ttl", "cache_probe")


def bare(option: Mapping[str, Any]) -> dict[str, Any]:
    """What the description does not say is not given: the module's own default counts."""
    return {key: value for key, value in option.items() if key not in ("default", "required")}


def options() -> dict[str, Any]:
    made = {name: bare(one) for name, one in fields.options(CARRIED).items()}
    return {**made, "dependents": {"type": "list", "elements": "dict"}}


def kwargs(spec: ArgumentSpec) -> dict[str, Any]:
    """For AnsibleModule: what a description carries is required no more, ``given`` sees whether it is there."""
    made = spec.to_kwargs()
    carried = {*(one.name for one in CARRIED), *OF_CLOUDFLARE}
    flat = {
        name: {key: value for key, value in one.items() if key != "required" or name not in carried}
        for name, one in spec.options.items()
        if name != "deployment"
    }
    flat["name"] = spec.options["deployment"]
    flat["deployment"] = {"type": "dict", "options": options()}
    return {**made, "argument_spec": flat}


def flat(spec: ArgumentSpec, params: Mapping[str, Any]) -> dict[str, Any]:
    """The options by themselves; ``deployment`` is its name then."""
    described = params.get("deployment") or {}
    edge = described.get("edge") or {}
    said = {key: value for key, value in described.items() if key not in OTHER}
    said["edge_service"] = edge.get("service")
    said["database_service"] = described.get("database")
    said["skip"] = (described.get("checks") or {}).get("skip")
    # Without a repository nothing is fetched.
    said["git"] = said.get("git") or None
    if "account_id" in spec.options:
        said.update(edge)
    told = {key: value for key, value in said.items() if value is not None and key in spec.options}
    own = {key: value for key, value in params.items() if key not in ("name", "deployment")}
    return {**own, **told, "deployment": described.get("name") or params.get("name") or tree.NAME}


def described(make: Callable[..., Any], spec: ArgumentSpec) -> Any:
    """The module (``make`` is AnsibleModule) with its options as ``spec`` has them, wherever they were said."""
    module = make(**kwargs(spec))
    given = {key: value for key, value in flat(spec, module.params).items() if value is not None}
    params, wrong = spec.validated(given)
    if wrong:
        module.fail_json(msg="; ".join(wrong))
    module.params = {**dict.fromkeys(spec.options), **params}
    return module
