# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PyYAML, where it is installed (podman-compose needs it too)."""

from __future__ import annotations

from typing import Any

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import BluegreenError

try:
    import yaml

    HAS_YAML = True
except ImportError:
    HAS_YAML = False


def load(text: str, what: str) -> Any:
    """The value of a YAML text. The parser's own words may quote the text, so only the line is reported."""
    if not HAS_YAML:
        raise BluegreenError("PyYAML is missing on this host", mend="install python3-yaml")
    try:
        return yaml.safe_load(text)
    except yaml.MarkedYAMLError as exc:
        line = exc.problem_mark.line + 1 if exc.problem_mark else 0
        raise BluegreenError("%s is not YAML (line %d)" % (what, line)) from None


def dump(value: object) -> str:
    if not HAS_YAML:
        raise BluegreenError("PyYAML is missing on this host", mend="install python3-yaml")
    return str(yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=1000))
