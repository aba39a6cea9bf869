# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is written from the settings. ``make docs`` writes it, a test keeps it current.

docs/settings.md: names and types are those of plugin_utils (settings, edge_settings), defaults those of
module_utils/_discovery/answers.py and of the playbooks, sentences those of the role, module or filter that a setting is
handed to (``handed``).
"""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from jinja2 import nodes

from generate import handed
from generate.handed import DESCRIBED, JINJA, PREFIX, ROOT, Option

PAGE = ROOT / "docs" / "settings.md"
HEAD = (
    """<!-- SPDX-License-Identifier: GPL-3.0-or-later -->
<!-- Written by `make docs` from the code; a test keeps it current. -->
# Settings

Every variable that an operator may set: in the inventory, or with `-e` for one command. """
    """A wrong type is refused before a host is asked. A name that is nearly one of these gives a warning.
*plain*: all names in it have letters, digits, dot, dash and underscore only. """
    """*secret*: the value is never shown. `[]`: of each entry of a list.

"""
)
COLUMNS = "| setting | type | default | what it is |\n|---|---|---|---|\n"
Row = tuple[str, str, str, str]
LEARNED = "learned"
# What adopt finds out by itself (module_utils/_discovery/learn.py, look.py).
FOUND = (
    "project", "source", "compose_files", "podman_compose", "network_range", "services", "shared", "edge", "public",
    "schema_targets", "database",
)  # fmt: skip
OF_EDGE = ("kind", "source", "service", "caddyfile", "config_path", "mount", "address", "port", "scheme", "ca", "admin")
# Settings whose words and keys are those of these options.
ALSO = {"edge": ("edge",), "source": ("source", "git")}
# Of settings that no role and no module takes as they are.
SAID = {
    "bluegreen_host": "Which host of group `olympus_edge` a run is about. Where it has several, name one here or with"
    " `--limit`.",
    "bluegreen_version": "The same as `version`, which is the release to go to.",
    "bluegreen_checks": "What the gate leaves out:",
    "bluegreen_checks.skip": "Names of checks. What was left out is said in verdict and report.",
}
# Of settings that mean something in several stages: what one entry point says is true of that one alone.
WHOLE = {
    "bluegreen_undo": "With `adopt`, return traffic to your original containers and take the switch out of the edge."
    " After a cutover, roll back first. Once `cleanup` has removed those containers, it is no longer possible.",
    "bluegreen_force_rollback": "With `rollback`, go back although the target does not answer.",
    "bluegreen_force_undo": "With `adopt` and `bluegreen_undo`, discard edits made to the edge's configuration since.",
    "bluegreen_ignore_fence": "With `rollback` and `version`, go back to a kept release beyond the fence.",
    "bluegreen_schema_targets": "The databases to migrate. Each has a name and the service whose image migrates it. An"
    " empty list: nothing is migrated.",
    "bluegreen_bake": "Bake time in seconds. Until it is over, `cleanup` refuses, and `status` does not name it as the"
    " next step.",
    "bluegreen_probe_secrets": "Per domain the probe's `password` and `client_secret`. Preflight logs in once by each.",
    "bluegreen_rehearsal_image": "Image of the throw-away PostgreSQL, of the same major version, that migrations are"
    " tried on. Empty takes that of the database's container. Needed where the database runs in no container of the"
    " host.",
    "bluegreen_watch": "How long and how often the watch looks:",
}


def _type(option: Option) -> str:
    choices = ", ".join("`%s`" % one if one != "" else "empty" for one in option.get("choices") or ())
    return "%s%s" % (option.get("type", "str"), ": " + choices if choices else "")


def _shown(value: Any) -> str:
    if value in (None, "", {}, []):
        return "-"
    return "`%s`" % ("%g" % value if isinstance(value, float) else json.dumps(value).strip('"'))


def _setting(name: str) -> str:
    """What a variable of the playbooks' own is made of."""
    made_of = (one.base for one in handed.everything() if one.to == name and one.base.startswith(PREFIX))
    return next((_setting(base) for base in made_of), name)


def _default(parts: list[Any]) -> str:
    """As it is without any setting, and behind Cloudflare where that is something else."""
    names = [one.name for one in nodes.Output(parts).find_all(nodes.Name) if one.name != DESCRIBED]
    if len(parts) == 1 and isinstance(parts[0], nodes.Name):
        return "[below](#%s)" % names[0]
    known = {one.to: one.default.as_const() for one in handed.everything() if one.to in names and one.default}
    template = nodes.Template([nodes.Output(parts)], lineno=1)
    template.set_environment(JINJA)
    usual, behind = (
        _shown(JINJA.from_string(template).render({**known, DESCRIBED: {"edge": {"kind": kind}}}))
        for kind in ("", "cloudflare")
    )
    if names:
        return usual + "".join(" (from `%s`)" % _setting(name) for name in names)
    return usual if usual == behind else "%s; %s behind Cloudflare" % (usual, behind)


def _known(name: str, key: str | None) -> str:
    """What the description has where it is not set; '' for what is none of its keys."""
    keys, defaults = handed.table("KEYS"), handed.table("DEFAULTS")
    if name == "bluegreen_source" or keys.get(name) in FOUND:
        return LEARNED
    if name not in keys:
        return ""
    value = defaults[keys[name]]
    return _shown(value.get(key) if key and isinstance(value, dict) else {} if isinstance(value, dict) else value)


def default(name: str, key: str | None = "") -> str:
    """The first one on the way that says something."""
    if name in SAID or _known(name, key):
        return _known(name, key) or "-"
    said = [_default([one.default]) for one in handed.of(name, key) if one.default]
    for one in handed.of(name, key):
        to, _dot, part = one.to.partition(".")
        if to not in ("", name, DESCRIBED):
            said.append(default(to, part or None))
    return next((one for one in said if one != "-"), "-")


def _declared(module: str) -> Any:
    """The collection is found where ``make docs`` does not look."""
    sys.path.append(str(ROOT / "collections"))
    try:
        return importlib.import_module("ansible_collections.olympus.bluegreen.plugins.plugin_utils." + module)
    finally:
        sys.path.pop()


def _inner(name: str, options: Mapping[str, Option], given: Mapping[str, str]) -> Iterator[Row]:
    """The keys of a dictionary; ``given``: what else stands for its default."""
    for key, option in options.items():
        said = "required" if option.get("required") else _shown(option.get("default"))
        said = given.get(key, said)
        yield "%s.%s" % (name, key), _type(option), said, handed.words(option)


def _rows(name: str, setting: Any) -> Iterator[Row]:
    bare = name[len(PREFIX) :]
    found = [one for part in ALSO.get(bare, ()) for one in handed.by_name(part)]
    found = found or handed.options(name) or ([] if setting.keys else handed.by_name(bare))
    kind = setting.kind.replace("|", " or ") + (" of " + ", ".join(setting.keys) if setting.keys else "")
    kind += "".join(", *%s*" % word for word in ("plain", "secret") if getattr(setting, word))
    choices = "".join(_type(one).partition(":")[1:][-1] for one in found[:1])
    said = SAID.get(name) or WHOLE.get(name) or " ".join(handed.words(one) for one in found)
    yield name, kind + (":" + choices if choices else ""), default(name), said
    for key in setting.keys:
        nested = [] if handed.of(name, None) and handed.options(name, None) else handed.by_name(key)
        for option in (handed.options(name, key) or nested)[:1]:
            called = "%s.%s" % (name, key)
            yield called, _type(option), default(name, key), SAID.get(called) or handed.words(option)
    given = dict.fromkeys(OF_EDGE, LEARNED) if name == "bluegreen_edge" else {}
    for option in found:
        inner = {**(option.get("suboptions") or {})}
        if "kind" in inner:
            inner["kind"] = {**inner["kind"], "choices": _declared("edge_settings").KINDS}
        yield from _inner(name + "[]" * (setting.kind == "list"), inner, given)


def _behind_cloudflare() -> Iterator[Row]:
    modules = handed.modules()
    known = {**modules["caddy_upstream"]["edge"]["suboptions"], **modules["cloudflare_lb_pool"]}
    told = " ".join(handed.words(spec["edge"]) for spec in modules.values() if "edge" in spec).split(". ")
    of = {}
    for key in _declared("edge_settings").KEYS:
        said = next((one.rstrip(".") + "." for one in told if one.startswith("`%s`" % key)), "")
        of[key] = known.get(key) or {"description": said}
    given = {"service": "-", "api_token_file": "required", **dict.fromkeys(("account_id", "zone_id", "pools"), LEARNED)}
    yield from _inner("bluegreen_edge", {key: of[key] for key in of if key != "kind"}, given)


def _table(rows: Iterable[Row]) -> str:
    return COLUMNS + "".join("| `%s` | %s | %s | %s |\n" % row for row in rows)


def page() -> str:
    settings = _declared("settings").SETTINGS
    made = HEAD + _table(row for name in sorted(settings) for row in _rows(name, settings[name]))
    made += "\n## bluegreen_edge of kind cloudflare\n\n" + _table(_behind_cloudflare())
    return made


if __name__ == "__main__":
    PAGE.write_text(page())
    sys.stdout.write("%s: %d lines\n" % (PAGE.name, len(PAGE.read_text().splitlines())))
