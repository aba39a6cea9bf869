# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, the olympus.bluegreen authors
"""Podman as this machine lets it run: calls, and a containers.conf of our own where the defaults are refused."""

from __future__ import annotations

import functools
import json
import os
import resource
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from olympus_lab import config
from olympus_lab.progress import LabError, say

PROBE_IMAGE = "localhost/olympus-lab/probe:lab"
LIMIT = 16384


def call(args: Sequence[str], stdin: str | None = None, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run ``podman ARGS``; LabError with its stderr when ``check`` and rc is not 0."""
    done = subprocess.run(
        ["podman", *args], env=environment(), input=stdin, capture_output=True, text=True, check=False
    )
    if check and done.returncode != 0:
        raise LabError(f"podman {args[0]}: rc {done.returncode}: {done.stderr.strip()}")
    return done


def listing(args: Sequence[str]) -> list[dict[str, Any]]:
    """``podman ARGS --format json`` as a list of objects (empty output: empty list)."""
    out = call([*args, "--format", "json"]).stdout.strip()
    return json.loads(out) or [] if out else []


@functools.cache
def _overrides() -> Mapping[str, str]:
    if "CONTAINERS_CONF" in os.environ:
        return {}
    return {"CONTAINERS_CONF": str(config.CONTAINERS_CONF)} if config.CONTAINERS_CONF.exists() else {}


def environment() -> dict[str, str]:
    """The process environment, with CONTAINERS_CONF where this machine needs it (see ``adapt``)."""
    return {**os.environ, **_overrides()}


def _limit(kind: int) -> int:
    """LIMIT, or less where this process may have less."""
    hard = resource.getrlimit(kind)[1]
    return LIMIT if hard == resource.RLIM_INFINITY else min(LIMIT, hard)


def _candidates() -> list[str]:
    """Settings to try, the plainest first: nothing, lower limits, runc, both."""
    files, processes = _limit(resource.RLIMIT_NOFILE), _limit(resource.RLIMIT_NPROC)
    ulimits = f'[containers]\ndefault_ulimits = ["nofile={files}:{files}", "nproc={processes}:{processes}"]\n'
    netavark = '[network]\nnetwork_backend = "netavark"\n'
    runc = '[engine]\nruntime = "runc"\n'
    return ["", ulimits + netavark, runc + netavark, ulimits + runc + netavark]


def _refusal(env: Mapping[str, str]) -> str:
    """Why a container does not start under ``env``, or has no network that the lab can use; "" if all is well."""
    argv = ["podman", "run", "--rm", "--network=none", f"--label={config.LABEL}", PROBE_IMAGE]
    done = subprocess.run(argv, env=dict(env), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        return done.stderr.strip().splitlines()[-1]
    argv = ["podman", "info", "--format", "{{.Host.NetworkBackend}}"]
    backend = subprocess.run(argv, env=dict(env), capture_output=True, text=True, check=False).stdout.strip()
    return "" if backend == "netavark" else f"network backend is {backend}, not netavark"


def _build_probe() -> None:
    """The smallest image that can run: a static busybox called ``true``."""
    with tempfile.TemporaryDirectory() as context:
        text = f'FROM scratch\nLABEL {config.LABEL}\nCOPY busybox /bin/true\nCMD ["/bin/true"]\n'
        (Path(context) / "Containerfile").write_text(text)
        (Path(context) / "busybox").write_bytes(Path("/bin/busybox").read_bytes())
        (Path(context) / "busybox").chmod(0o755)
        done = subprocess.run(["podman", "build", "-q", "-t", PROBE_IMAGE, context], capture_output=True, check=False)
    if done.returncode != 0:
        raise LabError(f"podman build does not work here: {done.stderr.decode(errors='replace').strip()}")


def adapt() -> None:
    """Find the plainest settings under which a container starts; write our containers.conf only if it takes any.

    A user's own file is never touched. If CONTAINERS_CONF is set by the user, it must work as it is.
    """
    if subprocess.run(["podman", "image", "exists", PROBE_IMAGE], check=False).returncode != 0:
        _build_probe()
    if not (refusal := _refusal(environment())):
        return
    if "CONTAINERS_CONF" in os.environ:
        raise LabError(f"containers don't start with the CONTAINERS_CONF that is set: {refusal}")
    config.BUILD.mkdir(parents=True, exist_ok=True)
    header = "# Written by the lab: the defaults are refused on this machine.\n"
    for text in _candidates():
        config.CONTAINERS_CONF.write_text(header + text)
        if not _refusal({**os.environ, "CONTAINERS_CONF": str(config.CONTAINERS_CONF)}):
            _overrides.cache_clear()
            where = config.CONTAINERS_CONF.relative_to(config.ROOT)
            say(f"podman's defaults are refused here ({refusal}); using {where}")
            return
    config.CONTAINERS_CONF.unlink()
    raise LabError(f"no container starts on this machine: {refusal}")
