# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What was changed outside this collection (podman-compose, a deploy script, a reboot), with its fix. Pure.

A cause comes before its symptom: first what was taken away, then what the public sees of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import first_few
from ansible_collections.olympus.bluegreen.plugins.plugin_utils.commands import (
    ADOPT,
    NEW,
    STATUS,
    Step,
    adopt,
    command,
    release,
)
from ansible_collections.olympus.bluegreen.plugins.plugin_utils.releases import version_of

REPAIR = Step(ADOPT)
REMOVING = command("adopt", "removes them", bluegreen_remove_unmanaged="true")
UNNAMED = (
    "name them again, with every service of a colour; to drop one, remove it from the edge's configuration first, "
    "then --tags adopt -e bluegreen_undo=true and adopt again"
)
# So many names are written out; the JSON has all of them.
SHOWN = 3

Facts = Mapping[str, Any]


@dataclass(frozen=True)
class Finding:
    """``what`` happened, in a sentence; ``step`` puts it right; ``stops`` every stage but rollback and adopt.

    ``of``: the colour that it is about, where it is about one alone.
    """

    kind: str
    what: str
    step: Step = REPAIR
    stops: bool = True
    of: str = ""

    @property
    def fix(self) -> str:
        return str(self.step)

    def __str__(self) -> str:
        run = "run " if self.step.command and not self.step.by_hand else ""
        return "%s. Fix: %s%s" % (self.what, run, self.fix) if self.fix else self.what

    def data(self) -> dict[str, Any]:
        about = {"kind": self.kind, "what": self.what, "fix": self.fix, "stops": self.stops, "of": self.of}
        return {**about, "command": self.step.data()}


def detect_changes(
    edge: Facts, compose: Facts, live: str, kept: str = "", boot: Facts | None = None
) -> tuple[Finding, ...]:
    """Everything that is not as we left it, the worst first.

    ``kept``: the colour that a rollback goes back to; ``boot``: the answer of release_boot where it was asked.
    """
    found = [
        *_record(edge, compose, live),
        *_edge(edge, compose, live),
        *_shared(compose),
        *_colour(compose, live, True),
        *(_colour(compose, kept, False) if kept and kept != live else []),
        *_off_edge(compose),
        *_foreign(compose, live, kept),
        *_drift(compose, live),
        *_public(edge, compose, live),
        *_boot(boot or {}),
    ]
    return tuple(found)


def _record(edge: Facts, compose: Facts, live: str) -> Iterable[Finding]:
    """The edge has the switch, and of what runs behind it nothing is known: each stage would go by other numbers."""
    about = (compose.get("colours") or {}).get(live) or {}
    if edge.get("adopted") and (compose.get("recorded") is False or about.get("release") == ""):
        what = "the record of this deployment (addresses.json, stacks) in bluegreen_state_dir was lost"
        yield Finding("record", what, adopt("makes it again from what runs"))


def some(names: Sequence[str]) -> str:
    """The first few names, and how many more there are."""
    return first_few(names, SHOWN)


def _edge(edge: Facts, compose: Facts, live: str) -> Iterable[Finding]:
    told = {name: one for name, one in (compose.get("shared") or {}).items() if one.get("edge")}
    for service, one in told.items():
        yield from _edge_container(service, one, compose, live)
    if any(one["state"] != "running" for one in told.values()):
        return
    for one in edge.get("findings") or []:
        # Of public names that say otherwise more is told below.
        if one["code"] not in ("public", "behind"):
            yield Finding("edge", str(one["said"]), _step_of(one, edge))


def _step_of(one: Facts, edge: Facts) -> Step:
    """What Cloudflare itself does, nothing of ours can put right."""
    away = edge.get("edge") == "cloudflare" and one["repair"] != "adopt"
    return Step(STATUS, "fix it at Cloudflare") if away else REPAIR


def _edge_container(service: str, one: Facts, compose: Facts, live: str) -> Iterable[Finding]:
    name, nets = one["container"], _networks_off(compose, one["container"])
    if one["state"] == "absent":
        up = "podman-compose up -d --no-deps %s in your project (or name its service in bluegreen_edge)" % service
        words = "the edge (service %s) has no container any more: nothing is public" % service
        yield Finding("edge", words, Step(ADOPT, up))
    elif one["state"] != "running":
        yield Finding("edge", "the edge %s is %s: nothing is public" % (name, one["state"]))
    elif nets:
        how = "was recreated and is" if one.get("recreated") else "was taken"
        yield Finding("edge", "the edge %s %s off %s: it reaches no %s" % (name, how, some(nets), live))


def _networks_off(compose: Facts, container: str) -> list[str]:
    return [str(one["network"]) for one in compose.get("off_networks") or [] if one["container"] == container]


def _shared(compose: Facts) -> Iterable[Finding]:
    for service, one in (compose.get("shared") or {}).items():
        if one.get("edge"):
            continue
        name, nets = one["container"], _networks_off(compose, one["container"])
        if one["state"] == "absent":
            up = "podman-compose up -d --no-deps %s in your project" % service
            step = REPAIR if one.get("relay") else Step(ADOPT, up)
            yield Finding("shared", "the shared service %s has no container any more" % service, step)
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
        yield Finding("colour", text, Step(None, UNNAMED), live, colour)
    if stopped:
        yield Finding("colour", "%s: stopped: %s" % (what, some(stopped)), REPAIR, live, colour)
    made = [name for name in gone if name in again]
    if made:
        text = "%s: podman-compose made new containers of %s, which are off its network" % (what, some(made))
        yield Finding("colour", text, adopt("takes them back"), live, colour)
    lost = [name for name in gone if name not in made]
    if lost:
        text = "%s: the containers of %s were removed" % (what, some(lost))
        yield Finding("colour", text, _bring_back(about, lost, live), live, colour)


def _replacing(compose: Facts, colour: str, live: bool) -> list[Facts]:
    """What podman-compose made again and adopt takes back: all of it where it is live, else only the same images."""
    if not ((compose.get("colours") or {}).get(colour) or {}).get("adopted"):
        return []
    return [
        one for one in compose.get("unmanaged") or [] if one.get("replaces_adopted") and (live or one.get("same_image"))
    ]


def _bring_back(about: Facts, lost: Sequence[str], live: bool) -> Step:
    if not about.get("adopted"):
        return adopt("makes them again")
    if live:
        return Step(ADOPT, "podman-compose up -d --no-deps %s in your project" % " ".join(lost))
    version = version_of(str(about.get("release") or ""))
    return Step(command("rollback", "deploys that release again", version=version))


def _off_edge(compose: Facts) -> Iterable[Finding]:
    shared = {one["container"] for one in (compose.get("shared") or {}).values()}
    off = [one for one in compose.get("off_networks") or [] if one["container"] not in shared]
    for network in dict.fromkeys(str(one["network"]) for one in off):
        names = [str(one["container"]) for one in off if one["network"] == network]
        yield Finding("network", "off %s: %s" % (network, some(names)))


def _foreign(compose: Facts, live: str, kept: str) -> Iterable[Finding]:
    """Strangers that no colour takes back: told in one line, with what makes them dangerous."""
    taken = [*_replacing(compose, live, True), *(_replacing(compose, kept, False) if kept else [])]
    strange = [one for one in compose.get("unmanaged") or [] if one not in taken]
    if not strange:
        return
    running = [one["service"] for one in strange if one.get("state") == "running"]
    names = running or [one["service"] for one in strange]
    many = "%d containers" % len(strange) if len(strange) > 1 else "a container"
    what = "%s of your project beside our colours (podman-compose up?): %s" % (many, some(names))
    if not running:
        what += ", stopped"
    mails = [one["service"] for one in strange if one.get("sends_mail") and one.get("state") == "running"]
    if mails:
        what += "; %s send mail beside ours" % some(mails)
    yield Finding("foreign", what, Step(REMOVING))


def _drift(compose: Facts, live: str) -> Iterable[Finding]:
    """Of the idle colour it stops nothing but its cutover: a deploy makes its containers again."""
    for colour, about in (compose.get("colours") or {}).items():
        for line in about.get("drift") or []:
            new = Step(release(NEW, True, "a new deploy replaces it"))
            step = new if colour == live else Step(None, "a new deploy of %s replaces it" % colour)
            yield Finding("drift", "%s: %s" % (colour, line), step, colour == live, colour)
        if about.get("pending") and colour == live:
            # A hand made it live before its deploy had ended.
            what = "%s is live and runs other containers than those of its release" % colour
            yield Finding("drift", what, Step(release(NEW, True, "a new deploy replaces it")), True, colour)
        for line in about.get("edited") or []:
            yield Finding("edited", line, Step(), False)


def _public(edge: Facts, compose: Facts, live: str) -> Iterable[Finding]:
    wrong = [one for one in edge.get("observed") or [] if one.get("colour") != live]
    behind = lagging(edge, live)
    if behind:
        what = "the switch says %s, the load balancers do not: %s" % (live, some(behind))
        yield Finding("behind", what, _going_on(edge, compose, live))
    sure = [one for one in wrong if not _walled(one, seen=len(wrong) < len(edge.get("observed") or []))]
    silent = [_name(one) for one in wrong if one not in sure]
    if silent:
        what = "%s: no anonymous visitor reaches a colour there, so a flip is not confirmed there" % some(silent)
        yield Finding("public", what, Step(), False)
    if behind or not sure:
        return
    said = dict.fromkeys(one.get("colour") or "no colour (status %s)" % one.get("status") for one in sure)
    names = [_name(one) for one in sure]
    yield Finding("public", "the switch says %s, the public names say %s: %s" % (live, some(list(said)), some(names)))


def _walled(one: Facts, seen: bool) -> bool:
    """Something in front of the colours answers itself (a login, a redirect, a firewall), as far as can be known:
    ``seen`` says that the edge lets others through."""
    status = int(one.get("status") or 0)
    return not one.get("colour") and (300 <= status < 500 or (seen and status < 500))


def _name(one: Facts) -> str:
    return "%s%s" % (one.get("host"), one.get("path"))


def lagging(edge: Facts, live: str) -> list[str]:
    """Public names whose load balancer does not follow the switch: an act on them did not come to its end."""
    return [str(row.get("host")) for row in edge.get("hosts") or [] if edge.get("live") and row.get("live") != live]


def _going_on(edge: Facts, compose: Facts, live: str) -> Step:
    """What goes on with that act: a rollback that had begun, or else the cutover."""
    back = (edge.get("return_to") or {}).get("colour")
    if back is None:
        return REPAIR
    if back == live:
        return Step(command("rollback"))
    held = str(((compose.get("colours") or {}).get(live) or {}).get("release") or "")
    same = version_of(held) or "<the same>"
    return Step(command("cutover", "goes on", version=same), other=command("rollback"))


def _boot(boot: Facts) -> Iterable[Finding]:
    """No reason to stop a stage, and one to sleep badly."""
    if boot.get("systemd") and not (boot.get("enabled") and boot.get("program")):
        yield Finding("boot", "after a reboot nothing brings the live colour back", REPAIR, stops=False)
    if (boot.get("watch") or {}).get("died"):
        what = "the watch of %s ended without a verdict" % boot["watch"].get("release")
        yield Finding("watch", "%s (a reboot?)" % what, Step(command("watch", "goes on with it")), stops=False)
