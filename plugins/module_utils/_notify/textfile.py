# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The state of a deployment as Prometheus' text format, for the textfile collector of node_exporter.

Moments, not ages: an age would be wrong as soon as it is written. ``time() - <moment>`` is the age.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from .._core import process
from .._core.argspec import COLOURS
from .._core.errors import BluegreenError, Refused
from .._core.files import read_json, read_mapping, write_atomic
from .._state import events
from .._state.directory import StateDir

PREFIX = "olympus_bluegreen_"
VERDICTS = ("PASS", "PASS_SYNTHETIC_ONLY", "FAIL", "INCONCLUSIVE")
SUFFIX = ".prom"
Labels = Mapping[str, str]


@dataclass(frozen=True)
class Facts:
    """``releases``: colour -> {release, version}. ``verdict``: that of the last watch, '' while there is none.
    ``rolled_back``, ``locked``: epoch seconds, None where there is none."""

    deployment: str
    live: str = ""
    releases: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    watched: str = ""
    verdict: str = ""
    watching: bool = False
    rolled_back: float | None = None
    locked: float | None = None


def usable(path: str) -> None:
    """Refused where no collector would find the file, or where it can't be written."""
    where, fix = os.path.dirname(path), "name a file that ends in .prom in the collector's own directory"
    if not os.path.isabs(path) or not path.endswith(SUFFIX):
        raise Refused("not an absolute path that ends in .prom", option="textfile", value=path, fix=fix)
    if not os.path.isdir(where) or not os.access(where, os.W_OK):
        raise Refused("%s is no directory that can be written" % where, option="textfile", value=path, fix=fix)


def observe(state: StateDir, deployment: str, live: str) -> Facts:
    """What is on disk now. ``live``: what the switch says, '' where there is none."""
    about = read_mapping(state.path("watch.json"), "pid", "start")
    watched = str(about.get("release") or "")
    verdict = (read_json(state.release(watched, "verdict.json")) or {}) if watched else {}
    lock = read_json(state.lock) or {}
    return Facts(
        deployment,
        live,
        {colour: one for colour in COLOURS for one in [_release(state, colour)] if one["release"]},
        watched,
        str(verdict.get("verdict") or ""),
        process.watched(about) and not verdict,
        _rolled_back(state),
        float(lock["since"]) if "since" in lock else None,
    )


def _release(state: StateDir, colour: str) -> dict[str, str]:
    release = str(read_mapping(state.stack(colour, "services.json")).get("release") or "")
    known = read_mapping(state.release(release, "release.json")) if release else {}
    return {"release": release, "version": str(known.get("version") or "")}


def _rolled_back(state: StateDir) -> float | None:
    """By the watcher or by a play. A rollback by hand writes no event."""
    moments = []
    for event in events.read(state.ledger):
        by_watcher = event["event"] == "verdict" and event.get("returned_to") not in (None, "", event.get("colour"))
        if by_watcher or event["event"] == "rolled_back":
            moments.append(float(event["at"]))
    return max(moments, default=None)


def render(facts: Facts) -> str:
    """The whole file. Pure."""
    live, watch = facts.live, {"release": facts.watched}
    release = [
        ({"colour": colour, **one}, 1.0 if colour == live else 0.0) for colour, one in sorted(facts.releases.items())
    ]
    verdict = [({**watch, "verdict": name}, 1.0 if name == facts.verdict else 0.0) for name in VERDICTS]
    families: list[tuple[str, str, Iterable[tuple[Labels, float]]]] = [
        (
            "live",
            "1 for the colour that serves the public.",
            [({"colour": one}, float(one == live)) for one in COLOURS],
        ),
        ("release_info", "The release on each colour; 1 where it is live.", release),
        (
            "verdict",
            "1 for the verdict of the last watch; all 0 while there is none.",
            verdict if facts.watched else [],
        ),
        ("watch_running", "1 while a watcher judges a release.", [({}, float(facts.watching))]),
        ("last_rollback_timestamp_seconds", "When the public last went back.", _moment(facts.rolled_back)),
        ("lock_held", "1 while a run holds the lock.", [({}, float(facts.locked is not None))]),
        ("lock_taken_timestamp_seconds", "When the run that holds the lock took it.", _moment(facts.locked)),
    ]
    lines: list[str] = []
    for name, says, samples in families:
        found = list(samples)
        if found:
            lines += ["# HELP %s%s %s" % (PREFIX, name, says), "# TYPE %s%s gauge" % (PREFIX, name)]
            lines += [_sample(name, {"deployment": facts.deployment, **labels}, value) for labels, value in found]
    return "\n".join(lines) + "\n"


def _moment(at: float | None) -> list[tuple[Labels, float]]:
    return [] if at is None else [({}, at)]


def _sample(name: str, labels: Labels, value: float) -> str:
    inside = ",".join('%s="%s"' % (key, _escaped(one)) for key, one in labels.items())
    return "%s%s{%s} %s" % (PREFIX, name, inside, repr(value) if value % 1 else "%d" % value)


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')


def write(path: str, state: StateDir, deployment: str, live: str) -> str:
    """Whole or not at all, readable for the collector. Why it was not written, '' where it was."""
    try:
        usable(path)
        write_atomic(path, render(observe(state, deployment, live)), 0o644)
    except (BluegreenError, OSError) as exc:
        return str(exc)
    return ""
