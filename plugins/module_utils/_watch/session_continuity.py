# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Does the new colour honour what the old one gave out: a session opened on the old colour, and its signing keys.

A refusal counts only while the old colour itself still says yes.
"""

from __future__ import annotations

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.http import Http
from ansible_collections.olympus.bluegreen.plugins.module_utils._health import answers, checks, oauth, ory_admin
from ansible_collections.olympus.bluegreen.plugins.module_utils._health.model import Domain
from ansible_collections.olympus.bluegreen.plugins.module_utils._health.session import Failed, Visit
from ansible_collections.olympus.bluegreen.plugins.module_utils._watch.config import Config

SECONDS = 4.0
SESSION, KEYS = "a session of the old colour is refused", "signing keys of the old colour are missing"
REFUSED = 401


class Continuity:
    """``look()`` tells for each rule why it is broken, or None. A side that can't be asked tells nothing."""

    def __init__(self, config: Config, http: Http) -> None:
        self._http = http
        self._names = list(config.probes)
        new, old = config.wanted(config.colour), config.wanted(config.old)
        self._domains = {
            name: (checks.domain(new, config.colour, name), checks.domain(old, config.old, name))
            for name in self._names
        }
        self._secrets = new.secrets
        self._tokens: dict[str, str] = {}

    def open(self) -> None:
        """A session on the old colour for every domain that has none yet."""
        for name in self._names:
            if name not in self._tokens and name in self._secrets:
                try:
                    token = ory_admin.open_session(self._visit(self._domains[name][1]), self._secrets[name])
                except Failed:
                    continue
                self._tokens[name] = token

    def close(self) -> None:
        """Log the sessions out again where they were made."""
        for name, token in self._tokens.items():
            try:
                ory_admin.close_session(self._visit(self._domains[name][1]), token)
            except Failed:
                continue
        self._tokens = {}

    def look(self) -> dict[str, str | None]:
        sessions = [self._session(name, token) for name, token in list(self._tokens.items())]
        keys = [self._keys(name) for name in self._names]
        found: dict[str, str | None] = {}
        if sessions:
            found[SESSION] = "; ".join(filter(None, sessions)) or None
        if keys:
            found[KEYS] = "; ".join(filter(None, keys)) or None
        return found

    def _session(self, name: str, token: str) -> str:
        new, old = self._domains[name]
        try:
            if ory_admin.ask_whoami(self._visit(new), token).status != REFUSED:
                return ""
            kept = ory_admin.ask_whoami(self._visit(old), token)
            if kept.status == REFUSED:
                # It was ended for both, as a logout of its person does: another one will be opened.
                self._tokens.pop(name, None)
            if answers.whoami(kept) == "":
                return "%s: whoami answers 401 on %s and 200 on %s" % (name, new.side, old.side)
        except Failed:
            return ""
        return ""

    def _keys(self, name: str) -> str:
        new, old = self._domains[name]
        try:
            missing = oauth.key_ids(self._visit(old)) - oauth.key_ids(self._visit(new))
        except Failed:
            return ""
        return "%s: %d of them on %s" % (name, len(missing), new.side) if missing else ""

    def _visit(self, domain: Domain) -> Visit:
        return Visit(self._http, domain, SECONDS)
