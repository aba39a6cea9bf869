# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A login as a person does it: through Hydra's redirects and whatever pages and forms the login UI shows.

The person's browser never gets a Kratos session at Olympus: Hera logs in on the server's side and accepts Hydra's
challenge. So nothing here asks for one; a login is proven by the code, the token and the subject at its end.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import parse_qs, urlencode, urljoin, urlsplit

from .._core.http import Response
from . import answers, forms, oauth
from .model import Domain, Secrets
from .session import Failed, Visit, must

MAX_STEPS = 20
# (URL, where it redirects or '' for a page) -> whether the walk is over.
Ends = Callable[[str, str], bool]
HTML = {"Accept": "text/html,application/xhtml+xml"}


# What a login page says that no status does: each is one sentence with what to do. None repeats the page, as that may
# hold the probe's own name.
LEAVE_OUT = "leave this check out: bluegreen_checks: {skip: [code_flow]}"
CAPTCHA = (
    "CAPTCHA is on at the login page, so no probe can log in. Fix: exempt the probe identity from it, or " + LEAVE_OUT
)
LOCKED = (
    "the login page says that the account is locked or was tried too often. Fix: unlock the probe identity, correct"
    " bluegreen_probe_secrets, or " + LEAVE_OUT
)
SECOND = (
    "the login asks for a second factor, which no probe has. Fix: take the second factor off the probe identity, or "
    + LEAVE_OUT
)
# A widget inside of the form, against a script that only may draw one.
WIDGET = re.compile(
    r"""(class=["'][^"']*\b(cf-turnstile|h-captcha|g-recaptcha)\b)|((name|id)=["'](cf-turnstile|h-captcha|g-recaptcha)-response)"""
    r"""|(data-sitekey=)""",
    re.I,
)
SCRIPT = re.compile(r"challenges\.cloudflare\.com/turnstile|hcaptcha\.com/|recaptcha(/|\.net)", re.I)
SAYS_CAPTCHA = re.compile(r"captcha|are you (a )?(human|robot)|verif\w+ (that )?you are (a )?human", re.I)
SAYS_LOCKED = re.compile(
    r"(account|user)\b.{0,40}\b(locked|blocked|suspended)|locked out|temporarily (locked|blocked|disabled)"
    r"|too many (failed |login |invalid )*(attempts|logins|tries)",
    re.I,
)
SAYS_LEFT = re.compile(r"\b(\d+) (more |login )?(attempts?|tries) (left|remaining)", re.I)
SAYS_WRONG = re.compile(
    r"invalid (e-?mail|user ?name|credentials|login)[^.<]{0,40}|(wrong|incorrect) (e-?mail|password)", re.I
)


class NotTaken(Failed):
    """The password was posted and not taken."""


class Denied(Failed):
    """Hydra sent the client an OAuth error; ``error`` is its name."""

    def __init__(self, error: str, text: str) -> None:
        super().__init__(text)
        self.error = error


class Person:
    """One person on one visit. ``posted`` counts the login forms that were sent: never more than one."""

    def __init__(self, visit: Visit, secrets: Secrets) -> None:
        self.visit = visit
        self.domain = visit.its_domain
        self.secrets = secrets
        self.posted = 0
        self.named = False

    def walk(self, url: str, ends: Ends) -> str:
        """Follow redirects and fill in the forms on the way until ``ends`` says so; where that was."""
        response = self.visit.send("GET", url, HTML)
        for _step in range(MAX_STEPS):
            if response.status in answers.REDIRECTS:
                target = urljoin(url, response.headers.get("location", ""))
                self._lost(target, url)
                if ends(url, target):
                    return target
                url, response = target, self.visit.send("GET", target, HTML)
                continue
            self._well(response, url)
            page = forms.parse(response.body.decode("utf-8", "replace"))
            if ends(url, ""):
                return url
            url, response = self._post(url, self._form(page, url))
        raise Failed("%s: more than %d steps, it goes round in circles" % (at(url), MAX_STEPS))

    def _lost(self, target: str, url: str) -> None:
        query = urlsplit(target).query
        if "aal=aal2" in query:
            raise NotTaken("%s: %s" % (at(url), SECOND))
        error = parse_qs(query).get("error", [""])[0]
        if error and target.startswith(self.domain.redirect_uri.split("?")[0]):
            raise Denied(error, "%s: redirected with error %s" % (at(url), error))
        must(answers.error_page(target), at(url))

    def _well(self, response: Response, url: str) -> None:
        if response.status == 423:
            raise NotTaken("%s: %s" % (at(url), LOCKED))
        if "aal2" in str(response.json() or ""):
            raise NotTaken("%s: %s" % (at(url), SECOND))
        if response.status in (400, 401, 403) and self.posted:
            page = forms.parse(response.body.decode("utf-8", "replace"))
            if forms.login_form(page.forms):
                raise NotTaken("%s: status %d, %s" % (at(url), response.status, sign_after(page)))
        must(answers.wants(response, 200), at(url))

    def _form(self, page: forms.Page, url: str) -> forms.Form:
        login = forms.login_form(page.forms)
        if login is not None:
            if self.posted:
                raise NotTaken("%s: %s" % (at(url), sign_after(page)))
            must(sign_before(page), at(url))
            return login
        if second_factor(page.forms):
            raise NotTaken("%s: %s" % (at(url), SECOND))
        first = None if self.posted or self.named else forms.name_form(page.forms)
        found = first or forms.confirmed(page.forms, url)
        self.named = self.named or first is not None
        if found is None:
            raise Failed("%s: a page without a form to go on with" % at(url))
        return found

    def _post(self, url: str, form: forms.Form) -> tuple[str, Response]:
        """(URL, answer) of the filled form."""
        action, _method, enctype = form.sent_to()
        if form.asks_password or form.identifier:
            fields = form.filled(self.domain.identifier, self.secrets.password)
        else:
            fields = form.fields(agree=True)
        if form.asks_password:
            self.posted += 1
        kind, body = forms.encode(enctype, fields)
        parts = urlsplit(url)
        target = urljoin(url, action) if action else url
        if form.asks_password and outside(self.domain, target):
            raise Failed("%s: its form sends the password to %s" % (at(url), at(target)))
        origin = "%s://%s" % (parts.scheme, parts.netloc)
        headers = {**HTML, "Content-Type": kind, "Origin": origin, "Referer": origin + parts.path}
        return target, self.visit.send("POST", target, headers, body)

    def code(self, request: oauth.Request) -> str:
        """Walk an authorization request to its code. The client's address is read from Location and never asked."""
        landed = self.walk(request.url(self.visit), lambda _url, target: bool(target) and outside(self.domain, target))
        if not landed.startswith(self.domain.redirect_uri.split("?")[0]):
            raise Failed("the flow left to %s, which is not redirect_uri of bluegreen_probes" % at(landed))
        query = parse_qs(urlsplit(landed).query)
        must("" if query.get("state") == [request.state] else "another state came back", "authorization")
        must("" if query.get("code") else "no code came back", "authorization")
        return query["code"][0]

    def logout(self, id_token: str) -> bool:
        """Log out at Hydra and at the login UI's page. False where Hydra kept no session that could be ended."""
        query = urlencode({"id_token_hint": id_token})
        seen: list[str] = []

        def ends(url: str, target: str) -> bool:
            seen.append(target)
            begun = "/oauth2/sessions/logout" in urlsplit(url).path and "logout_challenge=" not in target
            # A page that confirms the logout by a form goes on; one without is the end.
            return begun if target else "logout_challenge=" not in url

        self.walk(oauth.oauth_url(self.visit, "/oauth2/sessions/logout?" + query), ends)
        return any("logout_challenge=" in target for target in seen)


def outside(domain: Domain, target: str) -> bool:
    """The client's own address, or a host that is not this domain's."""
    host = (urlsplit(target).hostname or "").lower()
    return target.split("?")[0] == domain.redirect_uri.split("?")[0] or host not in (
        domain.login_host.lower(),
        domain.oauth_host.lower(),
    )


def at(url: str) -> str:
    parts = urlsplit(url)
    return "%s%s" % (parts.hostname, parts.path)


def sign_before(page: forms.Page) -> str:
    """Why it is no use to fill in the login form of ``page``, or ''."""
    return CAPTCHA if WIDGET.search(page.source) else ""


def sign_after(page: forms.Page) -> str:
    """Why a login page came back after its form was posted."""
    if SAYS_LOCKED.search(page.text):
        return LOCKED
    if WIDGET.search(page.source) or SCRIPT.search(page.source) or SAYS_CAPTCHA.search(page.text):
        return CAPTCHA
    left = SAYS_LEFT.search(page.text)
    near = ", %s attempts are left before a lockout" % left.group(1) if left else ""
    wrong = SAYS_WRONG.search(page.text)
    quoted = ' and says "%s"' % wrong.group(0).strip() if wrong else ""
    return "the login page came back after its form was posted%s%s" % (quoted, near)


def second_factor(found: tuple[forms.Form, ...]) -> bool:
    return any(form.code and not form.asks_password for form in found)
