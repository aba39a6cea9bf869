# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The forms of an HTML page, read as a browser without JavaScript would send them. Pure.

Hidden fields are taken whatever they are called: a UI built on Server Actions hides one per build.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urlencode

MULTIPART = "multipart/form-data"
# Inputs that a browser sends only when they are chosen.
CHOSEN = ("checkbox", "radio")
UNSENT = ("image", "reset", "button", "file")


@dataclass
class Form:
    """``fields`` is what would be sent as it stands; ``kinds`` says what type of input each one is."""

    action: str = ""
    method: str = "get"
    enctype: str = "application/x-www-form-urlencoded"
    fields: dict[str, str] = field(default_factory=dict)
    kinds: dict[str, str] = field(default_factory=dict)

    def of_kind(self, *kinds: str) -> str | None:
        """The first field of one of these input types."""
        return next((name for name, kind in self.kinds.items() if kind in kinds), None)

    @property
    def asks_password(self) -> bool:
        return self.of_kind("password") is not None

    def filled(self, identifier: str, password: str) -> Mapping[str, str]:
        """The fields with the identifier in the first text or email input and the password in the first password."""
        name, secret = self.of_kind("text", "email"), self.of_kind("password")
        answers = {**self.fields}
        if name:
            answers[name] = identifier
        if secret:
            answers[secret] = password
        return answers


def encode(form: Form, fields: Mapping[str, str]) -> tuple[str, bytes]:
    """(Content-Type, body) of the fields as this form sends them."""
    if form.enctype != MULTIPART:
        return "application/x-www-form-urlencoded", urlencode(fields).encode()
    boundary = "----bluegreen" + secrets.token_hex(8)
    parts = [
        '--%s\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n' % (boundary, name.replace('"', "%22"), value)
        for name, value in fields.items()
    ]
    return "%s; boundary=%s" % (MULTIPART, boundary), ("".join(parts) + "--%s--\r\n" % boundary).encode()


class _Parser(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.forms: list[Form] = []
        self._open: Form | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._open = Form(
                given.get("action", ""),
                given.get("method", "get").lower(),
                given.get("enctype", "application/x-www-form-urlencoded").lower(),
            )
            self.forms.append(self._open)
        elif self._open is not None and tag in ("input", "button"):
            self._take(self._open, tag, given)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._open = None

    @staticmethod
    def _take(form: Form, tag: str, given: Mapping[str, str]) -> None:
        kind = given.get("type", "submit" if tag == "button" else "text").lower()
        name = given.get("name", "")
        if not name or kind in UNSENT or "disabled" in given:
            return
        if kind in CHOSEN and "checked" not in given:
            return
        # A browser sends the one button that was pressed: the first.
        if kind == "submit" and "submit" in form.kinds.values():
            return
        form.kinds.setdefault(name, kind)
        form.fields.setdefault(name, given.get("value", "on" if kind in CHOSEN else ""))


def parse(page: str) -> list[Form]:
    parser = _Parser()
    parser.feed(page)
    parser.close()
    return parser.forms


def login_form(page: str) -> Form | None:
    """The form of the page that is posted and asks for a password."""
    return next((form for form in parse(page) if form.method == "post" and form.asks_password), None)


def form_with(page: str, name: str) -> Form | None:
    """The posted form that carries a field called ``name`` (as consent_challenge)."""
    return next((form for form in parse(page) if form.method == "post" and name in form.fields), None)
