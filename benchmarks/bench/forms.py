# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What `make bench-decision` compares: a plain proxy, the form of adopt in parts, and other ways to decide."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.config.caddyfile_rewrite import rewrite
from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.config.snippets import FOUND
from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.config.upstream import Upstream

BLUE, GREEN = "127.0.2.1", "127.0.3.1"
HOST = "login.example"
PLAIN = "plain"
NEWEST = "one look-up that takes the last file for granted, no log"
READ = "the colour read from a file, no log"
NAMED = "the colour read from the host name, no log"
# The step that looks.
LOOK_UP = re.compile(r"\t@bluegreen_live \{\n.*?\n\t\}\n\tvars @bluegreen_live bluegreen \S+\n", re.DOTALL)


@dataclass(frozen=True)
class Place:
    """Where one Caddy runs: its directory, its own port, that of the backends, what is live, and how new it is."""

    directory: str
    port: int
    backend: int
    live: str
    named_log: bool


def plain(place: Place, more: str = "") -> str:
    return "http://%s:%d {\n%s\treverse_proxy web:%d\n}\n" % (HOST, place.port, more, place.backend)


def adopted(place: Place, ui: bool = False) -> str:
    return rewrite(plain(place), [Upstream("web", BLUE, GREEN, ui)], place.directory, named_log=place.named_log).text


def without_log(text: str) -> str:
    return text.replace("\timport bluegreen_log\n", "")


def only_log(place: Place) -> str:
    text = adopted(place)
    return text[: text.index("http://" + HOST)] + plain(place, "\timport bluegreen_log\n")


def each_asks(place: Place) -> str:
    """A look-up in every matcher set, as the form before had it."""
    marker = "\t@%s file {\n\t\troot %s/olympus-bluegreen/switch\n\t\ttry_files %s\n\t}\n"
    proxy = "\treverse_proxy @%s %s:%d {\n\t\theader_down X-Bluegreen-Colour %s\n\t}\n"
    sets = "".join(marker % (name, place.directory, name) for name in ("green", "ready"))
    proxies = [proxy % (name, address, place.backend, name) for name, address in (("green", GREEN), ("ready", BLUE))]
    return "http://%s:%d {\n%s%s}\n" % (HOST, place.port, sets, "".join(proxies))


def not_looked_up(place: Place, said: str) -> str:
    """The form as it is, told what a look-up would have found."""
    text, times = LOOK_UP.subn(lambda _found: "\tvars bluegreen %s\n" % said, without_log(adopted(place)))
    assert times == 1, text
    return text


def read_as_text(place: Place) -> str:
    """The marker's content instead of its name, by the placeholder that Caddy has since 2.8."""
    file = Path(place.directory, "colour")
    file.write_text(FOUND[place.live])
    return not_looked_up(place, "{file.%s}" % file)


def without_second_look(place: Place) -> str:
    """Half the calls on a new Caddy, which looks at each file twice, but not at one that it may take for granted."""
    found = LOOK_UP.search(text := without_log(adopted(place)))
    assert found, text
    root = "\t\t\t\t\troot %s/olympus-bluegreen/switch\n" % place.directory
    end = "\t\t\t\t\ttry_policy first_exist_fallback\n\t\t\t\t}\n\t\t\t}\n"
    each = [
        "\t\t\tnot {\n\t\t\t\tfile {\n%s\t\t\t\t\ttry_files %s\n%s" % (root, name, end) for name in ("green", "ready")
    ]
    matcher = "\t@bluegreen_live {\n\t\tnot {\n%s\t\t}\n\t}\n" % "".join(each)
    return text.replace(found.group(), matcher + found.group().splitlines(keepends=True)[-1])


def read_as_name(place: Place) -> str:
    """The host name of Caddy's namespace, which whoever enters that may set: one call, and no file."""
    return not_looked_up(place, "{system.hostname}")


def connects(place: Place) -> str:
    """What a change of addresses in the kernel would need: a kept connection stays with the colour it was made to."""
    return plain(place).replace(
        "%d\n}" % place.backend, "%d {\n\t\ttransport http {\n\t\t\tkeepalive off\n\t\t}\n\t}\n}" % place.backend
    )


Form = Callable[[Place], str]
API: dict[str, Form] = {
    PLAIN: plain,
    "access log alone": only_log,
    "a look-up a matcher, no log": each_asks,
    "one look-up, no log": lambda place: without_log(adopted(place)),
    "one look-up": adopted,
    "no look-up, told the colour, no log": lambda place: not_looked_up(place, FOUND[place.live]),
    NEWEST: without_second_look,
    READ: read_as_text,
    NAMED: read_as_name,
    "plain, no kept connections": connects,
}
PAGE: dict[str, Form] = {
    PLAIN: plain,
    "one look-up, forms and assets, no log": lambda place: without_log(adopted(place, ui=True)),
    "one look-up, forms and assets": lambda place: adopted(place, ui=True),
}
KINDS = {"api": ("application/json", API), "page": ("text/html", PAGE)}


def forms_for(kind: str, new: bool) -> dict[str, Form]:
    """Those that a Caddy, a new or an old one, understands."""
    return {name: form for name, form in KINDS[kind][1].items() if new or name not in (NEWEST, READ)}
