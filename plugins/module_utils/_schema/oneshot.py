# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One-shot containers: started detached under a known name and label, so that a run that was killed is found again."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Any

from .._core.errors import BluegreenError, CommandError
from .._core.names import address
from .._core.podman import HELD, KIND, LABEL, Podman, handed
from .._core.runner import Result, check

TARGET = "olympus.bluegreen.target"
# Our own networks give fixed addresses below these; a one-shot container stays out of their way. More than one, as
# podman that was killed over a start keeps the address until the host boots.
ONE_SHOT_HOSTS = range(250, 255)
# Seconds between two looks at what a container does.
EVERY = 1.0


@dataclass(frozen=True)
class Job:
    """What to run. ``environment`` holds secrets: they reach Podman by its own environment, never by arguments."""

    name: str
    image: str
    arguments: tuple[str, ...]
    labels: Mapping[str, str]
    network: str
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    entrypoint: str = ""
    volumes: tuple[str, ...] = ()
    extra_hosts: tuple[str, ...] = ()
    places: tuple[tuple[str, ...], ...] = ()
    user: str = ""
    workdir: str = ""
    hostname: str = ""
    # Seconds after which Podman itself ends it; 0: never.
    lifetime: int = 0


@dataclass(frozen=True)
class Finished:
    """``rc`` proves nothing by itself; ``log`` is stdout and stderr together and may hold secrets."""

    rc: int
    out: str
    log: str


def labels(deployment: str, kind: str, target: str) -> dict[str, str]:
    return {LABEL: deployment, KIND: kind, TARGET: target}


def arguments(job: Job, place: Sequence[str] = ()) -> list[str]:
    """``podman run`` and what follows, without a secret."""
    found = ["run", "-d", "--name", job.name, "--pull", "never", "--log-driver", "k8s-file", "--network", job.network]
    found += [part for key, value in job.labels.items() for part in ("--label", "%s=%s" % (key, value))]
    found += [part for host in job.extra_hosts for part in ("--add-host", host)]
    found += [*given(job.environment, job.volumes, job.entrypoint), *place]
    found += ["--user", job.user] if job.user else []
    found += ["--workdir", job.workdir] if job.workdir else []
    found += ["--hostname", job.hostname] if job.hostname else []
    found += ["--timeout", str(job.lifetime)] if job.lifetime else []
    return [*found, job.image, *job.arguments]


def given(environment: Mapping[str, str], volumes: Sequence[str], entrypoint: str) -> list[str]:
    """Arguments of ``podman run`` without a secret; ``call`` runs them."""
    found = [part for volume in volumes for part in ("--volume", volume)]
    found += handed(environment).arguments
    return [*found, *(["--entrypoint", entrypoint] if entrypoint else [])]


def call(podman: Podman, environment: Mapping[str, str], *words: str, timeout: float) -> Result:
    """``podman`` with the words that ``given`` is among, and with what they want of its environment."""
    values = handed(environment)
    return podman.run(*words, env=values.env, stdin=values.file, timeout=timeout)


def start(podman: Podman, job: Job) -> None:
    for place in job.places or ((),):
        result = call(podman, job.environment, *arguments(job, place), timeout=60)
        if not HELD.search(result.err):
            break
        podman.run("rm", "-f", "-t", "1", job.name, timeout=60)
    check(result, "start of container %s" % job.name)


def finish(podman: Podman, name: str, timeout: float, meanwhile: Callable[[], None] | None = None) -> Finished:
    """Wait for the end, read everything, remove it. Still running after ``timeout`` seconds: killed, and an error.
    ``meanwhile`` is called every second until then."""
    waited = _waited(podman, name, timeout, meanwhile)
    logs = podman.run("logs", name, timeout=60)
    podman.run("rm", "-f", "-v", "-t", "5", name, timeout=60)
    if waited.rc == 124:
        raise CommandError(
            "container %s was still running after %g s, so it was stopped" % (name, timeout), fix="raise the timeout"
        )
    check(waited, "waiting for container %s" % name)
    return Finished(int(waited.out.split()[0]), logs.out, logs.out + logs.err)


def _waited(podman: Podman, name: str, timeout: float, meanwhile: Callable[[], None] | None) -> Result:
    if meanwhile is None:
        return podman.run("wait", name, timeout=timeout)
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(podman.run, "wait", name, timeout=timeout)
        while not wait([future], EVERY).done:
            meanwhile()
        return future.result()


def run(podman: Podman, job: Job, timeout: float, meanwhile: Callable[[], None] | None = None) -> Finished:
    start(podman, job)
    return finish(podman, job.name, timeout, meanwhile)


def found(podman: Podman, wanted: Mapping[str, str]) -> list[tuple[str, str]]:
    """(name, status) of the containers with these labels."""
    return [(str(c["Name"]), str(c["State"]["Status"])) for c in podman.containers(wanted)]


def running(containers: Sequence[tuple[str, str]]) -> list[str]:
    return [name for name, status in containers if status in ("running", "stopping", "paused")]


def clear(podman: Podman, wanted: Mapping[str, str], timeout: float) -> list[str]:
    """Take away what a killed run left: a running one is waited for (else refused), an ended one removed."""
    there = found(podman, wanted)
    for name in running(there):
        if podman.run("wait", name, timeout=timeout).rc == 124:
            raise BluegreenError(
                "container %s of an earlier run is still running after %g s" % (name, timeout),
                fix="wait for it, or read `podman logs %s` and stop it yourself" % name,
            )
    for name, _status in there:
        podman.run("rm", "-f", "-t", "1", name, timeout=60)
    return [name for name, _status in there]


def places(podman: Podman, network: str) -> tuple[tuple[str, ...], ...]:
    """Where a one-shot container may sit on a network of ours (it has fixed addresses); nothing for a foreign one."""
    if network.startswith("container:") or network in ("host", "none"):
        return ()
    seen: dict[str, Any] | None = podman.one("network", network)
    if seen is None:
        raise BluegreenError("no such network", option="network", value=network, fix="start the stage before")
    if LABEL not in (seen.get("labels") or {}):
        return ()
    subnets = [ipaddress.ip_network(item["subnet"]) for item in seen.get("subnets") or []]
    own = [subnet for subnet in subnets if isinstance(subnet, ipaddress.IPv4Network) and subnet.prefixlen <= 24]
    if not own:
        return ()
    found = [address(own[0], host) for host in ONE_SHOT_HOSTS]
    return tuple(("--ip", one.ip, "--mac-address", one.mac) for one in found)
