# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The journeys of a person with a browser: through Hera's own pages, forms and redirects."""

from __future__ import annotations

import base64
import hashlib
import secrets as random
from urllib.parse import parse_qs, urlencode, urljoin, urlsplit

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.http import Http, Response
from ansible_collections.olympus.bluegreen.plugins.module_utils._health import answers, forms, ory
from ansible_collections.olympus.bluegreen.plugins.module_utils._health.model import CheckResult, Domain, Secrets
from ansible_collections.olympus.bluegreen.plugins.module_utils._health.visit import Failed, Visit, must, probe

MAX_STEPS = 20
HTML = {"Accept": "text/html,application/xhtml+xml"}
# Forms that only ask to be confirmed, by the hidden field that marks them.
CONFIRMED = ("consent_challenge", "logout_challenge")


def ui_login(http: Http, domain: Domain, secrets: Secrets, timeout: float = 15.0) -> CheckResult:
    """Hera's login page, its form posted, the session that came back, and the logout."""

    def act() -> str:
        visit = Visit(http, domain, timeout)
        _walk(visit, ory.login_url(visit, "/login"), secrets, stop_after_login=True)
        ory.whoami(visit)
        ory.close_browser_session(visit)
        return "login form posted, session accepted, logged out"

    return probe("ui_login", domain.hera.service if domain.hera else "", act)


def code_flow(http: Http, domain: Domain, secrets: Secrets, timeout: float = 20.0) -> CheckResult:
    """Authorization code with login and consent at Hera, then token, userinfo, refresh and Hydra's logout."""

    def act() -> str:
        visit = Visit(http, domain, timeout)
        state, verifier = random.token_hex(16), random.token_urlsafe(48)
        digest = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        landed = _walk(visit, ory.authorization_url(visit, state, digest), secrets)
        code = _code(landed, state)
        grant = {"grant_type": "authorization_code", "code": code, "redirect_uri": domain.redirect_uri}
        tokens = ory.ask_token(visit, secrets, code_verifier=verifier, **grant)
        ory.userinfo(visit, str(tokens["access_token"]))
        steps = ["code", "token", "userinfo"]
        if tokens.get("refresh_token"):
            renewed = ory.ask_token(visit, secrets, grant_type="refresh_token", refresh_token=tokens["refresh_token"])
            tokens = {**tokens, **renewed}
            steps.append("refresh")
        if tokens.get("id_token"):
            _oauth_logout(visit, secrets, str(tokens["id_token"]))
            steps.append("logout")
        ory.revoke_token(visit, secrets, str(tokens.get("refresh_token") or tokens["access_token"]))
        ory.close_browser_session(visit)
        return ", ".join(steps)

    return probe("code_flow", domain.hydra.service, act)


def _code(landed: str, state: str) -> str:
    query = parse_qs(urlsplit(landed).query)
    must("" if query.get("state") == [state] else "another state came back", "authorization")
    must("" if query.get("code") else "no code came back", "authorization")
    return query["code"][0]


def _oauth_logout(visit: Visit, secrets: Secrets, id_token: str) -> None:
    url = ory.oauth_url(visit, "/oauth2/sessions/logout?" + urlencode({"id_token_hint": id_token}))
    _walk(visit, url, secrets, leave=True)


def _walk(visit: Visit, url: str, secrets: Secrets, stop_after_login: bool = False, leave: bool = False) -> str:
    """Follow redirects and post the forms on the way; the address where the journey left the domain.

    ``leave``: a last page without a form is an end as good as leaving. ``stop_after_login``: the answer to the posted
    login form is the end.
    """
    domain = visit.domain
    posted = False
    response = visit.send("GET", url, HTML)
    for _step in range(MAX_STEPS):
        if response.status in answers.REDIRECTS:
            target = urljoin(url, response.headers.get("location", ""))
            must(answers.error_page(target), _at(url))
            if posted and stop_after_login:
                return target
            if domain is None or _outside(domain, target):
                return target
            url, response = target, visit.send("GET", target, HTML)
            continue
        must(answers.wants(response, 200), _at(url))
        form = _form(response)
        if form is None and leave:
            return url
        if form is None:
            raise Failed("%s: a page without the form that was looked for" % _at(url))
        if form.asks_password:
            must("the login page came back after its form was posted" if posted else "", _at(url))
            posted = True
        url, response = _post(visit, url, form, secrets)
    raise Failed("%s: more than %d steps" % (_at(url), MAX_STEPS))


def _outside(domain: Domain, target: str) -> bool:
    """The client's own address, or a host that is not this domain's."""
    host = urlsplit(target).hostname
    return target.split("?")[0] == domain.redirect_uri or host not in (domain.login_host, domain.oauth_host)


def _form(response: Response) -> forms.Form | None:
    page = response.body.decode("utf-8", "replace")
    confirmed = (forms.form_with(page, name) for name in CONFIRMED)
    return forms.login_form(page) or next((form for form in confirmed if form), None)


def _post(visit: Visit, url: str, form: forms.Form, secrets: Secrets) -> tuple[str, Response]:
    """(URL, answer) of the filled form."""
    domain = visit.domain
    identifier = domain.identifier if domain else ""
    fields = form.filled(identifier, secrets.password) if form.asks_password else form.fields
    kind, body = forms.encode(form, fields)
    parts = urlsplit(url)
    target = urljoin(url, form.action)
    origin = "%s://%s" % (parts.scheme, parts.netloc)
    headers = {**HTML, "Content-Type": kind, "Origin": origin, "Referer": origin + parts.path}
    return target, visit.send("POST", target, headers, body)


def _at(url: str) -> str:
    parts = urlsplit(url)
    return "%s%s" % (parts.hostname, parts.path)
