# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""An identity for schemas that operators write."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.olympus.bluegreen.plugins.module_utils._proof.replay.identity import Person, person

PASSWORD = {"ory.sh/kratos": {"credentials": {"password": {"identifier": True}}}}
EMAIL = {"type": "string", "format": "email", **PASSWORD}


def schema(traits: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"properties": {"traits": {"type": "object", **traits}}, **more}


def made(traits: dict[str, Any], **more: Any) -> Person:
    return person(schema(traits, **more), "probe")


def test_an_email_that_has_to_be_verified() -> None:
    email = {
        **EMAIL,
        "ory.sh/kratos": {"credentials": {"password": {"identifier": True}}, "verification": {"via": "email"}},
    }
    found = made({"properties": {"email": email}, "required": ["email"]})
    assert found == Person({"email": "probe@example.com"}, "probe@example.com", (("email", "probe@example.com"),))


def test_an_identifier_that_nobody_requires_is_given_all_the_same() -> None:
    assert made({"properties": {"username": {"type": "string", **PASSWORD}, "nick": {"type": "string"}}}) == Person(
        {"username": "probe"}, "probe"
    )


@pytest.mark.parametrize(
    ("trait", "value"),
    [
        ({"type": "string", "minLength": 8}, "probe000"),
        ({"type": "string", "maxLength": 3}, "pro"),
        ({"type": "string", "enum": ["a", "b"]}, "a"),
        ({"const": 7}, 7),
        ({"type": "string", "default": "de"}, "de"),
        ({"type": "string", "format": "date"}, "2000-01-01"),
        ({"type": "integer", "minimum": 18}, 18),
        ({"type": "number"}, 0),
        ({"type": "boolean"}, False),
        ({"type": ["string", "null"]}, "probe"),
        ({"type": "array", "minItems": 2, "items": {"type": "string"}}, ["probe", "probe"]),
        ({"type": "object", "properties": {"a": {"type": "string"}, "b": {}}, "required": ["a"]}, {"a": "probe"}),
        ({"type": "string", "pattern": r"^[a-z]+@corp\.example$"}, "probe@corp.example"),
        ({"type": "string", "pattern": r"^\d{3}$"}, "295"),
        ({"type": "string", "pattern": "^[A-Z0-9-]+$"}, "PROBE"),
        ({"type": "string", "pattern": "^CUST-[0-9]+$"}, "CUST-2956239461"),
        ({"type": "string", "pattern": "^x.y$", "examples": ["x-y"]}, "x-y"),
        ({"type": "string", "pattern": "(unclosed"}, "probe"),
        ({"$ref": "#/definitions/name"}, {"first": "probe"}),
        ({"allOf": [{"type": "object"}, {"properties": {"x": {"type": "integer"}}, "required": ["x"]}]}, {"x": 0}),
        ({"anyOf": [{"type": "string", "format": "tel"}, {"type": "null"}]}, "+15555550100"),
    ],
)
def test_what_is_required_is_given(trait: dict[str, Any], value: Any) -> None:
    name = {"type": "object", "properties": {"first": {"type": "string"}}, "required": ["first"]}
    found = made({"properties": {"email": EMAIL, "other": trait}, "required": ["other"]}, definitions={"name": name})
    assert found.traits == {"email": "probe@example.com", "other": value} and found.identifier == "probe@example.com"


def test_the_published_schema() -> None:
    """Three traits to log in by, and only one of them is required."""
    username = {"type": "string", "maxLength": 20, "pattern": "^[a-z0-9]+$", **PASSWORD}
    phone = {"type": "string", "pattern": r"^(\+?\d{1,3})?\d{1,4}$", **PASSWORD}
    found = made({"properties": {"username": username, "email": EMAIL, "phone": phone}, "required": ["email"]})
    assert found == Person({"email": "probe@example.com"}, "probe@example.com")


def test_an_identifier_deep_inside() -> None:
    inner = {"type": "object", "properties": {"mail": EMAIL, "phone": {"type": "string"}}}
    found = made({"properties": {"contact": inner, "note": {"type": "string"}}})
    assert found == Person({"contact": {"mail": "probe@example.com"}}, "probe@example.com")


def test_a_schema_that_names_itself_ends() -> None:
    node = {"type": "object", "properties": {"next": {"$ref": "#/definitions/node"}}, "required": ["next"]}
    assert made({"properties": {"tree": node}, "required": ["tree"]}, definitions={"node": node}).identifier == ""


def test_no_identifier() -> None:
    assert made({"properties": {"name": {"type": "string"}}}) == Person({}, "")
    assert person({}, "probe") == Person({}, "")
