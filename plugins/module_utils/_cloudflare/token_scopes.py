# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the API token may do, asked before anything is begun.

Reading a list proves the reading half. The writing half is in the token's policies, which a token may read only with
a permission of its own ("API Tokens Read"); without that it stays unknown, and the first write is the question.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from .._core.errors import Refused
from .api import BALANCERS, POOLS, Api, ApiError

WRITE_BALANCERS = BALANCERS + " Write"
WRITE_POOLS = POOLS + " Write"


@dataclass(frozen=True)
class Scopes:
    """``groups`` are the names of the permissions, None where the token may not read its own policies."""

    groups: frozenset[str] | None

    def require(self, wanted: Iterable[str]) -> None:
        """Refused with the names of what is missing."""
        missing = [name for name in wanted if self.groups is not None and name not in self.groups]
        if missing:
            raise Refused(
                "the API token lacks the permission '%s'" % "', '".join(missing),
                fix="add it in Cloudflare (My Profile, API Tokens), or make a token from docs/cloudflare.md",
            )

    def result(self) -> dict[str, object]:
        names = None if self.groups is None else sorted(self.groups)
        return {"permissions": names, "permissions_known": self.groups is not None}


def ask(api: Api, account: str) -> Scopes:
    """A token belongs to a user or to the account. Refused where it is no valid one."""
    for owner in ("/user", "/accounts/" + account):
        try:
            token = api.get(owner + "/tokens/verify") or {}
        except ApiError as exc:
            if exc.status not in (400, 401, 403, 404):
                raise
            continue
        if token.get("status") != "active":
            raise Refused("the API token is %s" % token.get("status"), fix="make a new one, or enable it")
        return Scopes(_groups(api, "%s/tokens/%s" % (owner, token.get("id"))))
    raise Refused(
        "Cloudflare does not know the API token",
        fix="give a valid one by api_token, api_token_file or CLOUDFLARE_API_TOKEN",
    )


def _groups(api: Api, path: str) -> frozenset[str] | None:
    try:
        policies: list[Mapping[str, Any]] = (api.get(path) or {}).get("policies") or []
    except ApiError as exc:
        if exc.status not in (401, 403, 404):
            raise
        return None
    allowed = [one for one in policies if one.get("effect") == "allow"]
    return frozenset(str(group.get("name")) for one in allowed for group in one.get("permission_groups") or [])
