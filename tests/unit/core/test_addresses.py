# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.olympus.bluegreen.plugins.module_utils._core import addresses
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import BluegreenError
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.names import Networks, in_use, networks
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.podman import Podman
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.runner import SubprocessRunner
from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.options import reached

RANGE = "10.231.16.0/20"
OLYMPUS = ("ciam-kratos", "ciam-hydra", "ciam-hera", "site")
NAMES = st.lists(st.sampled_from(["a", "b", "c", "d", "e", "f"]), unique=True)


def adopted(directory: Path, services: tuple[str, ...] = OLYMPUS) -> Networks:
    nets = networks("olympus", str(directory), RANGE, services, ("postgres", "mail"))
    addresses.write(str(directory), nets.addresses)
    return nets


def test_the_file_is_what_the_documents_say(tmp_path: Path) -> None:
    adopted(tmp_path)
    assert json.loads((tmp_path / "addresses.json").read_text()) == {
        "v": 1,
        "range": RANGE,
        "services": {"ciam-kratos": 16, "ciam-hydra": 17, "ciam-hera": 18, "site": 19},
        "shared": {"postgres": 3, "mail": 4},
    }


def test_without_a_record_the_order_decides(tmp_path: Path) -> None:
    nets = networks("olympus", str(tmp_path), RANGE, OLYMPUS, ("postgres",))
    assert nets == Networks("olympus", RANGE, OLYMPUS, ("postgres",))
    assert [nets.service("green", name).ip for name in OLYMPUS] == ["10.231.19.%d" % n for n in (16, 17, 18, 19)]
    assert nets.shared_on("blue", "postgres").ip == "10.231.18.3" and nets.edge("green").ip == "10.231.17.2"


@pytest.mark.parametrize("order", [tuple(reversed(OLYMPUS)), tuple(sorted(OLYMPUS))])
def test_another_order_of_the_services_gives_the_same_addresses(tmp_path: Path, order: tuple[str, ...]) -> None:
    before = adopted(tmp_path)
    after = networks("olympus", str(tmp_path), RANGE, order, ("mail", "postgres"))
    for colour in ("blue", "green"):
        assert [after.service(colour, n) for n in OLYMPUS] == [before.service(colour, n) for n in OLYMPUS]
        assert [after.service_on_edge(colour, n) for n in OLYMPUS] == [
            before.service_on_edge(colour, n) for n in OLYMPUS
        ]
        assert after.shared_on(colour, "postgres") == before.shared_on(colour, "postgres")
    assert after.addresses == before.addresses


def test_services_that_went_through_a_sorted_json_have_their_addresses(tmp_path: Path) -> None:
    params = {
        "deployment": "olympus", "state_dir": str(tmp_path), "network_range": RANGE, "shared": [], "state": "read",
        "upstreams": [],
        "services": {name: {"ui": False} for name in OLYMPUS}, "edge": {"kind": "container"},
    }  # fmt: skip
    adopted(tmp_path)
    sorted_ones = json.loads(json.dumps(params, sort_keys=True))
    assert list(sorted_ones["services"]) != list(OLYMPUS)
    podman = Podman(SubprocessRunner())
    assert reached(sorted_ones, podman) == reached(params, podman)


def test_a_number_is_never_given_to_another_while_it_is_recorded(tmp_path: Path) -> None:
    adopted(tmp_path)
    smaller = networks("olympus", str(tmp_path), RANGE, ("site", "new"), ())
    assert smaller.addresses.services == {"ciam-kratos": 16, "ciam-hydra": 17, "ciam-hera": 18, "site": 19, "new": 20}
    with pytest.raises(BluegreenError, match="unknown service"):
        smaller.service("blue", "ciam-hera")


@given(NAMES, NAMES, NAMES)
def test_numbers_stay_and_never_meet(first: list[str], second: list[str], third: list[str]) -> None:
    one = addresses.assigned(RANGE, first, ())
    two = addresses.assigned(RANGE, second, (), one)
    three = addresses.assigned(RANGE, third, (), two)
    assert one.services.items() <= two.services.items() <= three.services.items()
    assert len(set(three.services.values())) == len(three.services) == len({*first, *second, *third})
    assert addresses.assigned(RANGE, reversed(third), (), three) == three


def test_another_range_is_refused_and_a_rollback_goes_by_the_recorded_one(tmp_path: Path) -> None:
    before = adopted(tmp_path)
    with pytest.raises(BluegreenError, match=r"bluegreen_network_range='10.9.0.0/20'.*made from 10.231.16.0/20.*Fix:"):
        networks("olympus", str(tmp_path), "10.9.0.0/20", OLYMPUS, ())
    lenient = networks("olympus", str(tmp_path), "10.9.0.0/20", OLYMPUS, (), strict=False)
    assert lenient.service("blue", "site") == before.service("blue", "site")


@pytest.mark.parametrize(
    "text",
    ["{", "[]", "null, ", '{"v": 2, "range": "10.231.16.0/20", "services": {}, "shared": {}}', '{"v": 1, "range": "x"}',
     '{"v": 1, "range": "10.231.16.0/20", "services": {"a": 16, "b": 16}, "shared": {}}'],
)  # fmt: skip
def test_a_record_that_cannot_be_read_is_named_and_stops_no_rollback(tmp_path: Path, text: str) -> None:
    (tmp_path / "addresses.json").write_text(text)
    with pytest.raises(BluegreenError, match=r"addresses\.json.*Fix:"):
        networks("olympus", str(tmp_path), RANGE, OLYMPUS, ())
    assert networks("olympus", str(tmp_path), RANGE, OLYMPUS, (), strict=False).service("blue", "site").ip


def test_more_services_than_a_network_has_room_for_are_refused() -> None:
    addresses.assigned(RANGE, (), ["db%d" % n for n in range(13)])
    with pytest.raises(BluegreenError, match="bluegreen_shared='db13': no address is free"):
        addresses.assigned(RANGE, (), ["db%d" % n for n in range(14)])


def test_a_network_that_was_renamed_keeps_its_addresses(tmp_path: Path) -> None:
    before = adopted(tmp_path)
    record = replace(before.addresses, networks={"green": "olympus-green.6b0a1c2d"})
    addresses.write(str(tmp_path), record)
    after = networks("olympus", str(tmp_path), RANGE, (*OLYMPUS, "later"), ("postgres", "mail"))
    assert after.colour_name("green") == "olympus-green.6b0a1c2d" and after.colour_name("blue") == "olympus-blue"
    assert after.service("green", "site") == before.service("green", "site")
    assert after.addresses.networks == record.networks
    for first, now in (("olympus-green", "olympus-green.6b0a1c2d"), ("olympus-blue", "olympus-blue"), ("host", "host")):
        assert in_use("olympus", str(tmp_path), first) == now
