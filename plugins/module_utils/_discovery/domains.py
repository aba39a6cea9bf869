# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which Kratos and Hydra belong together, what each pair is called, which public names its services have. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import takewhile

from . import other_edges, routes
from .kinds import KINDS, ORY, UI
from .observed import Seen, hosts, urls

# The variables that mean a service's own domain, where it dials others too (IAM_KRATOS_ADMIN_URL, ...).
OWN = re.compile(r"(KRATOS|HYDRA)_")
# Variables in which a page says its own address.
OWN_ADDRESS = re.compile(r"(NEXT_PUBLIC_)?(APP|PUBLIC|BASE)_URL")


def stem(name: str) -> str:
    """A service's name without the word of its kind: ``ciam-kratos`` -> ``ciam``."""
    parts = [part for part in re.split(r"[-_.]", name) if part not in KINDS]
    return "-".join(parts)


def dialled(seen: Seen, names: Collection[str]) -> list[str]:
    """Those of ``names`` that it dials by its own variables; else those that it dials at all."""
    own = [host for name, value in seen.env.items() if OWN.match(name) for host in hosts(value) if host in names]
    return list(dict.fromkeys(own or [host for host in seen.dials() if host in names]))


def pairs(coloured: Mapping[str, Seen], kinds: Mapping[str, str]) -> list[tuple[str, ...]]:
    """The Kratos and Hydra services of each domain: joined by the Hera that dials both, else by their names."""
    ory = [name for name in coloured if kinds[name] in ORY]
    found: list[set[str]] = []

    def join(names: Sequence[str]) -> None:
        touching = [group for group in found if group & set(names)]
        merged = set(names).union(*touching)
        found[:] = [group for group in found if group not in touching] + [merged]

    for name in ory:
        join([name])
    for name, seen in coloured.items():
        ends = dialled(seen, ory)
        if ends and kinds[name] == "hera" and len(ends) == len({kinds[end] for end in ends}):
            join(ends)
    loose = [next(iter(group)) for group in found if len(group) == 1]
    for name in loose:
        same = [one for one in loose if stem(one) == stem(name) and kinds[one] != kinds[name]]
        if len(same) == 1:
            join([name, same[0]])
    return [
        tuple(name for name in ory if name in group) for group in sorted(found, key=lambda g: min(map(ory.index, g)))
    ]


def named(group: Sequence[str], kinds: Mapping[str, str], several: bool = False) -> str:
    """By what their names share, else (and where ``several`` share that) by its Hydra, or the only one there is."""
    parts = [stem(name).split("-") for name in group]
    common = "-".join(same[0] for same in takewhile(lambda same: len(set(same)) == 1, zip(*parts)))
    hydra = next((name for name in group if kinds[name] == "hydra"), group[0])
    return hydra if several or not common else common


def domains(
    coloured: Mapping[str, Seen], kinds: Mapping[str, str]
) -> tuple[dict[str, str], dict[str, tuple[str, ...]]]:
    """(service -> its domain, domain -> its Kratos and Hydra). A service of several domains, or of none, has none."""
    found_pairs = pairs(coloured, kinds)
    names = [named(group, kinds) for group in found_pairs]
    groups = {named(group, kinds, names.count(named(group, kinds)) > 1): group for group in found_pairs}
    of_ory = {name: domain for domain, group in groups.items() for name in group}
    found = dict(of_ory)
    for name, seen in coloured.items():
        if name in of_ory:
            continue
        ends = {of_ory[end] for end in dialled(seen, of_ory)}
        if len(ends) != 1:
            ends = {domain for domain in groups if stem(name) == domain}
        if len(ends) == 1:
            found[name] = ends.pop()
    return {name: found[name] for name in coloured if name in found}, groups


# Public names as the services say them, for an edge whose configuration nothing here can read


def outside(text: str, inside: Collection[str]) -> list[str]:
    """Hosts of the web addresses in ``text`` that a visitor on the internet may ask for."""
    found = [host.lower() for scheme, host, _port, _path in urls(text) if scheme in ("http", "https")]
    return [host for host in found if "." in host and host not in inside and not routes.local(host)]


def public_names(
    coloured: Mapping[str, Seen], kinds: Mapping[str, str], of_domain: Mapping[str, str], every: Sequence[Seen]
) -> dict[str, tuple[str, str]]:
    """Public name -> (service that answers there or '', what says so). ``every``: all containers of the project."""
    inside = {alias for one in every for alias in other_edges.known_as(one)}
    found: dict[str, tuple[str, str]] = {}
    for text, end, why in _public_words(coloured, kinds, of_domain, every):
        for host in outside(text, inside):
            if not found.get(host, ("", ""))[0]:
                found[host] = (end, why)
    return found


def _public_words(
    coloured: Mapping[str, Seen], kinds: Mapping[str, str], of_domain: Mapping[str, str], every: Sequence[Seen]
) -> Iterator[tuple[str, str, str]]:
    """(text, service, what says so), what a service says of itself first."""
    for name in [name for name in coloured if kinds[name] == "hydra"]:
        yield (
            coloured[name].setting("URLS_SELF_ISSUER", "urls", "self", "issuer"),
            name,
            "URLS_SELF_ISSUER of %s" % name,
        )
    for name in [name for name in coloured if kinds[name] == "hydra"]:
        login = coloured[name].setting("URLS_LOGIN", "urls", "login")
        yield login, _hera(name, kinds, of_domain), "URLS_LOGIN of %s" % name
    for name in [name for name in coloured if kinds[name] in UI]:
        own = {variable: text for variable, text in coloured[name].env.items() if OWN_ADDRESS.fullmatch(variable)}
        yield from ((text, name, "%s of %s" % (variable, name)) for variable, text in own.items())
    # As the published stack's edge and seed have them: CIAM_ATHENA_PUBLIC_URL is ciam-athena's.
    ends = {re.sub(r"[^A-Z0-9]", "_", name.upper()) + "_PUBLIC_URL": name for name in coloured}
    for one in every:
        said = {variable: text for variable, text in one.env.items() if variable in ends}
        yield from ((text, ends[variable], "%s of %s" % (variable, one.service)) for variable, text in said.items())
    for name in [name for name in coloured if kinds[name] == "kratos"]:
        base = coloured[name].setting("SERVE_PUBLIC_BASE_URL", "serve", "public", "base_url")
        yield base, name, "SERVE_PUBLIC_BASE_URL of %s" % name


def _hera(hydra: str, kinds: Mapping[str, str], of_domain: Mapping[str, str]) -> str:
    """The login page of a Hydra: the Hera of its domain, or the only one there is."""
    heras = [name for name, kind in kinds.items() if kind == "hera"]
    same = [name for name in heras if of_domain.get(name) == of_domain.get(hydra)]
    return same[0] if len(same) == 1 else heras[0] if len(heras) == 1 else ""
