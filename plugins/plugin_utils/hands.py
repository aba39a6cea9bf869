# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What other hands did (podman-compose, a deploy script, a reboot), named with its mend. Pure: from preflight's facts.

A cause comes before its symptom: first what was taken away, then what the public sees of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

ADOPT = "--tags adopt"
REMOVE = "--tags adopt -e bluegreen_remove_foreign=true"
UNNAMED = (
    "name them again, with every service of a colour; one that shall go leaves the edge's configuration first, "
    "then --tags adopt -e bluegreen_undo=true and adopt again"
)
# So many names are written out; the JSON has all of them.
SHOWN = 3

Facts = Mapping[str, Any]


@dataclass(frozen=True)
class Finding:
    """``what`` happened, in a sentence; ``mend`` is what to type; ``stops`` every stage but rollback and adopt."""

    kind: str
    what: str
    mend: str = ADOPT
    stops: bool = True

    def __str__(self) -> str:
        return "%s. Type: %s" % (self.what, self.mend) if self.mend else self.what


def findings(edge: Facts, compose: Facts, live: str, kept: str = "", boot: Facts | None = None) -> tuple[Finding, ...]:
    """Everything that is not as we left it, the worst first.

    ``kept``: the colour that a rollback goes back to; ``boot``: the answer of release_boot where somebody asked it.
    """
    found = [
        *_edge(edge, compose, live),
        *_shared(compose),
        *_colour(compose, live, True),
        *(_colour(compose, kept, False) if kept and kept != live else []),
        *_off_edge(compose),
        *_foreign(compose, live, kept),
        *_drift(compose, live),
        *_public(edge, live),
        *_boot(boot or {}),
    ]
    return tuple(found)


def some(names: Sequence[str]) -> str:
    """The first few names, and how many more there are."""
    more = len(names) - SHOWN
    return ", ".join(names[:SHOWN]) + (" and %d more" % more if more > 0 else "")


def _edge(edge: Facts, compose: Facts, live: str) -> Iterable[Finding]:
    told = {name: one for name, one in (compose.get("shared") or {}).items() if one.get("edge")}
    for service, one in told.items():
        yield from _edge_container(service, one, compose, live)
    if any(one["state"] != "running" for one in told.values()):
        return
    for problem in edge.get("problems") or []:
        # Of public names that say otherwise more is told below.
        if not str(problem).startswith("the switch says") or str(problem).endswith(": run adopt"):
            yield Finding("edge", str(problem).replace(": run adopt", ""), _mend_of(str(problem), edge))


def _mend_of(problem: str, edge: Facts) -> str:
    """Of what Cloudflare itself does, nothing of ours is the mend."""
    away = edge.get("edge") == "cloudflare" and not problem.endswith(": run adopt")
    return "mend it at Cloudflare, then --tags status" if away else ADOPT


def _edge_container(service: str, one: Facts, compose: Facts, live: str) -> Iterable[Finding]:
    name, nets = one["container"], _networks_off(compose, one["container"])
    if one["state"] == "absent":
        mend = "podman-compose up -d --no-deps %s in your project (or name its service in bluegreen_edge), then %s"
        words = "the edge (service %s) has no container any more: nothing is public" % service
        yield Finding("edge", words, mend % (service, ADOPT))
    elif one["state"] != "running":
        yield Finding("edge", "the edge %s is %s: nothing is public" % (name, one["state"]))
    elif nets:
        how = "was recreated and is" if one.get("recreated") else "was taken"
        yield Finding("edge", "the edge %s %s off %s: it reaches no %s" % (name, how, some(nets), live))


def _networks_off(compose: Facts, container: str) -> list[str]:
    lines = [str(line).partition(" is off ") for line in compose.get("off_networks") or []]
    return [network for name, _off, network in lines if name == container]


def _shared(compose: Facts) -> Iterable[Finding]:
    for service, one in (compose.get("shared") or {}).items():
        if one.get("edge"):
            continue
        name, nets = one["container"], _networks_off(compose, one["container"])
        if one["state"] == "absent":
            mend = "podman-compose up -d --no-deps %s in your project, then %s" % (service, ADOPT)
            if one.get("relay"):
                mend = ADOPT
            yield Finding("shared", "the shared service %s has no container any more" % service, mend)
        elif one["state"] != "running":
            yield Finding("shared", "%s (shared by both colours) is %s" % (name, one["state"]))
        elif nets:
            how = "was recreated and is" if one.get("recreated") else "was taken"
            yield Finding("shared", "%s %s off %s: services there cannot reach it" % (name, how, some(nets)))


def _colour(compose: Facts, colour: str, live: bool) -> Iterable[Finding]:
    """Containers of a colour that are gone or stopped. Those of the live one stop everything, the others a rollback."""
    about = (compose.get("colours") or {}).get(colour) or {}
    states = {name: str(one.get("state")) for name, one in (about.get("services") or {}).items()}
    again = {one["service"] for one in _replacing(compose, colour, live)}
    gone = [name for name, state in states.items() if state == "absent"]
    unnamed = [name for name, state in states.items() if state == "unnamed"]
    stopped = ["%s (%s)" % pair for pair in states.items() if pair[1] not in ("running", "absent", "unnamed")]
    what = "%s is live" % colour if live else "no rollback to %s" % colour
    if unnamed:
        text = "%s: bluegreen_services lacks %s, which its release has" % (what, some(unnamed))
        yield Finding("colour", text, UNNAMED, live)
    if stopped:
        yield Finding("colour", "%s: stopped: %s" % (what, some(stopped)), ADOPT, live)
    made = [name for name in gone if name in again]
    if made:
        text = "%s: podman-compose made new containers of %s, which are off its network" % (what, some(made))
        yield Finding("colour", text, "%s (takes them back)" % ADOPT, live)
    lost = [name for name in gone if name not in made]
    if lost:
        text = "%s: somebody removed the containers of %s" % (what, some(lost))
        yield Finding("colour", text, _bring_back(about, lost, live), live)


def _replacing(compose: Facts, colour: str, live: bool) -> list[Facts]:
    """What podman-compose made anew and adopt takes back: all of it where it is live, else only the same images."""
    if not ((compose.get("colours") or {}).get(colour) or {}).get("adopted"):
        return []
    return [one for one in compose.get("foreign") or [] if one.get("replaces") and (live or one.get("same"))]


def _bring_back(about: Facts, lost: Sequence[str], live: bool) -> str:
    if not about.get("adopted"):
        return "%s (makes them again)" % ADOPT
    if live:
        return "podman-compose up -d --no-deps %s in your project, then %s" % (" ".join(lost), ADOPT)
    version = str(about.get("release") or "").rpartition("-")[0]
    return (
        "--tags rollback -e version=%s (deploys that release again), or --tags cleanup to accept the live one" % version
    )


def _off_edge(compose: Facts) -> Iterable[Finding]:
    shared = {one["container"] for one in (compose.get("shared") or {}).values()}
    lines = [str(line) for line in compose.get("off_networks") or []]
    names = [line.partition(" is off ") for line in lines if line.partition(" is off ")[0] not in shared]
    for network in dict.fromkeys(network for _name, _off, network in names):
        off = [name for name, _off, there in names if there == network]
        yield Finding("network", "off %s: %s" % (network, some(off)))


def _foreign(compose: Facts, live: str, kept: str) -> Iterable[Finding]:
    """Strangers that no colour takes back: told in one line, with what makes them dangerous."""
    taken = [*_replacing(compose, live, True), *(_replacing(compose, kept, False) if kept else [])]
    strange = [one for one in compose.get("foreign") or [] if one not in taken]
    if not strange:
        return
    running = [one["service"] for one in strange if one.get("state") == "running"]
    names = running or [one["service"] for one in strange]
    many = "%d containers" % len(strange) if len(strange) > 1 else "a container"
    what = "%s of your project beside our colours (podman-compose up?): %s" % (many, some(names))
    if not running:
        what += ", stopped"
    mails = [one["service"] for one in strange if one.get("mails") and one.get("state") == "running"]
    if mails:
        what += "; %s send mail beside ours" % some(mails)
    yield Finding("foreign", what, "%s (removes them)" % REMOVE)


def _drift(compose: Facts, live: str) -> Iterable[Finding]:
    """Of the idle colour it stops nothing but its cutover: a deploy makes its containers anew."""
    for colour, about in (compose.get("colours") or {}).items():
        for line in about.get("drift") or []:
            yield Finding("drift", "%s: %s" % (colour, line), "a new deploy of %s replaces it" % colour, colour == live)
        for line in about.get("edited") or []:
            yield Finding("edited", line, "", False)


def _public(edge: Facts, live: str) -> Iterable[Finding]:
    wrong = [one for one in edge.get("observed") or [] if one.get("colour") != live]
    behind = lagging(edge, live)
    if behind:
        what = "the switch says %s, the load balancers do not: %s" % (live, some(behind))
        yield Finding("behind", what, _going_on(edge, live))
    if behind or not wrong:
        return
    said = dict.fromkeys(one.get("colour") or "no colour (status %s)" % one.get("status") for one in wrong)
    names = ["%s%s" % (one.get("host"), one.get("path")) for one in wrong]
    yield Finding("public", "the switch says %s, the public names say %s: %s" % (live, some(list(said)), some(names)))


def lagging(edge: Facts, live: str) -> list[str]:
    """Public names whose load balancer does not follow the switch: an act on them did not come to its end."""
    return [str(row.get("host")) for row in edge.get("hosts") or [] if edge.get("live") and row.get("live") != live]


def _going_on(edge: Facts, live: str) -> str:
    """What goes on with that act: a rollback that had begun, or else the cutover."""
    back = (edge.get("return_to") or {}).get("colour")
    if back in (None, live):
        return "--tags rollback"
    return "--tags cutover -e version=<the same> (goes on), or --tags rollback"


def _boot(boot: Facts) -> Iterable[Finding]:
    """No reason to stop a stage, and one to sleep badly."""
    if boot.get("systemd") and not (boot.get("enabled") and boot.get("program")):
        yield Finding("boot", "after a reboot nothing brings the live colour back", ADOPT, stops=False)
    if (boot.get("watch") or {}).get("died"):
        what = "the watch of %s ended without a verdict" % boot["watch"].get("release")
        yield Finding("watch", "%s (a reboot?)" % what, "--tags watch (goes on with it)", stops=False)
