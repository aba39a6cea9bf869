# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Events and verdicts as sentences: the same on the screen, in the Markdown and in the page."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

PLAY = "ansible-playbook bluegreen.yml"
# Events of a watch that come every few seconds.
OFTEN = ("progress", "pair", "waiting")


def clock(at: float) -> str:
    return time.strftime("%H:%M:%S", time.gmtime(at))


def moment(at: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(at))


def share(bad: float, n: float) -> str:
    return "%.2f %%" % (100 * bad / n) if n else "-"


def headline(verdict: Mapping[str, Any]) -> str:
    """One sentence: what happened."""
    kind, version = verdict.get("verdict", ""), verdict.get("version") or verdict.get("release", "the release")
    colour, signed = verdict.get("colour", ""), (verdict.get("signed_off") or {}).get("by")
    rolled = verdict.get("rolled_back") or {}
    if kind == "PASS":
        early = "; %s ended the watch early" % signed if signed else ""
        return "%s is healthy on %s%s%s." % (version, colour, _left_out(verdict), early)
    if kind == "PASS_SYNTHETIC_ONLY":
        sentence = "%s passed its probes on %s%s; too few visitors came to judge by them."
        return sentence % (version, colour, _left_out(verdict))
    if kind == "FAIL" and rolled.get("done"):
        after = float(rolled.get("at") or 0) - float(verdict.get("since") or 0)
        sentence = "%s was bad. The watcher rolled back: %s is live again, %.0f s after the flip."
        return sentence % (version, rolled["to"], after)
    if kind == "FAIL" and rolled.get("to"):
        return "%s was bad. The switch was moved before the watcher could: %s is live." % (version, rolled["to"])
    if kind == "FAIL":
        return "%s is bad and STILL LIVE on %s. There was no rollback: %s." % (version, colour, rolled.get("why"))
    if kind == "INCONCLUSIVE" and signed:
        return "%s was signed off by %s; no watch has shown that it is healthy." % (version, signed)
    if kind == "INCONCLUSIVE":
        return "It is not known whether %s is healthy." % version
    return "%s was not judged yet." % version


def _left_out(verdict: Mapping[str, Any]) -> str:
    """Where no login was tried it is no plain pass, and so that stands in the first sentence."""
    untested = (verdict.get("evidence") or {}).get("untested") or []
    return " as far as it was asked (%s)" % "; ".join(untested) if untested else ""


def next_step(verdict: Mapping[str, Any]) -> str:
    """What to do now, with the command."""
    kind, rolled = verdict.get("verdict", ""), verdict.get("rolled_back") or {}
    if not verdict.get("plays", True):
        return _next_alone(kind, rolled, verdict)
    if kind in ("PASS", "PASS_SYNTHETIC_ONLY"):
        return "Nothing tonight. After the bake time: %s --tags cleanup" % PLAY
    if kind == "FAIL" and rolled.get("to") not in (None, "", verdict.get("colour")):
        bad = verdict.get("colour", "the bad colour")
        return "Nothing tonight. Visitors are on %s; %s is kept for inspection." % (rolled["to"], bad)
    if kind == "FAIL" and rolled.get("held"):
        return "Act now. The watcher did not roll back, as %s: %s --tags status" % (rolled["why"], PLAY)
    if kind == "FAIL":
        return "Act now. Fix what is named above, then: %s --tags rollback" % PLAY
    if kind == "INCONCLUSIVE" and verdict.get("signed_off"):
        return "After the bake time: %s --tags cleanup" % PLAY
    if kind == "INCONCLUSIVE":
        return "Read the reasons, then %s --tags rollback (or --tags watch -e bluegreen_watch_do=promote)" % PLAY
    return "%s --tags watch" % PLAY


def _next_alone(kind: str, rolled: Mapping[str, Any], verdict: Mapping[str, Any]) -> str:
    """For one who watches by the role alone."""
    if kind in ("PASS", "PASS_SYNTHETIC_ONLY"):
        return "Nothing."
    if kind == "FAIL" and rolled.get("to") not in (None, "", verdict.get("colour")):
        return "Nothing now. Visitors are on %s; find out why %s failed." % (rolled["to"], verdict.get("colour"))
    first = "Act now. Fix what is named above" if kind == "FAIL" else "Read the reasons"
    return first + ", or roll back: role olympus.bluegreen.traffic, tasks_from: restore"


def _counts(event: Mapping[str, Any]) -> str:
    bad, n = event["traffic"]["bad"], event["traffic"]["n"]
    probes = (
        "probes: %(ok)d well, %(new_bad)d bad on the new colour alone, %(old_bad)d on the old, %(both_bad)d on both"
    )
    return "%d answers, %d errors (%s); %s" % (n, bad, share(bad, n), probes % event["pairs"])


def _armed(event: Mapping[str, Any]) -> str:
    base = event["baseline"]
    sentence = "%s is live; watching for %d s (before: %d answers, %s errors)"
    shown = sentence % (event["colour"], event["window"], base["n"], share(base["bad"], base["n"]))
    return "; ".join([shown, *(event.get("untested") or [])])


def _progress(event: Mapping[str, Any]) -> str:
    evidence = max(event[test + "_log_e"] / event[test + "_log_limit"] for test in ("error", "pair"))
    left = "held by %s" % event["held"] if event.get("held") else "%d s left" % event["left"]
    return "%s: %s; evidence against it %d %%" % (left, _counts(event), max(0, 100 * evidence))


def _control(event: Mapping[str, Any]) -> str:
    what = "%s%s" % (event["do"], " %d s" % event["seconds"] if event["seconds"] else "")
    return "%s ordered %s%s" % (event["by"], what, "" if event["done"] else ": refused, %s" % event["why"])


SENTENCES: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "waiting": lambda event: "ready, waiting for %s to go live" % event["colour"],
    "armed": _armed,
    "progress": _progress,
    "resumed": lambda event: "the watcher had died; it was started again after %.0f s" % event["gap"],
    "control": _control,
    "signed_off": lambda event: "signed off by %s" % event["by"],
    "rolled_back": lambda event: (
        "ROLLED BACK to %(to)s in %(ms).1f ms, seen by the public after %(seen_ms).0f ms" % event
    ),
    "not_rolled_back": lambda event: "NOT ROLLED BACK: %s" % event["why"],
    "not_kept": lambda event: "back on %s; %s" % (event["to"], event["why"]),
    "not_followed": lambda event: "trying to go back to %s: %s" % (event["to"], event["why"]),
    "probing": lambda event: "probes can't be sent: %s" % event["detail"],
    "not_written": lambda event: "could not be written: %s" % event["detail"],
    "verdict": lambda event: "verdict %s: %s" % (event["verdict"], "; ".join(event["reasons"])),
}


def sentence(event: Mapping[str, Any]) -> str:
    """An event of a watch for a person; '' for one that only the judge needs."""
    kind = event.get("event")
    if kind == "rule" and event["bad"]:
        return "%s: %s" % (event["rule"], event["detail"])
    if kind == "public" and not event["agrees"]:
        return "the public name disagrees with the switch: %s" % event["detail"]
    if kind == "looked" and not event["ok"]:
        return "containers and public name can't be looked at: %s" % event["detail"]
    if kind == "sample" and event.get("cut"):
        return "a part of the access log was lost before the watcher could read it"
    if kind == "ended" and event["why"] != "window":
        return "ended: %s" % event["detail"]
    if kind == "pair" and event.get("why"):
        alone = [name for name, (new, old) in sorted(event["checks"].items()) if old and not new]
        return "; ".join("%s: %s" % (name, event["why"].get(name, "")) for name in alone)
    words = SENTENCES.get(str(kind))
    return words(event) if words else ""


def evidence_factor(log_e: float) -> str:
    """An e-value as odds, readable also when it is astronomic."""
    tens = log_e / math.log(10)
    return "%.3g" % math.exp(log_e) if abs(tens) < 6 else "10^%d" % round(tens)


def open_rows(left: Sequence[Mapping[str, Any]]) -> list[tuple[str, str, str]]:
    """(service, what, how long) of what is still open to a colour."""
    return [
        (
            str(one["service"]),
            str(one["kind"]) if one.get("count") is None else "%d %s" % (one["count"], one["kind"]),
            "%.0f s or longer" % one["seconds"] if one["seconds"] else "",
        )
        for one in left
    ]


def last_drain(ledger: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """What the ledger says of who was connected when the old colour was stopped; {} where it was not."""
    return next((event for event in reversed(ledger) if event.get("event") == "drained"), {})


def still_open(colour: str, drained: bool, left: Sequence[Mapping[str, Any]], connections: int, seconds: float) -> str:
    """One line while a colour is drained; ``connections`` are those of the edge, kept ones included."""
    if drained:
        return "%s is drained: nothing is in flight to it" % colour
    rows = ["%s: %s%s" % (service, what, ", " + age if age else "") for service, what, age in open_rows(left)]
    shown = "; ".join(rows) or "nothing at this moment"
    return "%s still has %s (%d connections); %.0f s left" % (colour, shown, connections, seconds)
