# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a page says that no probe gets past: a CAPTCHA, a lockout, a second factor, a refused password. Pure.

Each is one sentence with what to do. None repeats the page: it may hold the probe's own name.
"""

from __future__ import annotations

import re

from ansible_collections.olympus.bluegreen.plugins.module_utils._health.forms import Form, Page

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


def before(page: Page) -> str:
    """Why it is no use to fill in the login form of ``page``, or ''."""
    return CAPTCHA if WIDGET.search(page.source) else ""


def after(page: Page) -> str:
    """Why a login page came back after its form was posted."""
    if SAYS_LOCKED.search(page.text):
        return LOCKED
    if WIDGET.search(page.source) or SCRIPT.search(page.source) or SAYS_CAPTCHA.search(page.text):
        return CAPTCHA
    left = SAYS_LEFT.search(page.text)
    near = ", %s attempts are left before a lockout" % left.group(1) if left else ""
    wrong = SAYS_WRONG.search(page.text)
    said = ' and says "%s"' % wrong.group(0).strip() if wrong else ""
    return "the login page came back after its form was posted%s%s" % (said, near)


def second_factor(found: tuple[Form, ...]) -> bool:
    return any(form.code and not form.asks_password for form in found)
