# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Public names as the services say them themselves, for an edge whose configuration nobody can read here. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence

from ansible_collections.olympus.bluegreen.plugins.module_utils._discovery import other_edges, routes
from ansible_collections.olympus.bluegreen.plugins.module_utils._discovery.kinds import UI
from ansible_collections.olympus.bluegreen.plugins.module_utils._discovery.observed import Seen, urls

# Variables in which a page says its own address.
OWN = re.compile(r"(NEXT_PUBLIC_)?(APP|PUBLIC|BASE)_URL")


def outside(text: str, inside: Collection[str]) -> list[str]:
    """Hosts of the web addresses in ``text`` that somebody on the internet may ask for."""
    found = [host.lower() for scheme, host, _port, _path in urls(text) if scheme in ("http", "https")]
    return [host for host in found if "." in host and host not in inside and not routes.local(host)]


def names(
    coloured: Mapping[str, Seen], kinds: Mapping[str, str], of_domain: Mapping[str, str], every: Sequence[Seen]
) -> dict[str, tuple[str, str]]:
    """Public name -> (service that answers there or '', what says so). ``every``: all containers of the project."""
    inside = {alias for one in every for alias in other_edges.known_as(one)}
    found: dict[str, tuple[str, str]] = {}
    for text, end, why in _said(coloured, kinds, of_domain, every):
        for host in outside(text, inside):
            if not found.get(host, ("", ""))[0]:
                found[host] = (end, why)
    return found


def _said(
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
        own = {variable: text for variable, text in coloured[name].env.items() if OWN.fullmatch(variable)}
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
