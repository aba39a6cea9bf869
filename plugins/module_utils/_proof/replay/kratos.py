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
from ..._health.session import Failed, Visit, must
from . import identity
from .side import SECONDS, Side, told_of

# What identities of the proof are called, with ten signs more.
NAME = "bgproof"
HTML = {"Accept": "text/html"}
FORM = {**HTML, "Content-Type": "application/x-www-form-urlencoded"}
PATCH = {**ory_admin.JSON, "Content-Type": "application/json"}


@dataclass(frozen=True)
class Person:
    """An identity that a side made: ``session`` is the token of a session that it left open there."""

    id: str
    identifier: str
    traits: Mapping[str, Any]
    password: str = field(repr=False)
    session: str = field(default="", repr=False)


class Kratos(Side[Person]):
    """By API, by a browser's forms and by the admin port."""

    # The last one leaves a session to the other side: a change of the password may end those of before.
    journeys = ("identity", "login", "browser_login", "settings", "list", "patch", "registration", "logout", "session")
    core = ("identity", "login")
    crossing: Mapping[str, str] = {"session": "session", "identity": "login", "logout": "logout"}

    def left(self) -> Person | None:
        return self.made if self.made and self.made.session else None

    def cross(self, journey: str, theirs: Person) -> str:
        visit = self._visit(theirs)
        if journey == "identity":
            ory_admin.close_session(visit, ory_admin.open_session(visit, Secrets(theirs.password, "")))
        elif journey == "session":
            ory_admin.whoami(visit, theirs.session)
        else:
            ory_admin.close_session(visit, theirs.session)
        return "accepted"

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
        who = self.has
        visit = self._visit(who)
        token = ory_admin.open_session(visit, Secrets(who.password, ""))
        ory_admin.whoami(visit, token)
        ory_admin.close_session(visit, token)
        return "logged in, whoami"

    def _session(self) -> str:
        who = self.has
        token = ory_admin.open_session(self._visit(who), Secrets(who.password, ""))
        self.keep(replace(who, session=token))
        return "left open"

    def _browser_login(self) -> str:
        visit = self._browser(self.has)
        ory_admin.whoami(visit)
        return "form sent, cookie, whoami"

    def _browser(self, who: Person) -> Visit:
        """A browser's session, by the form of the login flow."""
        visit = self._visit(who)
        begun = visit.send("GET", ory_admin.login_url(visit, "/self-service/login/browser"), HTML)
        must(_redirected(begun), "begin of the browser's login")
        flow = _flow(begun)
        told = visit.send(
            "GET", ory_admin.login_url(visit, "/self-service/login/flows?id=" + quote(flow)), ory_admin.JSON
        )
        must(answers.wants(told, 200), "the browser's login flow")
        given = {**_hidden(told), "method": "password", "identifier": who.identifier, "password": who.password}
        url = ory_admin.login_url(visit, "/self-service/login?flow=" + quote(flow))
        sent = visit.send("POST", url, FORM, urlencode(given).encode())
        must(_redirected(sent), "the browser's login")
        return visit

    def _settings(self) -> str:
        """The profile as it is and, last, another password: both write the identity and its credentials."""
        who = self.has
        visit = self._visit(who)
        token = ory_admin.open_session(visit, Secrets(who.password, ""))
        groups = self._change(visit, token, {"method": "profile", "traits": dict(who.traits)})
        changed = random.token_urlsafe(24)
        if "password" in groups:
            self._change(visit, token, {"method": "password", "password": changed})
            self.keep(replace(who, password=changed))
        ory_admin.close_session(visit, token)
        return "saved: %s" % ", ".join(sorted(groups & {"profile", "password"}))

    def _change(self, visit: Visit, token: str, given: Mapping[str, Any]) -> set[str]:
        """The groups that the flow offers; what is not offered is not sent."""
        headers = {**ory_admin.SENDS_JSON, "X-Session-Token": token}
        begun = visit.send("GET", ory_admin.login_url(visit, "/self-service/settings/api"), headers)
        must(answers.wants(begun, 200), "begin of the settings flow")
        body = told_of(begun)
        groups = {str(one.get("group")) for one in (body.get("ui") or {}).get("nodes") or []}
        if given["method"] in groups:
            url = ory_admin.login_url(visit, "/self-service/settings?flow=" + quote(str(body.get("id"))))
            sent = visit.send("POST", url, headers, json.dumps(given).encode())
            must(answers.wants(sent, 200), "settings (%s)" % given["method"])
        return groups

    def _list(self) -> str:
        visit = Visit(self.http, None, SECONDS)
        response = visit.admin(self.at, "GET", "/admin/identities?page_size=10&per_page=10", ory_admin.JSON)
        must(answers.listed(response), "list of identities")
        one = visit.admin(self.at, "GET", "/admin/identities/" + quote(self.has.id), ory_admin.JSON)
        must(answers.wants(one, 200), "one identity")
        return "%d listed" % len(response.json())

    def _patch(self) -> str:
        visit = Visit(self.http, None, SECONDS)
        change = [{"op": "replace", "path": "/state", "value": "active"}]
        path = "/admin/identities/" + quote(self.has.id)
        response = visit.admin(self.at, "PATCH", path, PATCH, json.dumps(change).encode())
        must(answers.wants(response, 200), "PATCH of an identity")
        return "patched"

    def _registration(self) -> str:
        visit = self._visit()
        begun = visit.send("GET", ory_admin.login_url(visit, "/self-service/registration/api"), ory_admin.JSON)
        must(answers.wants(begun, 200), "begin of the registration flow")
        body, refused = told_of(begun), "Kratos tells no schema"
        for schema in self._schemas(Visit(self.http, None, SECONDS)):
            person = _new(schema)
            given = {"method": "password", "password": random.token_urlsafe(24), "traits": person.traits}
            url = ory_admin.login_url(visit, "/self-service/registration?flow=" + quote(str(body.get("id"))))
            sent = visit.send("POST", url, ory_admin.SENDS_JSON, json.dumps(given).encode())
            refused = answers.wants(sent, 200)
            if not refused:
                return "registered"
        raise Failed("registration: %s" % refused)

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
