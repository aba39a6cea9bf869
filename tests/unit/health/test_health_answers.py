# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The disguises of a broken Ory, each beside the healthy answer that it imitates."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.http import Response
from ansible_collections.olympus.bluegreen.plugins.module_utils._health import answers, forms
from ansible_collections.olympus.bluegreen.plugins.module_utils._health.session import Cookies

Judge = Callable[[Response], str]
SESSION = {"active": True, "identity": {"id": "i"}}
WRONG = {"ui": {"messages": [{"id": 4000006, "text": "The provided credentials are invalid", "type": "error"}]}}
SYSTEM = {"ui": {"messages": [{"id": 5000000, "text": "internal", "type": "error"}]}}
HIDDEN = {"error": {"code": 500, "status": "Internal Server Error"}}


def say(status: int, body: object = None, **headers: str) -> Response:
    return Response(status, headers, json.dumps(body).encode() if body is not None else b"")


GOOD: list[tuple[Judge, Response]] = [
    (answers.logged_in, say(200, {"session_token": "t", "session": SESSION})),
    (answers.refused, say(400, WRONG)),
    (answers.whoami, say(200, SESSION)),
    (answers.token, say(200, {"access_token": "t"})),
    (answers.introspected, say(200, {"active": True})),
    (answers.listed, say(200, [])),
]
BAD: list[tuple[Judge, Response, str]] = [
    (answers.logged_in, say(400, HIDDEN), "code 500"),
    (answers.logged_in, say(400, SYSTEM), "5000000"),
    (answers.logged_in, say(200, HIDDEN), "status 200, but the body holds code 500"),
    (answers.logged_in, say(303, location="https://login.test/error?id=secret-id"), "error page /error"),
    (answers.logged_in, say(401, {"error": {"code": 401}}), "status 401"),
    (answers.logged_in, say(400, WRONG), "credentials are invalid"),
    (answers.logged_in, say(200, {"session": SESSION}), "without a session token"),
    (answers.logged_in, say(200, {"session_token": "t", "session": {"active": False}}), "not active"),
    (answers.logged_in, say(200), "without a session token"),
    (answers.refused, say(400, HIDDEN), "code 500"),
    (answers.refused, say(400, {**WRONG, **HIDDEN}), "code 500"),
    (answers.refused, say(200, {"session_token": "t", "session": SESSION}), "not refused"),
    (answers.refused, say(400, {}), "not refused"),
    (answers.whoami, say(401), "status 401"),
    (answers.whoami, say(200, {"active": False}), "not active"),
    (answers.whoami, say(200, {"active": True}), "no identity"),
    (answers.token, say(401, {"error": "invalid_client"}), "invalid_client"),
    (answers.token, say(200, {}), "without an access token"),
    (answers.introspected, say(200, {"active": False}), "active is false"),
    (answers.introspected, say(200, {"active": "true"}), "active is false"),
    (answers.listed, say(500, HIDDEN), "code 500"),
    (answers.listed, say(200, {"identities": []}), "without a list"),
]


@pytest.mark.parametrize(("judge", "response"), GOOD)
def test_healthy(judge: Judge, response: Response) -> None:
    assert judge(response) == ""


@pytest.mark.parametrize(("judge", "response", "reason"), BAD)
def test_disguised(judge: Judge, response: Response, reason: str) -> None:
    assert reason in judge(response)


@pytest.mark.parametrize(
    ("location", "bad"),
    [
        ("https://oauth.test/oauth2/fallbacks/error?error=server_error&error_hint=x", True),
        ("https://olympus.test/callback?error=access_denied", True),
        ("/error?id=1", True),
        ("https://login.test/login?login_challenge=errorless", False),
        ("https://login.test/errors-explained", False),
        ("", False),
    ],
)
def test_error_pages(location: str, bad: bool) -> None:
    assert bool(answers.error_page(location)) is bad


def test_no_query_string_in_a_reason() -> None:
    assert "token" not in answers.unexpected(say(303, location="https://login.test/done?token=1"))


PAGE = """
<form action="/search"><input name=q></form>
<form method="POST" action="/login?flow=1" enctype="multipart/form-data">
  <input type="hidden" name="$ACTION_ID_7f0c" value=""/>
  <input type="hidden" name="csrf_token" value="a&amp;b+c">
  <input type="email" name="who"><input type="password" name="pw">
  <input type="checkbox" name="remember" value="1"><input type="checkbox" name="tos" checked>
  <input type="text" name="gone" disabled value="x"><input name="" value="nameless">
  <button name="method" value="password">Sign in</button><button name="method2" value="code">By code</button>
</form>
<form method="post"><input type="hidden" name="consent_challenge" value="c"></form>
"""


def test_the_login_form_as_a_browser_sends_it() -> None:
    form = forms.login_form(forms.parse(PAGE).forms)
    assert form is not None and form.action == "/login?flow=1"
    assert dict(form.filled("me@test", "secret")) == {
        "$ACTION_ID_7f0c": "",
        "csrf_token": "a&b+c",
        "who": "me@test",
        "pw": "secret",
        "tos": "on",
        "method": "password",
    }
    kind, body = forms.encode(form.enctype, [("a", "1"), ("ü", "x\ny")])
    boundary = kind.split("boundary=")[1]
    assert kind.startswith("multipart/form-data") and body.endswith(("--%s--\r\n" % boundary).encode())
    assert 'name="ü"\r\n\r\nx\ny\r\n'.encode() in body


def test_other_forms() -> None:
    consent = forms.confirmed(forms.parse(PAGE).forms, "https://login.test/consent")
    assert consent is not None and forms.encode(consent.enctype, consent.fields())[1] == b"consent_challenge=c"
    assert forms.parse("<form method=get><input type=password name=p></form>").forms == ()
    assert forms.parse("<p>500").forms == ()


def test_cookies() -> None:
    jar = Cookies()
    jar.take("https://login.ciam.test/", ("a=1; Path=/; Secure", "wide=2; Domain=.ciam.test", "gone=3"))
    jar.take("https://login.ciam.test/", ("gone=; Max-Age=0", "a=9"))
    assert jar.header("https://login.ciam.test/") == "a=9; wide=2"
    assert jar.header("https://oauth.ciam.test/") == "wide=2"
    assert jar.header("https://evilciam.test/") == ""
