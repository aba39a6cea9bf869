# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rewrite as text: what changes, what stays, what is refused. What it means is tested against a real Caddy."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kit.caddy_styles import ENVIRON, STYLES, read, text_of
from kit.caddy_styles import UPSTREAMS as STYLED
from kit.caddyfile_bodies import UPSTREAMS, after, body

from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.config.caddyfile_rewrite import (
    Rewritten,
    rewrite,
    unified,
)
from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.config.lexer import CaddyfileError, parse


def foreign(path: Path) -> Rewritten:
    return rewrite(text_of(path), STYLED, "/config", str(path), read=read, environ=ENVIRON)


@pytest.mark.parametrize("path", STYLES, ids=lambda path: path.stem)
def test_every_style_rewrites_once_and_keeps_every_other_line(path: Path) -> None:
    done = foreign(path)
    assert done.proxies
    texts = {str(path): text_of(path), **read(str(path.parent / "*" / "*"))}
    after = {**texts, **done.files, str(path): done.text}
    own = [line.strip("\ufeff \t\r") for text in texts.values() for line in text.split("\n")]
    kept = {line.strip("\ufeff \t\r") for text in after.values() for line in text.split("\n")}
    # A line may only go where it belonged to a coloured upstream, or was handed one.
    ours = re.compile(
        r"(ciam-\w+|site)(:\d+| |$)|^reverse_proxy|^forward_auth|\{upstream_hostport\}|upstream[.}]"
        r"|^to |^(api|rest) |^import (under|split|else)"
    )
    lost = [line for line in own if line not in kept and not ours.search(line)]
    # The last address of a site that had no braces has one now.
    assert [line for line in lost if line + " {" not in kept] == []
    again = rewrite(
        done.text,
        STYLED,
        "/config",
        str(path),
        read=lambda pattern: {one: after[one] for one in read(pattern)},
        environ=ENVIRON,
    )
    assert (again.text, again.files, again.proxies) == (done.text, {}, 0)


def test_bytes_outside_of_the_statement_stay() -> None:
    head = "{\n  admin off\n}\n\n# é  comment ciam-hera:3000\r\na.test   {\n  \t "
    done = body(head + "encode  gzip\n  reverse_proxy site:3000\n\n}\n  # end")
    assert done.startswith(head + "import bluegreen_log\n  \t encode  gzip\n  @bluegreen1")
    assert done.endswith("reverse_proxy @bluegreen1_none\n\n}\n  # end")


def test_path_matcher_and_block_are_copied_into_each() -> None:
    done = body("a.test {\n\treverse_proxy /api/* ciam-kratos:4433 {\n\t\theader_up X-A b\n\t}\n}\n")
    assert done.count("path /api/*") == 3
    assert done.count("header_up X-A b") == 2
    assert "reverse_proxy @bluegreen1_green 10.0.1.16:4433 {\n\t\theader_up X-A b\n" in done
    assert "reverse_proxy @bluegreen1_ready 10.0.0.16:4433 {" in done
    assert "pinned" not in done


def test_only_user_interfaces_pin() -> None:
    done = body("a.test {\n\treverse_proxy site:3000\n}\n")
    order = re.findall(r"^\treverse_proxy @bluegreen1_(\w+)", done, re.MULTILINE)
    assert order == ["pinned_blue", "pinned_green", "green", "ready", "none"]


@pytest.mark.parametrize(
    ("definition", "copied"),
    [
        ("@x path /a /b", "path /a /b"),
        ("@x {\n\t\tpath /a\n\t\theader X y\n\t}", "path /a"),
        ('@x `path("/a")`', 'expression `path("/a")`'),
        ("@x not {\n\t\tpath /a\n\t}", "not {\n\t\tpath /a\n\t}"),
    ],
)
def test_named_matcher_is_copied(definition: str, copied: str) -> None:
    done = body("a.test {\n\t%s\n\treverse_proxy @x ciam-kratos:4433\n}\n" % definition)
    assert done.count(copied) >= 4 if "expression" not in copied else done.count(copied) == 3
    assert "not {\n\t\t\tnot {" not in done


def test_matcher_of_a_kind_that_ours_use_is_kept_apart() -> None:
    done = body("a.test {\n\t@x method GET\n\treverse_proxy @x site:3000\n}\n")
    assert done.count("not {\n\t\t\tnot {\n\t\t\t\timport bluegreen_") == 5


def test_a_catch_all_that_stands_first_goes_behind_the_others() -> None:
    done = body("a.test {\n\treverse_proxy site:3000\n\treverse_proxy /api/* ciam-kratos:4433\n}\n")
    assert done.index("@bluegreen2_none\n") < done.index("reverse_proxy @bluegreen1_green")
    routed = body(
        "a.test {\n\troute {\n\t\treverse_proxy site:3000\n\t\treverse_proxy /api/* ciam-kratos:4433\n\t}\n}\n"
    )
    assert routed.index("reverse_proxy @bluegreen1_green") < routed.index("reverse_proxy @bluegreen2_green")


def test_upstream_given_by_to() -> None:
    done = body("a.test {\n\treverse_proxy {\n\t\tto h2c://ciam-kratos:4433\n\t\theader_up A b\n\t}\n}\n")
    assert "reverse_proxy @bluegreen1_green h2c://10.0.1.16:4433 {\n\t\theader_up A b\n" in done
    assert "ciam-kratos" not in done


def test_placeholder_for_the_upstream_keeps_the_name_that_the_service_knows() -> None:
    done = body("a.test {\n\treverse_proxy ciam-kratos:4433 {\n\t\theader_up Host {upstream_hostport}\n\t}\n}\n")
    assert done.count("header_up Host ciam-kratos:4433") == 2


REFUSED = {
    "a mate": ("a.test {\n\treverse_proxy site:3000 other:80\n}\n", 2, "shares its requests with other:80"),
    "name of all": (
        "a.test {\n\treverse_proxy site:3000 site:3001 {\n\t\theader_up Host {upstream_hostport}\n\t}\n}\n",
        2,
        "{upstream_hostport} beside several",
    ),
    "tls to several": (
        "a.test {\n\treverse_proxy https://site:3000 https://ciam-hera:3000\n}\n",
        2,
        "several upstreams with TLS",
    ),
    "placeholder port": ("a.test {\n\treverse_proxy site:{vars.port}\n}\n", 2, "can't be rewritten"),
    "map": ("a.test {\n\tmap {host} {up} {\n\t\ta.test site:3000\n\t}\n\treverse_proxy {up}\n}\n", 3, "(a.test)"),
    "vars": ("a.test {\n\tvars up ciam-hera\n\treverse_proxy {vars.up}:3000\n}\n", 2, "ciam-hera in a form"),
    "php": ("a.test {\n\tphp_fastcgi site:9000\n}\n", 2, "php_fastcgi"),
    "ask": ("{\n\ton_demand_tls {\n\t\task http://site:3000/ask\n\t}\n}\na.test {\n}\n", 3, "ask"),
    "unsupported argument": (
        "(p) {\n\tphp_fastcgi {args[0]}\n}\na.test {\n\timport p site:3000\n}\n",
        5,
        "php_fastcgi",
    ),
    "dynamic": ("a.test {\n\treverse_proxy {\n\t\tdynamic a site 3000\n\t}\n}\n", 3, "dynamic"),
    "imported upstream": ("(u) {\n\tto site:3000\n}\na.test {\n\treverse_proxy {\n\t\timport u\n\t}\n}\n", 2, "(to)"),
    "after what is written out": (
        "(p) {\n\theader A b\n\treverse_proxy {args[0]}\n}\na.test {\n\timport p site:3000\n\tphp_fastcgi site:1\n}\n",
        7,
        "php_fastcgi",
    ),
    "unknown matcher": ("a.test {\n\treverse_proxy @x site:3000\n}\n", 2, "@x is not defined"),
    "open block": ("a.test {\n\treverse_proxy site:3000\n", 1, "never closed"),
    "open quote": ('a.test {\n\trespond "x\n}\n', 2, "never closed"),
    "stray brace": ("}\n", 1, "without an opening"),
    "open heredoc": ("a.test {\n\trespond <<X\n\thello\n}\n", 2, "heredoc"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_with_file_line_and_reason(name: str) -> None:
    text, line, reason = REFUSED[name]
    with pytest.raises(CaddyfileError, match=re.escape(reason)) as caught:
        rewrite(text, UPSTREAMS, "/config", "/srv/Caddyfile")
    assert caught.value.msg.startswith("/srv/Caddyfile:%d: " % line)


def test_names_that_are_only_said_or_are_other_names_stay() -> None:
    text = (
        'a.test {\n\trespond "site:3000 ciam-hera:3000"\n\treverse_proxy my-site:3000\n'
        "\treverse_proxy /x site.example:3000\n\timport site\n}\n(site) {\n\tencode gzip\n}\n"
    )
    assert after(text) == text


def test_without_named_logs_a_site_with_its_own_keeps_it_and_is_warned_about() -> None:
    text = "a.test {\n\tlog\n\treverse_proxy site:3000\n}\nb.test {\n\treverse_proxy site:3000\n}\n"
    done = rewrite(text, UPSTREAMS, "/config", named_log=False)
    assert done.text.count("import bluegreen_log") == 1
    (warning,) = done.warnings
    assert (
        warning.startswith("Caddyfile:1: this Caddy allows one log for each site") and "counts no visitors" in warning
    )
    assert "log bluegreen" not in done.text


def test_patch_is_a_unified_diff() -> None:
    text = "a.test {\n\treverse_proxy site:3000\n}"
    patch = unified(text, after(text), "Caddyfile")
    assert patch.startswith("--- a/Caddyfile\n+++ b/Caddyfile\n@@ ")
    assert "-\treverse_proxy site:3000\n" in patch
    assert "\\ No newline at end of file\n" in patch


def _unescaped(found: re.Match[str]) -> str:
    return '"' if found.group(1) == '"' else found.group(0)


@given(st.text(alphabet='ab{}"`#\\\n \t<@/', max_size=60))
def test_any_text_is_parsed_or_refused(text: str) -> None:
    try:
        root = parse(text)
    except CaddyfileError:
        return
    for statement in root.walk():
        for token in statement.tokens:
            raw = text[token.start : token.end]
            if not token.quoted:
                assert raw == token.value
            elif raw[0] in '"`':
                # A backslash is itself, but before the quote.
                written = re.sub(r"\\([\s\S])", _unescaped, raw[1:-1]) if raw[0] == '"' else raw[1:-1]
                assert written == token.value
            else:
                assert token.value in raw


@given(st.lists(st.sampled_from(["encode gzip", "# note {", "respond /x 204", 'header A "b { c"', ""]), max_size=8))
def test_without_coloured_upstreams_nothing_changes(lines: list[str]) -> None:
    text = "a.test {\n%s}\n" % "".join("\t%s\n" % line for line in lines)
    assert rewrite(text, UPSTREAMS, "/config").text == text
