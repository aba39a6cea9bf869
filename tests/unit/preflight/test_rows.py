# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every row of preflight with an observation that is well and with ones that are not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from kit.preflight_world import (
    CERT,
    CONTAINERS,
    DAY,
    DISK,
    GIB,
    GOOD,
    HOST,
    LIMIT,
    NOW,
    PODMAN,
    RELEASE,
    SERVICE,
    WANTED,
)

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.http import DirectHttp
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.netns import network_of
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.podman import Podman
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.runner import SubprocessRunner
from ansible_collections.olympus.bluegreen.plugins.module_utils._health import browser
from ansible_collections.olympus.bluegreen.plugins.module_utils._preflight import look_podman, look_probe
from ansible_collections.olympus.bluegreen.plugins.module_utils._preflight.checks import CHECKS
from ansible_collections.olympus.bluegreen.plugins.module_utils._preflight.judge import refusals, rows
from ansible_collections.olympus.bluegreen.plugins.module_utils._preflight.model import (
    LEVELS,
    Observed,
    PreflightInputs,
    Row,
)

OUTSIDE = replace(WANTED, publish="192.0.2.10")


def changed(section: str, **values: Any) -> Observed:
    return replace(GOOD, **{section: {**getattr(GOOD, section), **values}})


def disk(name: str, **values: Any) -> Observed:
    return changed("host", disks={**HOST["disks"], name: {**DISK, **values}})


def image(state: str, words: str = "") -> Observed:
    new = {"reference": "registry.test/hera:v1.5.0", "state": state, "words": words}
    return changed("release", images={**RELEASE["images"], "hera": new})


def service(*closed: str, listening: Sequence[int] = (), loopback: Sequence[int] = (), **said: list[int]) -> Observed:
    shut = {key: SERVICE["asked"][key] for key in closed}
    more = {"listening": list(listening), "loopback": list(loopback), "said": said}
    return changed("services", kratos={**SERVICE, "closed": shut, **more})


def networks(name: str, subnet: str) -> Observed:
    return changed("podman", networks=[*PODMAN["networks"], {"name": name, "subnet": subnet, "deployment": "other"}])


SETTING = {
    "level": "warn",
    "name": "bluegreen_imags",
    "found": "unknown",
    "wanted": "bluegreen_images",
    "fix": "write",
}
REFUSED = {"ok": False, "busy": False, "detail": "login.ciam.test/login: %s" % browser.CAPTCHA}
ILL = {"ok": False, "busy": False, "detail": "ciam-hera GET /login: status 502"}
WALLED = {"host": "ops.test", "words": "ops.test/ says no colour (status 401)"}
BAD: list[tuple[str, str, Observed, str, PreflightInputs]] = [
    ("settings bluegreen_imags", "warn", changed("controller", settings=[SETTING]), "unknown", WANTED),
    (
        "settings bluegreen_x",
        "refuse",
        changed("controller", settings=[{**SETTING, "level": "refuse", "name": "bluegreen_x"}]),
        "unknown",
        WANTED,
    ),
    ("source", "refuse", replace(GOOD, errors={"source": "no such file"}), "no such file", WANTED),
    ("secrets", "refuse", changed("release", empty_secrets=["hydra SECRETS_SYSTEM"]), "hydra SECRETS_SYSTEM", WANTED),
    ("images", "refuse", image("missing", "manifest unknown"), "registry.test/hera:v1.5.0: manifest unknown", WANTED),
    ("images", "warn", image("unknown", "no answer"), "no answer", WANTED),
    ("images", "refuse", image("moving", "can move; pin it: x"), "registry.test/hera:v1.5.0 can move; pin it", WANTED),
    ("images", "warn", image("moving", "can move; pin it: x"), "can move; pin it", replace(WANTED, live="")),
    (
        "schema ciam_kratos",
        "warn",
        changed("release", schema={"ciam_kratos": {"verdict": "BREAKS", "hop": "v1 -> v2", "exercised": [9, 11]}}),
        "BREAKS (v1 -> v2); 9 of 11 changed objects exercised",
        WANTED,
    ),
    (
        "state_dir",
        "refuse",
        changed("host", state={**HOST["state"], "writable": False, "read_only": True}),
        "read-only",
        WANTED,
    ),
    ("state_dir", "refuse", changed("host", state={**HOST["state"], "directory": False}), "not a directory", WANTED),
    ("state_dir", "warn", changed("host", state={**HOST["state"], "mode": 0o755}), "0755", WANTED),
    ("publish", "refuse", changed("host", ports_taken=["127.0.0.1:22000"]), "127.0.0.1:22000", OUTSIDE),
    ("connections", "refuse", changed("database", max_connections=20), "likely 21", WANTED),
    ("connections", "warn", changed("database", max_connections=50), "at most 59", WANTED),
    ("memory", "refuse", changed("host", mem_available=GIB // 4), "256 MiB available", WANTED),
    ("disk.state", "refuse", disk("state", free=1000), "1000 B free", WANTED),
    ("disk.state", "refuse", disk("state", inodes=10), "10 inodes", WANTED),
    ("disk.state", "warn", disk("state", free=GIB // 2), "512 MiB free", WANTED),
    ("disk.images", "refuse", disk("images", free=GIB // 2), "512 MiB free", WANTED),
    ("disk.images", "warn", disk("images", free=2 * GIB), "2.0 GiB free", WANTED),
    ("disk.edge", "refuse", disk("edge", free=0), "0 B free", WANTED),
    ("disk.database", "warn", disk("database", free=3 * GIB, copy=4 * GIB), "3.0 GiB free", WANTED),
    ("version.podman", "refuse", changed("podman", version="3.4.4"), "fixed address", WANTED),
    ("version.podman-compose", "refuse", changed("podman", compose="1.0.3"), "prints nothing", WANTED),
    ("version.podman-compose", "refuse", changed("podman", compose="1.3.0"), "for ever", WANTED),
    ("version.podman-compose", "warn", changed("podman", compose="1.4.1"), "rc 125", WANTED),
    ("version.caddy", "refuse", changed("edge", version="2.4.6"), "ETag", WANTED),
    ("version.postgresql", "refuse", changed("database", version="11.22"), "pg_stat_progress", WANTED),
    ("version.python", "refuse", changed("host", python="3.8.10"), "3.9", WANTED),
    ("version.ansible", "refuse", changed("controller", ansible="2.14.18"), "2.16", WANTED),
    (
        "python_modules",
        "refuse",
        changed("host", modules={"dotenv": True, "psycopg2": False, "yaml": True}),
        "psycopg2",
        WANTED,
    ),
    ("clock", "warn", changed("database", skew=-5.0), "PostgreSQL -5.0 s", WANTED),
    ("clock", "refuse", changed("edge", skew=120.0), "the edge +120.0 s", WANTED),
    ("dns.plain_names", "refuse", changed("edge", dials=["hera:3000"]), "hera:3000", WANTED),
    ("dns.plain_names", "refuse", changed("edge", past=["prod_hera_1:3000"]), "prod_hera_1:3000", WANTED),
    ("dns.upstreams", "warn", changed("edge", unresolved=["pgadmin"], resolved=[]), "pgadmin", WANTED),
    ("dns.public", "refuse", changed("edge", hosts=["other.test"]), "login.ciam.test", WANTED),
    ("dns.public ops.test", "warn", changed("edge", walled=[WALLED], confirm=1), "status 401", WANTED),
    ("dns.public names", "refuse", changed("edge", walled=[], confirm=0), "name no host", WANTED),
    ("dns.public ops.test", "refuse", changed("edge", walled=[WALLED], confirm=0), "status 401", WANTED),
    ("route.edge", "refuse", changed("edge", local=False), "127.0.0.1 does not belong", WANTED),
    ("route.colour", "refuse", changed("edge", networks=["10.89.0.0/24"]), "not on 10.231.16.0/24", WANTED),
    (
        "route.colour",
        "refuse",
        changed("host", publish_local=False),
        "192.0.2.10 does not belong to this machine",
        OUTSIDE,
    ),
    ("publish.live", "refuse", changed("host", unpublished=["kratos 4434"]), "kratos 4434", OUTSIDE),
    (
        "certificate www.apps.test",
        "refuse",
        changed("edge", certificates={"www.apps.test": {"error": "certificate has expired"}}),
        "has expired",
        WANTED,
    ),
    (
        "certificate www.apps.test",
        "warn",
        changed("edge", certificates={"www.apps.test": {**CERT, "until": NOW + 1.9 * DAY}}),
        "45.6 h left",
        WANTED,
    ),
    (
        "service kratos",
        "refuse",
        service("port", listening=[4434, 5000], port=[4433, 5000]),
        "port 4433 is closed; it listens on 5000",
        WANTED,
    ),
    ("service kratos", "warn", service("port", listening=[4434]), "it listens on no other port", WANTED),
    ("service kratos", "warn", service("port", loopback=[4433]), "on its loopback only", WANTED),
    ("service kratos", "warn", changed("services", kratos={**SERVICE, "running": False}), "does not run", WANTED),
    ("database", "refuse", replace(GOOD, database={}, errors={"database": "can't connect"}), "can't connect", WANTED),
    ("notify", "refuse", changed("host", told={"notify": "no address. Fix: give one"}), "no address", WANTED),
    ("textfile", "refuse", changed("host", told={"textfile": "no directory. Fix: make it"}), "no directory", WANTED),
    ("database.tls", "warn", GOOD, "verify-full", OUTSIDE),
    ("database.proof", "warn", GOOD, "no container and no image", replace(WANTED, database="")),
    ("probe ciam", "refuse", changed("probes", ciam=REFUSED), "CAPTCHA is on", WANTED),
    ("probe ciam", "warn", changed("probes", ciam=ILL), "status 502", WANTED),
    ("probe ciam", "refuse", replace(GOOD, probes={}), "the probe has no secrets", replace(WANTED, probe_secrets={})),
    ("probe", "warn", replace(GOOD, probes={}, errors={"probe": "the edge does not run"}), "does not run", WANTED),
    ("login_limit login", "warn", changed("edge", limits=[{**LIMIT, "methods": [], "paths": []}]), "5 in 10 s", WANTED),
    ("login_limit login", "warn", changed("edge", trusted_proxies=True), "all clients count as one", WANTED),
    (
        "hydra.termination hydra",
        "warn",
        changed("containers", hydra={"hydra": {"tls": False, "ranges": ["10.0.0.0/16"]}}),
        "lacks 10.231.16.0/24, 10.231.17.0/24",
        WANTED,
    ),
    (
        "hydra.termination hydra",
        "refuse",
        changed("containers", hydra={"hydra": {"tls": True, "ranges": ["10.231.16.0/23"]}}),
        "lacks 10.231.18.0/24, 10.231.19.0/24",
        OUTSIDE,
    ),
    (
        "hydra.termination hydra",
        "refuse",
        changed("containers", hydra={"hydra": {"tls": True, "ranges": []}}),
        "no list",
        WANTED,
    ),
    (
        "boot",
        "warn",
        changed("containers", restart={"prod_hera_1": "unless-stopped", "prod_athena_1": "no"}),
        "prod_athena_1, prod_hera_1",
        WANTED,
    ),
    ("boot", "warn", changed("host", systemd=False, boot_unit=True), "no systemd", WANTED),
    ("rootless", "refuse", changed("podman", rootless=True), "rootless", WANTED),
    ("selinux", "refuse", changed("podman", selinux="enforcing"), "enforcing", WANTED),
    ("selinux", "warn", changed("podman", selinux="permissive"), "permissive", WANTED),
    ("network_backend", "refuse", changed("podman", network_backend="cni"), "cni", WANTED),
    ("auto_update", "refuse", changed("containers", auto_update=["prod_hera_1"]), "prod_hera_1", WANTED),
    (
        "auto_update",
        "warn",
        replace(changed("containers", auto_update=["a"]), host={**HOST, "auto_update_timer": False}),
        "timer off",
        WANTED,
    ),
    ("network_range", "refuse", networks("lan", "10.231.20.0/24"), "network lan", WANTED),
    ("network_range", "refuse", changed("host", routes=[{"dst": "10.231.0.0/16", "dev": "wg0"}]), "by wg0", WANTED),
    (
        "network_range",
        "refuse",
        changed("podman", networks=[]),
        "default network",
        replace(WANTED, network_range="10.88.4.0/22"),
    ),
    (
        "probe_failed podman",
        "warn",
        replace(GOOD, podman={}, errors={"podman": "not installed"}),
        "not installed",
        WANTED,
    ),
]


def found(seen: Observed, wanted: PreflightInputs = WANTED) -> list[Row]:
    return rows(seen, wanted)


def test_when_all_is_well_no_row_says_otherwise() -> None:
    seen = found(GOOD)
    assert [row for row in seen if not row.ok or row.fix] == []
    assert refusals(seen) == []


@pytest.mark.parametrize(("check", "level", "seen", "words", "wanted"), BAD, ids=[one[0] + "-" + one[1] for one in BAD])
def test_what_is_not_well(check: str, level: str, seen: Observed, words: str, wanted: PreflightInputs) -> None:
    wrong = [row for row in found(seen, wanted) if not row.ok]
    mine = [row for row in wrong if row.check == check]
    assert [row.level for row in mine] == [level], wrong
    assert words in mine[0].found
    assert mine[0].fix and mine[0].wanted
    others = {row.check for row in wrong} - {check}
    assert not others or wanted is not WANTED, "only what is wrong is said to be"
    assert bool(refusals(wrong)) == any(row.level == "refuse" for row in wrong)


@pytest.mark.parametrize(
    ("seen", "fix"),
    [
        (service("port", listening=[4434, 5000], port=[5000]), "set bluegreen_services.kratos.port: 5000"),
        (
            service("port", "admin_port", listening=[5000, 5001], port=[5000, 4433], admin_port=[5001]),
            "set bluegreen_services.kratos.port: 5000, bluegreen_services.kratos.admin_port: 5001",
        ),
        (service("port", listening=[9000, 9001], port=[3000]), "set bluegreen_services.kratos.port: 9000 or 9001"),
        (service("admin_port", listening=[4433, 5001]), "set bluegreen_services.kratos.admin_port: 5001"),
    ],
)
def test_the_fix_names_the_port_that_answers(seen: Observed, fix: str) -> None:
    assert [row.fix for row in found(seen) if row.check == "service kratos"] == [fix]


def test_an_application_without_a_schema_needs_neither_postgresql_nor_psycopg2() -> None:
    bare = replace(WANTED, schema_targets=(), services={"web": {"kind": "other", "port": 8080}})
    seen = replace(changed("host", modules={"dotenv": True, "psycopg2": False, "yaml": True}), database={})
    said = found(seen, bare)
    assert [row for row in said if not row.ok] == []
    assert not {"database", "database.tls", "connections", "version.postgresql"} & {row.check for row in said}
    assert [row.wanted for row in said if row.check == "python_modules"] == ["dotenv, yaml"]


def test_every_check_has_a_good_and_a_bad_row() -> None:
    bad = {check.split(" ")[0] for check, *_rest in BAD}
    good = {row.check.split(" ")[0] for row in found(GOOD) + found(GOOD, OUTSIDE)}
    only_info = {name for name, check in CHECKS.items() if check.levels == "info"}
    assert bad == set(CHECKS) - only_info
    assert good == set(CHECKS) - {"probe_failed"}


def test_rows_say_only_what_their_check_may() -> None:
    for check, level, _seen, _words, _wanted in BAD:
        assert level in CHECKS[check.split(" ")[0]].levels
    for row in found(GOOD):
        assert row.level in LEVELS and row.check.split(" ")[0] in CHECKS


def test_refused_rows_come_first_then_warnings() -> None:
    seen = changed("host", mem_available=1, systemd=False)
    order = [(row.ok, row.level) for row in found(seen) if not row.ok]
    assert order == [(False, "refuse"), (False, "warn")]
    assert [row.ok for row in found(seen)] == sorted(row.ok for row in found(seen))


def test_a_world_that_says_nothing_gives_rows_and_no_exception() -> None:
    errors = {name: "gone" for name in ("podman", "edge", "containers", "host")}
    seen = found(Observed(errors={**errors, "database": "gone", "source": "gone"}))
    assert {row.check for row in seen} == {"database", "source", *("probe_failed " + name for name in errors)}


def test_a_colour_that_runs_already_needs_no_room_again() -> None:
    both = replace(WANTED, idle_running=True)
    seen = changed("database", max_connections=200, in_use=180, in_use_live=180)
    assert "connections" not in {row.check for row in found(seen, both) if not row.ok and row.level == "refuse"}
    assert "connections" in {row.check for row in found(seen) if not row.ok and row.level == "refuse"}
    assert "memory" not in {row.check for row in found(changed("host", mem_available=1), both)}


def test_a_native_edge_on_this_host_is_no_reason_for_another_certificate() -> None:
    assert not [one for one in found(GOOD, replace(WANTED, publish="loopback")) if not one.ok]


def test_before_adopt_plain_names_are_what_is_expected() -> None:
    seen = changed("edge", dials=["hera:3000"], networks=["10.89.0.0/24"])
    assert not [row for row in found(seen, replace(WANTED, live="")) if not row.ok]


def test_an_empty_password_that_the_live_colour_has_too_stops_nothing() -> None:
    seen = changed("release", empty_secrets=["hera SMTP_PASSWORD"])
    both = replace(seen, containers={**CONTAINERS, "empty_secrets": ["hera SMTP_PASSWORD"]})
    assert [row.level for row in found(seen) if row.check == "secrets"] == ["refuse"]
    assert [(row.level, row.ok) for row in found(both) if row.check == "secrets"] == [("warn", False)]
    always = replace(
        changed("release", empty_secrets=["hydra DSN"]), containers={**CONTAINERS, "empty_secrets": ["hydra DSN"]}
    )
    assert [row.level for row in found(always) if row.check == "secrets"] == ["refuse"]


def test_no_login_is_tried_and_that_is_said() -> None:
    """R21: no row is green for a login that nobody tried."""
    cases = [
        (replace(WANTED, probes={}), "bluegreen_probes names no probe"),
        (replace(WANTED, skip=("code_flow",)), "code_flow is left out"),
        (replace(WANTED, probes={"ciam": {"login_host": "login.ciam.test"}}), "names no hera"),
        (replace(WANTED, tries=False), "will try"),
    ]
    for wanted, words in cases:
        told = [one for one in found(replace(GOOD, probes={}), wanted) if one.check == "probe"]
        assert [(one.level, one.ok) for one in told] == [("info", True)] and words in told[0].found


def test_dependents_are_said_before_anything_is_adopted() -> None:
    seen = replace(GOOD, containers={**CONTAINERS, "dependents": {"prod_pgadmin_1": ["iam-hydra"]}})
    said = [one for one in rows(seen, WANTED) if one.check == "dependents"]
    assert said[0].level == "info" and "prod_pgadmin_1 depends on iam-hydra" in said[0].found
    without = replace(GOOD, containers={**CONTAINERS, "dependents": {}})
    assert not [one for one in rows(without, WANTED) if one.check == "dependents"]
    hydra = {"Id": "h", "Name": "prod_iam-hydra_1"}
    admin = {"Id": "p", "Name": "prod_pgadmin_1", "Dependencies": ["h", "x"], "State": {"Status": "running"}}
    ended = {**admin, "Id": "s", "Name": "prod_seed_1", "State": {"Status": "exited"}}
    found = look_podman.dependents([hydra, admin, ended], WANTED, {"iam-hydra": hydra})
    assert found == {"prod_pgadmin_1": ["iam-hydra"]}


def test_an_adopted_colour_is_asked_at_its_own_addresses(tmp_path: Path) -> None:
    """Where colours are published, those of this host: nobody answers there, which warns and refuses nothing."""
    services = {
        name: {"kind": name, "port": 3000, "admin_port": 3001 if name != "hera" else 0, "domain": "ciam"}
        for name in ("kratos", "hydra", "hera")
    }
    probe = {"kratos": "kratos", "hydra": "hydra", "hera": "hera", "login_host": "login.ciam.test"}
    more = {"oauth_host": "oauth.ciam.test", "identifier": "p@t", "client_id": "p", "redirect_uri": "https://t/cb"}
    wanted = replace(
        WANTED, state_dir=str(tmp_path), publish="loopback", services=services, probes={"ciam": {**probe, **more}}
    )
    seen = look_probe.probe(wanted, Podman(SubprocessRunner()), DirectHttp(), network_of)
    assert seen["ciam"]["ok"] is False and "no answer" in seen["ciam"]["detail"]
    (told,) = look_probe.rows(Observed(probes=seen), wanted)
    assert (told.ok, told.level) == (False, "warn") and told.fix
