# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Preview: who knows a release's secret reaches the idle colour at the public names, whichever colour that is.

The secret is made here and never leaves this host: it lies as a whole header line in a file of mode 0600 that
``curl -H @file`` reads, so it stands in no argument, result or log of ours.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from ..._core.errors import BluegreenError, Refused
from ..._core.files import read_text, write_atomic
from ..._core.hostname import spelled
from ..._core.names import OTHER
from ..._core.plan import Plan, Step
from ..._switch import preview_secret
from ..config import our_routes
from ..config.snippets import PREVIEW_HEADER
from ..running.base import root_of
from . import anonymous_visit
from .traffic import Traffic, release_of

Public = Sequence[Mapping[str, str]]


@dataclass(frozen=True)
class Preview:
    """Of the idle colour, which holds ``release``."""

    traffic: Traffic
    state_dir: str
    release: str

    @classmethod
    def of(cls, traffic: Traffic, state_dir: str, release: str = "") -> Preview:
        idle = OTHER.get(traffic.switch.read().live, "")
        return cls(traffic, state_dir, release or release_of(state_dir, idle))

    @property
    def file(self) -> str:
        return os.path.join(self.state_dir, "releases", self.release, "preview")

    def _secret(self) -> str:
        """What the file says; '' where it says none."""
        name, _colon, said = (read_text(self.file) or "").strip().partition(": ") if self.release else ("", "", "")
        return said if name == PREVIEW_HEADER and preview_secret.FORM.fullmatch(said) else ""

    def instructions(self, public: Public) -> dict[str, Any]:
        """How a person previews: the file, and a command for each public name. Empty where there is no preview."""
        said = self._secret()
        if not said or not self.traffic.switch.previews(said):
            return {}
        scheme = self.traffic.edge.options.scheme
        commands = ["curl -H @%s %s://%s%s" % (self.file, scheme, spelled(one["host"]), one["path"]) for one in public]
        return {"file": self.file, "commands": commands}

    def plan(self) -> Plan:
        self._require()
        said = self._secret()
        there = bool(said) and self.traffic.switch.previews(said)
        step = Step("preview", self.traffic.switch.path, "the idle colour for who can read %s" % self.file)
        return Plan({"preview": there}, {"preview": True}, () if there else (step,))

    def make(self, token: int) -> None:
        """The file first: a secret that the edge takes can always be read there."""
        said = self._secret()
        if not said:
            said = preview_secret.new()
            os.makedirs(os.path.dirname(self.file), mode=0o750, exist_ok=True)
            write_atomic(self.file, "%s: %s\n" % (PREVIEW_HEADER, said), 0o600)
        self.traffic.switch.preview(said, token)

    def seen(self, public: Public, timeout: float) -> list[Mapping[str, object]]:
        """Every public name has answered with the idle colour, and no worse than with the live one. Raises
        BluegreenError where one does not."""
        clock, ask = self.traffic.clock, partial(self.traffic.ask, headers={PREVIEW_HEADER: self._secret()})
        idle = OTHER[self.traffic.switch.read().live]
        deadline = clock.monotonic() + timeout

        while True:
            seconds = min(anonymous_visit.SECONDS, max(0.1, deadline - clock.monotonic()))
            answers = anonymous_visit.together(ask, public, seconds)
            worse = self._worse([one for one in answers if int(str(one["status"])) >= 500], seconds)
            wrong = [one for one in answers if one["colour"] != idle or (one["host"], one["path"]) in worse]
            if not wrong:
                return answers
            if clock.monotonic() > deadline:
                shown = [{**one, "colour": one["colour"] or "no colour"} for one in wrong]
                said = ["%(host)s%(path)s says %(colour)s with status %(status)s" % one for one in shown]
                raise BluegreenError(
                    "in the preview %s does not answer: %s" % (idle, "; ".join(said)),
                    fix="read the log of the service behind that name; nothing was flipped",
                    partial={"observed": answers},
                )
            clock.sleep(0.2)

    def _worse(self, failed: Sequence[anonymous_visit.Answer], seconds: float) -> set[tuple[str, str]]:
        """Those of these 5xx that the live colour does not answer there."""
        names = [{"host": str(one["host"]), "path": str(one["path"])} for one in failed]
        answers = anonymous_visit.together(self.traffic.ask, names, seconds)
        return {(str(one["host"]), str(one["path"])) for one in answers if int(str(one["status"])) < 500}

    def _require(self) -> None:
        if not self.release or os.path.basename(self.release) != self.release:
            raise Refused(
                "the idle colour has no release", option="release", value=self.release, fix="run the deploy stage first"
            )
        config = self.traffic.config()
        if not our_routes.has_preview(config, root_of(self.traffic.edge)):
            raise Refused("the edge's configuration has no preview", fix="run the adopt stage again")
