# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What other hands did: each thing that was seen on a real stack is a row, with the words and the fix it must get."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.olympus.bluegreen.plugins.action import caddy_upstream
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.colours import colours_to_run
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.finding import (
    Problem,
    as_data,
    sentences,
    to_adopt,
)
from ansible_collections.olympus.bluegreen.plugins.plugin_utils import deployment
from ansible_collections.olympus.bluegreen.plugins.plugin_utils.decide import stage_decision
from ansible_collections.olympus.bluegreen.plugins.plugin_utils.external_changes import REMOVING, detect_changes
from ansible_collections.olympus.bluegreen.plugins.plugin_utils.screen import COLUMNS, LINES, status_data, status_screen
from ansible_collections.olympus.bluegreen.plugins.plugin_utils.stages import repair_decision, world

Facts = dict[str, Any]
SERVICES = ("ciam-kratos", "ciam-hera", "site")


def colour(state: str = "running", adopted: bool = False, release: str = "v1.5.0-b", **changed: str) -> Facts:
    states = {name: changed.get(name.replace("-", "_"), state) for name in SERVICES}
    return {
        "release": release,
        "adopted": adopted,
        "running": set(states.values()) == {"running"},
        "services": {name: {"container": "p_%s_1" % name, "state": one} for name, one in states.items()},
    }


def stranger(service: str, **changed: Any) -> Facts:
    named = {"container": "p_%s_1" % service, "service": service, "state": "running"}
    given = {**named, "replaces_adopted": True, "same_image": True}
    return {**given, "sends_mail": "kratos" in service, **changed}


BLUE, GREEN = colour(adopted=True, release="v1.4.2-a"), colour()
EDGE: Facts = {"container": "p_caddy_1", "state": "running", "recreated": False, "edge": True}
DATABASE: Facts = {"container": "p_postgres_1", "state": "running", "recreated": False, "edge": False}
BACK = {"colour": "blue", "release": "v1.4.2-a", "flip": "f1", "at": 1000.0}
STRANGERS = [stranger(name) for name in SERVICES]


def off(container: str, network: str) -> Facts:
    return {"container": container, "network": network}


def compose(**changed: Any) -> Facts:
    base = {"recorded": True, "colours": {"blue": BLUE, "green": GREEN}, "unmanaged": [], "off_networks": []}
    return {**base, "shared": {"postgres": DATABASE, "caddy": EDGE}, **changed}


def edge(problems: Sequence[str] = (), **changed: Any) -> Facts:
    said = {"problems": sentences(problems), "findings": as_data(problems)}
    return {"adopted": True, "live": "green", "return_to": BACK, "observed": [], **said, **changed}


def facts(edge_: Facts, compose_: Facts, **more: Any) -> Facts:
    return {"edge": edge_, "compose": compose_, "ledger": {"lock": {}, "releases": {}, "marks": {}}, **more}


ANSWERS = {"host": "a.test", "path": "/", "status": 200, "colour": "green"}
ROWS: list[tuple[str, Facts, Facts, str, str, bool]] = [
    (
        "edge removed",
        edge(live="", adopted=False, problems=["no container of project p"]),
        compose(shared={"caddy": {**EDGE, "state": "absent"}}),
        "the edge (service caddy) has no container",
        "podman-compose up -d",
        True,
    ),
    ("edge stopped", edge(), compose(shared={"caddy": {**EDGE, "state": "exited"}}), "is exited", "--tags adopt", True),
    (
        "edge recreated",
        edge(),
        compose(
            shared={"caddy": {**EDGE, "recreated": True}},
            off_networks=[off("p_caddy_1", "p-edge-blue"), off("p_caddy_1", "p-edge-green")],
        ),
        "was recreated and is off p-edge-blue, p-edge-green: it reaches no green",
        "--tags adopt",
        True,
    ),
    (
        "old Caddyfile came back",
        edge(adopted=False, problems=[to_adopt("the edge does not run the switch that is on its disk")]),
        compose(),
        "does not run the switch",
        "--tags adopt",
        True,
    ),
    (
        "database recreated",
        edge(),
        compose(shared={"postgres": {**DATABASE, "recreated": True}}, off_networks=[off("p_postgres_1", "p-green")]),
        "p_postgres_1 was recreated and is off p-green",
        "--tags adopt",
        True,
    ),
    (
        "database stopped",
        edge(),
        compose(shared={"postgres": {**DATABASE, "state": "exited"}}),
        "(shared by both colours) is exited",
        "--tags adopt",
        True,
    ),
    (
        "live colour removed",
        edge(),
        compose(colours={"blue": BLUE, "green": colour("absent")}),
        "green is live: the containers of ciam-kratos, ciam-hera, site were removed",
        "makes them again",
        True,
    ),
    (
        "live colour stopped",
        edge(),
        compose(colours={"blue": BLUE, "green": colour(site="exited")}),
        "green is live: stopped: site (exited)",
        "--tags adopt",
        True,
    ),
    (
        "adopted live colour removed",
        edge(live="blue", return_to=None),
        compose(colours={"blue": colour("absent", True), "green": {}}),
        "blue is live: the containers of",
        "podman-compose up -d --no-deps ciam-kratos ciam-hera site",
        True,
    ),
    (
        "adopted live colour recreated",
        edge(live="blue", return_to=None),
        compose(colours={"blue": colour("absent", True), "green": {}}, unmanaged=STRANGERS),
        "podman-compose made new containers of ciam-kratos",
        "takes them back",
        True,
    ),
    (
        "way back recreated from the same images",
        edge(),
        compose(colours={"blue": colour("absent", True), "green": GREEN}, unmanaged=STRANGERS),
        "no rollback to blue",
        "takes them back",
        False,
    ),
    (
        "way back recreated from other images",
        edge(),
        compose(
            colours={"blue": colour("absent", True, "v1.4.2-a"), "green": GREEN},
            unmanaged=[stranger(name, same_image=False) for name in SERVICES],
        ),
        "no rollback to blue: the containers of",
        "--tags rollback -e version=v1.4.2",
        False,
    ),
    (
        "cleaned up blue came back",
        edge(return_to=None),
        compose(colours={"blue": {"release": "v1.4.2-a", "services": {}}, "green": GREEN}, unmanaged=STRANGERS),
        "3 containers of your project beside our colours (podman-compose up?): ciam-kratos, ciam-hera, site; "
        "ciam-kratos send mail",
        str(REMOVING),
        True,
    ),
    (
        "a public name behind a login",
        edge(observed=[{"host": "ops.test", "path": "/", "status": 401, "colour": ""}]),
        compose(),
        "ops.test/: no anonymous visitor reaches a colour there",
        "",
        False,
    ),
    (
        "a public name that hangs up on strangers",
        edge(observed=[ANSWERS, {"host": "lan.test", "path": "/", "status": 0, "colour": ""}]),
        compose(),
        "lan.test/: no anonymous visitor reaches a colour there",
        "",
        False,
    ),
    (
        "one public name of two is ill",
        edge(observed=[ANSWERS, {"host": "b.test", "path": "/", "status": 502, "colour": ""}]),
        compose(),
        "the switch says green, the public names say no colour (status 502): b.test/",
        "--tags adopt",
        True,
    ),
    (
        "public names disagree",
        edge(observed=[{"host": "a.test", "path": "/", "status": 502, "colour": ""}]),
        compose(),
        "the switch says green, the public names say no colour (status 502): a.test/",
        "--tags adopt",
        True,
    ),
    (
        "a method that loads was killed between the switch and the edge",
        edge(problems=[to_adopt("the switch says green, the edge runs blue")]),
        compose(),
        "the switch says green, the edge runs blue",
        "--tags adopt",
        True,
    ),
    (
        "coloured container off its network",
        edge(),
        compose(off_networks=[off("p-green_site_1", "p-edge-green")]),
        "off p-edge-green: p-green_site_1",
        "--tags adopt",
        True,
    ),
    (
        "a cutover stopped half way through the load balancers",
        edge(edge="cloudflare", hosts=[{"host": "a.test", "live": "green"}, {"host": "b.test", "live": "blue"}]),
        compose(shared={}),
        "the switch says green, the load balancers do not: b.test",
        "--tags cutover -e version=v1.5.0 (goes on), or --tags rollback",
        True,
    ),
    (
        "a rollback stopped half way through the load balancers",
        edge(edge="cloudflare", live="blue", hosts=[{"host": "a.test", "live": "green"}]),
        compose(shared={}),
        "the switch says blue, the load balancers do not: a.test",
        "--tags rollback",
        True,
    ),
    (
        "Cloudflare does not answer",
        edge(edge="cloudflare", problems=["Cloudflare refuses every call for 300 s"]),
        compose(shared={}),
        "refuses every call",
        "fix it at Cloudflare, then --tags status",
        True,
    ),
    (
        "a pool is gone",
        edge(edge="cloudflare", problems=[to_adopt("there is no pool of blue")]),
        compose(shared={}),
        "there is no pool of blue",
        "--tags adopt",
        True,
    ),
]


@pytest.mark.parametrize(
    ("edge_", "compose_", "what", "fix", "stops"), [row[1:] for row in ROWS], ids=[r[0] for r in ROWS]
)
def test_what_happened_is_named_with_its_mend(edge_: Facts, compose_: Facts, what: str, fix: str, stops: bool) -> None:
    seen = facts(edge_, compose_)
    told = [found for found in world(seen).findings if what in found.what]
    assert told and fix in told[0].fix and told[0].stops is stops
    assert bool(stage_decision(seen, "cleanup", bake=0)["refusal"] and stops) is stops
    screen = status_screen(seen)
    assert all(len(line) <= COLUMNS for line in screen) and len(screen) <= LINES
    assert not stops or "--tags" in status_data(seen)["next"] or "podman-compose" in status_data(seen)["next"]


def test_a_healthy_deployment_has_no_finding() -> None:
    assert detect_changes(edge(), compose(), "green", "blue") == ()
    assert not any(line.startswith("PROBLEM") for line in status_screen(facts(edge(), compose())))


def test_strangers_that_a_colour_takes_back_are_not_told_twice() -> None:
    seen = world(facts(edge(), compose(colours={"blue": colour("absent", True), "green": GREEN}, unmanaged=STRANGERS)))
    assert [found.kind for found in seen.findings] == ["colour"]


def test_everything_at_once_fits_the_screen() -> None:
    wrecked = compose(
        shared={"postgres": {**DATABASE, "state": "absent"}, "caddy": {**EDGE, "state": "absent"}},
        colours={"blue": colour("absent", True), "green": colour("absent")},
        unmanaged=[stranger(name, same_image=False) for name in SERVICES],
        off_networks=[off("c%d" % number, "n%d" % number) for number in range(40)],
    )
    screen = status_screen(facts(edge(live="", problems=["x" * 200] * 30), wrecked))
    assert len(screen) <= LINES and all(len(line) <= COLUMNS for line in screen)
    assert "more: bluegreen_result.status has them all" in "\n".join(screen) and screen[0].startswith("live")


def test_adopt_wakes_only_when_somebody_knows_who_is_live() -> None:
    assert repair_decision(world(facts(edge(), compose()))).start_colours == ("green", "blue")
    nobody = facts(edge(live="", adopted=False), compose())
    assert repair_decision(world(nobody)).start_colours == ()
    # The recorded place of the switch tells it where the edge's container is gone.
    assert repair_decision(world({**nobody, "boot": {"live": "green"}})).live == "green"
    assert repair_decision(world(facts(edge(adopted=False, live=""), {}))).start_colours == ()


@pytest.mark.parametrize(
    ("live", "back", "stable", "expected"),
    [
        ("green", "blue", "", ("green", "blue")),
        ("green", "blue", "v1.4.2-a", ("green", "blue")),
        ("green", "blue", "v1.5.0-b", ("green",)),
        ("blue", "blue", "", ("blue",)),
        ("blue", None, "", ("blue",)),
    ],
)
def test_awake(live: str, back: str | None, stable: str, expected: tuple[str, ...]) -> None:
    assert colours_to_run(live, back, stable, "v1.5.0-b" if live == "green" else "v1.4.2-a") == expected


@pytest.mark.parametrize(
    ("boot", "told"),
    [
        ({"systemd": True, "enabled": False, "program": "/x/boot"}, "nothing brings the live colour back"),
        ({"systemd": True, "enabled": True, "program": "/x/boot"}, ""),
        ({"systemd": False, "program": "/x/boot", "story": "no systemd here"}, ""),
        ({"watch": {"died": True, "release": "v1.5.0-b"}}, "the watch of v1.5.0-b ended without a verdict"),
    ],
)
def test_the_boot_story_stops_nothing(boot: Facts, told: str) -> None:
    seen = world(facts(edge(), compose(), boot=boot))
    assert [told] == [found.what.partition(" (a reboot")[0][-len(told) :] for found in seen.findings] or not told
    assert not seen.problems


@pytest.mark.parametrize("kind", ["", "cloudflare"])
def test_nothing_is_read_off_the_words_of_a_module(kind: str) -> None:
    """R12: its sentences may say anything, what is decided stands beside them."""
    odd = [
        Problem("the switch says so: run adopt", "public", said="x"),
        Problem("the pools follow no switch", "behind"),
        Problem("Kaputt. Fix: lies docs/edges.md", said="kaputt", repair="adopt"),
        "the switch says: nothing of the kind",
    ]
    told = {found.what: found.fix for found in world(facts(edge(problems=odd, edge=kind), compose())).findings}
    assert told.pop("kaputt") == "--tags adopt"
    fix = "fix it at Cloudflare, then --tags status" if kind else "--tags adopt"
    assert told == {"the switch says: nothing of the kind": fix}


def test_containers_off_a_network_are_data() -> None:
    strange = off("p_is off_1", "n is off x")
    assert "off n is off x: p_is off_1" in [
        found.what for found in world(facts(edge(), compose(off_networks=[strange]))).findings
    ]


def test_what_the_program_stopped_is_said_with_the_refusal_of_today() -> None:
    """R12: both answers are data; the words of one are not looked for in the other."""
    today = {"failed": True, "said": "blue is gone", "fix": "run adopt", "msg": "whatever", "partial": {}}
    told = caddy_upstream.also_stopped(today, "; the run is stopped")
    assert (told["msg"], told["failed"]) == ("blue is gone; the run is stopped. Fix: run adopt", True)
    assert caddy_upstream.also_stopped(today, "") == today
    assert caddy_upstream.also_stopped({"changed": True}, "; the run is stopped") == {"changed": True}


def test_the_parts_of_a_contradiction_are_not_cut_out_of_its_sentence() -> None:
    name = "a=b. Fix: c"
    asked = deployment.Asked(("preflight",), settings={"bluegreen_project": name})
    known = deployment.Known({"values": {"project": "prod"}}, recorded=True)
    (row,) = known.result(asked)["rows"]
    assert (row["name"], row["fix"]) == ("bluegreen_project", "say prod, or nothing: it is learned")
    assert row["found"] == "'a=b. Fix: c': the running edge is of prod"
    unknown = deployment.Known().seen({"failed": True, "msg": "x=1. Fix: y", "said": "x=1", "fix": "y"}, asked)
    assert [(one.said, one.fix) for one in unknown.wrong] == [("x=1", "y")]


def test_no_sentence_of_a_module_is_parsed() -> None:
    """R12, by kind."""
    plugins = Path(__file__).resolve().parents[3] / "plugins"
    cut = re.compile(r"(partition|split|startswith|endswith|find|index)\(\"[^\"]* [^\"]*\"|(partition|split)\(\":")
    files = [*(plugins / "plugin_utils").glob("*.py"), *(plugins / "action").glob("*.py")]
    assert len(files) > 20 and [str(path) for path in files if cut.search(path.read_text())] == []
    said = "".join(path.read_text() for path in (plugins.parent / "playbooks").rglob("*.yml"))
    assert not re.search(r"select\('(match|search)'", said)


@pytest.mark.parametrize(
    "lost",
    [{"recorded": False}, {"colours": {"blue": colour(release=""), "green": colour(release="")}}],
    ids=["addresses", "stacks"],
)
def test_a_record_that_was_lost_stops_all_but_adopt(lost: Facts) -> None:
    """What the state directory knew of a live green is gone (REVIEW B4)."""
    given = facts(edge(), compose(**lost))
    seen = world(given)
    assert [found.kind for found in seen.findings][:1] == ["record"] and seen.findings[0].stops
    assert status_data(given)["next"].endswith("--tags adopt   (makes it again from what runs)")
    assert stage_decision(given, "deploy", "v1.6.0")["refusal"]
    assert repair_decision(seen).proceed and repair_decision(seen).start_colours[0] == "green"
