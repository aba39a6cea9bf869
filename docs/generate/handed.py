# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the value of a setting goes, read from plays and roles, and what is said there of it."""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from jinja2 import nodes
from jinja2.nativetypes import NativeEnvironment

ROOT = Path(__file__).resolve().parents[2]
OURS, PREFIX, DESCRIBED = "olympus.bluegreen.", "bluegreen_", "bluegreen_described"
JINJA = NativeEnvironment()
JINJA.filters.update(basename=os.path.basename)
Option = Mapping[str, Any]


@cache
def read(path: Path) -> Any:
    return yaml.safe_load(path.read_text())


# What plays and roles hand on


@dataclass(frozen=True)
class Handed:
    """``to`` (a variable, or an option of ``whose``) is ``base``, or its ``key``; ``default`` where nothing is set."""

    to: str
    whose: str
    base: str
    key: str
    default: Any


def _value(node: Any) -> tuple[str, str, Any]:
    """(name, key, default) of a value that is handed on as it is; no name where something else is made of it."""
    key, default, ways = "", None, {nodes.CondExpr: "expr1", nodes.Or: "left"}
    while not isinstance(node, nodes.Name):
        inner = getattr(node, ways.get(type(node), "node"), None)
        if not isinstance(inner, nodes.Node):
            return "", "", None
        if isinstance(node, nodes.Getattr):
            key = key or node.attr
        elif isinstance(node, nodes.Filter) and node.name == "default":
            default = default or node.args[0]
        node = inner
    return node.name, key, default


def _texts(value: Any, path: tuple[str, ...] = (), task: Any = None) -> Iterator[tuple[tuple[str, ...], str, Any]]:
    """Every text below ``value``: the keys that lead to it, and the task that it is of."""
    if isinstance(value, Mapping):
        task = value if any("." in str(key) for key in value) else task
        for key, one in value.items():
            yield from _texts(one, (*path, str(key)), task)
    elif isinstance(value, list):
        for one in value:
            yield from _texts(one, path, task)
    elif isinstance(value, str):
        yield path, value, task or {}


def _whose(path: tuple[str, ...], task: Mapping[str, Any]) -> str:
    """The entry point of a role or the module that a task hands its values to."""
    module = next((key[len(OURS) :] for key in path if key.startswith(OURS)), "")
    role = next((task[key] for key in task if key.endswith(("include_role", "import_role"))), None)
    return "%s %s" % (role["name"][len(OURS) :], role.get("tasks_from", "main")) if role else module


def parts(said: str) -> list[nodes.Node]:
    """The expressions, and what stands between them."""
    return [part for one in JINJA.parse(said).find_all(nodes.Output) for part in one.nodes]


@cache
def table(name: str) -> Any:
    """A table of module_utils/_discovery/answers.py, which says which setting is which key of the description."""
    path = ROOT / "plugins" / "module_utils" / "_discovery" / "answers.py"
    for one in ast.walk(ast.parse(path.read_text())):
        target = one.targets[0] if isinstance(one, ast.Assign) else getattr(one, "target", None)
        if isinstance(target, ast.Name) and target.id == name:
            value = ast.unparse(one.value)  # type: ignore[attr-defined]
            places = {"NAME": "olympus", "STATE_DIR": "/var/lib/olympus-bluegreen"}
            return eval(value, {}, places)
    raise AssertionError(name)


@cache
def everything() -> tuple[Handed, ...]:
    found = [Handed("%s.%s" % (DESCRIBED, key), "", name, "", None) for name, key in table("KEYS").items()]
    files = sorted({*(ROOT / "playbooks").rglob("*.yml"), *(ROOT / "roles").glob("*/tasks/*.yml")})
    for path, said, task in (one for file in files for one in _texts(read(file))):
        said = said.replace("{{ item }}", str(task.get("loop", "")))
        made = parts("{{ %s }}" % said if path[-1:] in (("when",), ("that",)) else said)
        at = next((at for at, key in enumerate(path) if key.startswith(PREFIX)), len(path) - 1)
        if len(made) == 1:
            found.append(Handed(".".join(path[at:]), _whose(path, task), *_value(made[0])))
        for one in nodes.Output(made).find_all(nodes.Filter):
            found += _filtered(one)
    return tuple(found)


def _filtered(one: nodes.Filter) -> Iterator[Handed]:
    if one.name == "default":
        yield Handed("", "", *_value(one))
    elif one.name.startswith(OURS):
        names = _filter(one.name).get("positional", "").split(", ")
        yield from (Handed(name, one.name, *_value(given)) for name, given in zip(names, one.args))


def of(name: str, key: str | None) -> list[Handed]:
    """Where it is handed on, or a key of it; ``key`` None: it and all of its keys."""
    whole = [one for one in everything() if one.base == name and one.to.startswith(DESCRIBED + ".")]
    return whole or [one for one in everything() if one.base == name and key in (None, one.key)]


# What roles, modules and filters say of their options


def words(option: Option) -> str:
    said = option.get("description") or ""
    text = " ".join([said] if isinstance(said, str) else said)
    return re.sub(r"\b[CVOMEP]\(([^)#]*?)(#[\w:]+)?\)", r"`\1`", text).replace("|", "\\|")


def _filter(name: str) -> Any:
    return read(ROOT / "plugins" / "filter" / (name[len(OURS) :] + ".yml"))["DOCUMENTATION"]


@cache
def _documented(path: Path) -> dict[str, Option]:
    """The options of a module, with those of its fragments."""
    assigned = [one for one in ast.walk(ast.parse(path.read_text())) if isinstance(one, ast.Assign)]
    said = {one.targets[0].id: one.value for one in assigned if isinstance(one.targets[0], ast.Name)}
    spec = yaml.safe_load(ast.literal_eval(said["DOCUMENTATION"]))
    also = spec.get("extends_documentation_fragment") or []
    found: dict[str, Option] = {}
    for one in [also] if isinstance(also, str) else also:
        if one.startswith(OURS):
            found.update(_documented(ROOT / "plugins" / "doc_fragments" / (one[len(OURS) :] + ".py")))
    return {**found, **spec["options"]}


@cache
def modules() -> dict[str, dict[str, Option]]:
    return {path.stem: _documented(path) for path in sorted((ROOT / "plugins" / "modules").glob("*.py"))}


@cache
def _roles() -> dict[str, dict[str, Option]]:
    """By role and entry point."""
    found = {}
    for path in sorted((ROOT / "roles").glob("*/meta/argument_specs.yml")):
        for entry, spec in read(path)["argument_specs"].items():
            found["%s %s" % (path.parts[-3], entry)] = spec.get("options", {})
    return found


def _best(name: str, said: Iterable[tuple[str, Option]]) -> list[Option]:
    """Of several modules with such an option the one that knows what is in it, calls it so, needs it, says most."""

    def rank(one: tuple[str, Option]) -> tuple[bool, bool, bool, int]:
        called, option = one
        return not option.get("suboptions"), called != name, not option.get("required"), -len(words(option))

    return [option for _name, option in sorted(said, key=rank)][:1]


def options(name: str, key: str | None = "") -> list[Option]:
    """Those that a setting, or a key of it, ends in; ``key`` None as in ``of``."""
    found: list[Option] = []
    for one in of(name, key):
        to, _dot, part = one.to.partition(".")
        if one.to in _roles().get(one.whose, {}):
            found.append(_roles()[one.whose][one.to])
        elif one.whose.startswith(OURS):
            found.append(_filter(one.whose)["options"][one.to])
        elif to == DESCRIBED:
            # A play may hand it on by itself, or a role takes it out of its description.
            plain = [each for each in everything() if each.base == DESCRIBED and each.key == (key or part)]
            found += [_roles()[each.whose][each.to] for each in plain if each.to in _roles().get(each.whose, {})]
            there = [each for each in everything() if each.base.endswith("_deployment") and each.key == part]
            known = [(each.to, modules().get(each.whose, {}).get(each.to)) for each in there]
            found += _best(part, [(called, option) for called, option in known if option])
        elif to not in ("", name):
            found += options(to, part or None)
    return [one for at, one in enumerate(found) if one not in found[:at]]


def by_name(bare: str) -> list[Option]:
    """Of a setting that is not handed on as it is."""
    roles = [one for spec in _roles().values() for called, one in spec.items() if called.partition("_")[2] == bare]
    return roles[:1] or _best(bare, [(bare, spec[bare]) for spec in modules().values() if bare in spec])
