# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A module takes the description of a deployment, or its own flat options, and documents what it takes."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from generate import fragments

from ansible_collections.olympus.bluegreen.plugins.module_utils._cloudflare import options as cloudflare
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.argspec import DEPLOYMENT, ArgumentSpec
from ansible_collections.olympus.bluegreen.plugins.module_utils._deployment import inputs, tree
from ansible_collections.olympus.bluegreen.plugins.module_utils._edge import options as caddy
from ansible_collections.olympus.bluegreen.plugins.module_utils._health.gate import GATE

ROOT = Path(__file__).resolve().parents[3]
PLUGINS = "ansible_collections.olympus.bluegreen.plugins."
# By an action plugin alone.
NO_MODULE = {"edge_switch", "release_end", "release_stage"}
MODULES = sorted({path.stem for path in (ROOT / "plugins/modules").glob("*.py")} - NO_MODULE)


class Asked(Exception):
    pass


def spec_of(name: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the module gives AnsibleModule."""
    module = importlib.import_module(PLUGINS + "modules." + name)

    def seen(**kwargs: Any) -> None:
        raise Asked(kwargs["argument_spec"])

    monkeypatch.setattr(module, "AnsibleModule", seen)
    with pytest.raises(Asked) as asked:
        module.main()
    return dict(asked.value.args[0])


def documented(name: str) -> dict[str, Any]:
    said = yaml.safe_load(importlib.import_module(PLUGINS + "modules." + name).DOCUMENTATION)
    also = said.get("extends_documentation_fragment") or []
    found: dict[str, Any] = {}
    for one in [also] if isinstance(also, str) else also:
        fragment = importlib.import_module(PLUGINS + "doc_fragments." + one.rpartition(".")[2])
        found.update(yaml.safe_load(fragment.ModuleDocFragment.DOCUMENTATION).get("options") or {})
    return {**found, **said["options"]}


def compared(spec: dict[str, Any], said: dict[str, Any], where: str) -> None:
    assert set(spec) == set(said), where
    for name, one in spec.items():
        here, option = "%s.%s" % (where, name), said[name]
        for key in ("type", "elements", "choices"):
            assert one.get(key, "str" if key == "type" else None) == option.get(
                key, "str" if key == "type" else None
            ), here
        assert bool(one.get("required")) == bool(option.get("required")), here
        assert one.get("default") == option.get("default"), here
        compared(one.get("options") or {}, option.get("suboptions") or {}, here)


def test_the_fragments_are_those_of_the_description() -> None:
    for name, text in fragments.pages().items():
        assert (fragments.PLACE / name).read_text() == text, "run make docs"


@pytest.mark.parametrize("name", MODULES)
def test_a_module_documents_the_options_that_it_has(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    compared(spec_of(name, monkeypatch), documented(name), name)


DESCRIBED: dict[str, Any] = {
    **tree.defaults(),
    "name": "shop",
    "project": "prod",
    "services": {"site": {"kind": "site", "port": 3000}},
    "edge": {"kind": "native", "service": "", "caddyfile": "/etc/caddy/Caddyfile"},
    "checks": {"skip": ["login"]},
}


class Module:
    """As AnsibleModule: the options as they were given."""

    def __init__(self, **kwargs: Any) -> None:
        self.params, self.said = dict(json.loads(json.dumps(given))), ""

    def fail_json(self, msg: str) -> None:
        self.said = msg


given: dict[str, Any] = {}


def test_a_description_and_flat_options_fill_each_other_and_the_rest_has_its_default() -> None:
    given.clear()
    given.update(deployment=DESCRIBED, state="read", network_range="10.231.16.0/20", name="olympus")
    module = inputs.described(Module, caddy.SPEC)
    assert module.params["deployment"] == "shop" and module.params["project"] == "prod" and module.said == ""
    assert module.params["edge"]["port"] == 443 and module.params["edge"]["kind"] == "native"
    given.update(colour="green")
    gate = inputs.described(Module, DEPLOYMENT.merge(GATE))
    assert gate.params["skip"] == ["login"] and "code_flow" in gate.params["checks"]
    assert gate.params["edge_service"] == ""


def test_flat_options_are_enough_and_one_that_is_missing_is_named() -> None:
    given.clear()
    given.update(name="shop", project="prod", services={}, edge={"kind": "native"}, deployment=None)
    module = inputs.described(Module, caddy.SPEC)
    assert module.said == "" and module.params["deployment"] == "shop"
    del given["edge"]
    assert "missing required arguments: edge" in inputs.described(Module, caddy.SPEC).said


PUBLIC = [{"host": "shop.example.com"}]


@pytest.mark.parametrize(
    "own, described, sentence",
    [
        ({"project": "other"}, {}, "project='other' differs from deployment.project='prod'. Fix: give one of them, or"),
        ({"name": "kiosk"}, {}, "name='kiosk' differs from deployment.name='shop'."),
        (
            {"edge": {"kind": "container", "port": 8443}},
            {"edge": {"port": 9443}},
            "edge.port=8443 differs from deployment.",
        ),
        (
            {"services": {"web": {"port": 80}}},
            {},
            "services={'web': {'port': 80}} differs from deployment.services={'site'",
        ),
        ({"project": "prod", "name": "shop"}, {}, ""),
        ({"edge": {"kind": "container", "port": 443, "admin": "localhost:2020"}}, {}, ""),
        ({"public": [{"host": "shop.example.com", "path": "/"}]}, {"public": PUBLIC}, ""),
        ({"public": [{"host": "shop.example.com", "path": "/ready"}]}, {"public": PUBLIC}, "public=[{'host': 'shop"),
        ({"public": [{"host": "shop.example.com", "path": "/ready"}]}, {"public": []}, ""),
    ],
)
def test_what_is_said_twice_must_be_the_same(own: dict[str, Any], described: dict[str, Any], sentence: str) -> None:
    given.clear()
    given.update(own, deployment={**DESCRIBED, **described})
    module = inputs.described(Module, caddy.SPEC)
    assert module.said.startswith(sentence) and bool(module.said) == bool(sentence)
    if "public" in own and not sentence:
        assert module.params["public"] == own["public"]
    if "edge" in own and not sentence:
        assert module.params["edge"]["admin"] == "localhost:2020" and module.params["edge"]["kind"] == "native"


def test_no_secret_is_in_the_sentence() -> None:
    spec = ArgumentSpec({"images": {"type": "str", "no_log": True}})
    said = inputs.contradictions(spec, {"images": "s3cret", "deployment": {"images": "other"}})
    assert said == ["images differs from deployment.images. Fix: give one of them, or the same value in both"]


def test_a_cloudflare_edge_gives_its_keys_to_its_own_module_alone() -> None:
    edge = {"kind": "cloudflare", "account_id": "a", "switch_dir": "/s", "service": ""}
    given.clear()
    given.update(deployment={**DESCRIBED, "edge": edge})
    assert inputs.flat(cloudflare.SPEC, given)["switch_dir"] == "/s"
    assert inputs.flat(DEPLOYMENT.merge(GATE), given).get("switch_dir") is None
