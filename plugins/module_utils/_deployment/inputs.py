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
# As good as not said.
NOTHING: tuple[Any, ...] = (None, "", [], {})
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


def said(spec: ArgumentSpec, params: Mapping[str, Any]) -> dict[str, Any]:
    """What the description says of the module's options."""
    described = params.get("deployment") or {}
    edge = described.get("edge") or {}
    found = {key: value for key, value in described.items() if key not in OTHER}
    found["edge_service"] = edge.get("service")
    found["database_service"] = described.get("database")
    found["skip"] = (described.get("checks") or {}).get("skip")
    # Without a repository nothing is fetched.
    found["git"] = found.get("git") or None
    if "account_id" in spec.options:
        found.update(edge)
    return {key: value for key, value in found.items() if value is not None and key in spec.options}


def flat(spec: ArgumentSpec, params: Mapping[str, Any]) -> dict[str, Any]:
    """The options by themselves, each from where it was said; ``deployment`` is its name then."""
    told = said(spec, params)
    own = {key: value for key, value in params.items() if key not in ("name", "deployment")}
    both = {key: _merged(spec.options[key], own.get(key), value) for key, value in told.items()}
    name = (params.get("deployment") or {}).get("name")
    return {**own, **both, "deployment": name or params.get("name") or tree.NAME}


def contradictions(spec: ArgumentSpec, params: Mapping[str, Any]) -> list[str]:
    """Options that were given by themselves and in the description, and differ. Ansible does not tell a default from a
    value that was given, so a default is never one of them."""
    told = said(spec, params)
    found = [one for key in told for one in _differ(key, spec.options[key], params.get(key), told[key])]
    name = (params.get("deployment") or {}).get("name")
    return found + _differ("name", {"default": tree.NAME}, params.get("name"), name)


def _differ(name: str, option: Mapping[str, Any], own: Any, told: Any) -> list[str]:
    below = option.get("options")
    if below and isinstance(own, Mapping) and isinstance(told, Mapping):
        pairs = [(key, below[key], own.get(key), told.get(key)) for key in below]
        return [one for key, opt, mine, its in pairs for one in _differ("%s.%s" % (name, key), opt, mine, its)]
    own, told = _bare(option, own), _bare(option, told)
    if own in NOTHING or told in NOTHING or own in (told, option.get("default")):
        return []
    values = ("", "") if option.get("no_log") else ("=%r" % (own,), "=%r" % (told,))
    return [
        "%s%s differs from deployment.%s%s. Fix: give one of them, or the same value in both"
        % (name, values[0], name, values[1])
    ]


def _bare(option: Mapping[str, Any], value: Any) -> Any:
    """Entries of a list without what is a default: Ansible fills these in on one side alone."""
    below = option.get("options")
    if not below or not isinstance(value, list):
        return value
    return [{key: one for key, one in entry.items() if one != below.get(key, {}).get("default")} for entry in value]


def _merged(option: Mapping[str, Any], own: Any, told: Any) -> Any:
    """Key by key where the option has keys of its own: what only one of the two says counts as well."""
    below = option.get("options")
    if below and isinstance(own, Mapping) and isinstance(told, Mapping):
        return {**own, **{key: _merged(below.get(key, {}), own.get(key), value) for key, value in told.items()}}
    unsaid = told in NOTHING and own not in NOTHING and own != option.get("default")
    return own if unsaid else told


def _filled(value: Any) -> Any:
    """Without the keys that Ansible adds as null for what was not given: that is no choice of an option."""
    if isinstance(value, Mapping):
        return {key: _filled(one) for key, one in value.items() if one is not None}
    return [_filled(one) for one in value] if isinstance(value, list) else value


def described(make: Callable[..., Any], spec: ArgumentSpec) -> Any:
    """The module (``make`` is AnsibleModule) with its options as ``spec`` has them, wherever they were said."""
    module = make(**kwargs(spec))
    given = {
        key: _filled(value) if spec.options.get(key, {}).get("options") else value
        for key, value in flat(spec, module.params).items()
        if value is not None
    }
    params, wrong = spec.validated(given)
    wrong = [*contradictions(spec, module.params), *wrong]
    if wrong:
        module.fail_json(msg="; ".join(wrong))
    module.params = {**dict.fromkeys(spec.options), **params}
    return module
