# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the running stack says of itself, as a deployment's description, and where each value was found. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .._core import dsn, finding, podman
from .._core.errors import BluegreenError
from .._core.hostname import spelled
from .._edge.running.reaches import split
from . import domains, kinds, other_edges, ports
from . import routes as routing
from .answers import NO_CONTAINER
from .observed import Seen, urls
from .routes import Route

Told = Mapping[str, Any]
LOOPBACK = ("localhost", "127.0.0.1", "::1", "", "0.0.0.0")


@dataclass(frozen=True)
class Looked:
    """The host as it was found. ``containers``: all of the project, and all of ours; ``written``: the services of the
    operator's compose files; ``edge``: values of the edge that the look found; ``plain``: key of the description ->
    (value, where it was found), as project and source."""

    deployment: str
    project: str
    containers: tuple[Seen, ...]
    config: Any = None
    edge_service: str = ""
    written: Mapping[str, Seen] = field(default_factory=dict)
    edge: Mapping[str, tuple[Any, str]] = field(default_factory=dict)
    plain: Mapping[str, tuple[Any, str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Learned:
    """``values``: keys of the description. ``found``: ``services.site.port`` -> what says so. ``facts``: service ->
    {listens, image, image_kind}, which a setting is held against. ``problems``: sentences, each with what to do; with
    one of them nothing may be adopted."""

    values: Mapping[str, Any]
    found: Mapping[str, str] = field(default_factory=dict)
    facts: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    members: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()

    def data(self) -> dict[str, Any]:
        return {
            "values": dict(self.values),
            "found": dict(self.found),
            "facts": {name: dict(one) for name, one in self.facts.items()},
            "members": list(self.members),
            "problems": list(self.problems),
        }


class Finder:
    """One walk over what was looked at; ``told`` are the operator's settings by their key of the description."""

    def __init__(self, looked: Looked, told: Told) -> None:
        self.looked, self.told = looked, told
        self.found: dict[str, str] = {}
        self.problems: list[str] = []
        mine = [one for one in looked.containers if one.project == looked.project and not one.ours]
        ours = [one for one in looked.containers if one.labels.get(podman.LABEL) == looked.deployment and one.colour]
        ours = [one for one in ours if one.labels.get(podman.KIND) == "service"]
        self.every = [one for one in [*mine, *ours] if one.service]
        self.one_each = _one_each(self.every)
        self.routes = [(route, end) for route in routing.routes(looked.config) for end in [self._end(route)] if end]
        self.kinds = self._kinds()
        self.coloured = {name: self.one_each[name] for name in self._ordered(self.kinds)}
        self.others = [one for one in mine if one.service not in self.kinds]
        self.named = self._named()

    def _ordered(self, names: Mapping[str, Any]) -> list[str]:
        """As the operator's file has them, then as they were found."""
        return [name for name in dict.fromkeys([*self.looked.written, *self.one_each]) if name in names]

    def _end(self, route: Route) -> tuple[str, int] | None:
        """(service, port inside) that an upstream means, by name, address or published port; None for another."""
        host, port = split(route.dial)
        if not port:
            return None
        if host in LOOPBACK:
            for one in self.every:
                for inside, (_address, outside) in one.published.items():
                    if outside == port:
                        return one.service, inside
        for one in self.every:
            if host in one.addresses or (host in other_edges.known_as(one) and not one.ours):
                return one.service, port
        return None

    def _named(self) -> dict[str, tuple[str, str]]:
        """Public names by the services' own words, where no configuration of an edge says them."""
        if (self.looked.edge.get("kind") or ("",))[0] != "cloudflare":
            return {}
        return domains.public_names(
            self.coloured, self.kinds, domains.domains(self.coloured, self.kinds)[0], self.every
        )

    def _apart(self) -> set[str]:
        """Services that are told, or known, to be of no colour: shared, none any more, what runs once, the edge."""
        given = self.told.get("services") or {}
        once = [one for one in (self.told.get("singletons") or {}).values() if isinstance(one, Mapping)]
        named = {*(self.told.get("shared") or ()), *(str(one.get("service")) for one in once)}
        return {*(named - set(given)), *(name for name in given if given[name] is False), self.looked.edge_service}

    def _kinds(self) -> dict[str, str]:
        """Coloured service -> kind; a question about each that may be one."""
        found: dict[str, str] = {}
        apart = self._apart()
        for name, seen in self.one_each.items():
            told = kinds.told_kind(self.told, name)
            kind, why = kinds.of(seen)
            if name in apart:
                continue
            if told:
                found[name] = kind if told == "other" and kind else told
                self.found["services.%s.kind" % name] = why if found[name] == kind else "bluegreen_services"
            elif kind and not kinds.job(seen):
                found[name], self.found["services.%s.kind" % name] = kind, why
        logins = {host for name, kind in found.items() if kind == "hydra" for host in login_hosts(self.one_each[name])}
        for name, seen in self.one_each.items():
            if name in found or name in apart or kinds.third_party(seen.image) or kinds.job(seen):
                continue
            names = [route.host for route, (end, _port) in self.routes if end == name]
            if logins & set(names):
                found[name], self.found["services.%s.kind" % name] = "hera", "Hydra's login page is at its name"
            elif names and not logins and not self._ory():
                # What a visitor meets is what a release replaces. Beside Ory it may as well be a tool of the operator.
                found[name], self.found["services.%s.kind" % name] = "other", "the edge sends %s to it" % names[0]
            elif names or self._between(name, seen, found):
                self._ask(name, seen, names)
        return found

    def _ory(self) -> bool:
        """Whether the project runs Kratos or Hydra, or is said to."""
        told = (kinds.told_kind(self.told, name) for name in self.told.get("services") or {})
        return any(kind in kinds.ORY for kind in (*told, *(kinds.of(seen)[0] for seen in self.one_each.values())))

    def _between(self, name: str, seen: Seen, coloured: Mapping[str, str]) -> bool:
        """Whether a running service of unknown kind dials coloured ones and is dialled by one."""
        ends = {alias for one in coloured for alias in other_edges.known_as(self.one_each[one])}
        dialled = any(set(self.one_each[one].dials()) & other_edges.known_as(seen) for one in coloured)
        return seen.running and dialled and bool(ends & set(seen.dials()))

    def _ask(self, name: str, seen: Seen, names: Sequence[str]) -> None:
        why = "the edge sends %s to it" % names[0] if names else "a coloured service dials it, and it dials one"
        said = "%s (image %s): coloured or shared? %s, and nothing says of which kind it is"
        self.problems.append(
            finding.wrong(
                said % (name, seen.image, why[0].upper() + why[1:]),
                "name it in bluegreen_services (as in {%s: {kind: other, port: 8080}}: each colour has its own) or in"
                " bluegreen_shared (both colours use one)" % name,
            )
        )

    def services(self) -> dict[str, dict[str, Any]]:
        of_domain, _groups = domains.domains(self.coloured, self.kinds)
        found = {}
        for name, seen in self.coloured.items():
            kind, given = self.kinds[name], (self.told.get("services") or {}).get(name) or {}
            dialled = [port for _route, (end, port) in self.routes if end == name]
            one: dict[str, Any] = {"kind": kind}
            for key, side in (("port", "public"), ("admin_port", "admin"))[: 2 if kind in kinds.ORY else 1]:
                one[key], self.found["services.%s.%s" % (name, key)] = ports.port(seen, kind, side, dialled)
            if not one["port"] and not given.get("port") and given.get("edge", True):
                deaf = "%s: nothing says at which port it listens (no PORT, health check, route or exposed port)" % name
                fix = "say it in bluegreen_services: {%s: {port: 3000}}" % name
                self.problems.append(finding.wrong(deaf, fix))
            path, why = ports.ready(seen, kind, one["port"])
            if path:
                one["ready"], self.found["services.%s.ready" % name] = path, why
            if kind in kinds.UI:
                one["ui"] = True
            if name in of_domain:
                one["domain"] = of_domain[name]
            found[name] = {key: value for key, value in one.items() if value}
        return found

    def deaf(self) -> None:
        """Names the routes that end at a port where nothing listens: no port could be learned from them."""
        for route, (end, port) in self.routes:
            listens = self.coloured[end].listens if end in self.coloured else ()
            if listens and port not in listens and not self.coloured[end].ours:
                known = ", ".join(map(str, sorted(listens)))
                said = "the edge sends %s to %s, and %s listens on %s"
                said %= (route.host or "requests", route.dial, end, known)
                self.problems.append(finding.wrong(said, "correct the route or the service's port"))

    def facts(self) -> dict[str, dict[str, Any]]:
        return {
            name: {"listens": sorted(seen.listens), "image": seen.image, "image_kind": kinds.of_image(seen.image)}
            for name, seen in self.coloured.items()
        }

    def public(self, services: Mapping[str, Mapping[str, Any]]) -> list[dict[str, str]]:
        """Each name that can be asked, once, with a path that a coloured service answers there."""
        found: dict[str, str] = {}
        sure: set[str] = set()
        for route, (end, port) in self.routes:
            if end not in services or not routing.usable(route.host) or port == services[end].get("admin_port"):
                continue
            path = ports.answer_path(str(services[end]["kind"]), str(services[end].get("ready") or ""))
            fits = routing.fitting(route.paths, path)
            if route.host not in found or (route.host not in sure and fits == path):
                found[route.host] = fits
                self.found["public.%s" % route.host] = "the edge's route to %s" % end
            sure |= {route.host} if fits == path else set()
        for host, (end, why) in self.named.items():
            if end:
                found[host] = ports.answer_path(str(services[end]["kind"]), str(services[end].get("ready") or ""))
                self.found["public.%s" % host] = why
        return [{"host": host, "path": path} for host, path in found.items()]

    def probes(self, public: Sequence[Mapping[str, str]]) -> dict[str, dict[str, str]]:
        """By domain that has both Kratos and Hydra: who they are and at which names a person and a client meet them."""
        of_domain, groups = domains.domains(self.coloured, self.kinds)
        asked = [one["host"] for one in public]
        found = {}
        for domain, group in groups.items():
            one = {self.kinds[name]: name for name in group}
            if set(one) != {"kratos", "hydra"}:
                continue
            hydra = self.coloured[one["hydra"]]
            heras = [n for n, d in of_domain.items() if d == domain and self.kinds[n] == "hera"]
            if len(heras) == 1:
                one["hera"] = heras[0]
            login = [host for host in asked if heras and self._at(host) == heras[0]] or login_hosts(hydra)
            oauth = [host for host in asked if self._at(host) == one["hydra"]] or issuer_hosts(hydra)
            one.update({"login_host": login[0]} if login else {}, **({"oauth_host": oauth[0]} if oauth else {}))
            found[domain] = one
        return found

    def _at(self, host: str) -> str:
        ends = (end for route, (end, _port) in self.routes if route.host == host and end in self.kinds)
        return next(ends, "") or self.named.get(host, ("", ""))[0]

    def unanswered(self) -> None:
        """Names that the services say, that no service is known to answer, and that no setting names."""
        given = [one for one in self.told.get("public") or () if isinstance(one, Mapping)]
        told = {spelled(str(one.get("host"))) for one in given}
        for host, (end, why) in self.named.items():
            if not end and host not in told:
                said = "%s is a public name (%s), and nothing says which service answers there" % (host, why)
                fix = "name its service in bluegreen_services, as in {login: {kind: hera}}, or the name in"
                self.problems.append(finding.wrong(said, fix + " bluegreen_public"))

    def schema(self) -> tuple[list[dict[str, str]], str]:
        """(schema targets, the service that is their database)."""
        targets, hosts = [], []
        for name in [name for name in self.coloured if self.kinds[name] in kinds.ORY]:
            parsed = self._dsn(name)
            if parsed is None:
                continue
            key = name.replace("-", "_")
            targets.append({"name": key, "product": self.kinds[name], "service": name, "database": parsed.database})
            self.found["schema_targets.%s" % key] = "the DSN of %s" % name
            hosts.append(parsed.host)
        there = [other_edges.who(host, self.others) for host in dict.fromkeys(hosts)]
        if there and there[0]:
            self.found["database"] = "the DSN's host %s" % hosts[0]
        return targets, there[0] if there else ""

    def _dsn(self, name: str) -> dsn.Dsn | None:
        """None where it is no PostgreSQL's. One that can't be read is said: nothing would migrate that database."""
        seen = self.coloured[name]
        address = seen.setting("DSN", "dsn")
        try:
            return dsn.parse(address, name, seen.env) if address else None
        except BluegreenError as exc:
            if dsn.SCHEME.match(address) and "schema_targets" not in self.told:
                self.problems.append(str(exc))
            return None


def _one_each(every: Sequence[Seen]) -> dict[str, Seen]:
    """One container a service: the operator's own before ours, a running one before others."""
    best: dict[str, Seen] = {}
    for one in sorted(every, key=lambda one: (not one.running, one.ours)):
        best.setdefault(one.service, one)
    return {one.service: best[one.service] for one in every}


def login_hosts(hydra: Seen) -> list[str]:
    return [host for _scheme, host, _port, _path in urls(hydra.setting("URLS_LOGIN", "urls", "login"))]


def issuer_hosts(hydra: Seen) -> list[str]:
    return [host for _scheme, host, _port, _path in urls(hydra.setting("URLS_SELF_ISSUER", "urls", "self", "issuer"))]


def learn(looked: Looked, told: Told) -> Learned:
    """The description as the running stack says it."""
    finder = Finder(looked, told)
    services = finder.services()
    public = finder.public(services)
    finder.deaf()
    finder.unanswered()
    targets, database = finder.schema()
    every = list(finder.coloured.values())
    for key, (_value, why) in looked.plain.items():
        finder.found[key] = why
    for key, (_value, why) in looked.edge.items():
        finder.found["edge.%s" % key] = why
    if not services:
        said = (
            "project %s has no container of a coloured service, and its edge sends no public name to one"
            % looked.project
        )
        fix = "start the project, or name its services in bluegreen_services"
        finder.problems.append(finding.wrong(said, fix, NO_CONTAINER))
    values = {
        **{key: value for key, (value, _why) in looked.plain.items()},
        "services": services,
        "shared": other_edges.shared(every, finder.others, looked.edge_service),
        "edge": {key: value for key, (value, _why) in looked.edge.items()},
        "public": public,
        "schema_targets": targets,
        "database": database,
        "domains": finder.probes(public),
        "dependents": other_edges.dependents(finder.others, looked.written, finder.coloured, looked.edge_service),
    }
    members = tuple(dict.fromkeys(one.service for one in finder.every))
    return Learned(values, finder.found, finder.facts(), members, tuple(finder.problems))
