# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Two colours of a real Kratos and Hydra on one database, each with a login UI of the test's choice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.http import DirectHttp
from ansible_collections.olympus.bluegreen.plugins.module_utils._health import journeys
from ansible_collections.olympus.bluegreen.plugins.module_utils._health.model import (
    CheckResult,
    Domain,
    Endpoint,
    Secrets,
)
from kit import hera_fakes as fakes
from kit import ory_native as native

SECRETS = Secrets(native.PASSWORD, native.CLIENT_SECRET)
HTTP = DirectHttp()


def side(name: str, kratos: tuple[int, int], hydra: tuple[int, int], hera: int) -> Domain:
    def at(service: str, ports: tuple[int, int]) -> Endpoint:
        return Endpoint(service, ("127.0.0.1", ports[0]), ("127.0.0.1", ports[1]))

    return Domain(
        name="ciam",
        side=name,
        login_host=native.LOGIN,
        oauth_host=native.OAUTH,
        identifier=native.IDENTIFIER,
        client_id=native.CLIENT,
        redirect_uri=native.REDIRECT,
        kratos=at("ciam-kratos", kratos),
        hydra=at("ciam-hydra", hydra),
        hera=Endpoint("ciam-hera", ("127.0.0.1", hera)),
    )


def good(result: CheckResult) -> None:
    assert result.ok, "%s: %s" % (result.name, result.detail)
    assert result.ms > 0


def colours(processes: native.Processes) -> Iterator[tuple[Domain, Domain]]:
    """As after `deploy`: blue at the old Kratos, migrated under it, green at the new one. Without a login UI yet."""
    postgres = native.Postgres(processes)
    kratos, hydra = postgres.create("login_kratos"), postgres.create("login_hydra")
    found = []
    for name, version in (("blue", "v1.0.0"), ("green", "v1.3.1")):
        k = native.start_kratos(processes, "login-kratos-" + name, native.kratos(version), kratos)
        h = native.start_hydra(processes, "login-hydra-" + name, native.hydra(), hydra)
        found.append(side(name, k, h, 1))
        if name == "blue":
            native.seed(k[1], h[1])
    yield found[0], found[1]
    processes.stop()
    postgres.remove()


def fake_of(domain: Domain, **how: Any) -> fakes.Fake:
    kratos, hydra = domain.kratos.address, domain.hydra.admin
    assert hydra is not None
    return fakes.Fake("http://%s:%d" % kratos, "http://%s:%d" % hydra, **how)


@contextmanager
def ui(domain: Domain, **how: Any) -> Iterator[tuple[Domain, fakes.Fake]]:
    with fakes.running(fake_of(domain, **how)) as fake:
        yield replace(domain, hera=Endpoint("ciam-hera", ("127.0.0.1", fake.port))), fake


def admin(domain: Domain, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
    assert domain.kratos.admin is not None
    return fakes.ask(method, "http://%s:%d/admin%s" % (*domain.kratos.admin, path), body)[1]


def person(domain: Domain, name: str = native.IDENTIFIER) -> str:
    found = [one["id"] for one in admin(domain, "GET", "/identities") if one["traits"]["email"] == name]
    return str(found[0])


def sessions(domain: Domain) -> set[str]:
    """Ids of the probe's active sessions at Kratos."""
    listed = admin(domain, "GET", "/identities/%s/sessions?active=true&page_size=250" % person(domain)) or []
    return {str(one["id"]) for one in listed}


def flow(domain: Domain, secrets: Secrets = SECRETS) -> CheckResult:
    return journeys.code_flow(HTTP, domain, secrets, 20)
