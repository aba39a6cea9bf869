# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What Kratos is asked in the proof: with an identity of its own, by the ports of one container, nothing else."""

from __future__ import annotations

import json
import secrets as random
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from ..._core.http import Response
from ..._health import answers, ory_admin
from ..._health.model import Domain, Secrets
from ..._health.session import Cookies, Failed, Visit, must
from . import identity
from .side import SECONDS, Side, told_of

# What identities of the proof are called, with ten signs more.
NAME = "bgproof"
HTML = {"Accept": "text/html"}
# Kratos' own number for "an address has to be verified before".
UNVERIFIED = 4000010
NOT_OFFERED = "not offered"
FORM = {**HTML, "Content-Type": "application/x-www-form-urlencoded"}
PATCH = {**ory_admin.JSON, "Content-Type": "application/json"}


@dataclass(frozen=True)
class Person:
    """An identity that a side made: ``session`` is the token of a session that it left open there.

    ``registered``: one that came by registration, ``recovery``: what opens the account again (link, code).
    """

    id: str
    identifier: str
    traits: Mapping[str, Any]
    password: str = field(repr=False)
    session: str = field(default="", repr=False)
    registered: Person | None = None
    recovery: tuple[str, str] | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Flow:
    """A flow that was begun, the person in it, and what the visitor holds of it."""

    id: str
    who: Person
    cookies: Cookies | None = field(default=None, repr=False)
    token: str = field(default="", repr=False)
    hidden: Mapping[str, str] = field(default_factory=dict, repr=False)


class Kratos(Side[Person]):
    """By API, by a browser's forms and by the admin port."""

    # The last one leaves a session to the other side: a change of the password may end those of before.
    journeys = (
        "identity", "login", "browser_login", "settings", "list", "patch", "registration", "recovery", "logout",
        "session",
    )  # fmt: skip
    core = ("identity", "login")
    # A password that one side changed is what the other one logs in with.
    crossing: Mapping[str, str] = {
        "session": "session",
        "identity": "login",
        "list": "list",
        "patch": "patch",
        "settings": "settings",
        "registration": "registration",
        "recovery": "recovery",
        "logout": "logout",
    }
    lasting = ("session", "identity", "list", "patch", "settings")
    flights = ("login", "browser login", "registration", "settings")

    def left(self) -> Person | None:
        return self.made if self.made and self.made.session else None

    def cross(self, journey: str, theirs: Person) -> str:
        visit = self._visit(theirs)
        if journey == "identity":
            self._logs_in(theirs)
        elif journey == "session":
            ory_admin.whoami(visit, theirs.session)
        elif journey == "list":
            return self._listed(theirs.id)
        elif journey == "patch":
            self._patched(theirs.id)
        elif journey == "settings":
            self._saved(theirs)
        elif journey == "registration":
            return self._met(theirs.registered)
        elif journey == "recovery":
            return self._redeemed(*theirs.recovery) if theirs.recovery else NOT_OFFERED
        else:
            ory_admin.close_session(visit, theirs.session)
        return "accepted"

    def begin(self, step: str) -> Flow:
        """With a visitor of its own; a new identity where it registers."""
        who = self.has
        visit = self._visit(who)
        if step == "browser login":
            return self._browser_begun(visit, who)
        if step != "settings":
            return Flow(str(self._begun(visit, step).get("id")), who)
        token = ory_admin.open_session(visit, Secrets(who.password, ""))
        return Flow(str(self._begun(visit, step, {"X-Session-Token": token}).get("id")), who, token=token)

    def finish(self, step: str, begun: Flow) -> str:
        visit = self._visit(begun.who)
        if step == "browser login":
            visit.cookies = begun.cookies or visit.cookies
            self._browser_sent(visit, begun)
        elif step == "registration":
            self._registered(visit, begun.id)
        elif step == "settings":
            given = {"method": "profile", "traits": dict(begun.who.traits)}
            must(answers.wants(self._sent(visit, step, begun.id, given, begun.token), 200), step)
        else:
            given = {"method": "password", "identifier": begun.who.identifier, "password": begun.who.password}
            must(answers.logged_in(self._sent(visit, step, begun.id, given)), step)
        return "finished"

    def _begun(self, visit: Visit, kind: str, headers: Mapping[str, str] | None = None) -> dict[str, Any]:
        """A new flow by API, as Kratos tells it."""
        url = ory_admin.login_url(visit, "/self-service/%s/api" % kind)
        begun = visit.send("GET", url, {**ory_admin.JSON, **(headers or {})})
        must(answers.wants(begun, 200), "begin of the %s flow" % kind)
        return told_of(begun)

    def _sent(self, visit: Visit, kind: str, flow: str, given: Mapping[str, Any], token: str = "") -> Response:
        headers = {**ory_admin.SENDS_JSON, **({"X-Session-Token": token} if token else {})}
        url = ory_admin.login_url(visit, "/self-service/%s?flow=%s" % (kind, quote(flow)))
        return visit.send("POST", url, headers, json.dumps(given).encode())

    def _named(self) -> str:
        begun = Visit(self.http, None, SECONDS).direct(self.at, "GET", "/self-service/login/api", ory_admin.JSON)
        must(answers.wants(begun, 200), "begin of the login flow")
        return str((told_of(begun).get("ui") or {}).get("action") or "")

    def _visit(self, who: Person | None = None) -> Visit:
        """A visitor who sends the public name that Kratos itself tells in its flows."""
        name = who.identifier if who else ""
        return Visit(
            self.http, Domain("proof", self.at.service, self.host, "", name, "", "", self.at, self.at), SECONDS
        )

    def _identity(self) -> str:
        visit = Visit(self.http, None, SECONDS)
        refused = ""
        for schema in self._schemas(visit):
            person = _new(schema)
            password = random.token_urlsafe(24)
            body = {
                "schema_id": schema.get("id"),
                "traits": person.traits,
                "credentials": {"password": {"config": {"password": password}}},
                # A login may be for verified addresses alone.
                "verifiable_addresses": [
                    {"via": via, "value": value, "verified": True, "status": "completed"}
                    for via, value in person.verifiable
                ],
            }
            response = visit.admin(
                self.at, "POST", "/admin/identities", ory_admin.SENDS_JSON, json.dumps(body).encode()
            )
            made = told_of(response)
            if person.identifier and response.status == 201 and made:
                self.made = Person(str(made.get("id")), person.identifier, person.traits, password)
                return "made"
            refused = refused or answers.wants(response, 201) or "its schema names no identifier of a password"
        raise Failed("an identity of the schema was refused: %s" % (refused or "Kratos tells no schema"))

    def _schemas(self, visit: Visit) -> list[dict[str, Any]]:
        response = visit.direct(self.at, "GET", "/schemas", ory_admin.JSON)
        must(answers.listed(response), "list of identity schemas")
        return [one for one in response.json() if isinstance(one, dict)]

    def _login(self) -> str:
        self._logs_in(self.has)
        return "logged in, whoami"

    def _logs_in(self, who: Person) -> None:
        visit = self._visit(who)
        token = ory_admin.open_session(visit, Secrets(who.password, ""))
        ory_admin.whoami(visit, token)
        ory_admin.close_session(visit, token)

    def _session(self) -> str:
        who = self.has
        token = ory_admin.open_session(self._visit(who), Secrets(who.password, ""))
        self.keep(replace(who, session=token))
        return "left open"

    def _browser_login(self) -> str:
        self._browser(self.has)
        return "form sent, cookie, whoami"

    def _browser(self, who: Person) -> Visit:
        """A browser's session, by the form of the login flow."""
        visit = self._visit(who)
        self._browser_sent(visit, self._browser_begun(visit, who))
        return visit

    def _browser_begun(self, visit: Visit, who: Person) -> Flow:
        begun = visit.send("GET", ory_admin.login_url(visit, "/self-service/login/browser"), HTML)
        must(_redirected(begun), "begin of the browser's login")
        flow = _flow(begun)
        url = ory_admin.login_url(visit, "/self-service/login/flows?id=" + quote(flow))
        told = visit.send("GET", url, ory_admin.JSON)
        must(answers.wants(told, 200), "the browser's login flow")
        return Flow(flow, who, visit.cookies, hidden=_hidden(told))

    def _browser_sent(self, visit: Visit, flow: Flow) -> None:
        who = flow.who
        given = {**flow.hidden, "method": "password", "identifier": who.identifier, "password": who.password}
        url = ory_admin.login_url(visit, "/self-service/login?flow=" + quote(flow.id))
        must(_redirected(visit.send("POST", url, FORM, urlencode(given).encode())), "the browser's login")
        ory_admin.whoami(visit)

    def _settings(self) -> str:
        """The profile as it is and, last, another password: both write the identity and its credentials."""
        changed = random.token_urlsafe(24)
        groups = self._saved(self.has, changed)
        if "password" in groups:
            self.keep(replace(self.has, password=changed))
        return "saved: %s" % ", ".join(sorted(groups & {"profile", "password"}))

    def _saved(self, who: Person, password: str = "") -> set[str]:
        """The groups that its settings offer."""
        visit = self._visit(who)
        token = ory_admin.open_session(visit, Secrets(who.password, ""))
        groups = self._change(visit, token, {"method": "profile", "traits": dict(who.traits)})
        if password and "password" in groups:
            self._change(visit, token, {"method": "password", "password": password})
        ory_admin.close_session(visit, token)
        return groups

    def _change(self, visit: Visit, token: str, given: Mapping[str, Any]) -> set[str]:
        """The groups that the flow offers; what is not offered is not sent."""
        body = self._begun(visit, "settings", {"X-Session-Token": token})
        groups = {str(one.get("group")) for one in (body.get("ui") or {}).get("nodes") or []}
        if given["method"] in groups:
            sent = self._sent(visit, "settings", str(body.get("id")), given, token)
            must(answers.wants(sent, 200), "settings (%s)" % given["method"])
        return groups

    def _list(self) -> str:
        return self._listed(self.has.id)

    def _listed(self, one: str) -> str:
        """All, and one of them."""
        visit = Visit(self.http, None, SECONDS)
        response = visit.admin(self.at, "GET", "/admin/identities?page_size=10&per_page=10", ory_admin.JSON)
        must(answers.listed(response), "list of identities")
        told = visit.admin(self.at, "GET", "/admin/identities/" + quote(one), ory_admin.JSON)
        must(answers.wants(told, 200), "one identity")
        return "%d listed" % len(response.json())

    def _patch(self) -> str:
        self._patched(self.has.id)
        return "patched"

    def _patched(self, one: str, path: str = "/state", value: Any = "active") -> None:
        visit = Visit(self.http, None, SECONDS)
        change = json.dumps([{"op": "replace", "path": path, "value": value}]).encode()
        response = visit.admin(self.at, "PATCH", "/admin/identities/" + quote(one), PATCH, change)
        must(answers.wants(response, 200), "PATCH of an identity")

    def _registration(self) -> str:
        if self._off("registration", self.known.registered if self.known else None):
            return NOT_OFFERED
        visit = self._visit()
        made = self._registered(visit, str(self._begun(visit, "registration").get("id")))
        self.keep(replace(self.has, registered=made))
        return "registered"

    def _registered(self, visit: Visit, flow: str) -> Person:
        refused = "Kratos tells no schema"
        for schema in self._schemas(Visit(self.http, None, SECONDS)):
            person, password = _new(schema), random.token_urlsafe(24)
            sent = self._sent(
                visit, "registration", flow, {"method": "password", "password": password, "traits": person.traits}
            )
            refused = answers.wants(sent, 200)
            if not refused:
                told = (told_of(sent).get("identity") or {}).get("id")
                return Person(str(told or ""), person.identifier, person.traits, password)
        raise Failed("registration: %s" % refused)

    def _met(self, who: Person | None) -> str:
        """One that another side registered. A login may be for verified addresses alone; no mail is read here."""
        if who is None or not who.id:
            return NOT_OFFERED
        self._listed(who.id)
        response = ory_admin.submit_login(self._visit(who), who.password)
        if UNVERIFIED not in [number for number, _text in answers.messages(response.json())]:
            must(answers.logged_in(response), "login")
        return "known, and its password"

    def _recovery(self) -> str:
        """Where the configuration lets people recover: an admin's code or link, and one more for the other side."""
        if self._off("recovery", self.known.recovery if self.known else None):
            return NOT_OFFERED
        told = self._redeemed(*self._opened())
        self.keep(replace(self.has, recovery=self._opened()))
        return told

    def _off(self, kind: str, before: object) -> bool:
        """Whether the configuration refuses such a flow; it does not where an earlier side got something of it."""
        visit = self._visit()
        begun = visit.send("GET", ory_admin.login_url(visit, "/self-service/%s/api" % kind), ory_admin.JSON)
        refused = begun.status in (400, 403, 404) and not answers.hidden_error(begun.json())
        return refused and not before

    def _opened(self) -> tuple[str, str]:
        """(link, code) of an admin's recovery; the code is '' where the link is enough."""
        visit, refused = Visit(self.http, None, SECONDS), ""
        for kind in ("code", "link"):
            body = json.dumps({"identity_id": self.has.id}).encode()
            response = visit.admin(self.at, "POST", "/admin/recovery/" + kind, ory_admin.SENDS_JSON, body)
            told = told_of(response)
            if response.status in (200, 201) and told.get("recovery_link"):
                return str(told["recovery_link"]), str(told.get("recovery_code") or "")
            refused = refused or answers.wants(response, 200, 201) or "no link came back"
        raise Failed("recovery by an admin: %s" % refused)

    def _redeemed(self, link: str, code: str) -> str:
        """Opened by a new browser, which is logged in by that."""
        visit, query = self._visit(), urlsplit(link).query
        url = ory_admin.login_url(visit, "/self-service/recovery?" + query)
        form = urlencode({"method": "code", "code": code}).encode()
        sent = visit.send("POST", url, FORM, form) if code else visit.send("GET", url, HTML)
        must(_redirected(sent), "recovery")
        ory_admin.whoami(visit)
        return "redeemed by %s" % ("code" if code else "link")

    def _logout(self) -> str:
        """By API and by browser; the session that is left for the other side stays."""
        who = self.has
        visit = self._visit(who)
        token = ory_admin.open_session(visit, Secrets(who.password, ""))
        ory_admin.close_session(visit, token)
        must(answers.wants(ory_admin.ask_whoami(visit, token), 401), "whoami after the logout")
        browser = self._browser(who)
        begun = browser.send("GET", ory_admin.login_url(browser, "/self-service/logout/browser"), ory_admin.JSON)
        must(answers.wants(begun, 200), "begin of the browser's logout")
        way = urlsplit(str(told_of(begun).get("logout_url") or ""))
        ended = browser.send("GET", ory_admin.login_url(browser, "%s?%s" % (way.path, way.query)), HTML)
        must(_redirected(ended), "the browser's logout")
        must(answers.wants(ory_admin.ask_whoami(browser), 401), "whoami after the browser's logout")
        return "logged out by API and by browser"


def _new(schema: Mapping[str, Any]) -> identity.Person:
    """Another identity each time, as a schema wants them to be."""
    return identity.person(schema.get("schema") or {}, NAME + random.token_hex(5))


def _redirected(response: Response) -> str:
    """A redirect that leads to no error page. Whether a login came of it, a cookie tells."""
    if response.status not in answers.REDIRECTS:
        return answers.unexpected(response)
    return answers.error_page(response.headers.get("location", ""))


def _flow(response: Response) -> str:
    query = urlsplit(response.headers.get("location", "")).query
    found = [part.partition("=")[2] for part in query.split("&") if part.startswith("flow=")]
    if not found:
        raise Failed("begin of the browser's login: no flow in the redirect")
    return found[0]


def _hidden(response: Response) -> dict[str, str]:
    """What the form's hidden fields hold, the token against forgery among them."""
    nodes = (told_of(response).get("ui") or {}).get("nodes") or []
    fields = [one.get("attributes") or {} for one in nodes if isinstance(one, dict)]
    hidden = [one for one in fields if one.get("type") == "hidden"]
    return {str(one["name"]): str(one["value"]) for one in hidden if one.get("value") and one.get("name")}
