# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Login UIs of other makes, and broken ones, each a small server in front of a real Kratos and a real Hydra."""

from __future__ import annotations

import email
import json
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import Message
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, quote, urlencode, urlsplit

INVALID = "Invalid email or password."


def ask(method: str, url: str, body: Mapping[str, Any] | None = None, form: bool = False) -> tuple[int, Any]:
    """(status, JSON) of an upstream."""
    data = None
    if body is not None:
        data = urlencode(body).encode() if form else json.dumps(body).encode()
    kind = "application/x-www-form-urlencoded" if form else "application/json"
    request = urllib.request.Request(url, data, {"Content-Type": kind, "User-Agent": "node"}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            text = answer.read()
            return int(answer.status), json.loads(text) if text else None
    except urllib.error.HTTPError as exc:
        text = exc.read()
        return exc.code, json.loads(text) if text.startswith(b"{") else None


def published(challenge: str, said: str) -> str:
    """As the published one shows it: a Server Action, multipart, to the page's own address."""
    return """<!doctype html><html><head><script>var a = "<form>";</script></head><body><h1>Welcome back</h1>
<p class="e">%s</p><form action="" encType="multipart/form-data" method="POST">
<input type="hidden" name="$ACTION_REF_1"/>
<input type="hidden" name="$ACTION_1:0" value="{&quot;id&quot;:&quot;&quot;}"/>
<input type="hidden" name="$ACTION_KEY" value="k1"/><input type="hidden" name="login_challenge" value="%s"/>
<input type="email" id="email" name="email" required autoComplete="email"/>
<input type="password" id="password" name="password"/><button type="submit">Sign In</button></form></body></html>""" % (
        escape(said),
        escape(challenge),
    )


def other(challenge: str, said: str) -> str:
    """Another one: urlencoded, other names, a search and a registration before the login, its button apart."""
    return """<form action="/search"><input name="q"></form>
<form method="post" action="/newsletter"><input type="email" name="mail"><button>Go</button></form>
<form method="post" action="/register"><input type="hidden" name="challenge" value="%(c)s"><input name="username">
<input type="password" name="pw" autocomplete="new-password"><input type="password" name="again"></form>
<div role="alert">%(e)s</div>
<form id="in" method="post" action="/signin?login_challenge=%(c)s"><input type="hidden" name="xsrf" value="a&amp;b">
<input type="checkbox" name="remember" value="1"><input type="text" name="tenant" value="one">
<input type="text" name="user[login]"><input type="password" name="user[secret]"></form>
<button form="in" name="go" value="1">Log in</button>""" % {"c": escape(challenge), "e": escape(said)}


CONSENT = """<form method="post" action="/grant"><input type="hidden" name="challenge" value="%s">
<input type="checkbox" name="grant_scope" value="openid"><input type="checkbox" name="grant_scope" value="offline">
<button name="submit" value="deny">Deny access</button>
<button name="submit" value="allow">Allow access</button></form>"""
CODE = """<form method="post" action="/login"><input name="totp_code" autocomplete="one-time-code">
<button>Go</button></form>"""
WIDGET = '<div class="cf-turnstile" data-sitekey="0x4AAA"></div></form>'


@dataclass
class Fake:
    """One login UI. ``names``: (identifier, password) fields; ``subject`` is accepted instead of the person's own."""

    kratos: str
    hydra: str
    template: Callable[[str, str], str] = published
    names: tuple[str, str] = ("email", "password")
    asks_consent: bool = False
    remembers: bool = False
    subject: str = ""
    refuses: bool = False
    loops: bool = False
    captcha: bool = False
    second_factor: bool = False
    lockout: int = 0
    port: int = 0
    refused: int = 0
    posts: list[str] = field(default_factory=list)

    def requests(self, kind: str, how: str, challenge: str, body: Mapping[str, Any] | None = None) -> str:
        """Hydra's admin: get, accept or reject a challenge; where the browser goes."""
        path = "%s/admin/oauth2/auth/requests/%s%s?%s_challenge=%s"
        way = "" if how == "get" else "/" + how
        method = "GET" if how == "get" else "PUT"
        _status, told = ask(method, path % (self.hydra, kind, way, kind, quote(challenge)), body)
        return json.dumps(told) if how == "get" else str(told["redirect_to"])

    def page(self, challenge: str, said: str) -> str:
        page = self.template(challenge, said)
        return page.replace("</form>", WIDGET) if self.captcha else page

    def login(self, challenge: str, given: Mapping[str, list[str]]) -> tuple[int, str]:
        """(status, page or address) of the posted form."""
        if self.loops:
            return 303, "/login?login_challenge=" + quote(challenge)
        if self.lockout and self.refused >= self.lockout:
            return 200, self.page(challenge, "Your account is temporarily locked. Try again in 15 minutes.")
        who = "" if self.refuses else self.kratos_login(given[self.names[0]][0], given[self.names[1]][0])
        if not who:
            self.refused += 1
            return 200, self.page(challenge, INVALID)
        self.refused = 0
        if self.second_factor:
            return 200, CODE
        accepted = {"subject": self.subject or who, "remember": self.remembers, "remember_for": 3600}
        return 303, self.requests("login", "accept", challenge, accepted)

    def kratos_login(self, name: str, password: str) -> str:
        """At Kratos, from the server: nothing of it reaches the browser. The identity's id, or ''."""
        _status, flow = ask("GET", self.kratos + "/self-service/login/api")
        form = {"method": "password", "identifier": name, "password": password}
        status, told = ask("POST", "%s/self-service/login?flow=%s" % (self.kratos, flow["id"]), form, form=True)
        return str(told["session"]["identity"]["id"]) if status == 200 else ""

    def consent(self, challenge: str) -> str:
        asked = json.loads(self.requests("consent", "get", challenge))
        granted = {"grant_scope": asked["requested_scope"], "remember": self.remembers}
        return self.requests("consent", "accept", challenge, granted)


class Handler(BaseHTTPRequestHandler):
    fake: Fake

    def log_message(self, *_given: object) -> None:
        """Quiet."""

    def say(self, status: int, text: str) -> None:
        body = b"" if status == 303 else text.encode()
        self.send_response(status)
        if status == 303:
            self.send_header("Location", text)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if parts.path == "/health":
            self.say(200, "{}")
        elif "login_challenge" in query:
            self.say(200, self.fake.page(query["login_challenge"], ""))
        elif "consent_challenge" in query:
            challenge = query["consent_challenge"]
            shown = self.fake.asks_consent
            self.say(*((200, CONSENT % escape(challenge)) if shown else (303, self.fake.consent(challenge))))
        elif "logout_challenge" in query:
            self.say(303, self.fake.requests("logout", "accept", query["logout_challenge"]))
        else:
            self.say(404, "no such page")

    def form(self) -> dict[str, list[str]]:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        kind = self.headers["Content-Type"]
        if not kind.startswith("multipart/form-data"):
            return parse_qs(body.decode(), keep_blank_values=True)
        whole = b"Content-Type: " + kind.encode() + b"\r\n\r\n" + body
        found: dict[str, list[str]] = {}
        for part in email.message_from_bytes(whole).get_payload():
            assert isinstance(part, Message)
            value = part.get_payload(decode=True)
            assert isinstance(value, bytes)
            found.setdefault(str(part.get_param("name", header="content-disposition")), []).append(value.decode())
        return found

    def do_POST(self) -> None:
        parts, given = urlsplit(self.path), self.form()
        self.fake.posts.append(parts.path)
        asked = parse_qs(parts.query)
        if parts.path == "/grant":
            allowed = given["submit"] == ["allow"] and given["grant_scope"] == ["openid", "offline"]
            self.say(*((303, self.fake.consent(given["challenge"][0])) if allowed else (400, "denied")))
        elif parts.path in ("/login", "/signin"):
            challenge = (given.get("login_challenge") or asked.get("login_challenge") or [""])[0]
            self.say(*self.fake.login(challenge, given))
        else:
            self.say(404, "no such form")


@contextmanager
def serve(handler: type[BaseHTTPRequestHandler]) -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield int(server.server_address[1])
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def running(fake: Fake) -> Iterator[Fake]:
    with serve(type("Served", (Handler,), {"fake": fake})) as port:
        fake.port = port
        yield fake
