# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The page: verdict first, then why, then everything that shows it. One file, no script, nothing fetched."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from . import charts, schema, words

POLICY = "default-src 'none'; style-src 'unsafe-inline'"
SIGNS = {"PASS": "\u2713", "PASS_SYNTHETIC_ONLY": "\u2713", "FAIL": "\u2717", "INCONCLUSIVE": "?"}
STYLE = """
:root{color-scheme:light dark;--ink:#1b1f24;--soft:#5b6470;--paper:#fff;--panel:#f4f5f7;--rule:#d5d9de;--good:#1a6b3c;
--bad:#b3261e;--doubt:#8a5a00;--new:#0b6e4f;--old:#2457a6}
@media (prefers-color-scheme:dark){:root{--ink:#e6e8eb;--soft:#9aa4b0;--paper:#14171a;--panel:#1e2226;--rule:#363c43;
--good:#58c088;--bad:#ff8a80;--doubt:#f0b84a;--new:#4fc79b;--old:#86b3ff}}
*{box-sizing:border-box}body{margin:0 auto;max-width:860px;padding:24px 20px 60px;background:var(--paper);
color:var(--ink);font:16px/1.5 system-ui,sans-serif}
header{border-left:8px solid var(--tone);background:var(--panel);padding:16px 20px;margin-bottom:24px}
.PASS,.PASS_SYNTHETIC_ONLY{--tone:var(--good)}.FAIL{--tone:var(--bad)}.INCONCLUSIVE,.NONE{--tone:var(--doubt)}
h1{margin:0;font-size:30px;line-height:1.2;color:var(--tone)}header p{margin:8px 0 0;font-size:18px}
header .next{font-size:16px}h2{font-size:18px;margin:32px 0 8px;border-bottom:1px solid var(--rule);
padding-bottom:4px}table{border-collapse:collapse;width:100%;font-size:15px}th,td{text-align:left;vertical-align:top;
padding:5px 10px 5px 0;border-bottom:1px solid var(--rule)}th{font-weight:600}
code,pre{font:13px/1.45 ui-monospace,monospace;overflow-wrap:anywhere}pre{white-space:pre-wrap;background:var(--panel);
padding:10px}svg{width:100%;height:auto;display:block}svg text{font:11px system-ui,sans-serif;fill:var(--ink);
paint-order:stroke;stroke:var(--paper);stroke-width:3px}
svg .axis{fill:var(--soft)}.base{stroke:var(--rule)}.limit{stroke:var(--bad);stroke-dasharray:6 4;stroke-width:1.5}
.mark{stroke:var(--soft);stroke-dasharray:2 3}.bad{fill:var(--bad)}.volume{fill:none;stroke:var(--ink);opacity:.6}
.stage{fill:var(--old)}.stage.open{fill:none;stroke:var(--old);stroke-dasharray:4 3}.series{fill:none;stroke-width:2}
.s0{stroke:var(--new)}.s1{stroke:var(--old);stroke-dasharray:5 3}.probe.ok{fill:var(--rule)}.probe.new{fill:var(--bad)}
.probe.old{fill:var(--old)}.probe.both{fill:var(--doubt)}ul{margin:4px 0;padding-left:20px}.soft{color:var(--soft)}
summary{cursor:pointer;padding:4px 0}@media print{body{max-width:none}details{break-inside:avoid}}
"""


def table(rows: Sequence[Sequence[str]], head: Sequence[str] = ()) -> str:
    top = "<tr>%s</tr>" % "".join("<th>%s</th>" % escape(name) for name in head) if head else ""
    body = "".join(
        "<tr><th>%s</th>%s</tr>" % (escape(row[0]), "".join("<td>%s</td>" % escape(cell) for cell in row[1:]))
        for row in rows
    )
    return "<table>%s%s</table>" % (top, body)


def section(title: str, body: str) -> str:
    return "<section><h2>%s</h2>%s</section>" % (escape(title), body) if body else ""


def banner(verdict: Mapping[str, Any]) -> str:
    kind = verdict.get("verdict") or "NONE"
    shown = kind.replace("_", " ") if verdict.get("verdict") else "NO VERDICT"
    return '<header class="%s"><h1>%s %s</h1><p>%s</p><p class="next"><b>Now:</b> %s</p></header>' % (
        escape(kind),
        SIGNS.get(kind, "\u2022"),
        escape(shown),
        escape(words.headline(verdict)),
        escape(words.next_step(verdict)),
    )


def about(data: Mapping[str, Any]) -> str:
    verdict, release = data["verdict"], data["release"]
    old = verdict.get("old") or {}
    evidence = verdict.get("evidence") or {}
    rows = [("Release", str(release.get("id") or verdict.get("release") or "-"))]
    if old.get("release"):
        rows.append(("Before it", "%s on %s" % (old["release"], old["colour"])))
    operators = sorted({str(event["operator"]) for event in data["ledger"] if event.get("operator")})
    if operators:
        rows.append(("Operator", ", ".join(operators)))
    if verdict.get("until"):
        seconds = verdict["until"] - verdict["since"]
        rows.append(("Watched", "%s, for %.0f s" % (words.moment(verdict["since"]), seconds)))
    traffic = evidence.get("traffic")
    if traffic:
        rows.append(("Visitors met", "%d errors in %d answers of the new colour" % (traffic["bad"], traffic["n"])))
    return table(rows)


def reasons(verdict: Mapping[str, Any]) -> str:
    items = [*verdict.get("reasons", [])]
    rolled = verdict.get("rolled_back") or {}
    if rolled.get("public"):
        items.append("not seen on the public name within the time: %s" % "; ".join(rolled["public"]))
    return "<ul>%s</ul>" % "".join("<li>%s</li>" % escape(item) for item in items) if items else ""


def numbers(verdict: Mapping[str, Any]) -> str:
    found = verdict.get("evidence") or {}
    if not found.get("traffic"):
        return ""
    base, traffic, pairs, excluded = (found[name] for name in ("baseline", "traffic", "pairs", "excluded"))
    before, errors = ((part["bad"], part["n"]) for part in (base, traffic))
    rows = [
        ("Errors before the flip", "%d of %d" % before, words.share(*before)),
        ("Errors of the new colour", "%d of %d" % errors, words.share(*errors)),
        ("Allowed share", "", "%.2f %%" % (100 * found["allowed_share"])),
        ("Seconds of probes", "%d bad on the new colour alone" % pairs["new_bad"], "%d well" % pairs["ok"]),
        ("", "%d bad on the old colour alone" % pairs["old_bad"], "%d bad on both" % pairs["both_bad"]),
        ("Excluded (both colours failed)", "%d of %d" % (excluded["bad"], excluded["n"]), ""),
        ("Error test, E", words.evidence_factor(found["error_log_e"]), _limit(found["error_log_limit"])),
        ("Paired test, E", words.evidence_factor(found["pair_log_e"]), _limit(found["pair_log_limit"])),
        *_more(found),
        ("Slots of 5 s with errors", str(found["bad_slots"]), "3 needed to roll back by errors"),
    ]
    return table(rows)


def _more(found: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Rows of what older verdicts do not hold."""
    rows = []
    if "incident_log_e" in found:
        limit = _limit(found["incident_log_limit"])
        rows.append(("Both colours failing, E", words.evidence_factor(found["incident_log_e"]), limit))
    if any(found.get("no_colour", {}).values()):
        shown = "%(elsewhere)d of other sites, %(unclear)d unclear" % found["no_colour"]
        rows.append(("Errors that no colour answered", shown, ""))
    return rows


def _limit(value: float) -> str:
    return "rolls back at %s" % words.evidence_factor(value)


def details(data: Mapping[str, Any]) -> str:
    verdict = data["verdict"]
    routes = [(item["route"], str(item["bad"])) for item in (verdict.get("evidence") or {}).get("routes", [])]
    watched = [(words.clock(event["at"]), words.sentence(event)) for event in data["watch"] if words.sentence(event)]
    images = [
        (name, str(image.get("reference", "")), str(image.get("id", ""))[:19])
        for name, image in sorted((data["release"].get("images") or {}).items())
    ]
    ledger = [(words.moment(event["at"]), str(event["event"]), _rest(event)) for event in data["ledger"]]
    targets = schema.rows(data["schema"])
    drain = words.last_drain(data["ledger"])
    title = "Still connected to %s when it was stopped" % drain.get("colour")
    open_rows = words.open_rows(drain.get("left") or [])
    return "".join(
        (
            section(title, table(open_rows, ("Service", "What", "For")) if open_rows else ""),
            section("Where the errors were", table(routes, ("Route and status", "Errors")) if routes else ""),
            section("Schema", table(targets, schema.HEAD) if targets else ""),
            *(_folded(title, table(rows, head)) for one in data["schema"] for title, head, rows in schema.details(one)),
            _folded("What the watcher reported (%d)" % len(watched), table(watched) if watched else ""),
            _folded("Images (%d)" % len(images), table(images, ("Service", "Reference", "Id")) if images else ""),
            _folded("Ledger (%d)" % len(ledger), table(ledger) if ledger else ""),
        )
    )


def _rest(event: Mapping[str, Any]) -> str:
    left = {key: value for key, value in event.items() if key not in ("v", "at", "event")}
    return json.dumps(left, sort_keys=True, default=str)


def _folded(title: str, body: str) -> str:
    return "<details><summary>%s</summary>%s</details>" % (escape(title), body) if body else ""


def drawn(data: Mapping[str, Any]) -> str:
    verdict, watch = data["verdict"], data["watch"]
    low = float(charts.armed(watch).get("at") or 0)
    high = max([low + 1, *(float(event["at"]) for event in watch if event["event"] in ("sample", "pair"))])
    marks = [(low, "flip")] if low else []
    rolled = verdict.get("rolled_back") or {}
    if rolled.get("done"):
        marks.append((float(rolled["at"]), "rolled back"))
    error, pair = charts.evidence(watch)
    allowed = float((verdict.get("evidence") or {}).get("allowed_share") or 0)
    stages = [*charts.bars(data["ledger"]), *([charts.Bar("watch", low, high)] if low else [])]
    end = max([high, *(float(event["at"]) for event in data["ledger"])])
    return "".join(
        (
            section("Timeline", charts.timeline(stages, marks, end)),
            section("Errors of the new colour", charts.errors(charts.buckets(watch), allowed, low, high)),
            section("Evidence", charts.sequential((("errors", error), ("paired probes", pair)), low, high)),
            section("Probes, second by second", charts.probes(charts.strip(watch), low, high)),
        )
    )


def again(command: str) -> str:
    """The command that comes to the same verdict from the recorded events; '' where the judge's code is not kept."""
    return " Judge it again on the state host: <code>%s</code>" % escape(command) if command else ""


def page(data: Mapping[str, Any]) -> str:
    verdict = data["verdict"]
    name = str(data["release"].get("id") or verdict.get("release") or "release")
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta http-equiv="Content-Security-Policy" content="%s">'
        '<meta name="viewport" content="width=device-width,initial-scale=1"><title>%s</title><style>%s</style></head>'
        "<body>%s%s%s%s%s%s%s</body></html>\n"
    ) % (
        escape(POLICY, quote=True),
        escape("%s: %s" % (name, verdict.get("verdict") or "no verdict")),
        STYLE,
        banner(verdict),
        section("Why", reasons(verdict)),
        about(data),
        drawn(data),
        section("Numbers", numbers(verdict)),
        details(data),
        '<p class="soft">Written %s.%s</p>' % (words.moment(data["written"]), again(str(data.get("replay") or ""))),
    )
