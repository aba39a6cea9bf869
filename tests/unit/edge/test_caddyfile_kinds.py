# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Forms that people write and that were adopted wrong or refused for a wrong reason, each by its kind. That what is
rewritten means the same is proven by Caddy itself: these forms are files of caddyfiles/ too (test_caddy_foreign)."""

from __future__ import annotations

import re
from collections.abc import Mapping

import pytest

from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.config.caddyfile_rewrite import Rewritten, rewrite
from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.config.lexer import CaddyfileError, parse
from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.config.snippets import END
from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.config.upstream import Upstream

UPSTREAMS = (
    Upstream("kratos", "10.0.0.16", "10.0.1.16"),
    Upstream("hera", "10.0.0.18", "10.0.1.18", ui=True),
    Upstream("site", "10.0.0.24", "10.0.1.24", ui=True),
)
SITE = "http://a.test {\n%s}\n"


def done(text: str, colour: str = "", environ: Mapping[str, str] | None = None) -> Rewritten:
    return rewrite(text, UPSTREAMS, "/config", "/srv/Caddyfile", environ=environ, colour=colour)


def body(text: str, colour: str = "", environ: Mapping[str, str] | None = None) -> str:
    """The rewritten text without the preamble."""
    made = done(text, colour, environ).text
    return made[made.index(END) + len(END) + 1 :]


def refused(text: str, environ: Mapping[str, str] | None = None) -> tuple[int, str, str]:
    with pytest.raises(CaddyfileError) as caught:
        done(text, environ=environ)
    assert caught.value.msg.startswith("/srv/Caddyfile:%d: " % caught.value.line)
    return caught.value.line, caught.value.reason, caught.value.to_fix


def inside(*lines: str) -> str:
    return SITE % "".join("\t%s\n" % line for line in lines)


def test_the_brace_of_a_site_may_stand_on_a_line_of_its_own() -> None:
    text = (
        "{\n\tadmin off\n}\n(s)\n{\n\tencode gzip\n}\nhttp://a.test,\nhttp://b.test\n{\n\treverse_proxy hera:3000\n}\n"
    )
    text += "http://c.test\n{\n\timport s\n\treverse_proxy site:3000\n}\n"
    made = body(text)
    assert "http://b.test\n{\n\timport bluegreen_log\n\t@bluegreen1" in made and made.endswith("\n}\n")
    assert "http://c.test\n{\n\timport bluegreen_log\n\timport s\n" in made
    again = rewrite(done(text).text, UPSTREAMS, "/config")
    assert (again.text, again.proxies) == (done(text).text, 0)


def test_the_brace_of_a_directive_may_not() -> None:
    line, reason, fix = refused(inside("reverse_proxy hera:3000", "{", "\theader_up A b", "}"))
    assert (line, reason, fix) == (3, "an opening brace on a line of its own", "put it behind its directive")


@pytest.mark.parametrize(
    ("written", "value"),
    [
        (r'"a\\"', "a" + 2 * "\\"),
        (r'"a\n"', r"a\n"),
        (r'"a\"b"', 'a"b'),
        (r"`a\`", "a\\"),
        ("<<X\n\ta\n\tX", "\ta\n"),
        ("<<X\n\ta\n\tX# b", "\ta\n"),
    ],
)
def test_a_quoted_word_ends_where_it_ends_for_caddy(written: str, value: str) -> None:
    (site,) = parse(SITE % ("\trespond %s\n\treverse_proxy hera:3000\n" % written)).block or []
    first, second = site.block or []
    assert first.args[0].value == value and second.name == "reverse_proxy"


def test_the_first_word_is_the_matcher_as_the_edge_reads_it() -> None:
    environ = {"KPATH": "/auth", "MATCHER": "@api", "EMPTY": ""}
    made = body(
        inside(
            "@api path /api/*",
            "reverse_proxy {$KPATH}/* kratos:4433",
            "reverse_proxy {$HPATH:/hydra}/* kratos:4434",
            'reverse_proxy "/quoted/*" kratos:4435',
            "reverse_proxy {$MATCHER} kratos:4436",
            "reverse_proxy {$EMPTY} {$ALL:*} hera:3000",
        ),
        environ=environ,
    )
    for number, said in enumerate(("path {$KPATH}/*", "path {$HPATH:/hydra}/*", 'path "/quoted/*"', "path /api/*"), 1):
        assert "\t@bluegreen%d_green {\n\t\t%s\n\t\timport bluegreen_green\n\t}" % (number, said) in made
    assert "\t@bluegreen5_green {\n\t\timport bluegreen_green\n\t}" in made


def test_a_matcher_that_an_import_hands_on_is_one_where_it_is_imported() -> None:
    snippets = "(p) {\n\treverse_proxy {args[0]} kratos:4433\n}\n(q) {\n\timport p {args[0]}\n}\n"
    made = body(snippets + inside("import p /api/*", "import q /x/*"))
    assert made.startswith(snippets)
    for number, path in ((1, "/api/*"), (2, "/x/*")):
        assert "\t@bluegreen%d_green {\n\t\tpath %s\n\t\timport bluegreen_green\n\t}" % (number, path) in made


def test_a_snippet_that_the_environment_names_is_found() -> None:
    text = "(real) {\n\treverse_proxy {args[0]}\n}\n" + inside("import {$WHICH:real} hera:3000")
    assert "reverse_proxy @bluegreen1_green 10.0.1.18:3000 {" in body(text)


@pytest.mark.parametrize(("path", "value"), [("{env.KPATH}/*", "/auth"), ("{$KPATH}/*", "auth"), ("auth/*", "")])
def test_what_is_no_matcher_for_caddy_is_not_taken_for_a_service(path: str, value: str) -> None:
    line, reason, fix = refused(inside("reverse_proxy %s kratos:4433" % path), {"KPATH": value})
    assert (line, fix) == (2, "write the path out") and reason.startswith("Caddy takes %s for an upstream" % path)


def test_a_socket_beside_a_coloured_service_is_no_path() -> None:
    made = done(inside('reverse_proxy kratos:4433 "unix//run/x.sock" {', "\tlb_policy first", "}"))
    assert made.proxies == 1


@pytest.mark.parametrize("value", ["/auth/* kratos:4433", "@api kratos:4433"])
def test_a_matcher_and_an_upstream_in_one_variable_are_refused(value: str) -> None:
    found = refused(inside("encode gzip", "reverse_proxy {$BOTH}"), {"BOTH": value})
    assert found == (3, "a matcher and an upstream in one variable", "write the path out")


DYNAMIC = {
    "a": ("dynamic a kratos 4433", 0, "kratos"),
    "a block": ("dynamic a {\n\t\t\tname kratos\n\t\t\tport 4433\n\t\t}", 1, "kratos"),
    "srv": ("dynamic srv _http._tcp.kratos.dns.podman", 0, "kratos"),
    "srv block": ("dynamic srv {\n\t\t\tservice http\n\t\t\tproto tcp\n\t\t\tname kratos\n\t\t}", 3, "kratos"),
    "multi": ("dynamic multi {\n\t\t\ta {\n\t\t\t\tname kratos\n\t\t\t}\n\t\t}", 2, "kratos"),
    "of a request": ("dynamic a {\n\t\t\tname {labels.2}\n\t\t\tport 3000\n\t\t}", 0, "`dynamic a` is asked"),
    "of a name server": ("dynamic srv _web._tcp.example.com", 0, "`dynamic srv _web._tcp.example.com` is asked"),
}


@pytest.mark.parametrize("name", DYNAMIC)
def test_a_dynamic_upstream_is_refused_by_its_line(name: str) -> None:
    text, more, said = DYNAMIC[name]
    line, reason, fix = refused(inside("reverse_proxy /x {", "\t" + text, "}", "reverse_proxy hera:3000"))
    assert (line, said in reason, "dynamic" in reason) == (3 + more, True, True)
    assert "name:port" in fix


REQUEST = ("{labels.2}:3000", "{re.svc.1}:3000", "{http.request.host}", "{host}:80", "{header.X-To}", "{query.to}:80")


@pytest.mark.parametrize("upstream", REQUEST)
@pytest.mark.parametrize(
    "form", ["reverse_proxy %s", "reverse_proxy {\n\t\tto %s\n\t}", "forward_auth %s {\n\t\turi /\n\t}"]
)
def test_an_upstream_that_a_request_names_is_refused(upstream: str, form: str) -> None:
    line, reason, fix = refused(inside("reverse_proxy /x hera:3000", form % upstream))
    assert line == 3 + form.count("to %s")
    assert reason.startswith("upstream %s is known only when a request comes" % upstream)
    assert fix == "give each value a reverse_proxy of its own, with a matcher"


def test_each_of_them_is_named_and_none_is_told_to_be_a_service() -> None:
    snippet = "(p) {\n\treverse_proxy {args[0]} {\n\t\theader_up A b\n\t}\n}\n" + inside("import p hera:3000")
    text = snippet + inside("reverse_proxy {labels.2}:3000") + inside("reverse_proxy /y {re.x.1}:1")
    with pytest.raises(CaddyfileError, match=r"/srv/Caddyfile:10: upstream .* \(and \{re.x.1\}:1 in Caddyfile:13\)"):
        done(text)
    line, reason, fix = refused(inside("reverse_proxy hera:3000 {labels.2}:3000"))
    assert reason.startswith("upstream {labels.2}:3000 is known only") and "bluegreen_services" not in fix
    handed = "(p) {\n\treverse_proxy {args[0]}\n}\n" + inside("import p hera:3000", "import p {labels.1}:80")
    line, reason, _fix = refused(handed)
    assert line == 6 and reason.startswith("upstream {labels.1}:80 is known only")


SAID = (
    "log_append backend hera:3000",
    "uri replace hera:3000 login.test",
    "rewrite /hook /hook?target=http://hera:3000/x",
    "try_files {path} /hera:3000",
    "@old {\n\t\thost hera:3000\n\t\texpression `{http.request.host} == 'hera:3000'`\n\t}",
    "log {\n\t\tformat filter {\n\t\t\trequest>uri replace hera:3000\n\t\t}\n\t}",
    "reverse_proxy /x 127.0.0.9:80 {\n\t\thealth_headers {\n\t\t\tX-A hera:3000\n\t\t}\n\t\thealth_body hera:3000\n\t}",
)


@pytest.mark.parametrize("said", SAID)
def test_what_only_says_a_name_stays(said: str) -> None:
    made = body(inside(said, "reverse_proxy hera:3000"))
    assert "\t%s\n" % said in made and made.count("@bluegreen1_green 10.0.1.18:3000") == 1


DIALS = {
    "log {\n\t\toutput net hera:5000\n\t}": (
        3,
        "send this log elsewhere, or to an address that is no coloured service",
    ),
    "tls {\n\t\tget_certificate http http://hera:3000/x\n\t}": (
        3,
        "give the service a reverse_proxy on a site of its own",
    ),
    "some_plugin hera:3000": (2, "give the service a reverse_proxy on a site of its own"),
}


@pytest.mark.parametrize("form", DIALS)
def test_what_may_dial_it_is_refused_with_a_fix_that_fits(form: str) -> None:
    line, fix = DIALS[form]
    found = refused(inside(form, "reverse_proxy hera:3000"))
    assert found[0] == line and found[2].startswith(fix)


NESTED = """http://a.test {
    reverse_proxy hera:3000 {
        header_up Host {upstream_hostport}
        @missing status 404
        handle_response @missing {
            reverse_proxy /x/* site:3000 {
                header_up Host {upstream_hostport}
            }
            reverse_proxy 127.0.0.9:80 {
                header_up Host {upstream_hostport}
            }
        }
    }
}
""".replace("    ", "\t")


def test_a_proxy_in_the_block_of_another_is_of_the_same_colour() -> None:
    made = body(NESTED)
    assert made.count("handle_response @missing {\n\t\t\treverse_proxy /x/* 10.0.") == 8
    for colour, number in (("blue", 0), ("green", 1)):
        outer = made.index("reverse_proxy @bluegreen1_%s 10.0.%d.18" % ("green" if number else "ready", number))
        within = made[outer : made.index("\n\t\t@bluegreen_missing status", outer)]
        assert "reverse_proxy /x/* 10.0.%d.24:3000 {\n\t\t\t\theader_up Host site:3000\n" % number in within
        assert within.count("import bluegreen_from_" + colour) == 2 and "site:3000 {" not in within
        assert "header_up Host hera:3000\n" in within and within.count("header_up Host {upstream_hostport}") == 1


def test_and_where_one_colour_is_named() -> None:
    made = body(NESTED, "blue")
    assert "import bluegreen_live 10.0.0.18:3000 10.0.1.18:3000" in made
    assert "\treverse_proxy /x/* {\n\t\t\t\timport bluegreen_live 10.0.0.24:3000 10.0.1.24:3000" in made


def test_a_snippet_in_the_block_of_a_coloured_proxy_is_of_its_colour() -> None:
    text = "(e) {\n\treverse_proxy site:3000\n}\n" + inside(
        "reverse_proxy hera:3000 {", "\thandle_response {", "\t\timport e", "\t}", "}"
    )
    made = body(text)
    assert "# import e: written out by olympus.bluegreen\n\t\t\treverse_proxy 10.0.1.24:3000 {" in made


def test_one_in_a_proxy_without_colour_in_its_block_is_too() -> None:
    lines = ["reverse_proxy hera:3000 {", "\thandle_response {", "\t\treverse_proxy 127.0.0.9:80 {"]
    lines += ["\t\t\theader_up Host {upstream_hostport}", "\t\t\thandle_response {", "\t\t\t\treverse_proxy site:3000"]
    made = body(inside(*lines, "\t\t\t}", "\t\t}", "\t}", "}"))
    assert "site:3000" not in made and "reverse_proxy 10.0.1.24:3000 {" in made
    assert made.count("reverse_proxy 127.0.0.9:80 {\n\t\t\t\theader_up Host {upstream_hostport}") == 8


def test_what_a_snippet_says_in_a_block_counts() -> None:
    snippets = (
        "(host) {\n\theader_up Host {upstream_hostport}\n}\n(lb) {\n\tlb_policy first\n}\n(own) {\n\theader_up A b\n}\n"
    )
    snippets += "(tls) {\n\ttransport http {\n\t\ttls\n\t}\n}\n"
    made = body(snippets + inside("reverse_proxy hera:3000 {", "\timport host", "\timport tls", "\timport own", "}"))
    assert made.count("header_up Host hera:3000") == 8 and made.count("tls_server_name hera") == 8
    assert made.count("\timport own\n") == 8 and "import host\n" not in made
    made = body(snippets + inside("reverse_proxy hera:3000 127.0.0.9:80 {", "\timport lb", "}"))
    assert "reverse_proxy @bluegreen1_green 10.0.1.18:3000 127.0.0.9:80 {" in made


def test_a_health_check_of_an_address_of_its_own_is_refused_with_a_fix_that_fits() -> None:
    found = refused(inside("reverse_proxy hera:3000 {", "\thealth_uri /h", "\thealth_upstream hera:3001", "}"))
    assert found[0] == 4 and found[2] == "say health_port in its place: each colour is checked at its own address"


def test_checks_of_several_upstreams_that_say_addresses_are_told_about() -> None:
    lines = ["reverse_proxy hera:3000 site:3000 {", "\tlb_policy first", "\thealth_uri /h"]
    (warning,) = done(inside(*lines, "}")).warnings
    assert warning.startswith("/srv/Caddyfile:2: its health checks say an address as Host")
    assert not done(inside(*lines, "\thealth_headers {", "\t\tHost a.test", "\t}", "}")).warnings


ORDERS = {
    "reverse_proxy before route": ["reverse_proxy hera:3000"],
    "reverse_proxy first": ["handle {", "\treverse_proxy hera:3000", "}"],
    "route last": ["reverse_proxy hera:3000"],
    "route after reverse_proxy": ["reverse_proxy hera:3000"],
    "forward_auth first": ["forward_auth kratos:4433 {", "\turi /", "}"],
    "vars after forward_auth": ["forward_auth kratos:4433 {", "\turi /", "}"],
}


@pytest.mark.parametrize("order", ORDERS)
def test_an_order_that_puts_a_proxy_before_the_decision_is_refused_by_its_line(order: str) -> None:
    text = "{\n\tadmin off\n\torder %s\n}\n" % order + inside(*ORDERS[order])
    line, reason, fix = refused(text)
    assert (line, reason.startswith("`order %s` puts " % order)) == (3, True)
    assert fix == "remove that line, or put the proxies into `route { }`"
    rewrite(text, UPSTREAMS, "/config", colour="blue")


@pytest.mark.parametrize(
    "order", ["reverse_proxy before file_server", "rate_limit before basic_auth", "respond before route"]
)
def test_any_other_order_is_none_of_ours(order: str) -> None:
    assert done("{\n\torder %s\n}\n" % order + inside("reverse_proxy hera:3000")).proxies == 1
    assert done("{\n\torder route last\n}\n" + inside("route {", "\treverse_proxy hera:3000", "}")).proxies == 1


def test_of_two_that_take_everything_the_first_stays_the_first() -> None:
    made = body(inside("reverse_proxy hera:3000", "reverse_proxy /x 127.0.0.9:80", "reverse_proxy * site:3000"))
    order = re.findall(r"reverse_proxy (@bluegreen\d_green|/x)", made)
    assert order == ["/x", "@bluegreen1_green", "@bluegreen2_green"]
    found = refused(inside("reverse_proxy 127.0.0.9:80", "reverse_proxy /x hera:3000", "reverse_proxy hera:3000"))
    assert found[:2] == (4, "never asked: another reverse_proxy without a matcher stands before it")
    assert done(inside("route {", "\treverse_proxy 127.0.0.9:80", "\treverse_proxy hera:3000", "}")).proxies == 1
    auth = "forward_auth %s {\n\t\turi /\n\t}"
    made = body(inside(auth % "kratos:4433", auth % "/x 127.0.0.9:80"))
    assert made.index("forward_auth /x") < made.index("forward_auth @bluegreen1_green")


PLACEHOLDERS = {
    "{upstream_hostport}": "kratos:4433",
    "{http.reverse_proxy.upstream.hostport}": "kratos:4433",
    "{http.reverse_proxy.upstream.host}": "kratos",
    "{http.reverse_proxy.upstream.port}": "4433",
    "{http.reverse_proxy.upstream.address}": "tcp/kratos:4433",
    "{rp.upstream.host}": "kratos",
    "{http.reverse_proxy.active.target_upstream}": "kratos:4433",
}


@pytest.mark.parametrize("placeholder", PLACEHOLDERS)
def test_a_placeholder_for_what_is_dialled_means_what_it_meant(placeholder: str) -> None:
    lines = ["header_up X-A %s;", "rewrite /x/%s", "transport http {\n\t\t\ttls_server_name %s\n\t\t}"]
    text = inside("reverse_proxy kratos:4433 {", *("\t" + one % placeholder for one in lines), "}")
    made = body(text)
    for one in lines:
        assert made.count(one % PLACEHOLDERS[placeholder]) == 2
    assert placeholder not in made
    several = inside("reverse_proxy kratos:4433 kratos:4434 {", "\theader_up X-A " + placeholder, "}")
    line, reason, _fix = refused(several)
    assert (line, reason) == (2, placeholder + " beside several upstreams")


def test_one_outside_of_a_proxy_is_told_about() -> None:
    handed = "(p) {\n\treverse_proxy {args[0]} {\n\t\theader_up A b\n\t}\n}\n"
    made = done(handed + inside("import p hera:3000", "header >X-By {upstream_hostport}"))
    assert re.match(r"/srv/Caddyfile:8: outside of the proxy \{upstream_hostport\} says the address", made.warnings[0])
    assert not done(
        inside("header >X-By {upstream_hostport}", "respond x") + inside("reverse_proxy hera:3000")
    ).warnings
