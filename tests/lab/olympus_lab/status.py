# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, the olympus.bluegreen authors
"""What runs, on one screen."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from olympus_lab import config, leftovers, network


def _memory_kib() -> int:
    """Proportional share of memory (KiB) of every process in our containers."""
    pids = [
        int(item["Pid"]) for item in leftovers.containers() if item["State"] == "running" and int(item.get("Pid") or 0)
    ]
    return sum(_pss(pid) for root in pids for pid in _tree(root))


def _tree(pid: int) -> list[int]:
    children: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        children += [int(child) for child in task.read_text().split()]
    return [pid] + [below for child in children for below in _tree(child)]


def _pss(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)


def observe() -> dict[str, Any]:
    """containers (name, state, image, since, networks, ports), networks, volumes, blackhole, memory_mib."""
    rows = [
        {
            "name": item["Names"][0],
            "state": item["State"],
            "image": item["Image"].rpartition("/")[2],
            "since": item["Status"],
            "networks": item.get("Networks") or [],
            "ports": [f"{port['host_ip']}:{port['host_port']}" for port in item.get("Ports") or []],
        }
        for item in leftovers.containers()
    ]
    return {
        "containers": sorted(rows, key=lambda row: str(row["name"])),
        "networks": leftovers.networks(),
        "volumes": leftovers.volumes(),
        "blackhole": network.is_blocked(),
        "memory_mib": _memory_kib() // 1024,
    }


def screen() -> str:
    """The same for people."""
    seen = observe()
    lines = [
        f"{row['name']:<36} {row['state']:<8} {row['image']:<24} {row['since']:<26} {' '.join(row['ports'])}".rstrip()
        for row in seen["containers"]
    ]
    lines.append(f"networks: {' '.join(seen['networks']) or '-'}; volumes: {' '.join(seen['volumes']) or '-'}")
    blackhole = "yes" if seen["blackhole"] else "no"
    lines.append(f"blackhole over {config.RANGE}: {blackhole}; memory of all containers {seen['memory_mib']} MiB (PSS)")
    return "\n".join(lines)
