# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The relay: it keeps the plain compose names of coloured services alive when the adopted containers are gone.

One container, made once, in the networks of the operator's project under the services' names. It asks the switch at
each request, so no flip touches it. ``stacks/relay.json``: ``{"v": 1, "networks": {NETWORK: {SERVICE: [NAME, ...]}}}``.
"""

from __future__ import annotations

import hashlib
import ipaddress
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..._core import podman as core
from ..._core.argspec import COLOURS
from ..._core.clock import unchanged
from ..._core.errors import BluegreenError, Refused
from ..._core.files import read_mapping, read_text, write_atomic
from ..._core.names import Address, address
from ..._core.plan import Step
from ..._core.podman import CONFIG, Podman
from ..._core.runner import check
from ..._edge.config.relay_config import SWITCH, Target, config
from ..._edge.running.base import same_place
from ..._switch.switch import Switch
from ..containers import lifecycle, networks
from ..containers.observe import Container, Containers
from ..deployment import store
from ..deployment.job import Context
from ..deployment.model import Deployment, Service

RECORD, WRITE, RUN = "record-names", "write-relay", "run-relay"
FILE = "relay.json"
# Up for so long (seconds) after its start, it runs.
STEADY = 1.0
Names = Mapping[str, Mapping[str, Sequence[str]]]


@dataclass(frozen=True)
class Relay:
    """What is wanted. ``names``: network -> coloured service -> the names it has there."""

    names: Names
    image: str
    switch: str
    text: str


def name_of(wanted: Deployment) -> str:
    return "%s-relay" % wanted.deployment


def no_image(wanted: Deployment) -> str:
    return (
        "after the cleanup of the adopted containers the names %s lead nowhere in your project, because the edge is no "
        "container of Caddy whose image could answer to them. Fix: let what dials them use the public names or the "
        "published ports" % ", ".join(wanted.names)
    )


def due(wanted: Deployment) -> bool:
    """Whether the adopted containers are gone for good."""
    return any(store.stack(wanted, colour) for colour in COLOURS) and not any(
        store.is_adopted(wanted, colour) for colour in COLOURS
    )


def plan(context: Context, world: Containers) -> tuple[Relay | None, list[Step], list[str]]:
    """What is wanted, the steps to it, and what the operator should know. Where nothing can run it, only the latter."""
    wanted = context.wanted
    edge = world.of_project(wanted.edge_service) if wanted.edge_service else None
    switch = context.reachable_switch()
    here = world.relay()
    image = here.image if here else edge.image if edge else ""
    if switch is None:
        return None, [], []
    if not image or not (here or _has_caddy(context.podman, image)):
        return None, [], [no_image(wanted)]
    if here is None and world.named(name_of(wanted)) is not None:
        raise Refused(
            "a container of this name exists and is not managed by this deployment",
            option="deployment",
            value=name_of(wanted),
            fix="rename that container, or choose another deployment name",
        )
    known = _recorded(wanted)
    names = _names(world, known)
    relay = Relay(names, image, os.path.join(switch.path, "switch"), _text(wanted, names))
    steps = [Step(RECORD, ", ".join(names))] if names != known else []
    steps += [Step(WRITE, _path(wanted))] if read_text(_path(wanted)) != relay.text else []
    if here is None or here.config != _fingerprint(wanted, relay) or not here.running or _stale(context, here, switch):
        steps.append(Step(RUN, name_of(wanted)))
    return relay, steps, []


def do(context: Context, relay: Relay | None, step: Step) -> bool:
    """Carry out one step of ``plan``; False where it is none."""
    wanted = context.wanted
    if relay is None or step.action not in (RECORD, WRITE, RUN):
        return False
    if step.action == RECORD:
        store.make_dirs(wanted, "stacks")
        text = json.dumps({"v": 1, "networks": relay.names}, indent=2, sort_keys=True) + "\n"
        write_atomic(wanted.path("stacks", FILE), text)
    elif step.action == WRITE:
        # Read by the user of the edge's image; it holds addresses and no secret.
        os.chmod(store.make_dirs(wanted, "relay"), 0o755)
        write_atomic(_path(wanted), relay.text, 0o644)
    else:
        lifecycle.remove_container(context.podman, step.target, grace=1)
        places = _places(context, relay)
        check(context.podman.run(*_arguments(wanted, relay, places=places)), "start of the relay")
        _runs(context, step.target)
    return True


def _has_caddy(podman: Podman, image: str) -> bool:
    words = ("--network", "none", "--pull", "never", "--image-volume", "ignore", "--entrypoint", '["caddy"]')
    return podman.run("run", "--rm", *words, image, "version", timeout=30).rc == 0


def _recorded(wanted: Deployment) -> Names:
    found = read_mapping(wanted.path("stacks", FILE))
    return dict(found.get("networks") or {})


def _names(world: Containers, known: Names) -> Names:
    """As the operator's containers have them while they are there; a service that is new since has its own name."""
    wanted = world.wanted
    found: dict[str, dict[str, list[str]]] = {
        net: {name: list(names) for name, names in given.items() if name in wanted.names}
        for net, given in known.items()
    }
    for c in world.of_operator():
        for net in c.networks:
            if not net.startswith(wanted.deployment + "-"):
                also = [alias for alias in c.aliases.get(net, ()) if not c.id.startswith(alias)]
                found.setdefault(net, {})[c.service] = list(dict.fromkeys([c.service, c.name, *also]))
    if not found:
        # The record is lost, and so are the containers: what else the project has tells its networks.
        rest = [c for c in world.all if c.project == wanted.project and not c.ours(wanted)]
        nets = {net for c in rest for net in c.networks if not net.startswith(wanted.deployment + "-")}
        found = {net: {} for net in sorted(nets)}
    new = [name for name in wanted.names if not any(name in given for given in found.values())]
    return {net: {**given, **{name: [name] for name in new}} for net, given in found.items()}


def _text(wanted: Deployment, names: Names) -> str:
    targets = []
    for service in wanted.services:
        called = [alias for _net, given in sorted(names.items()) for alias in given.get(service.name, ())]
        for port in dict.fromkeys((service.port, service.admin_port)):
            if port:
                where = {colour: "%s:%d" % (_address(wanted, colour, service), port) for colour in COLOURS}
                targets.append(Target(tuple(dict.fromkeys(called)), port, where))
    return json.dumps(config(targets), indent=2) + "\n"


def _address(wanted: Deployment, colour: str, service: Service) -> str:
    """An adopted colour has only the address on its edge network."""
    nets = wanted.nets
    return (nets.service_on_edge if service.edge else nets.service)(colour, service.name).ip


def _path(wanted: Deployment) -> str:
    return wanted.path("relay", "caddy.json")


def _places(context: Context, relay: Relay) -> dict[str, Address]:
    """Network of the project -> an address that nothing there had before: Podman hands them out from below.

    Under an address that an adopted container had a minute ago, neighbours would still look for that one.
    """
    world = Containers.look(context.podman, context.wanted)
    found: dict[str, Address] = {}
    known = networks.existing(context.podman)
    for net in relay.names:
        cut = [str(one.get("subnet")) for one in known.get(net, {}).get("subnets") or []]
        subnet = next((ipaddress.IPv4Network(one) for one in cut if ":" not in one), None)
        if subnet is None or subnet.num_addresses < 8:
            continue
        taken = {c.networks[net][0] for c in world.all if net in c.networks}
        hosts = range(subnet.num_addresses - 2, 1, -1)
        found[net] = next(one for one in (address(subnet, host) for host in hosts) if one.ip not in taken)
    return found


def _arguments(
    wanted: Deployment, relay: Relay, fingerprint: str = "", places: Mapping[str, Address] | None = None
) -> list[str]:
    labels = {
        core.LABEL: wanted.deployment, core.KIND: core.RELAY, CONFIG: fingerprint or _fingerprint(wanted, relay),
    }  # fmt: skip
    found = ["run", "-d", "--name", name_of(wanted), "--pull", "never", "--restart", "always", "--image-volume"]
    found += ["ignore", "--cap-drop", "all", "--cap-add", "net_bind_service", "--stop-timeout", "1", "--tmpfs", "/tmp"]
    found += [part for pair in labels.items() for part in ("--label", "%s=%s" % pair)]
    for net, given in sorted(relay.names.items()):
        aliases = dict.fromkeys(alias for _service, called in sorted(given.items()) for alias in called)
        words = ["alias=%s" % alias for alias in aliases]
        if places and net in places:
            words += ["ip=%s" % places[net].ip, "mac=%s" % places[net].mac]
        found += ["--network", ":".join([net, ",".join(words)][: 2 if words else 1])]
    for net, place in (one for colour in COLOURS for one in networks.relay_places(wanted, colour)):
        found += ["--network", "%s:ip=%s,mac=%s" % (net, place.ip, place.mac)]
    found += ["--volume", "%s:%s:ro" % (relay.switch, SWITCH)]
    found += ["--volume", "%s:/bluegreen/relay:ro" % os.path.dirname(_path(wanted)), "--entrypoint", '["caddy"]']
    # The file is watched, so that a service that is new needs no restart.
    return [*found, relay.image, "run", "--config", "/bluegreen/relay/caddy.json", "--watch"]


def _fingerprint(wanted: Deployment, relay: Relay) -> str:
    """Of what the container was made with, but for the networks of the colours: it is joined to others in place."""
    given = [word for word in _arguments(wanted, relay, "-") if ":ip=" not in word]
    return hashlib.sha256(json.dumps(given).encode()).hexdigest()[:16]


def _stale(context: Context, here: Container, switch: Switch) -> bool:
    """Whether the switch's directory was made again since: the relay would look at the old one for ever."""
    pid = context.podman.pid(here.name)
    return bool(pid) and not same_place(pid, SWITCH, os.path.join(switch.path, "switch"))


def _runs(context: Context, name: str) -> None:
    """The same process a moment later: a configuration that Caddy does not take ends it at once, again and again."""
    if not unchanged(context.clock, lambda: context.podman.pid(name), STEADY):
        raise BluegreenError("the relay %s does not run" % name, fix="look at podman logs %s, run again" % name)


def report(world: Containers) -> dict[str, dict[str, Any]]:
    """As a shared service is reported; {} as long as none is wanted."""
    here = world.relay()
    if here is None and not (due(world.wanted) and _recorded(world.wanted)):
        return {}
    state = here.state if here else "absent"
    return {
        "relay": {
            "container": name_of(world.wanted), "state": state, "recreated": False, "edge": False, "relay": True,
        }
    }  # fmt: skip
