# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where a message goes, and the options that say so. The address is a secret where its path is (Slack's is): no error
and no result holds it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from .._core.argspec import ArgumentSpec
from .._core.errors import Refused
from .._core.private_file import read_private

SPEC = ArgumentSpec(
    {
        "notify": {"type": "dict", "default": {}},
        "notify_url": {"type": "str", "default": "", "no_log": True},
        "textfile": {"type": "str", "default": ""},
    }
)
FIX = "give one address, as https://hooks.example.com/services/..., by bluegreen_notify_url or in the file"


def wanted(notify: Mapping[str, Any], url: str) -> bool:
    """Whether messages are sent at all."""
    return bool(url.strip() or notify.get("url_file"))


def address(notify: Mapping[str, Any], url: str) -> str:
    """``url`` itself, or else what the file on this host says. Raises Refused where it is no web address."""
    path = str(notify.get("url_file") or "")
    if not wanted(notify, url):
        raise Refused("bluegreen_notify has no address", fix=FIX)
    found = url.strip() or read_private(path, "notify.url_file", "the address").strip()
    try:
        parts = urlsplit(found)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        usable = False
    if not usable or len(found.split()) != 1:
        where = "bluegreen_notify_url" if url.strip() else path
        raise Refused("%s holds no http or https address" % where, fix=FIX)
    return found
