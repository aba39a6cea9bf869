# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The last net under the rule that no event holds a secret: what looks like one is masked before it is written."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

MASK = "***"
# The fencing token is a plain count and stays; everything else of these names is a credential.
_KEYS = re.compile(
    r"passw|secret|dsn|authorization|cookie|credential|private_key|api_token|(access|session)_token", re.I
)
# Up to the last @ of the authority; an address of a database or a mail server may hold a bare / in its password, too.
_IN_URL = re.compile(
    r"(?i)((?:postgres(?:ql)?|mysql|mariadb|rediss?|amqps?|smtps?)://)[^\s:@/]*:[^\s\"']*(?=@)"
    r"|(://)[^\s/:@]*:[^\s/?#\"']*(?=@)"
)
_IN_TEXT = re.compile(
    r"(?i)((?:password|passwd|pwd)[\"']?=[\"']?)[^\s,;&\"']+"
    r"|((?:password|secret|token|dsn)[\"']?\s*[=:]\s*[\"']?)(?!\d+\b)[^\s,;&\"']{6,}"
    r"|(\b(?:bearer|basic)\s+)[a-z0-9._~+/=-]{16,}"
)


def scrub(text: str, secrets: Iterable[str]) -> str:
    """The text without any value that might be a secret, longest first."""
    for secret in sorted((value for value in secrets if len(value) >= 4), key=len, reverse=True):
        text = text.replace(secret, MASK)
    return text


def redact(value: Any, key: str = "") -> Any:
    """A copy with every credential masked, by the name of its key or by its look inside a text."""
    if key and _KEYS.search(key) and not isinstance(value, (bool, Mapping)):
        return MASK
    if isinstance(value, Mapping):
        return {str(name): redact(item, str(name)) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [redact(item) for item in value]
    if isinstance(value, str):
        return _IN_TEXT.sub(_masked, _IN_URL.sub(_masked, value))
    return value


def _masked(found: re.Match[str]) -> str:
    """The group that matched is what stands before the secret."""
    return next(one for one in found.groups() if one) + MASK
