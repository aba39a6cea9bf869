# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The flat variables of role traffic are the options of the modules that it calls, and its page names each of them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.olympus.bluegreen.plugins.action.edge_switch import ARGUMENTS
from ansible_collections.olympus.bluegreen.plugins.module_utils._cloudflare.options import SPEC as CLOUDFLARE
from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.options import SPEC as CADDY

ROLE = Path(__file__).resolve().parents[3] / "roles" / "traffic"
ENTRIES: dict[str, Any] = yaml.safe_load((ROLE / "meta/argument_specs.yml").read_text())["argument_specs"]
OPTIONS: dict[str, Any] = yaml.safe_load((ROLE / "vars/main.yml").read_text())["__traffic_options"]
FLAT = {name: one for name, one in {**OPTIONS, **OPTIONS["edge"]}.items() if name != "edge"}
# Behind Cloudflare a public name may have a zone of its own.
MEANT = {
    **CADDY.options["edge"]["options"], **CADDY.options, **CLOUDFLARE.options, "name": {"type": "str"},
    "upstreams": CADDY.options["upstreams"],
}  # fmt: skip


def alike(option: dict[str, Any], documented: dict[str, Any], where: str) -> None:
    for key in ("type", "elements", "choices"):
        assert option.get(key) == documented.get(key), (where, key)
    below = documented.get("options") or {}
    assert set(option.get("options") or {}) == set(below), where
    for name, one in below.items():
        theirs = option["options"][name]
        assert bool(theirs.get("required")) == bool(one.get("required")), (where, name)
        assert theirs.get("default") == one.get("default"), (where, name)
        alike(theirs, one, "%s.%s" % (where, name))


@pytest.mark.parametrize("name", sorted(FLAT))
def test_a_variable_is_the_option_of_that_name(name: str) -> None:
    assert "traffic_%s | default(omit)" % name in FLAT[name] + OPTIONS["edge"].get(name, "")
    alike(MEANT[name], ENTRIES["main"]["options"]["traffic_" + name], name)


def test_the_kind_is_that_of_the_switch() -> None:
    alike(ARGUMENTS["kind"], ENTRIES["main"]["options"]["traffic_kind"], "kind")


def test_every_entry_takes_every_flat_variable_and_needs_none() -> None:
    known = {"traffic_" + name for name in (*FLAT, "kind", "deployment")}
    for entry, spec in ENTRIES.items():
        assert known <= set(spec["options"]), entry
        assert not [name for name in known if spec["options"][name].get("required")], entry


def test_the_page_names_every_variable() -> None:
    named = set(re.findall(r"`(traffic_\w+)`", (ROLE / "README.md").read_text()))
    assert named == {name for spec in ENTRIES.values() for name in spec["options"]}


def test_every_entry_hands_on_the_description_and_the_flat_variables() -> None:
    for entry in ("switch", "preview", "restore", "drain", "install"):
        text = (ROLE / "tasks" / (entry + ".yml")).read_text()
        assert 'deployment: "{{ traffic_deployment | default(omit) }}"' in text, entry
        assert 'options: "{{ __traffic_options }}"' in text and 'kind: "{{ traffic_kind | default(omit) }}"' in text
