# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PyYAML, where it is installed (podman-compose needs it too)."""

from __future__ import annotations

from typing import Any

from .errors import BluegreenError

try:
    import yaml

    HAS_YAML = True
except ImportError:
    HAS_YAML = False


def _need() -> None:
    if not HAS_YAML:
        raise BluegreenError("PyYAML is missing on this host", fix="install python3-yaml")


def load(text: str, what: str) -> Any:
    """The value of a YAML text. The parser's own words may quote the text, so only the line is reported."""
    _need()
    return _load(text, what, yaml.SafeLoader)


def load_tagged(text: str, what: str) -> Any:
    """As ``load``, but ``!reset x`` and ``!override x`` of a compose file read as ``x``."""
    _need()

    class Loader(yaml.SafeLoader):
        pass

    def plain(loader: Any, _tag: str, node: Any) -> Any:
        if isinstance(node, yaml.MappingNode):
            return loader.construct_mapping(node, deep=True)
        if isinstance(node, yaml.SequenceNode):
            return loader.construct_sequence(node, deep=True)
        return loader.construct_scalar(node)

    Loader.add_multi_constructor("!", plain)
    return _load(text, what, Loader, "compose_files")


def _load(text: str, what: str, loader: Any, option: str = "") -> Any:
    try:
        return yaml.load(text, Loader=loader)
    except (yaml.YAMLError, ValueError, RecursionError) as exc:
        mark = getattr(exc, "problem_mark", None)
        line = mark.line + 1 if mark else 0
        raise BluegreenError(
            "%s is not YAML (line %d)" % (what, line), option=option, value=what, fix="correct that line"
        ) from None


def dump(value: object) -> str:
    _need()
    return str(yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=1000))


def unescape(value: str) -> str:
    """A string of a rendered compose file, in which a dollar is written twice."""
    return value.replace("$$", "$")
