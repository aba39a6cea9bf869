# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The forms of an HTML page, read as a browser without JavaScript would send them. Pure.

Forms are found by their fields, so that any template will do. Hidden fields are taken whatever they are called: a UI
built on Server Actions hides one per build.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urlencode

URLENCODED, MULTIPART = "application/x-www-form-urlencoded", "multipart/form-data"
# Inputs that a browser sends only when they are chosen.
CHOSEN = ("checkbox", "radio")
UNSENT = ("image", "reset", "button", "file")
TEXTS = ("text", "email", "tel", "")
IDENTIFIER = re.compile(r"identifier|e-?mail|user-?_?name|login|account|user", re.I)
CODE = re.compile(r"otp|totp|one.?time|verification_?code|lookup_secret|(^|_)(code|pin)$", re.I)
AGREES = re.compile(r"allow|accept|grant|agree|approve|authori[sz]e|confirm|continue|yes|log ?out|sign ?out", re.I)
REFUSES = re.compile(r"deny|denied|reject|refuse|cancel|decline|\bno\b|disallow", re.I)
REMEMBERS = re.compile(r"remember|trust", re.I)

Pairs = Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Field:
    """One control; ``kind`` is its input type, ``text`` what a button shows, ``says`` its autocomplete hint."""

    name: str
    kind: str
    value: str = ""
    chosen: bool = True
    text: str = ""
    says: str = ""
    instead: tuple[str, str, str] = ("", "", "")


@dataclass
class Form:
    """``controls`` in the order of the page; ``instead`` of a button: (action, method, enctype) that it overrides."""

    action: str = ""
    method: str = "get"
    enctype: str = URLENCODED
    id: str = ""
    controls: list[Field] = field(default_factory=list)

    def of_kind(self, *kinds: str) -> list[Field]:
        return [one for one in self.controls if one.kind in kinds]

    @property
    def asks_password(self) -> bool:
        return bool(self.of_kind("password"))

    @property
    def identifier(self) -> str:
        """The field for the name of the person: by its type, then by its name or hint, else the first text."""
        texts = [one for one in self.controls if one.kind in TEXTS and not asks_code(one)]
        named = [one for one in texts if IDENTIFIER.search(one.name) or one.says in ("username", "email")]
        best = [*(one for one in named if one.kind == "email"), *named, *self.of_kind("email")]
        best += texts if self.asks_password else []
        return best[0].name if best else ""

    @property
    def code(self) -> bool:
        """Whether it asks for a second factor."""
        return any(asks_code(one) for one in self.controls if one.kind not in ("hidden", "submit", *CHOSEN))

    @property
    def challenges(self) -> set[str]:
        """Values by which the form belongs to one request of Hydra's."""
        return {one.value for one in self.of_kind("hidden") if "challenge" in one.name.lower() and one.value}

    def button(self) -> Field | None:
        """The one that is pressed: what agrees, never what refuses unless there is no other."""
        buttons = self.of_kind("submit")
        words = [(one, "%s %s %s" % (one.name, one.value, one.text)) for one in buttons]
        agree = [one for one, label in words if AGREES.search(label) and not REFUSES.search(label)]
        other = [one for one, label in words if not REFUSES.search(label)]
        return next(iter([*agree, *other, *buttons]), None) if not self.asks_password else next(iter(buttons), None)

    def fields(self, agree: bool = False) -> list[tuple[str, str]]:
        """What would be sent as it stands; ``agree`` also ticks every box but those that remember."""
        pressed = self.button()
        return [(one.name, one.value) for one in self.controls if one.name and self._sent(one, pressed, agree)]

    @staticmethod
    def _sent(one: Field, pressed: Field | None, agree: bool) -> bool:
        if one.kind == "submit":
            return one is pressed
        ticked = agree and one.kind == "checkbox" and not REMEMBERS.search(one.name)
        return one.chosen or ticked

    def filled(self, identifier: str, password: str) -> list[tuple[str, str]]:
        """The fields with the identifier in its field and the password in the first password field."""
        name = self.identifier
        secret = next((one.name for one in self.of_kind("password")), "")
        given = {name: identifier, secret: password}
        return [(key, given[key] if key and key in given else value) for key, value in self.fields()]

    def sent_to(self) -> tuple[str, str, str]:
        """(action, method, enctype) with what the pressed button says instead."""
        pressed = self.button()
        action, method, enctype = pressed.instead if pressed else ("", "", "")
        return action or self.action, (method or self.method).lower(), (enctype or self.enctype).lower()


def asks_code(one: Field) -> bool:
    return one.says == "one-time-code" or bool(CODE.search(one.name))


def encode(enctype: str, fields: Pairs) -> tuple[str, bytes]:
    """(Content-Type, body) of the fields as a form of this ``enctype`` sends them."""
    if enctype != MULTIPART:
        return URLENCODED, urlencode(fields).encode()
    boundary = "----bluegreen" + secrets.token_hex(8)
    parts = [
        '--%s\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n' % (boundary, name.replace('"', "%22"), value)
        for name, value in fields
    ]
    return "%s; boundary=%s" % (MULTIPART, boundary), ("".join(parts) + "--%s--\r\n" % boundary).encode()


class _Parser(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.forms: list[Form] = []
        self.words: list[str] = []
        self._open: Form | None = None
        self._apart: list[tuple[str, Field]] = []
        self._button: tuple[Form | None, dict[str, str], list[str]] | None = None
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag in ("script", "style"):
            self._silent += 1
        elif tag == "form":
            self._open = Form(
                given.get("action", ""),
                given.get("method", "get").lower(),
                given.get("enctype", URLENCODED).lower(),
                given.get("id", ""),
            )
            self.forms.append(self._open)
        elif tag == "button":
            self._button = (self._open, given, [])
        elif tag in ("input", "textarea"):
            self._take(self._open, tag, given, "")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)

    def handle_data(self, data: str) -> None:
        if self._silent:
            return
        if self._button:
            self._button[2].append(data)
        if data.strip():
            self.words.append(data.strip())

    def handle_endtag(self, tag: str) -> None:
        if tag in ("script", "style"):
            self._silent = max(0, self._silent - 1)
        elif tag == "form":
            self._open = None
        elif tag == "button" and self._button:
            where, given, words = self._button
            self._button = None
            self._take(where, tag, given, " ".join("".join(words).split()))

    def _take(self, form: Form | None, tag: str, given: dict[str, str], text: str) -> None:
        default = {"button": "submit", "textarea": "textarea"}.get(tag, "text")
        kind = (given.get("type") or default).lower()
        if kind in UNSENT or "disabled" in given or (not given.get("name") and kind != "submit"):
            return
        value = given.get("value", "on" if kind in CHOSEN else "")
        instead = (given.get("formaction", ""), given.get("formmethod", ""), given.get("formenctype", ""))
        chosen = kind not in CHOSEN or "checked" in given
        one = Field(given.get("name", ""), kind, value, chosen, text, given.get("autocomplete", "").lower(), instead)
        if given.get("form"):
            self._apart.append((given["form"], one))
        elif form is not None:
            form.controls.append(one)

    def close(self) -> None:
        super().close()
        for owner, one in self._apart:
            for form in self.forms:
                if form.id == owner:
                    form.controls.append(one)


@dataclass(frozen=True)
class Page:
    """``text`` is what a person reads; ``source`` the HTML."""

    forms: tuple[Form, ...]
    text: str
    source: str = field(repr=False)


def parse(source: str) -> Page:
    parser = _Parser()
    parser.feed(source)
    parser.close()
    posted = tuple(form for form in parser.forms if form.sent_to()[1] == "post")
    return Page(posted, " ".join(parser.words), source)


def login_form(found: Iterable[Form]) -> Form | None:
    """The form that asks for a password: rather one password than two (those are registrations)."""
    asking = [form for form in found if form.asks_password]
    new = [one for one in asking if any(f.says == "new-password" for f in one.of_kind("password"))]
    return min(asking, key=lambda form: (form in new, len(form.of_kind("password")), not form.identifier), default=None)


def name_form(found: Iterable[Form]) -> Form | None:
    """The first step of a login in two: the form that asks for the person's name only."""
    named = [form for form in found if not form.asks_password and form.identifier and not form.code]
    return min(named, key=lambda form: not form.challenges, default=None)


def confirmed(found: Sequence[Form], url: str) -> Form | None:
    """The form that asks for a consent or a logout: by its challenge, by that of the page's address, else the one."""
    marked = [form for form in found if form.challenges]
    asked = re.findall(r"_challenge=([^&#]+)", url)
    here = [form for form in found if any(value in form.action for value in asked)]
    return next(iter([*marked, *here]), found[0] if len(found) == 1 else None)
