# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Random nestings of what operators write: the rewrite is idempotent, and whatever dials no colour stays as it is."""

from __future__ import annotations

import textwrap

from hypothesis import example, given, settings
from hypothesis import strategies as st

from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.config.caddyfile_rewrite import rewrite
from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.config.lexer import Edits, Statement, parse
from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.config.upstream import Upstream

UPSTREAMS = (
    Upstream("kratos", "10.0.0.16", "10.0.1.16"),
    Upstream("hera", "10.0.0.18", "10.0.1.18", ui=True),
)
SNIPPETS = "(plain) {\n\theader X-Plain y # kept\n}\n(handed) {\n\treverse_proxy /{args[1]}/* {args[0]}\n}\n"
# What waits for a matcher stays as it is; it is written out where it is imported.
SNIPPETS += "(first) {\n\treverse_proxy {args[0]} kratos:4434\n}\n(named) {\n\theader_up X-A {upstream_hostport}\n}\n"
# Each line of these is marked, so that it is found again wherever it went.
KEPT = (
    'respond /a "hera:3000 { # kept" # kept',
    "encode  gzip   # kept",
    "# kept: reverse_proxy hera:3000",
    "reverse_proxy /other/* 127.0.0.9:80 # kept",
    "respond `kratos:4433 # kept\n} in two lines # kept` # kept",
    "rate_limit { # kept\n\tzone a { # kept\n\t\tkey {host} # kept\n\t} # kept\n} # kept",
    "import plain # kept",
    "",
)
COLOURED = (
    "reverse_proxy hera:3000",
    "reverse_proxy /k/* kratos:4433 {\n\theader_up X-A b\n}",
    "@%d path /x/* /y\nreverse_proxy @%d http://hera:3000 kratos:4433 {\n\tlb_policy first\n}",
    "reverse_proxy /f/* hera:3000 127.0.0.9:80 {\n\tlb_policy first\n\t# a comment }\n}",
    "reverse_proxy /t/* https://hera:3443 {\n\ttransport http {\n\t\ttls_insecure_skip_verify\n\t}\n}",
    "forward_auth /p/* kratos:4433 {\n\turi /whoami\n}",
    "import handed hera:3000 h%d",
    "handle_path /q/* {\n\treverse_proxy {\n\t\tto {$HERA:hera:3000}\n\t}\n}",
    "reverse_proxy {$PART:/n}/* kratos:4433 {\n\theader_up Host {http.reverse_proxy.upstream.host}\n}",
    'reverse_proxy "/o/*" hera:3000 {\n\timport named\n\thealth_uri /h\n}',
    "import first /i%d/*",
    "reverse_proxy hera:3000 {\n\t@r status 404\n\thandle_response @r {\n\t\treverse_proxy kratos:4433 {\n"
    "\t\t\thandle_response {\n\t\t\t\treverse_proxy 127.0.0.9:80 {\n\t\t\t\t\thandle_response {\n"
    "\t\t\t\t\t\treverse_proxy hera:3000\n\t\t\t\t\t}\n\t\t\t\t}\n\t\t\t}\n\t\t}\n\t}\n}",
    "reverse_proxy /v/* 127.0.0.9:80 {\n\thandle_response {\n\t\treverse_proxy hera:3000\n\t}\n}",
)
WRAPS = ("handle /w%d/* {\n%s\n}", "route {\n%s\n}", "handle_errors {\n%s\n}")


def numbered(text: str, number: int) -> str:
    return text.replace("%d", str(number))


statements = st.recursive(
    st.lists(st.tuples(st.sampled_from(KEPT + COLOURED), st.integers(0, 99)), min_size=1, max_size=4).map(
        lambda rows: "\n".join(numbered(text, number) for text, number in rows)
    ),
    lambda inner: st.lists(st.tuples(st.sampled_from(WRAPS), st.integers(0, 99), inner), min_size=1, max_size=3).map(
        lambda rows: "\n".join(
            numbered(wrap, number).replace("%s", textwrap.indent(body, "\t")) for wrap, number, body in rows
        )
    ),
    max_leaves=6,
)
sites = st.lists(statements, min_size=1, max_size=3).map(
    lambda bodies: "".join(
        "s%d.test %s# kept\n%s\n}\n" % (number, "\n{ " if number % 2 else "{ ", body)
        for number, body in enumerate(bodies)
    )
)


def kept(text: str) -> list[str]:
    return [line for line in text.split("\n") if "# kept" in line]


@settings(max_examples=50)
@example("s0.test {\nreverse_proxy hera:3000\nreverse_proxy /other/* 127.0.0.9:80 # kept\n}\n", "\n", False)
@given(sites, st.sampled_from(["\n", "\r\n"]), st.booleans())
def test_everything_else_stays_and_once_is_enough(body: str, newline: str, last: bool) -> None:
    text = (SNIPPETS + body).replace("\n", newline)
    text = text if last else text.rstrip()
    done = rewrite(text, UPSTREAMS, "/config")
    again = rewrite(done.text, UPSTREAMS, "/config")
    assert (again.text, again.proxies) == (done.text, 0)
    assert kept(done.text) == kept(text)
    assert done.proxies or done.text == text
    left = [token.value for one in parse(done.text).walk() if one.name in ("reverse_proxy", "to") for token in one.args]
    assert not [value for value in left if value.endswith(("hera:3000", "kratos:4433", "hera:3443"))]


@settings(max_examples=50)
@given(sites)
def test_whatever_goes_by_a_decision_has_it_made_in_its_own_block_and_once(body: str) -> None:
    """In a `route`, which Caddy runs as written, before it and of its own; elsewhere Caddy sorts it before it."""
    done = parse(rewrite(SNIPPETS + body, UPSTREAMS, "/config").text)
    for block in {id(one.parent): one.parent for one in done.walk() if one.parent}.values():
        beside = block.block or []
        deciding = [one for one in beside if one.name == "route" and imports(one, "bluegreen_decide")]
        pinning = [one for one in beside if one.name == "route" and imports(one, "bluegreen_form")]
        proxies = [one for one in beside if one.name == "reverse_proxy" and one.args]
        first = [one for one in proxies if one.args[0].value.endswith("_green")]
        firsts = [one for one in first if not one.args[0].value.endswith("_pinned_green")]
        if block.name != "route":
            assert len(deciding) == bool(firsts)
        else:
            assert len(deciding) == len(firsts)
            assert all(made.start < one.start for made, one in zip(deciding, firsts))
        pinned = any("_pinned_" in one.args[0].value for one in beside if one.name == "reverse_proxy" and one.args)
        assert bool(pinning) == pinned


def imports(statement: Statement, snippet: str) -> bool:
    return any(one.name == "import" and one.args[0].value == snippet for one in statement.block or [])


@given(
    st.text(alphabet="ab\n", max_size=40),
    st.lists(st.tuples(st.integers(0, 40), st.integers(0, 5), st.text(alphabet="x\n", max_size=6)), max_size=4),
)
def test_an_edited_line_is_led_back_to_its_origin(text: str, wanted: list[tuple[int, int, str]]) -> None:
    edits, at = Edits(text), 0
    for start, length, new in sorted(wanted):
        if at <= start and start + length <= len(text):
            edits.add(start, start + length, new)
            at = start + length
    lines = text.count("\n") + 1
    found = [edits.origin(line) for line in range(1, edits.applied().count("\n") + 2)]
    assert all(1 <= line <= lines for line in found) and found == sorted(found)
