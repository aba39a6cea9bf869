# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which Kratos and Hydra belong together, what each pair is called, and who belongs to it. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from itertools import takewhile

from ansible_collections.olympus.bluegreen.plugins.module_utils._discovery.kinds import KINDS, ORY
from ansible_collections.olympus.bluegreen.plugins.module_utils._discovery.observed import Seen, hosts

# The variables that mean a service's own domain, where it dials others too (IAM_KRATOS_ADMIN_URL, ...).
OWN = re.compile(r"(KRATOS|HYDRA)_")


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
