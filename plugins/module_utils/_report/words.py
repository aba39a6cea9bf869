# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Events and verdicts as sentences: the same on the screen, in the Markdown and in the page."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
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
    said, version = verdict.get("verdict", ""), verdict.get("version") or verdict.get("release", "the release")
    colour = verdict.get("colour", "")
    rolled = verdict.get("rolled_back") or {}
    if said == "PASS":
        early = (verdict.get("signed_off") or {}).get("by")
        more = _left_out(verdict) + ("; %s ended the watch early" % early if early else "")
        return "%s is healthy on %s%s." % (version, colour, more)
    if said == "PASS_SYNTHETIC_ONLY":
        told = "%s passed its probes on %s%s; too few visitors came to judge by them."
        return told % (version, colour, _left_out(verdict))
    if said == "FAIL" and rolled.get("done"):
        after = float(rolled.get("at") or 0) - float(verdict.get("since") or 0)
        return "%s was bad and was taken back: %s is live again, %.0f s after the flip." % (
            version,
            rolled["to"],
            after,
        )
    if said == "FAIL" and rolled.get("to"):
        return "%s was bad; somebody moved the switch first: %s is live." % (version, rolled["to"])
    if said == "FAIL":
        return "%s is bad and STILL LIVE on %s: no rollback, because %s." % (version, colour, rolled.get("why"))
    if said == "INCONCLUSIVE" and verdict.get("signed_off"):
        return "%s was signed off by %s; no watch says that it is healthy." % (version, verdict["signed_off"]["by"])
    if said == "INCONCLUSIVE":
        return "Nobody can say whether %s is healthy." % version
    return "%s was not judged yet." % version


def _left_out(verdict: Mapping[str, Any]) -> str:
    """That nobody tried to log in is no plain pass, and so it stands in the first sentence."""
    untested = (verdict.get("evidence") or {}).get("untested") or []
    return " as far as it was asked (%s)" % "; ".join(untested) if untested else ""


def next_step(verdict: Mapping[str, Any]) -> str:
    """What to do now, with the line to type."""
    said, rolled = verdict.get("verdict", ""), verdict.get("rolled_back") or {}
    if said in ("PASS", "PASS_SYNTHETIC_ONLY"):
        return "Nothing tonight. After the bake time: %s --tags cleanup" % PLAY
    if said == "FAIL" and rolled.get("to") not in (None, "", verdict.get("colour")):
        return "Nothing tonight. Users are on %s; %s is kept to be looked at." % (
            rolled["to"],
            verdict.get("colour", "the bad colour"),
        )
    if said == "FAIL" and rolled.get("held"):
        return "Act now. The watcher did not roll back, as %s: %s --tags status" % (rolled["why"], PLAY)
    if said == "FAIL":
        return "Act now. Fix what is named above, then: %s --tags rollback" % PLAY
    if said == "INCONCLUSIVE" and verdict.get("signed_off"):
        return "After the bake time: %s --tags cleanup" % PLAY
    if said == "INCONCLUSIVE":
        return "Look at the reasons, then %s --tags rollback (or --tags watch -e bluegreen_watch_do=promote)" % PLAY
    return "%s --tags watch" % PLAY


def _counts(event: Mapping[str, Any]) -> str:
    organic, pairs = event["organic"], event["pairs"]
    told = "%d answers, %d errors (%s); probes: %d well, %d bad on the new colour alone, %d on the old, %d on both"
    return told % (
        organic["n"],
        organic["bad"],
        share(organic["bad"], organic["n"]),
        pairs["ok"],
        pairs["new_bad"],
        pairs["old_bad"],
        pairs["both_bad"],
    )


def _armed(event: Mapping[str, Any]) -> str:
    base = event["baseline"]
    told = "%s is live; watching for %d s (before: %d answers, %s errors)"
    said = told % (event["colour"], event["window"], base["n"], share(base["bad"], base["n"]))
    return "; ".join([said, *(event.get("untested") or [])])


def _progress(event: Mapping[str, Any]) -> str:
    evidence = max(
        event["error_log_e"] / event["error_log_limit"],
        event["pair_log_e"] / event["pair_log_limit"],
    )
    left = "held by %s" % event["held"] if event.get("held") else "%d s left" % event["left"]
    return "%s: %s; evidence against it %d %%" % (left, _counts(event), max(0, 100 * evidence))


def _rolled(event: Mapping[str, Any]) -> str:
    return "ROLLED BACK to %s in %.1f ms, seen by the public after %.0f ms" % (
        event["to"],
        event["ms"],
        event["seen_ms"],
    )


def _control(event: Mapping[str, Any]) -> str:
    what = "%s%s" % (event["do"], " %d s" % event["seconds"] if event["seconds"] else "")
    return "%s ordered %s%s" % (event["by"], what, "" if event["done"] else ": refused, %s" % event["why"])


def _verdict(event: Mapping[str, Any]) -> str:
    return "verdict %s: %s" % (event["verdict"], "; ".join(event["reasons"]))


SENTENCES = {
    "waiting": lambda event: "ready, waiting for %s to go live" % event["colour"],
    "armed": _armed,
    "progress": _progress,
    "resumed": lambda event: "the watcher had died; it was begun again after %.0f s" % event["gap"],
    "control": _control,
    "signed_off": lambda event: "signed off by %s" % event["by"],
    "rolled_back": _rolled,
    "not_rolled_back": lambda event: "NOT ROLLED BACK: %s" % event["why"],
    "not_kept": lambda event: "back on %s; %s" % (event["to"], event["why"]),
    "not_followed": lambda event: "trying to go back to %s: %s" % (event["to"], event["why"]),
    "probing": lambda event: "probes can't be sent: %s" % event["detail"],
    "not_written": lambda event: "could not be written: %s" % event["detail"],
    "verdict": _verdict,
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
        return "some of the access log was lost before the watcher could read it"
    if kind == "ended" and event["why"] != "window":
        return "ended: %s" % event["detail"]
    if kind == "pair" and event.get("why"):
        alone = [name for name, (new, old) in sorted(event["checks"].items()) if old and not new]
        return "; ".join("%s: %s" % (name, event["why"].get(name, "")) for name in alone)
    told = SENTENCES.get(str(kind))
    return told(event) if told else ""


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
    told = "; ".join(rows) or "nothing at this moment"
    return "%s still has %s (%d connections); %.0f s left" % (colour, told, connections, seconds)
