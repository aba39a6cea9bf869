# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""state: adopted with undo. The project leaves our networks, and the state directory loses what a deployment needs.

Every copy that holds secrets goes. The history stays: the ledger, and of each release its verdict, its report and the
record of its watch. It holds no secret. The code of the watcher stays too, as one may still run from it.
"""

from __future__ import annotations

import os
import shutil

from ..._core import addresses
from ..._core.argspec import COLOURS
from ..._core.errors import Refused
from ..._core.files import sync_dir
from ..._core.plan import Plan, Step
from ..._core.podman import SINGLETON
from ..containers import lifecycle, networks
from ..containers.observe import Containers
from ..deployment import store
from ..deployment.job import Context, Job
from ..deployment.model import Deployment

# First what holds secrets: copies of .env and of configurations, and rendered compose files.
COPIES = ("source", "preview", "release.json")
STACKS = "stacks"


def undo(context: Context) -> Job:
    """Off the networks again, the networks and our copies of the operator's files away. Containers and images stay."""
    wanted, podman = context.wanted, context.podman
    world = Containers.look(podman, wanted)
    left = [c.name for colour in COLOURS for c in world.rendered(colour, ("service", SINGLETON))]
    if left:
        raise Refused(
            "containers of a colour are still there: %s" % ", ".join(left),
            option="undo",
            fix="remove that colour first (state absent)",
        )
    found = networks.existing(podman)
    ours = [net.name for net in networks.nets(wanted) if net.name in found]
    networks.create_steps(wanted, {name: found[name] for name in ours}, [])
    members = [c for c in world.all if c.project == wanted.project and not c.ours(wanted)]
    steps = [Step("disconnect", c.name, name) for c in members for name in ours if name in c.networks]
    relayed = world.relay()
    steps += [Step("remove", relayed.name)] if relayed else []
    steps += [Step("remove-network", name) for name in ours]
    if addresses.read(wanted.state_dir):
        steps.append(Step("forget-addresses", wanted.network_range))
    steps += _steps(wanted)

    def do(step: Step) -> None:
        if step.action == "forget-addresses":
            store.forget_addresses(wanted)
        elif step.action in ("remove-copies", "remove-stacks"):
            _forget(wanted, step)
        elif step.action == "remove":
            lifecycle.remove_container(podman, step.target, grace=1)
        else:
            networks.do(podman, wanted, (), step)

    return Job(Plan({"networks": ours}, {"networks": []}, tuple(steps)), do, notes={"messages": _stays(wanted)})


def _steps(wanted: Deployment) -> list[Step]:
    """Nothing where all of it is gone already."""
    home = wanted.path("releases")
    names = sorted(os.listdir(home)) if os.path.isdir(home) else []
    found = [Step("remove-copies", name) for name in names if _left(os.path.join(home, name))]
    return found + ([Step("remove-stacks", STACKS)] if os.path.isdir(wanted.path(STACKS)) else [])


def _forget(wanted: Deployment, step: Step) -> None:
    if step.action == "remove-stacks":
        shutil.rmtree(wanted.path(STACKS))
        return
    where = wanted.path("releases", step.target)
    for name in _left(where):
        _remove(os.path.join(where, name))
    sync_dir(where)
    # One that was never watched, or whose making was cut off, has no history.
    if not os.listdir(where):
        os.rmdir(where)


def _stays(wanted: Deployment) -> list[str]:
    """What is left, and why, a sentence each."""
    found = []
    if os.path.isdir(wanted.state_dir):
        found.append("%s stays: the ledger, verdicts and reports, without secrets" % wanted.state_dir)
    return found


def _left(where: str) -> list[str]:
    unfinished = os.path.basename(where).startswith(".")
    return [
        name for name in (os.listdir(where) if unfinished else COPIES) if os.path.lexists(os.path.join(where, name))
    ]


def _remove(path: str) -> None:
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    else:
        os.unlink(path)
