# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The API as the operator's options reach it: its address, and the token that a private file holds."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.olympus.bluegreen.plugins.module_utils._cloudflare.api import Api
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.clock import Clock
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import Refused
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.http import Http

# What a header may hold; http.client would quote the value in its complaint.
TOKEN = re.compile(r"[\x21-\x7e]{8,}")
LOOPBACK = ("127.0.0.1", "::1", "localhost")
OTHERS = stat.S_IRWXG | stat.S_IRWXO


def api_of(params: Mapping[str, Any], http: Http, clock: Clock) -> Api:
    """``params``: ``api``, ``api_token``, ``api_token_file``, ``budget`` and ``patience`` of cloudflare_lb_pool."""
    parts = urlsplit(params["api"])
    if parts.scheme != "https" and (parts.scheme != "http" or parts.hostname not in LOOPBACK):
        raise Refused("the token goes only over https", option="api", value=params["api"], fix="leave it out")
    base = params["api"].rstrip("/")
    return Api(http, clock, base, _token(params), budget=params["budget"], patience=params["patience"])


def _token(params: Mapping[str, Any]) -> str:
    """Never in an error, whatever is wrong with it."""
    path = params["api_token_file"]
    text = params["api_token"] or (_read_private(path) if path else "")
    if not text.strip():
        raise Refused(
            "there is no API token",
            option="api_token_file",
            value=path,
            fix="give it by api_token, api_token_file or the environment variable CLOUDFLARE_API_TOKEN",
        )
    if not TOKEN.fullmatch(text.strip()):
        raise Refused("the API token holds something that no token has", fix="write the token alone, in one line")
    return str(text.strip())


def _read_private(path: str) -> str:
    """The text of a file that nobody but its owner may read."""
    try:
        with open(path, encoding="utf-8", errors="replace") as handle:
            mode = os.fstat(handle.fileno()).st_mode
            if mode & OTHERS:
                raise Refused(
                    "others than its owner have access to it (mode %04o)" % stat.S_IMODE(mode),
                    option="api_token_file",
                    value=path,
                    fix="chmod 600 %s, and roll the token if others have been on this host" % path,
                )
            return handle.read()
    except OSError as exc:
        raise Refused(
            "it cannot be read: %s" % exc.strerror,
            option="api_token_file",
            value=path,
            fix="put the API token there, owned by root with mode 0600",
        ) from exc
