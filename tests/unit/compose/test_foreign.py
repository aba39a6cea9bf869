# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Projects in other people's style: a colour asks podman for what the operator's own container has, but on purpose."""

from __future__ import annotations

import functools
import tempfile
from pathlib import Path
from typing import Any

import pytest
from kit import foreign_bench as bench

from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.release import compose_config, service_keys
from ansible_collections.olympus.bluegreen.plugins.module_utils._core import yaml
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.runner import SubprocessRunner

# What differs on purpose: option of podman run -> why. Everything else is the same, value by value.
ON_PURPOSE = {
    "--name": "both colours run at once",
    "--label": "compared below",
    "--network": "the colour's own network",
    "--add-host": "compared below",
    "-p": "as bluegreen_publish says",
    "-P": "as bluegreen_publish says",
    "--pull": "the image is there",
    "--restart": "compared below",
    "-e": "compared below",
    "--pod": "a colour has no pod",
    "--requires": "the start goes by our order",
}
BOTH = pytest.mark.parametrize("colour", ("blue", "green"))
EACH = pytest.mark.parametrize("name", bench.NAMES)


@functools.cache
def made(name: str) -> tuple[bench.Foreign, bench.Rendered, Any, dict[str, Any]]:
    """The project, what we made of it, and what podman-compose makes of the original and of each colour."""
    directory = Path(tempfile.mkdtemp(prefix="foreign-"))
    foreign = bench.unpack(name, directory / "operator")
    rendered = bench.render(foreign, directory / "copy")
    wanted = foreign.wanted
    original = bench.parsed(Path(wanted.source), wanted.compose_files, wanted.project, foreign.profiles)
    colours = {}
    for colour, text in rendered.texts.items():
        there = directory / colour
        there.mkdir()
        (there / "compose.yml").write_text(text)
        colours[colour] = bench.parsed(there, ("compose.yml",), "olympus-" + colour, ("courier",))
    return foreign, rendered, original, colours


def moved(foreign: bench.Foreign, rendered: bench.Rendered, colour: str, value: str) -> str:
    """A path in the operator's directory as the copy has it, and a nameless volume as podman-compose names it."""
    return value.replace(foreign.wanted.source, str(rendered.copy)).replace(
        "source=prod_", "source=olympus-%s_" % colour
    )


def mounts(name: str, value: str) -> tuple[str, str]:
    """A volume of the operator's keeps its name; podman-compose would write one of ours the same way."""
    return name, ",".join(sorted(value.split(","))) if name in ("-v", "--mount", "--volume") else value


@EACH
@BOTH
def test_podman_is_asked_for_the_same(name: str, colour: str) -> None:
    foreign, rendered, original, colours = made(name)
    named = {volume.get("name") for volume in (yaml.load(rendered.texts[colour], "").get("volumes") or {}).values()}
    for service in foreign.wanted.names:
        before, words = bench.call(original, service)
        after, now = bench.call(colours[colour], service)
        expected = []
        for option, value in before:
            if option in ON_PURPOSE:
                continue
            kept = any("source=%s," % volume in value + "," for volume in named)
            expected.append(mounts(option, value if kept else moved(foreign, rendered, colour, value)))
        assert sorted(expected) == sorted(mounts(*pair) for pair in after if pair[0] not in ON_PURPOSE), service
        assert now == [word for word in words if not word.startswith("--watch-courier")], service


@EACH
@BOTH
def test_the_rest_differs_as_told(name: str, colour: str) -> None:
    foreign, _rendered, original, colours = made(name)
    for service in foreign.wanted.names:
        before, _words = bench.call(original, service)
        after, _now = bench.call(colours[colour], service)
        told = {"BLUEGREEN_COLOUR": colour, "BLUEGREEN_RELEASE": bench.RELEASE}
        here = {key: moved(foreign, _rendered, colour, value) for key, value in bench.environment(before).items()}
        assert bench.environment(after) == {**here, **told}
        policy = dict(before).get("--restart", "no")
        assert dict(after)["--restart"] == ("unless-stopped" if policy == "no" else policy)
        assert dict(after)["--pull"] == "never"
        assert not [value for option, value in after if option in ("-p", "-P")]
        own = ("io.podman.", "com.docker.", "PODMAN_SYSTEMD_UNIT", "io.containers.autoupdate")
        labels = {value for option, value in before if option == "--label" and not value.startswith(own)}
        ours = {value for option, value in after if option == "--label" and not value.startswith(own)}
        assert labels <= ours and all(value.startswith("olympus.bluegreen.") for value in ours - labels)


def known_as(original: Any, service: str) -> set[str]:
    """Every name that podman's own DNS has for a container: its aliases, and its name where the operator gave one."""
    options, _words = bench.call(original, service)
    found = {part.partition("alias=")[2] for name, value in options if name == "--network" for part in value.split(",")}
    given = original.services[service]
    return {name for name in (*found, given.get("container_name"), given.get("hostname")) if name}


@EACH
@BOTH
def test_every_name_leads_to_the_colours_own_address(name: str, colour: str) -> None:
    foreign, _rendered, original, colours = made(name)
    wanted = foreign.coloured(colour)
    expected = {one: wanted.nets.service(colour, s).ip for s in wanted.names for one in known_as(original, s)}
    expected.update({one: wanted.nets.shared_on(colour, s).ip for s in wanted.shared for one in known_as(original, s)})
    for service in wanted.names:
        hosts = added(colours[colour], service)
        assert len(hosts) == len(set(hosts)) and dict(hosts).items() >= expected.items()
        kept = [pair for pair in added(original, service) if pair[0] not in expected]
        assert [pair for pair in hosts if pair[0] not in expected] == kept


def added(compose: Any, service: str) -> list[tuple[str, str]]:
    """What a container is told of other hosts, as (name, address)."""
    given = [value for option, value in bench.call(compose, service)[0] if option == "--add-host"]
    return [(one.partition(":")[0], one.partition(":")[2]) for one in (text.replace("=", ":", 1) for text in given)]


@EACH
def test_a_property_that_is_kept_reads_the_same(name: str) -> None:
    foreign, _rendered, original, colours = made(name)
    same = [key for key in service_keys.KEPT if key not in ("command", "secrets")]
    for service in foreign.wanted.names:
        given = {key: original.services[service][key] for key in same if key in original.services[service]}
        for compose in colours.values():
            found = compose.services[service]
            assert {key: found[key] for key in same if key in found} == given


@EACH
def test_the_operator_is_told(name: str) -> None:
    foreign, rendered, _original, _colours = made(name)
    for words in foreign.says:
        assert [line for line in rendered.warnings if words in line], (words, rendered.warnings)
    told = [line for line in rendered.warnings if not any(words in line for words in foreign.says)]
    always = ("host ports of", "container_name", "goes into the release's copy", "outside the project directory",
              "a colour does not run", "extra_hosts of", "podman-compose does nothing with", "empty at first",
              "both colours write")  # fmt: skip
    assert not [line for line in told if not any(words in line for words in always)]


@pytest.mark.parametrize("name", ["extends", "profiles", "subfolder"])
def test_a_process_of_its_own_says_the_same(tmp_path: Path, name: str) -> None:
    """The other tests ask podman-compose's code in this process."""
    foreign = bench.unpack(name, tmp_path / "operator")
    wanted = foreign.wanted
    here = compose_config.config(bench.InProcess(), wanted, wanted.source)
    assert here == compose_config.config(SubprocessRunner(), wanted, wanted.source)
