# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options as values: written once per concern, merged by the modules that need them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class ArgumentSpec:
    options: dict[str, dict[str, Any]] = field(default_factory=dict)
    required_if: tuple[Any, ...] = ()
    mutually_exclusive: tuple[Any, ...] = ()

    def merge(self, *others: ArgumentSpec) -> ArgumentSpec:
        merged = self
        for other in others:
            merged = ArgumentSpec(
                {**merged.options, **other.options},
                merged.required_if + other.required_if,
                merged.mutually_exclusive + other.mutually_exclusive,
            )
        return merged

    def to_kwargs(self) -> dict[str, Any]:
        """Keyword arguments for AnsibleModule."""
        return {
            "argument_spec": self.options,
            "required_if": list(self.required_if),
            "mutually_exclusive": list(self.mutually_exclusive),
            "supports_check_mode": True,
        }

    def validated(self, given: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
        """(values with their defaults, what is wrong with them), without a module."""
        # Here, as the watcher knows this file and no Ansible.
        from ansible.module_utils.common import arg_spec

        # Without types of its own.
        validator: Any = arg_spec.ArgumentSpecValidator
        found = validator(self.options, required_if=list(self.required_if)).validate(given)
        return found.validated_parameters, found.error_messages


COLOURS = ("blue", "green")

DEPLOYMENT = ArgumentSpec(
    {
        "deployment": {"type": "str", "default": "olympus"},
        "state_dir": {"type": "path", "default": "/var/lib/olympus-bluegreen"},
    }
)
