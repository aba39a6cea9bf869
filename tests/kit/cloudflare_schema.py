# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Request bodies checked against the types of Cloudflare's official SDK, which are its published schema."""

from __future__ import annotations

import types
import typing
from collections.abc import Mapping
from typing import Any, Literal, Union

from cloudflare._types import SequenceNotStr
from cloudflare._utils import PropertyInfo
from cloudflare.types.load_balancers import (
    load_balancer_create_params,
    load_balancer_edit_params,
    load_balancer_update_params,
    monitor_create_params,
    monitor_edit_params,
    monitor_update_params,
    pool_create_params,
    pool_edit_params,
    pool_update_params,
)
from cloudflare.types.zones import zone_list_params
from typing_extensions import NotRequired, Required, get_origin, get_type_hints, is_typeddict

KINDS: dict[tuple[str, str], Any] = {
    ("load_balancers", "POST"): load_balancer_create_params.LoadBalancerCreateParams,
    ("load_balancers", "PUT"): load_balancer_update_params.LoadBalancerUpdateParams,
    ("load_balancers", "PATCH"): load_balancer_edit_params.LoadBalancerEditParams,
    ("pools", "POST"): pool_create_params.PoolCreateParams,
    ("pools", "PUT"): pool_update_params.PoolUpdateParams,
    ("pools", "PATCH"): pool_edit_params.PoolEditParams,
    ("monitors", "POST"): monitor_create_params.MonitorCreateParams,
    ("monitors", "PUT"): monitor_update_params.MonitorUpdateParams,
    ("monitors", "PATCH"): monitor_edit_params.MonitorEditParams,
}
# Parameters of the SDK that go into the path.
PATH = ("account_id", "zone_id")


def wrong_query(kind: str, query: Mapping[str, str]) -> str:
    """What is wrong with the parameters of a list; '' where the SDK's types allow it. Numbers come as text."""
    given = {name: float(one) if one.replace(".", "", 1).isdigit() else one for name, one in query.items()}
    return _typed_dict({"zones": zone_list_params.ZoneListParams}[kind], given, kind)


def wrong(kind: str, method: str, body: Any) -> str:
    """What is wrong with the body of a request; '' where the SDK's types allow it."""
    return _typed_dict(KINDS[kind, method], body, kind)


def _typed_dict(kind: Any, value: Any, where: str) -> str:
    if not isinstance(value, Mapping):
        return "%s: not an object" % where
    hints = get_type_hints(kind, include_extras=True)
    known = {_alias(name, hint): hint for name, hint in hints.items() if name not in PATH}
    unknown = [name for name in value if name not in known]
    if unknown:
        return "%s: unknown %s" % (where, unknown[0])
    # Postponed annotations keep __required_keys__ from knowing.
    missing = [name for name, hint in known.items() if get_origin(hint) is Required and name not in value]
    if missing:
        return "%s: %s is missing" % (where, missing[0])
    told = (_value(known[name], one, "%s.%s" % (where, name)) for name, one in value.items())
    return next((text for text in told if text), "")


def _alias(name: str, hint: Any) -> str:
    found = [one.alias for one in getattr(hint, "__metadata__", ()) if isinstance(one, PropertyInfo) and one.alias]
    inner = typing.get_args(hint)
    if not found and get_origin(hint) in (Required, NotRequired):
        return _alias(name, inner[0])
    return found[0] if found else name


def _value(hint: Any, value: Any, where: str) -> str:
    origin, args = get_origin(hint), typing.get_args(hint)
    if origin in (Required, NotRequired) or hasattr(hint, "__metadata__"):
        return _value(args[0], value, where)
    if origin in (Union, types.UnionType):
        told = [_value(one, value, where) for one in args]
        return "" if "" in told else told[0]
    if origin is Literal:
        return "" if value in args else "%s: %r is none of %s" % (where, value, list(args))
    if is_typeddict(hint):
        return _typed_dict(hint, value, where)
    if origin is dict:
        if not isinstance(value, dict):
            return "%s: not an object" % where
        told = [_value(args[1], one, "%s.%s" % (where, key)) for key, one in value.items()]
        return next((text for text in told if text), "")
    if origin in (list, SequenceNotStr) or getattr(origin, "__name__", "") in ("Iterable", "Sequence"):
        if not isinstance(value, list):
            return "%s: not a list" % where
        told = [_value(args[0], one, "%s[%d]" % (where, at)) for at, one in enumerate(value)]
        return next((text for text in told if text), "")
    return _plain(hint, value, where)


def _plain(hint: Any, value: Any, where: str) -> str:
    if hint is type(None):
        return "" if value is None else "%s: not null" % where
    allowed = {float: (int, float), int: (int,), str: (str,), bool: (bool,), object: (object,)}
    if hint not in allowed:
        raise TypeError("%s: a type that this does not know: %r" % (where, hint))
    fits = isinstance(value, allowed[hint]) and (hint in (bool, object) or not isinstance(value, bool))
    return "" if fits else "%s: %r is no %s" % (where, value, hint.__name__)
