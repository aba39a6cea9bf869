# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How an action that declares its arguments begins."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.plugins.action import ActionBase


def checked(
    action: ActionBase, tmp: str | None, variables: dict[str, Any], spec: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The result so far, and the arguments of the task. Ansible refuses what ``spec`` does not know."""
    # Without types of its own.
    base: Any = ActionBase
    result: dict[str, Any] = base.run(action, tmp, variables)
    _validation, asked = base.validate_argument_spec(action, argument_spec=spec)
    return result, asked
