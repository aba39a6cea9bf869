# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The operator's ``bluegreen_*`` variables: their names and types in one place, and what is wrong with those given."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.olympus.bluegreen.plugins.plugin_utils.edge_settings import meant, wrong_edge
from ansible_collections.olympus.bluegreen.plugins.plugin_utils.nested_settings import CHECKS, wrong_inside

REFUSE, WARN = "refuse", "warn"
PREFIX = "bluegreen_"
# How alike two names must be, without the prefix, to be taken for one mistyped.
ALIKE = 0.82
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}\Z")


@dataclass(frozen=True)
class Setting:
    """``kind``: str, int, number, bool, dict, list, or several joined by ``|``. ``keys``: all that a dict may have.

    The value of a ``secret`` one is never shown, nor why it can't be read. A ``plain`` one, or its keys or items, are
    names of containers, networks or directories: nothing else than a plain name may get that far. An ``empty`` text is
    the answer of a survey that was left blank: as good as none.
    """

    kind: str
    keys: tuple[str, ...] = ()
    secret: bool = False
    plain: bool = False
    empty: bool = False


SETTINGS: dict[str, Setting] = {
    "bluegreen_accept": Setting("list"),
    "bluegreen_accept_pending": Setting("bool", empty=True),
    "bluegreen_allow_mutable": Setting("bool"),
    "bluegreen_bake": Setting("int"),
    "bluegreen_cache_probe": Setting("dict"),
    "bluegreen_cache_ttl": Setting("number"),
    "bluegreen_checks": Setting("dict", ("skip",)),
    "bluegreen_compose_files": Setting("list"),
    "bluegreen_database": Setting("str"),
    "bluegreen_deployment": Setting("str", plain=True),
    "bluegreen_dependents": Setting("str"),
    "bluegreen_drain_deadline": Setting("number"),
    "bluegreen_edge": Setting("dict"),
    "bluegreen_fix_forward": Setting("bool", empty=True),
    "bluegreen_force_rollback": Setting("bool", empty=True),
    "bluegreen_force_undo": Setting("bool", empty=True),
    "bluegreen_host": Setting("str"),
    "bluegreen_ignore_fence": Setting("bool", empty=True),
    "bluegreen_images": Setting("dict"),
    "bluegreen_keep_sticky": Setting("bool"),
    "bluegreen_assume_live": Setting("str", empty=True),
    "bluegreen_keep_releases": Setting("int"),
    "bluegreen_rehearsal_image": Setting("str", empty=True),
    "bluegreen_network_range": Setting("str"),
    "bluegreen_podman_compose": Setting("str"),
    "bluegreen_port_base": Setting("dict"),
    "bluegreen_probe_secrets": Setting("dict", secret=True),
    "bluegreen_probes": Setting("dict"),
    "bluegreen_project": Setting("str", plain=True),
    "bluegreen_public": Setting("list"),
    "bluegreen_publish": Setting("str"),
    "bluegreen_schema_targets": Setting("list"),
    "bluegreen_services": Setting("dict", plain=True),
    "bluegreen_shared": Setting("list", plain=True),
    "bluegreen_source": Setting("str|dict", ("directory", "repo", "ref", "path", "overlay")),
    "bluegreen_state_dir": Setting("str"),
    "bluegreen_undo": Setting("bool", empty=True),
    "bluegreen_unlock": Setting("str", empty=True),
    "bluegreen_singletons": Setting("dict", plain=True),
    "bluegreen_remove_unmanaged": Setting("bool", empty=True),
    "bluegreen_version": Setting("str", empty=True),
    "bluegreen_watch_do": Setting("str", empty=True),
    "bluegreen_watch_extend": Setting("number", empty=True),
    "bluegreen_watch": Setting("dict", ("window", "interval", "min_events")),
}
# Made by the playbooks themselves: whoever sets one of these is not heard.
OWN = {
    "bluegreen_cut",
    "bluegreen_follows",
    "bluegreen_caches_of",
    "bluegreen_caches_since",
    "bluegreen_decision",
    "bluegreen_described",
    "bluegreen_learned",
    "bluegreen_fails",
    "bluegreen_migrates",
    "bluegreen_names",
    "bluegreen_said",
    "bluegreen_same",
    "bluegreen_secrets",
    "bluegreen_settings",
    "bluegreen_signed",
    "bluegreen_spared",
    "bluegreen_stage",
    "bluegreen_status",
    "bluegreen_targets",
    "bluegreen_watch_order",
}
# Set by the guard and by stages of this very run, so they may be there.
FACTS = {name for name in OWN if name.endswith(("decision", "said", "settings", "signed", "status", "since"))}


def wrong_settings(variables: Mapping[str, Any]) -> list[dict[str, str]]:
    """One {level, name, found, wanted, fix, sentence} for each that is of a wrong type or looks mistyped."""
    found = []
    for name in sorted(str(key) for key in variables if str(key).startswith(PREFIX)):
        if name in SETTINGS:
            found += _known(name, SETTINGS[name], variables)
        elif name in OWN - FACTS or name not in OWN:
            found += _unknown(name)
    wrong = {row["name"] for row in found}
    there = _given(variables, (name for name in [*CHECKS, "bluegreen_shared", "bluegreen_edge"] if name not in wrong))
    inside = [row for one in wrong_inside(there) for row in _row(REFUSE, *one)]
    return found + inside + _edge(variables, wrong | {row["name"].partition("[")[0] for row in inside})


def _edge(variables: Mapping[str, Any], wrong: set[str]) -> list[dict[str, str]]:
    """Whether the parts of the edge fit each other, where each by itself can be read."""
    fitting: dict[str, Any] = {"bluegreen_edge": {}, "bluegreen_publish": ""}
    if wrong & set(fitting):
        return []
    edge, publish = ({**fitting, **_given(variables, fitting)}[name] for name in fitting)
    return [row for one in wrong_edge(edge, publish) for row in _row(REFUSE, *one)]


def _given(variables: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """Asked for by the names that are there: hostvars make a value, or an error, of any other too."""
    there = {str(key) for key in variables}
    return {name: variables[name] for name in names if name in there}


def _row(level: str, name: str, found: str, wanted: str, fix: str) -> list[dict[str, str]]:
    sentence = "%s=%s: not %s. Fix: %s" % (name, found, wanted, fix)
    return [{"level": level, "name": name, "found": found, "wanted": wanted, "fix": fix, "sentence": sentence}]


def _known(name: str, setting: Setting, variables: Mapping[str, Any]) -> list[dict[str, str]]:
    try:
        value = variables[name]
    except Exception as exc:
        # A template that can't be made: of a secret not even the reason is repeated.
        why = "can't be evaluated" + ("" if setting.secret else ": %s" % (str(exc).splitlines() or [""])[0][:120])
        return _row(REFUSE, name, why, _called(setting.kind), "correct its template, or what the template refers to")
    if setting.empty and isinstance(value, str) and not value.strip():
        return []
    if value is None or not fits(value, setting.kind):
        shown = type(value).__name__ if setting.secret or not isinstance(value, (str, int, float)) else repr(value)
        return _row(REFUSE, name, shown, _called(setting.kind), _fix(name, setting.kind, value))
    odd = _odd(value) if setting.plain else []
    if odd:
        fix = "letters, digits, dot, dash and underscore, at most 63, the first a letter or digit"
        return _row(REFUSE, name, ", ".join(repr(one) for one in odd), "a plain name", fix)
    strange = [key for key in value if key not in setting.keys] if setting.keys and isinstance(value, Mapping) else []
    return [row for key in strange for row in _strange(name, str(key), setting.keys)]


def _odd(value: Any) -> list[str]:
    names = [value] if isinstance(value, str) else list(value)
    return [str(one) for one in names if not NAME.match(str(one))]


def _strange(name: str, key: str, keys: tuple[str, ...]) -> list[dict[str, str]]:
    return _row(WARN, "%s.%s" % (name, key), "unknown key: it has no effect", "a known key", meant(key, keys))


def _unknown(name: str) -> list[dict[str, str]]:
    bare = {known[len(PREFIX) :]: known for known in SETTINGS}
    near = [bare[one] for one in difflib.get_close_matches(name[len(PREFIX) :], bare, 1, ALIKE)]
    if name in OWN:
        meant = " (%s is meant?)" % near[0] if near else ""
        return _row(WARN, name, "a name of the collection's own: it has no effect", "a setting", "take it away" + meant)
    if not near:
        return []
    return _row(WARN, name, "unknown: it has no effect", near[0], "write %s, if that is meant" % near[0])


def fits(value: Any, kind: str) -> bool:
    """As Ansible takes it: what -e k=v gives is text, which may hold a number or a truth."""
    if "|" in kind:
        return any(fits(value, one) for one in kind.split("|"))
    if kind == "bool":
        return isinstance(value, bool) or str(value).lower() in ("true", "false", "yes", "no", "1", "0", "on", "off")
    if kind in ("int", "number"):
        return not isinstance(value, bool) and _number(value, kind)
    if kind == "str":
        return isinstance(value, str) and bool(value.strip())
    return isinstance(value, Mapping) if kind == "dict" else isinstance(value, (list, tuple))


def _number(value: Any, kind: str) -> bool:
    try:
        count = float(value)
    except (TypeError, ValueError, OverflowError):
        return False
    return count >= 0 and count != float("inf") and (kind == "number" or count == int(count))


def _called(kind: str) -> str:
    names = {
        "str": "a text",
        "int": "a whole number, 0 or more",
        "number": "a number, 0 or more",
        "bool": "true or false",
        "dict": "a dictionary",
        "list": "a list",
    }
    return " or ".join(names[one] for one in kind.split("|"))


def _fix(name: str, kind: str, value: Any) -> str:
    if isinstance(value, str) and kind in ("dict", "list"):
        example = '{"%s": %s}' % (name, "{...}" if kind == "dict" else "[...]")
        return "write it as YAML in the inventory, or on the command line as JSON: -e '%s'" % example
    return "give %s" % _called(kind)
