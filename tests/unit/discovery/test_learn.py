# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A deployment is learned from the running stack: kinds, ports, domains, names, databases, who needs whom (R1)."""

from __future__ import annotations

from typing import Any

import pytest
from kit.stacks import CIAM, Stack, another, apps, asks, caddy, ory, published

from ansible_collections.olympus.bluegreen.plugins.module_utils._core import podman
from ansible_collections.olympus.bluegreen.plugins.module_utils._discovery.learn import Learned, learn
from ansible_collections.olympus.bluegreen.plugins.module_utils._discovery.observed import from_inspect

OAUTH, JWKS = "oauth.test", "/.well-known/jwks.json"


def values(stack: Stack, **told: Any) -> dict[str, Any]:
    found = learn(stack.looked(), told)
    assert found.problems == ()
    return dict(found.values)


def test_the_published_stack_is_learned_as_it_is() -> None:
    """R1: no port of it is the one that Ory or we would have guessed."""
    found = values(published())
    assert found["services"] == {
        "ciam-kratos": {"kind": "kratos", "port": 5000, "admin_port": 5001, "domain": "ciam"},
        "ciam-hydra": {"kind": "hydra", "port": 5002, "admin_port": 5003, "domain": "ciam"},
        "iam-kratos": {"kind": "kratos", "port": 7000, "admin_port": 7001, "domain": "iam"},
        "iam-hydra": {"kind": "hydra", "port": 7002, "admin_port": 7003, "domain": "iam"},
        "ciam-hera": {"kind": "hera", "port": 3000, "ready": "/health", "ui": True, "domain": "ciam"},
        "ciam-athena": {"kind": "athena", "port": 3000, "ready": "/api/health", "ui": True, "domain": "ciam"},
        "iam-hera": {"kind": "hera", "port": 4000, "ready": "/health", "ui": True, "domain": "iam"},
        "iam-athena": {"kind": "athena", "port": 3000, "ready": "/api/health", "ui": True, "domain": "iam"},
        "site": {"kind": "site", "port": 3000, "ready": "/", "ui": True},
    }
    assert found["shared"] == ["postgres", "mail"] and found["database"] == "postgres"
    assert found["public"] == [
        {"host": "olympus.test", "path": "/"},
        *(
            {"host": "%s.%s.test" % (domain, name), "path": path}
            for domain in ("ciam", "iam")
            for name, path in (("login", "/health"), ("oauth", JWKS), ("admin", "/api/health"))
        ),
    ]
    assert [(one["name"], one["service"], one["database"]) for one in found["schema_targets"]] == [
        (name, name.replace("_", "-"), name) for name in ("ciam_kratos", "ciam_hydra", "iam_kratos", "iam_hydra")
    ]
    assert found["domains"]["iam"] == {
        "kratos": "iam-kratos", "hydra": "iam-hydra", "hera": "iam-hera",
        "login_host": "iam.login.test", "oauth_host": "iam.oauth.test",
    }  # fmt: skip
    edge = found["edge"]
    assert (edge["service"], edge["mount"], edge["port"]) == ("caddy", "/config", 443)
    assert (edge["caddyfile"], edge["config_path"]) == ("/opt/olympusoss/prod/Caddyfile", "/etc/caddy/Caddyfile")


def test_who_depends_on_coloured_services_is_known() -> None:
    seed, pgadmin = sorted(values(published())["dependents"], key=lambda one: -len(one["dials"]))
    assert (pgadmin["service"], pgadmin["container"], pgadmin["running"]) == ("pgadmin", "prod_pgadmin_1", True)
    assert pgadmin["requires"] == pgadmin["depends_on"] == ["iam-hydra"] and pgadmin["dials"] == []
    assert (seed["service"], seed["depends_on"], seed["dials"]) == ("seed", ["ciam-kratos"], ["ciam-kratos"])


def test_a_stack_of_other_names_ports_and_directory() -> None:
    found = values(another())
    assert {name: (one["kind"], one["port"]) for name, one in found["services"].items()} == {
        "identity": ("kratos", 4433), "oauth-server": ("hydra", 9002), "signin": ("hera", 8080), "web": ("site", 8000),
    }  # fmt: skip
    assert found["services"]["signin"]["ready"] == "/healthz"
    assert {one.get("domain") for one in found["services"].values()} == {"oauth-server", None}
    assert (found["shared"], found["database"], found["dependents"]) == (["db"], "db", [])
    assert [(one["service"], one["database"]) for one in found["schema_targets"]] == [
        ("identity", "identities"), ("oauth-server", "tokens"),
    ]  # fmt: skip
    edge = found["edge"]
    assert (edge["service"], edge["address"], edge["port"], edge["caddyfile"]) == (
        "front", "192.0.2.7", 9443, "/srv/id/Caddyfile",
    )  # fmt: skip
    assert found["compose_files"] == ["deploy/base.yml", "deploy/more.yml"]


@pytest.mark.parametrize(
    ("more", "port", "says"),
    [
        ({"env": {"PORT": 8081}, "listens": [8081]}, 8081, "environment PORT"),
        # What listens is believed, not what is written.
        ({"env": {"PORT": 8081}, "listens": [3000]}, 3000, "what the edge dials"),
        ({"test": asks("http://127.0.0.1:8082/x"), "env": {"PORT": 9}, "listens": [8082]}, 8082, "its health check"),
        ({}, 3000, "what the edge dials"),
    ],
)
def test_where_the_port_comes_from(more: dict[str, Any], port: int, says: str) -> None:
    stack = published()
    stack.services["site"] = {"image": "ghcr.io/olympusoss/site:1", "command": ["node"], **more}
    found = learn(stack.looked(), {})
    assert found.values["services"]["site"]["port"] == port and found.found["services.site.port"] == says


def test_a_route_to_nobody_is_named() -> None:
    stack = published()
    stack.sites["iam.login.test"] = "iam-hera:3000"
    (said,) = learn(stack.looked(), {}).problems
    assert said == (
        "the edge sends iam.login.test to iam-hera:3000, and iam-hera listens on 4000."
        " Fix: correct the route or the service's port"
    )


def test_a_dsn_that_can_not_be_read_is_a_problem_and_no_silence() -> None:
    """Without a schema target nothing would migrate that database, and nothing would say so."""
    stack = published()
    for one in stack.services.values():
        if "DSN" in one.get("env", {}):
            one["env"]["DSN"] = "postgres://k:canary@db/x?schema=y"
    said = [one for one in learn(stack.looked(), {}).problems if "DSN" in one]
    assert len(said) == 4 and "canary" not in str(said)
    assert said[0].startswith("the DSN of ciam-kratos has the parameter schema") and "Fix: name the schema" in said[0]
    assert not [one for one in learn(stack.looked(), {"schema_targets": []}).problems if "DSN" in one]


def test_ports_of_a_configuration_file() -> None:
    raw = published().inspect("ciam-kratos")
    raw["Config"]["Env"] = []
    seen = from_inspect(raw)
    stack = published().looked()
    one = seen.__class__(
        **{**seen.__dict__, "config": {"serve": {"public": {"port": 14433}}, "dsn": "postgres://a@db/x"}}
    )
    others = tuple(each for each in stack.containers if each.service != "ciam-kratos")
    found = learn(stack.__class__(**{**stack.__dict__, "containers": (one, *others)}), {})
    assert found.values["services"]["ciam-kratos"] == {
        "kind": "kratos", "port": 14433, "admin_port": 4434, "domain": "ciam",
    }  # fmt: skip
    assert "x" in [one["database"] for one in found.values["schema_targets"]]


def unknown(**more: Any) -> Stack:
    stack = published()
    stack.sites["shop.test"] = "shop:8080"
    stack.add("shop", "registry.example.net/shop:1", ["run"], **more)
    return stack


def test_what_nobody_knows_is_asked() -> None:
    (asked,) = learn(unknown().looked(), {}).problems
    assert asked.startswith("shop (image registry.example.net/shop:1): coloured or shared? The edge sends shop.test to")
    assert "bluegreen_services" in asked and "bluegreen_shared" in asked


@pytest.mark.parametrize(
    ("told", "coloured", "public"),
    [
        ({"services": {"shop": {"port": 8080}}}, True, True),
        ({"services": {"shop": {"kind": "other", "port": 8080}}}, True, True),
        ({"shared": ["shop"]}, False, False),
    ],
)
def test_the_answer_is_a_setting(told: dict[str, Any], coloured: bool, public: bool) -> None:
    found = values(unknown(), **told)
    assert ("shop" in found["services"]) is coloured
    assert ("shop.test" in [one["host"] for one in found["public"]]) is public


def test_a_known_one_can_be_said_to_be_shared() -> None:
    assert "site" not in values(published(), shared=["site"])["services"]


def test_a_service_without_any_port_is_named() -> None:
    stack = published()
    del stack.sites["olympus.test"]
    stack.services["site"] = {"image": "ghcr.io/olympusoss/site:1", "command": ["node"]}
    (asked,) = learn(stack.looked(), {}).problems
    assert asked.startswith("site: nothing says at which port it listens") and "{site: {port: 3000}}" in asked
    assert learn(stack.looked(), {"services": {"site": {"port": 3000}}}).problems == ()


def test_nothing_coloured_is_said() -> None:
    stack = Stack("prod", "/opt/prod", "compose.yml", {})
    stack.add("postgres", "docker.io/postgres:18")
    (said,) = learn(stack.looked(), {}).problems
    assert said.startswith("project prod has no container of a coloured service") and "Fix: " in said


def test_one_domain_of_plain_names_is_called_after_its_hydra() -> None:
    stack = Stack("p", "/p", "c.yml", {OAUTH: "hydra:4444"})
    for kind, image in (("kratos", "oryd/kratos:v1"), ("hydra", "oryd/hydra:v2")):
        stack.add(kind, image, ["serve"], entrypoint=[kind], env={"DSN": "postgres://u:p@db/%s" % kind})
    found = values(stack)
    assert {one["domain"] for one in found["services"].values()} == {"hydra"}
    assert found["domains"] == {"hydra": {"kratos": "kratos", "hydra": "hydra", "oauth_host": OAUTH}}
    # The database is no container of the project.
    assert found["database"] == "" and len(found["schema_targets"]) == 2


@pytest.mark.parametrize(
    ("names", "wanted"),
    [
        ([("customer-accounts", "customer-tokens")], ["customer"]),
        ([("kratos-eu", "hydra-eu"), ("kratos-us", "hydra-us")], ["eu", "us"]),
        ([("id", "tokens")], ["tokens"]),
        # Of one prefix both: their Hydras tell them apart.
        ([("id-a", "id-b"), ("id-c", "id-d")], ["id-b", "id-d"]),
    ],
)
def test_what_a_domain_is_called(names: list[tuple[str, str]], wanted: list[str]) -> None:
    stack = Stack("p", "/p", "c.yml", {})
    for at, (kratos, hydra) in enumerate(names):
        for kind, name in (("kratos", kratos), ("hydra", hydra)):
            stack.add(name, "oryd/%s:v1" % kind, ["serve"], entrypoint=[kind])
        login = {"KRATOS_URL": "http://%s:4433" % kratos, "HYDRA_URL": "http://%s:4445" % hydra, "PORT": 80}
        stack.add("ui%d" % at, "x/hera:1", ["run"], env=login)
    assert list(values(stack)["domains"]) == wanted


def ours(stack: Stack, colour: str) -> list[Any]:
    """The coloured services as containers of ours, on addresses of an edge network."""
    made = []
    for at, name in enumerate(values(stack)["services"]):
        raw = stack.inspect(name)
        raw["Name"], raw["Id"] = "olympus-%s_%s_1" % (colour, name), "%064x" % (at + 7000)
        raw["Config"]["Labels"] = {
            podman.LABEL: "olympus", podman.COLOUR: colour, podman.SERVICE: name, podman.KIND: "service",
            "com.docker.compose.project": "olympus-" + colour,
        }  # fmt: skip
        raw["NetworkSettings"]["Networks"] = {"e": {"IPAddress": "10.231.17.%d" % (at + 16), "Aliases": [name]}}
        made.append(from_inspect(raw, stack.services[name].get("listens", ())))
    return made


def switched(stack: Stack, addresses: dict[str, str]) -> dict[str, Any]:
    """The configuration as adopt leaves it: addresses instead of names."""
    left = Stack(stack.project, stack.directory, stack.files, {
        host: "%s:%s" % (addresses.get(dial.partition(":")[0], dial.partition(":")[0]), dial.partition(":")[2])
        for host, dial in stack.sites.items()
    })  # fmt: skip
    return left.config()


def test_after_a_cleanup_the_same_is_learned_from_what_we_run() -> None:
    before = values(published())
    stack, green = published(), ours(published(), "green")
    config = switched(stack, {one.service: one.addresses[0] for one in green})
    for name in before["services"]:
        stack.services[name]["container"] = False
    found = learn(stack.looked(config, green), {})
    assert found.problems == ()
    for key in ("services", "public", "schema_targets", "database", "domains", "shared"):
        assert found.values[key] == before[key], key
    # pgAdmin's name for Hydra is still known, podman's own dependency went with the container.
    pgadmin = next(one for one in found.values["dependents"] if one["service"] == "pgadmin")
    assert (pgadmin["depends_on"], pgadmin["requires"]) == (["iam-hydra"], [])


def test_no_secret_is_in_what_is_learned() -> None:
    found: Learned = learn(published().looked(), {})
    assert "p%40ss" not in repr(found) and "p@ss" not in repr(found) and "p%40ss" not in str(found.data())
    assert "p%40ss" not in repr(published().looked())


def test_a_job_is_no_service() -> None:
    stack = Stack("prod", "/p", "c.yml", {"a.test": "ciam-hera:3000"})
    ory(stack, "ciam", CIAM)
    apps(stack, "ciam", 3000, CIAM, {})
    stack.add("mails", "docker.io/oryd/kratos:v1", ["courier", "watch"], entrypoint=["kratos"])
    stack.add("tidy", "docker.io/oryd/hydra:v2", ["hydra", "janitor", "-e"], entrypoint=["sh", "/x.sh", "--"])
    assert not {"mails", "tidy", "ciam-kratos-migrate"} & set(values(stack)["services"])


def shop() -> Stack:
    """Nothing of Ory: two services behind a Caddy, a worker, a database, its tool."""
    stack = Stack("shop", "/srv/shop", "compose.yml", {
        "shop.test": "web:8080", "api.shop.test": "api:9000", "db.shop.test": "adminer:8080",
    })  # fmt: skip
    stack.add("db", "docker.io/library/postgres:18", env={"POSTGRES_USER": "x"})
    caddy(stack, "docker.io/library/caddy:2", ("", 443))
    stack.add("web", "registry.example.net/shop/frontend:1", ["serve"], listens=[8080], env={"API": "http://api:9000"})
    stack.add("api", "registry.example.net/shop/api:1", ["serve"], listens=[9000], env={"DB": "postgres://u:p@db/shop"})
    stack.add("adminer", "docker.io/library/adminer:4", listens=[8080])
    return stack


def test_without_ory_what_the_edge_serves_is_coloured() -> None:
    found = values(shop())
    assert found["services"] == {
        "web": {"kind": "other", "port": 8080, "ready": "/"},
        "api": {"kind": "other", "port": 9000, "ready": "/"},
    }
    assert [one["host"] for one in found["public"]] == ["shop.test", "api.shop.test"]
    assert (found["schema_targets"], found["domains"], found["database"]) == ([], {}, "")
    assert values(shop(), shared=["api"])["services"].keys() == {"web"}


def test_beside_ory_it_stays_a_question() -> None:
    stack = shop()
    ory(stack, "ciam", CIAM)
    assert [one.partition(" ")[0] for one in learn(stack.looked(), {}).problems] == ["web", "api"]
