# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One spelling of a host name: lower-case ASCII without a final dot, as DNS, TLS, Host and Cloudflare's API have it."""

from __future__ import annotations

import re
from encodings import idna

from .errors import BluegreenError

# What IDNA2003, which is all that Python has, replaces or drops (sharp s, final sigma, the two joiners). Browsers and
# Caddy keep these four as IDNA2008 does, so that another host is asked.
_KEPT = re.compile("([\u00df\u03c2\u200c\u200d])")
_DOTS = re.compile("[.\u3002\uff0e\uff61]")


def ascii_host(name: str, option: str = "") -> str:
    """``Bücher.test.`` and ``xn--bcher-kva.test`` are both ``xn--bcher-kva.test``; '' stays ''.

    An address, a wildcard and a port behind the name stay as they are. ``option`` is where the operator wrote the name.
    Raises BluegreenError for a name that has no such spelling.
    """
    labels = _DOTS.split(name)
    if len(labels) > 1 and not labels[-1]:
        labels.pop()
    try:
        found = ".".join(_label(label) for label in labels) if name else ""
    except UnicodeError as exc:
        raise _refused(name, option, str(exc)) from exc
    if len(found) > 253:
        raise _refused(name, option, "it is longer than 253 characters")
    return found


def spelled(name: str) -> str:
    """As ``ascii_host``, but a name without such a spelling stays as it is: for comparing what others have written."""
    try:
        return ascii_host(name)
    except BluegreenError:
        return name


def _label(label: str) -> str:
    """Raises UnicodeError."""
    if not label.isascii():
        # Each piece between the kept ones is mapped: case, compatibility forms, forbidden characters.
        label = "".join(one if _KEPT.fullmatch(one) else idna.nameprep(one) for one in _KEPT.split(label))
    if not label.isascii():
        if label.startswith("xn--"):
            raise UnicodeError("a label that begins with xn-- is ASCII")
        label = "xn--" + label.encode("punycode").decode("ascii")
    if not label:
        raise UnicodeError("a label is empty")
    if len(label) > 63:
        raise UnicodeError("a label is longer than 63 characters")
    return label.lower()


def _refused(name: str, option: str, why: str) -> BluegreenError:
    said = "" if option else " %r" % name
    return BluegreenError(
        "not a host name%s: %s" % (said, why), option=option, value=name, fix="write the name as DNS has it (xn--...)"
    )
