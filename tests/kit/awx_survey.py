# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What AWX makes of a survey and of an injector, as its models do (awx/main/models/mixins.py, credential.py). Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

TYPES: dict[str, type] = {
    "text": str, "textarea": str, "password": str, "multiplechoice": str, "multiselect": str, "integer": int,
    "float": float,
}  # fmt: skip
Question = Mapping[str, Any]


def wrong(spec: Any) -> str:
    """Why AWX refuses a survey; '' where it does not."""
    if not isinstance(spec, dict) or not all(isinstance(spec.get(name), str) for name in ("name", "description")):
        return "name and description are missing from the survey spec"
    questions = spec.get("spec")
    if not isinstance(questions, list) or not questions:
        return "'spec' doesn't contain any items."
    names = [one.get("variable") for one in questions]
    if len(set(names)) != len(names):
        return "a variable is asked twice"
    return next(filter(None, map(_wrong_question, questions)), "")


def _wrong_question(one: Question) -> str:
    for name, kind in (("type", str), ("question_name", str), ("variable", str), ("required", bool)):
        if not isinstance(one.get(name), kind):
            return "%r of a question is missing or of a wrong type" % name
    if one["type"] not in TYPES:
        return "%r is no type of a question" % one["type"]
    if any(one.get(name) is not None and not isinstance(one[name], int) for name in ("min", "max")):
        return "min and max are whole numbers"
    default = one.get("default", "")
    if one["type"].startswith("multi"):
        if not one.get("choices"):
            return "a question without choices"
        return "" if set(str(default).splitlines()) <= set(one["choices"]) else "a default that is no choice"
    return "" if default == "" or isinstance(default, TYPES[one["type"]]) else "a default of a wrong type"


def refused(one: Question, given: Mapping[str, Any]) -> str:
    """Why an answer is not taken; one that is not there is judged where it is required."""
    name = one["variable"]
    if name not in given:
        return "%s is required" % name if one["required"] else ""
    value = given[name]
    if not isinstance(value, TYPES[one["type"]]) or isinstance(value, bool):
        return "%s is of a wrong type" % name
    if one["type"].startswith("multi"):
        return "" if value in one["choices"] else "%s is no choice" % name
    size = len(value) if isinstance(value, str) else value
    low, high = one.get("min"), one.get("max")
    if (low is not None and size < low) or (high is not None and size > high):
        return "%s is too short, long, small or large" % name
    return ""


def extra_vars(spec: Mapping[str, Any], answers: Mapping[str, Any]) -> dict[str, Any]:
    """The extra variables of a launch: defaults that would be taken as answers, then what was answered."""
    taken: dict[str, Any] = {}
    for one in spec.get("spec", []):
        default = {one["variable"]: one["default"]} if one.get("default") is not None else {}
        if default and not refused(one, default):
            taken.update(default)
    known = {one["variable"] for one in spec.get("spec", [])}
    taken.update({name: value for name, value in answers.items() if name in known})
    if why := next(filter(None, (refused(one, taken) for one in spec.get("spec", []))), ""):
        raise ValueError(why)
    return taken


def names_in(injectors: Any) -> set[str]:
    """The fields that templates name, however deep."""
    if isinstance(injectors, Mapping):
        return {name for value in injectors.values() for name in names_in(value)}
    return set(re.findall(r"{{\s*(\w+)\s*}}", str(injectors)))


def injected(injectors: Any, inputs: Mapping[str, str]) -> Any:
    """Filled in as AWX does: a field that was not given is empty."""
    if isinstance(injectors, Mapping):
        return {name: injected(value, inputs) for name, value in injectors.items()}
    return re.sub(r"{{\s*(\w+)\s*}}", lambda found: inputs.get(found[1], ""), str(injectors))
