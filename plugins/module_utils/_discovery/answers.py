# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The operator's settings over what was learned, entry by entry, and where the two contradict each other. Pure."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .._core.finding import Problem, problem
from .._core.hostname import spelled
from .._deployment import tree

# Of a problem: nothing of the project is there.
NO_CONTAINER = "no_container"
# Lists whose entries have a name of their own.
BY = {"public": "host", "schema_targets": "name"}
TRUE = ("true", "yes", "1", "on")


def from_settings(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that are given, by their key of the description. An empty text is as good as none."""
    names = {one.name: "bluegreen_" + one.name for one in tree.DEPLOYMENT if one.name not in ("source", "git")}
    names["name"] = "bluegreen_deployment"
    told = {key: settings[name] for key, name in names.items() if settings.get(name) not in (None, "")}
    source = settings.get("bluegreen_source")
    origin = source if isinstance(source, Mapping) else {"directory": source}
    if origin.get("directory"):
        told["source"] = os.path.normpath(str(origin["directory"]))
    git = {key: value for key, value in origin.items() if key != "directory"}
    if git:
        told["git"] = git
    if "allow_mutable" in told:
        told["allow_mutable"] = str(told["allow_mutable"]).lower() in TRUE
    return told


def described(learned: Mapping[str, Any], told: Mapping[str, Any]) -> dict[str, Any]:
    """The one description of a deployment that every role takes."""
    defaults = tree.defaults()
    made = {key: told.get(key, learned.get(key, default)) for key, default in defaults.items()}
    for key in ("watch", "port_base"):
        made[key] = {**defaults[key], **(learned.get(key) or {}), **(told.get(key) or {})}
    made["edge"] = _edge(learned.get("edge") or {}, told.get("edge") or {})
    made["services"] = _entries(learned.get("services") or {}, told.get("services") or {})
    made["shared"] = list(dict.fromkeys([*(learned.get("shared") or ()), *(told.get("shared") or ())]))
    gone = {name for name, one in (told.get("services") or {}).items() if one is False}.union(made["shared"])
    made["services"] = {name: one for name, one in made["services"].items() if name not in gone}
    for key, by in BY.items():
        made[key] = _listed(learned.get(key) or (), told.get(key) or (), by)
    _zoned(made)
    if told.get("schema_targets") == []:
        made["schema_targets"] = []
    made["probes"] = probes(learned.get("domains") or {}, told.get("probes") or {})
    made["project"] = made["project"] or os.path.basename(str(made["source"]))
    return made


def _edge(learned: Mapping[str, Any], told: Mapping[str, Any]) -> dict[str, Any]:
    """Of its pools the operator may say one, or a part of one."""
    made = {**tree.BY_NAME["edge"].default, **learned, **told}
    both = learned.get("pools") or {}, told.get("pools") or {}
    return {**made, "pools": _entries(*both)} if any(both) else made


def _zoned(made: dict[str, Any]) -> None:
    """Public names of several zones: each that is not of the edge's own gets its zone."""
    zones = made["edge"].pop("zones", {})
    for one in made["public"]:
        if not one.get("zone_id") and zones.get(one["host"], made["edge"].get("zone_id")) != made["edge"].get(
            "zone_id"
        ):
            one["zone_id"] = zones[one["host"]]


def _entries(learned: Mapping[str, Any], told: Mapping[str, Any]) -> dict[str, Any]:
    names = dict.fromkeys([*learned, *told])
    return {name: {**(learned.get(name) or {}), **(told.get(name) or {})} for name in names}


def _listed(learned: Sequence[Mapping[str, Any]], told: Sequence[Mapping[str, Any]], by: str) -> list[dict[str, Any]]:
    """Entries of the same name become one, key by key; what has no learned one comes behind. A host has one name,
    however it is spelled."""

    def named(ones: Sequence[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
        if by != "host":
            return {str(one.get(by)): one for one in ones if isinstance(one, Mapping)}
        hosts = [(spelled(str(one.get(by))), one) for one in ones if isinstance(one, Mapping)]
        return {host: {**one, by: host} if by in one else one for host, one in hosts}

    return list(_entries(named(learned), named(told)).values())


def probes(domains: Mapping[str, Mapping[str, Any]], told: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """By domain: who is asked is learned; as which user is told, by domain or flat for all. Untold, none is tried."""
    flat = {key: value for key, value in told.items() if not isinstance(value, Mapping)}
    named = {key: value for key, value in told.items() if isinstance(value, Mapping)}
    wanted = [*named, *(domains if flat else ())]
    return {name: {**(domains.get(name) or {}), **flat, **(named.get(name) or {})} for name in dict.fromkeys(wanted)}


def secrets(told: Mapping[str, Any], asked: Mapping[str, Any]) -> dict[str, Any]:
    """A probe's secrets by domain; those that are written flat go for every domain of ``asked``."""
    flat = {key: value for key, value in told.items() if not isinstance(value, Mapping)}
    named = {key: value for key, value in told.items() if isinstance(value, Mapping)}
    names = dict.fromkeys([*named, *(asked if flat else ())])
    return {name: {**flat, **(named.get(name) or {})} for name in names}


def with_environment(
    given: Mapping[str, Any], asked: Mapping[str, Any], environment: Mapping[str, str]
) -> dict[str, Any]:
    """The same; what is not given, or blank, comes from E(BLUEGREEN_PROBE_PASSWORD), or with E(_<DOMAIN>) behind it."""
    made = {name: dict(one) for name, one in secrets(given, asked).items()}
    for domain in asked:
        for key in ("password", "client_secret"):
            name = "BLUEGREEN_PROBE_" + key.upper()
            value = environment.get("%s_%s" % (name, domain.upper().replace("-", "_"))) or environment.get(name)
            if value and not (made.get(domain) or {}).get(key):
                made.setdefault(domain, {})[key] = value
    return made


# Where the two contradict each other


def contradictions(record: Mapping[str, Any], told: Mapping[str, Any], adopting: bool = True) -> list[str]:
    """Sentences with both values. ``record`` is a ``Learned`` as data; without ``adopting`` a service that a later
    release may add is no contradiction."""
    return list(_contradictions(record, told, adopting))


def no(setting: str, told: Any, why: str, fix: str) -> Problem:
    found = "%r: %s" % (told, why)
    return Problem("%s=%s. Fix: %s" % (setting, found, fix), "", setting, found, fix)


def _contradictions(record: Mapping[str, Any], told: Mapping[str, Any], adopting: bool) -> Iterator[str]:
    values, members = record.get("values") or {}, set(record.get("members") or ())
    for name, given in (told.get("services") or {}).items():
        here = "bluegreen_services.%s" % name
        fact = (record.get("facts") or {}).get(name)
        if fact is not None and isinstance(given, Mapping):
            yield from _service(here, name, given, values, fact)
        elif name not in members and adopting and given is not False:
            known = ", ".join(values.get("services") or ()) or "none"
            why = "no container of project %s is this service; coloured are %s" % (values.get("project"), known)
            yield no(here, given, why, "correct the name, or take it away until a release has it")
    for name in told.get("shared") or ():
        if name not in members and adopting:
            why = "no container of project %s is this service; there are %s" % (
                values.get("project"),
                ", ".join(sorted(members)),
            )
            yield no("bluegreen_shared", name, why, "correct the name, or take it away")
    yield from _plain(values, told, members)
    yield from _cloudflare(values.get("edge") or {}, told.get("edge") or {}, adopting)


def _service(
    here: str, name: str, given: Mapping[str, Any], values: Mapping[str, Any], fact: Mapping[str, Any]
) -> Iterator[str]:
    learned = (values.get("services") or {}).get(name) or {}
    listens = [int(port) for port in fact.get("listens") or ()]
    for key in ("port", "admin_port"):
        said = str(given.get(key, ""))
        if said.isdigit() and listens and int(said) not in listens:
            there = "its container listens on %s" % ", ".join(map(str, listens))
            better = learned[key] if learned.get(key) in listens else listens[0]
            yield no("%s.%s" % (here, key), given[key], there, "say %s, or nothing: it is learned" % better)
        elif said.isdigit() and not listens and learned.get(key) and int(said) != learned[key]:
            there = "the running stack says %s" % learned[key]
            yield no("%s.%s" % (here, key), given[key], there, "correct one of the two")
    kind = fact.get("image_kind")
    if kind and given.get("kind", kind) not in (kind, "other"):
        yield no(here + ".kind", given["kind"], "its image is %s" % fact.get("image"), "say %s, or nothing" % kind)


def _plain(values: Mapping[str, Any], told: Mapping[str, Any], members: set[str]) -> Iterator[str]:
    for setting, said, found in (
        ("bluegreen_project", told.get("project"), values.get("project")),
        ("bluegreen_edge.service", (told.get("edge") or {}).get("service"), (values.get("edge") or {}).get("service")),
    ):
        if said and found and said != found:
            yield no(setting, said, "the running edge is of %s" % found, "say %s, or nothing: it is learned" % found)
    database = told.get("database")
    if database and members and database not in members:
        found = values.get("database") or "outside of the project"
        why = "no container of the project is this service; the DSNs lead to %s" % found
        yield no("bluegreen_database", database, why, "name the service, or take it away")


def _cloudflare(found: Mapping[str, Any], told: Mapping[str, Any], adopting: bool) -> Iterator[str]:
    for key, what in (("account_id", "the zone is of account"), ("zone_id", "the public names are in zone")):
        if told.get(key) and found.get(key) and told[key] != found[key]:
            why = "%s %s" % (what, found[key])
            yield no("bluegreen_edge.%s" % key, told[key], why, "say %s, or nothing: it is learned" % found[key])
    made = _edge(found, told)
    named = [colour for colour, one in (made.get("pools") or {}).items() if one.get("name")]
    if made.get("kind") == "cloudflare" and not adopting and not (made.get("account_id") and len(named) == 2):
        why = "its account and pools are not recorded"
        yield no("bluegreen_edge.kind", "cloudflare", why, "run --tags adopt, which learns them")


def refreshed(record: Mapping[str, Any], learned: Mapping[str, Any]) -> dict[str, Any]:
    """A fresh look over the record: what was learned once and is not there now (its containers were removed) stays."""
    before, now = record.get("values") or {}, dict(learned["values"])
    now["services"] = {**(before.get("services") or {}), **now["services"]}
    now["shared"] = list(dict.fromkeys([*(before.get("shared") or ()), *now["shared"]]))
    now["domains"] = {**(before.get("domains") or {}), **now["domains"]}
    now["database"] = now["database"] or before.get("database") or ""
    for key, by in BY.items():
        now[key] = _listed(before.get(key) or (), now[key], by)
    joined = {key: {**(record.get(key) or {}), **learned[key]} for key in ("found", "facts")}
    members = list(dict.fromkeys([*(record.get("members") or ()), *learned["members"]]))
    # Nothing of the project may be left; it is no news that a recorded one has no coloured container.
    no_news = NO_CONTAINER if before.get("services") else "-"
    problems = [one for one in learned["problems"] if problem(one).code != no_news]
    return {**learned, "values": now, **joined, "members": members, "problems": problems}
