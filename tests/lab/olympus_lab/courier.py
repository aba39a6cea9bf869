# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, the olympus.bluegreen authors
"""Handovers of couriers and other singletons on the lab, driven by the modules' own code, and what they cost."""

from __future__ import annotations

import json
import secrets
import statistics
import time
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.deployment.job import Context
from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.deployment.model import wanted_from
from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.options import SPEC
from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.states import answer
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.clock import SystemClock
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.podman import Podman
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.runner import Runner, SubprocessRunner
from ansible_collections.olympus.bluegreen.plugins.module_utils._switch.switch import ReturnTo, Switch
from olympus_lab import config, mail, release, stack, truth
from olympus_lab.progress import wait_for

OTHER = {"blue": "green", "green": "blue"}
COURIERS = tuple(f"{domain}-kratos-courier" for domain in config.DOMAINS)
DECLARED = {"janitor": {"service": "ciam-janitor"}}
# What the operator's inventory says more when the janitor is of his project.
WITH_JANITOR = {"bluegreen_compose_files": [config.COMPOSE_FILE, config.JANITOR_FILE], "bluegreen_singletons": DECLARED}
BENCH = config.ROOT / "build" / "bench"


def images(version: str) -> dict[str, str]:
    return {name: config.image(name, version) for name in config.ORY + config.APPS}


def services() -> dict[str, dict[str, Any]]:
    """The coloured services as the module takes them."""
    found: dict[str, dict[str, Any]] = {}
    for name, ports in config.PORTS.items():
        domain, _dash, product = name.rpartition("-")
        found[name] = {"kind": product, "port": ports[0], **({"domain": domain} if domain else {})}
        if len(ports) > 1:
            found[name]["admin_port"] = ports[1]
        else:
            found[name].update(ready="/api/health" if product == "athena" else "/health", ui=True)
    return found


def module(state: str, runner: Runner | None = None, **given: Any) -> dict[str, Any]:
    """podman_compose_release on this lab, without Ansible around it."""
    params = {
        **{name: option.get("default") for name, option in SPEC.options.items()},
        "deployment": config.PROJECT,
        "state_dir": str(config.STATE),
        "project": config.PROJECT,
        "source": str(config.OPERATOR),
        "compose_files": [config.COMPOSE_FILE, config.JANITOR_FILE],
        "services": services(),
        "shared": list(config.SHARED + config.PGADMIN),
        "singletons": DECLARED,
        "network_range": f"{config.PREFIX}16.0/20",
        "podman_compose": str(config.VENV / "bin" / "podman-compose"),
        "state": state,
        **given,
    }
    context = Context(wanted_from(params), Podman(runner or SubprocessRunner()), SystemClock(), truth.on_disk)
    return answer(context, state, False)


def both_colours() -> None:
    """From a fresh lab to two colours of ours: green v1.5.0 live, blue v1.4.2 beside it, the singletons in green."""
    stack.start_janitor()
    release.must("courier-adopt", "adopt", {"version": "v1.4.2", **WITH_JANITOR}, quiet=True)
    release.must("courier-deploy", "migrate,deploy", {"version": "v1.5.0", **WITH_JANITOR}, quiet=True)
    flip("green")
    module("absent", colour="blue", live_colour="green")
    module("handed_over")
    module("started", colour="blue", live_colour="green", version="v1.4.2", images=images("v1.4.2"))
    ready("blue")


def ready(colour: str) -> None:
    names = (*config.ORY, *config.APPS)
    running = f"{config.PROJECT}-{colour}"

    def missing() -> str:
        found = module("read")["colours"][colour]["services"]
        return ", ".join(name for name in names if found.get(name, {}).get("state") != "running")

    wait_for(f"{running} runs", missing, 60)


def flip(to: str) -> None:
    """The switch alone, without the stages around it."""
    switch = Switch(str(truth.switch_dir().parent))
    token = switch.claim(0)
    switch.prepare(ReturnTo(truth.on_disk(), "", secrets.token_hex(8), time.time()), token)
    switch.flip(to, token)


def places(seen: Mapping[str, Any]) -> set[str]:
    return set(seen["places"].values())


def delays(directory: Path) -> list[float]:
    """Seconds from the answer of a registration to the arrival of its mail, of every mail that arrived."""
    arrived = {one["to"]: datetime.fromisoformat(one["created"]).timestamp() for one in mail.messages()}
    lines = [json.loads(line) for line in (directory / "mails.jsonl").read_text().splitlines()]
    return sorted(arrived[line["to"]] - line["at"] / 1e9 for line in lines if line["to"] in arrived)


def spread(values: list[float]) -> dict[str, float]:
    if not values:
        return {}
    cuts = statistics.quantiles(values, n=100) if len(values) > 1 else [values[0]] * 99
    return {"median": round(cuts[49], 2), "p95": round(cuts[94], 2), "longest": round(max(values), 2)}


def write_bench(streams: Mapping[str, Mapping[str, Any]], done: list[dict[str, Any]]) -> None:
    """build/bench/courier.json and courier.md: mails of each stream, seconds of the handovers, the janitor."""
    rows = {
        name: {
            **{key: seen[key] for key in ("mails", "mails_doubled", "mails_lost")},
            "delay_s": spread(seen["delays"]),
        }
        for name, seen in streams.items()
    }
    each = spread([turn["seconds"] for turn in done])
    data = {"v": 1, "streams": rows, "handover_s": each, "handovers": done, "janitor": janitor()}
    BENCH.mkdir(parents=True, exist_ok=True)
    (BENCH / "courier.json").write_text(json.dumps(data, indent=2) + "\n")
    (BENCH / "courier.md").write_text(markdown(data))


def markdown(data: Mapping[str, Any]) -> str:
    delays = "delay median s", "p95 s", "longest s"
    lines = ["| " + " | ".join(("mails while there were", "sent", "doubled", "lost", *delays)) + " |"]
    lines.append("| :-- |" + " --: |" * 6)
    for name, row in data["streams"].items():
        cells = [name, *(row[key] for key in ("mails", "mails_doubled", "mails_lost")), *row["delay_s"].values()]
        lines.append("| %s |" % " | ".join(map(str, cells)))
    told = (
        "One handover of three singletons: median %(median)s s, longest %(longest)s s." % data["handover_s"],
        "The janitor ran %(runs)d times, never beside itself: %(overlaps)d overlaps." % data["janitor"],
        "Its longest pause was %(longest_gap_s)s s." % data["janitor"],
    )
    return "\n".join([*lines, "", *told]) + "\n"


def janitor() -> dict[str, Any]:
    """Runs of the janitor, how many overlapped another, and the longest time between two of them in seconds."""
    rows = stack.psql(
        "SELECT count(*), count(*) FILTER (WHERE NOT alone OR began < before), count(*) FILTER (WHERE ended IS NULL),"
        " coalesce(round(extract(epoch FROM max(began - before))::numeric, 2), 0), count(DISTINCT colour) FROM"
        " (SELECT *, max(ended) OVER (ORDER BY id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before"
        "  FROM lab_janitor) AS run"
    )
    runs, overlaps, unfinished, gap, places_ = rows[0]
    return {
        "runs": int(runs),
        "overlaps": int(overlaps),
        "unfinished": int(unfinished),
        "longest_gap_s": float(gap),
        "places": int(places_),
    }
