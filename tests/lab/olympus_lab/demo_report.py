# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, the olympus.bluegreen authors
"""What the demo says at its end: a table, one line, one HTML page. All from the data of the run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

STYLE = """
:root { color-scheme: light dark; --line: #8884; --good: #1a7f37; --bad: #cf222e; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.1rem; margin-top: 2rem; }
.verdict { padding: .8rem 1rem; border-left: .4rem solid var(--good); background: #8881; }
.verdict.bad { border-color: var(--bad); }
table { border-collapse: collapse; width: 100%; } th, td { text-align: left; padding: .35rem .6rem; }
tr { border-bottom: 1px solid var(--line); } td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; }
.bar { height: .7rem; background: #4a90d9; display: inline-block; } .bar.green { background: #3a9d5d; }
"""

FIGURES = (
    ("requests", "requests, each accounted for"),
    ("lost", "lost"),
    ("announced_lost", "lost to adopt's one announced reload"),
    ("duplicated", "executed twice"),
    ("wrong_colour", "answered by a colour that was not live"),
    ("pinned_away", "forms of the other colour, served by it"),
    ("asset_fallback", "assets of the other colour, served by it"),
    ("release_errors", "answers of the faulty release before it was taken back"),
    ("rate_limited", "429 by the login limit"),
    ("idle_closed", "idle connections closed before they were used again"),
    ("mails", "mails expected"),
    ("mails_doubled", "mails doubled"),
    ("mails_lost", "mails lost"),
    ("ws_open", "WebSockets held open"),
    ("ws_closed", "of them closed by the edge outside an announced reload"),
)


def timing(figures: Mapping[str, Any], stages: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Times of the flips in ms, from the marker's rename as the kernel recorded it.

    ``cutover_ms``: the slowest first answer of a new colour; ``rollback_ms``: the rollback typed by hand, until the
    sending of the last request that the old colour still answered, or the first answer of the new one if later.
    """
    flips = list(figures.get("flips") or [])
    first = [flip["first_new_ms"] for flip in flips if flip.get("first_new_ms") is not None]
    back = [flip for flip in flips if flip["to"] == "blue"][:1]
    effect = [flip.get(name) or 0.0 for flip in back for name in ("first_new_ms", "last_old_sent_ms")]
    return {
        "flips": flips,
        "cutover_ms": round(max(first), 1) if first else None,
        "rollback_ms": round(max(effect), 1) if effect else None,
        "stages": {stage["name"]: stage["seconds"] for stage in stages},
    }


def last_line(figures: Mapping[str, Any], times: Mapping[str, Any]) -> str:
    return (
        f"requests={figures['requests']} lost={figures['lost']} duplicated={figures['duplicated']} "
        f"sessions_kept={figures['sessions_kept']}/{figures['sessions']} "
        f"tokens_kept={figures['tokens_kept']}/{figures['tokens']} "
        f"cutover_ms={times['cutover_ms']} rollback_ms={times['rollback_ms']} "
        f"mails_doubled={figures['mails_doubled']} mails_lost={figures['mails_lost']}"
    )


def rows(data: Mapping[str, Any]) -> list[tuple[str, str]]:
    figures = data["figures"]
    found = [(text, str(figures[name])) for name, text in FIGURES if name in figures]
    for kind in ("sessions", "tokens"):
        if kind in figures:
            found.append((f"{kind} made before and still good", f"{figures[kind + '_kept']} of {figures[kind]}"))
    for name in ("p50_ms", "p99_ms"):
        if name in figures:
            found.append((name, f"{figures[name]:.1f}"))
    return found


def proofs(data: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Target -> what the proof of its migration said."""
    return [
        (f"{one['target']}, {one['hop']}", f"{one['verdict']}, {one['journeys']} journeys in {one['seconds']:.0f} s")
        for one in data.get("proofs") or []
    ]


def table(data: Mapping[str, Any]) -> str:
    """The run as text, for a terminal."""
    lines = ["", f"{'stage':<16} {'live after':<11} {'rc':>2} {'seconds':>8}"]
    lines += [f"{s['name']:<16} {s['live']:<11} {s['rc']:>2} {s['seconds']:>8.1f}" for s in data["stages"]]
    lines += ["", f"{'flip to':<8} {'first new answer':>17} {'last old request':>17}   (ms after the rename)"]
    for flip in data["timing"]["flips"]:
        lines.append(f"{flip['to']:<8} {_ms(flip['first_new_ms']):>17} {_ms(flip['last_old_sent_ms']):>17}")
    lines += ["", *(f"{text:<58} {value:>12}" for text, value in rows(data))]
    lines += [f"proof of {text}: {value}" for text, value in proofs(data)]
    lines += ["", *(f"NOT AS IT MUST BE: {item}" for item in data["wrong"]), f"whole demo: {data['seconds']:.0f} s", ""]
    return "\n".join(lines)


def _ms(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"


def _table(head: Iterable[str], body: Iterable[Iterable[str]]) -> str:
    cells = "".join(f"<th>{escape(name)}</th>" for name in head)
    lines = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in body)
    return f"<table><tr>{cells}</tr>{lines}</table>"


def html(data: Mapping[str, Any]) -> str:
    """One self-contained page: no script, no request to anywhere."""
    wrong = data["wrong"]
    longest = max([stage["seconds"] for stage in data["stages"]] or [1])
    stages = [
        (
            escape(stage["name"]),
            escape(stage["live"]),
            str(stage["rc"]),
            f"<span class='bar {stage['live']}' style='width:{12 * stage['seconds'] / longest:.1f}rem'></span> "
            f"{stage['seconds']:.1f} s",
        )
        for stage in data["stages"]
    ]
    flips = [(f["to"], _ms(f["first_new_ms"]), _ms(f["last_old_sent_ms"])) for f in data["timing"]["flips"]]
    verdict = "FAIL: " + "; ".join(wrong) if wrong else "PASS: nothing was lost, nobody was logged out"
    return (
        "<!doctype html><html lang='en'><meta charset='utf-8'>"
        "<meta http-equiv='Content-Security-Policy' content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f"<title>olympus.bluegreen demo</title><style>{STYLE}</style>"
        "<h1>A real Olympus, upgraded under load</h1>"
        f"<p class='verdict{' bad' if wrong else ''}'>{escape(verdict)}</p>"
        "<h2>Stages</h2>"
        + _table(("stage", "live after", "rc", "time"), stages)
        + "<h2>Flips, in ms after the rename</h2>"
        + _table(("to", "first answer of the new colour", "last request that the old one answered"), flips)
        + "<h2>What the load saw</h2>"
        + _table(("", ""), [(escape(text), escape(value)) for text, value in rows(data)])
        + "<h2>What the proof said of the migrations</h2>"
        + _table(("target", "verdict"), [(escape(text), escape(value)) for text, value in proofs(data)])
        + "</html>\n"
    )
