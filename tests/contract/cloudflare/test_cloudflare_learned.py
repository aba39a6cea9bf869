# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Only the token is told: zone, account, load balancers and pools by the API, by a module run and by playbooks."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from kit.cloudflare_fake import ACCOUNT, LB, POOLS, TOKEN, ZONE, Fault, Token, zone
from kit.cloudflare_kit import HOSTS
from kit.cloudflare_kit import Deployment as Edge

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.http import DirectHttp
from ansible_collections.olympus.bluegreen.plugins.module_utils._discovery import cloudflare
from ansible_collections.olympus.bluegreen.plugins.module_utils._discovery.answers import contradictions
from ansible_collections.olympus.bluegreen.plugins.module_utils._discovery.learn import Learned

ROOT = Path(__file__).resolve().parents[3]
COMPOSE = "com.docker.compose."


@pytest.fixture
def edge(tmp_path: Path) -> Iterator[Edge]:
    (tmp_path / "token").touch(0o600)
    (tmp_path / "token").write_text(TOKEN + "\n")
    with Edge(tmp_path) as made:
        made.fake.put("pools", name="green", monitor=made.monitor, origins=[{"name": "b", "address": "203.0.113.2"}])
        made.fake.fresh()
        yield made


def told(edge: Edge, public: Any = (), **changes: Any) -> dict[str, Any]:
    given = {"kind": "cloudflare", "api": edge.server.url, "api_token_file": str(edge.root / "token"), **changes}
    return {"edge": given, **({"public": list(public)} if public else {})}


def learned(edge: Edge, given: Mapping[str, Any] | None = None, hosts: tuple[str, ...] = HOSTS) -> dict[str, Any]:
    given = given or told(edge)
    public = [{"host": host, "path": "/"} for host in hosts]
    values = {"services": {}, "edge": {"kind": "cloudflare"}, "public": public}
    ask = cloudflare.asking(given, DirectHttp(), edge.clock)
    return cloudflare.learned(Learned(values).data(), given, "olympus", ask)


def test_three_calls_say_all_of_it(edge: Edge) -> None:
    found = learned(edge)
    assert found["problems"] == []
    assert found["values"]["edge"] == {
        "kind": "cloudflare", "zone_id": ZONE, "account_id": ACCOUNT,
        "pools": {"blue": {"name": "blue"}, "green": {"name": "green"}},
    }  # fmt: skip
    assert [one.path for one in edge.fake.log] == [
        "/zones?name=example.com",
        "/zones/%s/load_balancers" % ZONE,
        "/accounts/%s/load_balancers/pools" % ACCOUNT,
    ]
    assert TOKEN not in json.dumps(found)


def test_what_is_told_is_not_asked_for(edge: Edge) -> None:
    """And needs no permission to read zones."""
    edge.fake.tokens[TOKEN] = Token(frozenset([LB + " Write", POOLS + " Write"]))
    found = learned(edge, told(edge, zone_id=ZONE, account_id=ACCOUNT))
    assert found["problems"] == [] and len(edge.fake.log) == 2
    assert "zone_id" in found["values"]["edge"] and "account_id" not in found["values"]["edge"]
    edge.fake.fresh()
    for given in (told(edge), told(edge, zone_id=ZONE)):
        said = learned(edge, given)["problems"]
        assert (
            len(said) == 1 and "Fix: give the API token the permission 'Zone Read', or say bluegreen_edge." in said[0]
        )


def test_a_told_zone_that_does_not_hold_the_names(edge: Edge) -> None:
    other = "e" * 32
    for exists in (False, True):
        if exists:
            edge.fake.zones[other] = zone(other, "example.org")
        edge.fake.fresh()
        found = learned(edge, told(edge, zone_id=other))
        assert found["values"]["edge"]["zone_id"] == ZONE and len(edge.fake.log) == 4
        assert contradictions(found, told(edge, zone_id=other)) == [
            "bluegreen_edge.zone_id='%s': the public names are in zone %s. Fix: say %s, or nothing: it is learned"
            % (other, ZONE, ZONE)
        ]


def test_zones_of_several_names_and_one_within_another(edge: Edge) -> None:
    inner, net = "a" * 32, "b" * 32
    edge.fake.zones[inner] = zone(inner, "id.example.com")
    edge.fake.zones[net] = zone(net, "example.net")
    edge.fake.zones["c" * 32] = zone("c" * 32, "example.net", "d" * 32, "pending")
    for host in ("login.id.example.com", "www.example.net"):
        edge.fake.put("load_balancers", name=host, default_pools=[edge.blue], fallback_pool=edge.blue)
    found = learned(edge, hosts=(*HOSTS, "login.id.example.com", "www.example.net"))
    assert found["problems"] == []
    zones = found["values"]["edge"]["zones"]
    assert (zones[HOSTS[0]], zones["login.id.example.com"], zones["www.example.net"]) == (ZONE, inner, net)


def test_names_that_no_zone_holds_cost_few_calls(edge: Edge) -> None:
    said = learned(edge, hosts=(*HOSTS, "a.b.example.org"))["problems"]
    assert len(said) == 1 and "(asked: a.b.example.org, b.example.org, example.org)" in said[0]
    assert len(edge.fake.log) == 3 + 3
    edge.fake.fresh()
    said = learned(edge, hosts=(*HOSTS, "bare.example.com"))["problems"]
    assert len(said) == 1 and "zone example.com has no load balancer of this name" in said[0]
    assert len(edge.fake.log) == 3 + 1


def test_429_is_waited_out_and_an_error_is_one_sentence(edge: Edge) -> None:
    edge.fake.faults = {0: Fault("429", 3), 2: Fault("500"), 4: Fault("before")}
    assert learned(edge)["problems"] == [] and edge.clock.slept >= 3
    edge.fake.fresh()
    edge.fake.faults = {0: Fault("429", 900)}
    said = learned(edge)["problems"]
    assert len(said) == 1 and "refuses every call for 900 s more" in said[0]
    (edge.root / "token").chmod(0o640)
    said = learned(edge)["problems"]
    assert len(said) == 1 and "users other than its owner can read it (mode 0640). Fix: run chmod 600" in said[0]
    assert TOKEN not in str(said)


# The playbook


def container(name: str, image: str, at: int, **env: Any) -> dict[str, Any]:
    labels = {"project": "prod", "service": name, "project.working_dir": "/nowhere", "project.config_files": "c.yml"}
    return {
        "Id": "%064x" % at, "Name": "prod_%s_1" % name, "ImageName": image,
        "State": {"Running": True, "ExitCode": 0, "Pid": 0}, "HostConfig": {"RestartPolicy": {"Name": "always"}},
        "Config": {"Env": ["%s=%s" % pair for pair in env.items()], "Cmd": ["serve"] if "ory" in image else None,
                   "Labels": {COMPOSE + key: value for key, value in labels.items()}},
        "NetworkSettings": {"Networks": {"prod_net": {"IPAddress": "10.89.0.%d" % at, "Aliases": [name]}}},
        "Mounts": [], "Dependencies": [],
    }  # fmt: skip


def stack() -> list[dict[str, Any]]:
    """Public names only where the services say them."""
    dials = {"KRATOS_PUBLIC_URL": "http://kratos:4433", "HYDRA_ADMIN_URL": "http://hydra:4445"}
    return [
        container("kratos", "docker.io/oryd/kratos:v1", 2, SERVE_PUBLIC_PORT=4433),
        container("hydra", "docker.io/oryd/hydra:v2", 3, URLS_SELF_ISSUER="https://" + HOSTS[1],
                  URLS_LOGIN="https://%s/login" % HOSTS[0]),
        container("hera", "ghcr.io/olympusoss/hera:latest", 4, PORT=3000, **dials),
        container("site", "ghcr.io/olympusoss/site:latest", 5, PORT=3000, NEXT_PUBLIC_APP_URL="https://" + HOSTS[2]),
    ]  # fmt: skip


def podman(root: Path) -> None:
    inspects = stack()
    (root / "bin").mkdir()
    (root / "inspects.json").write_text(json.dumps(inspects))
    script = root / "bin" / "podman"
    ids = "\\n".join(one["Id"] for one in inspects)
    cases = "*'container inspect'*) cat %s ;; *inspect*) echo '[]' ;; *ps*) printf '%s\\n' ;;"
    script.write_text('#!/bin/sh\ncase "$*" in %s esac\n' % (cases % (root / "inspects.json", ids)))
    script.chmod(0o755)


def play(edge: Edge, tasks: list[dict[str, Any]], *options: str) -> str:
    """``tasks`` with the operator's settings: the token's file, and where a test has its public names."""
    look = {"address": "127.0.0.1", "port": edge.server.port, "scheme": "http"}
    settings = {
        "bluegreen_edge": told(edge, observe=look, switch_dir=str(edge.root / "edge"))["edge"],
        "bluegreen_state_dir": str(edge.root / "state"),
    }
    path = edge.root / "play.yml"
    path.write_text(yaml.safe_dump([{"hosts": "localhost", "gather_facts": False, "vars": settings, "tasks": tasks}]))
    env = {
        "HOME": os.environ["HOME"],
        "PATH": "%s:%s" % (edge.root / "bin", os.environ["PATH"]),
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "collections"),
        "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
        "ANSIBLE_LOCAL_TEMP": str(edge.root / "local"),
        "ANSIBLE_NOCOLOR": "1",
        "LC_ALL": "C.UTF-8",
    }
    argv = [str(Path(sys.executable).parent / "ansible-playbook"), "-i", "localhost,", "-c", "local", *options]
    done = subprocess.run(
        [*argv, str(path)], env=env, cwd=edge.root, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def described(*stages: str) -> dict[str, Any]:
    return {"olympus.bluegreen.release_deployment": {"stages": list(stages)}, "register": "known"}


def switch(state: str, **more: Any) -> dict[str, Any]:
    return {"olympus.bluegreen.edge_switch": {"state": state, "deployment": "{{ known.described }}", **more}}


def test_a_play_that_tells_the_token_alone_and_goes_by_the_record(edge: Edge) -> None:
    podman(edge.root)
    (edge.root / "state").mkdir()
    record = {"state": "present", "learned": "{{ known.learned }}", "state_dir": "{{ bluegreen_state_dir }}"}
    adopt = [described("adopt"), {"olympus.bluegreen.release_deployment": record}]
    said = [play(edge, adopt, "-vvv")]
    assert len(edge.fake.log) == 3 and "pool of green: green (named like blue)" in said[0]
    written = json.loads((edge.root / "state" / "deployment.json").read_text())
    assert {one["host"]: one["path"] for one in written["values"]["public"]} == {
        HOSTS[0]: "/health", HOSTS[1]: "/.well-known/jwks.json", HOSTS[2]: "/",
    }  # fmt: skip
    assert written["values"]["publish"] == "loopback" and written["values"]["edge"]["zone_id"] == ZONE
    edge.fake.fresh()
    said.append(play(edge, [described("cutover"), described("rollback"), described("status")]))
    assert edge.fake.log == [], "the record is enough"
    said.append(play(edge, [described("cutover"), switch("adopted"), switch("live", colour="green")], "-vvv"))
    assert edge.serving() == ["green"] * 3
    assert not [one for one in edge.fake.log if one.path.startswith("/zones?")]
    said.append(play(edge, [described("rollback"), switch("returned")], "-vvv"))
    assert edge.serving() == ["blue"] * 3
    assert all(TOKEN not in text for text in said)
    files = [path for path in edge.root.rglob("*") if path.is_file() and path.name != "token"]
    assert all(TOKEN not in path.read_text(errors="replace") for path in files)
