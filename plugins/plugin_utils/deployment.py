# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which description of the deployment the stages of a run go by: the record's, or that of a look. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import BluegreenError
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.finding import (
    Problem,
    of_error,
    problem,
    sentences,
)
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.names import STATE_DIR
from ansible_collections.olympus.bluegreen.plugins.module_utils._deployment.tree import BY_NAME, NAME
from ansible_collections.olympus.bluegreen.plugins.module_utils._discovery import answers, record
from ansible_collections.olympus.bluegreen.plugins.plugin_utils import settings
from ansible_collections.olympus.bluegreen.plugins.plugin_utils.hooks import Hooks
from ansible_collections.olympus.bluegreen.plugins.plugin_utils.setting_checks import (
    REFUSE,
    blank,
    unusable,
    wrong_settings,
)

OF_DEPLOYMENT = tuple(name for name, one in settings.SETTINGS.items() if one.name in BY_NAME)
# A secret is in no fact; host and version are the guard's.
OF_RUN = {
    settings.PREFIX + one.name: one for one in settings.RUN if not one.secret and one.name not in ("host", "version")
}
SETTINGS = (*OF_DEPLOYMENT, *OF_RUN)
# These go by what is recorded, whatever the settings say meanwhile.
GO_ON = ("rollback", "watch", "status")
PLAY = "ansible-playbook bluegreen.yml"


def deployment(variables: Mapping[str, Any], learned: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The settings among ``variables``, over what was ``learned``. Raises BluegreenError for one that is wrong."""
    there = {str(name) for name in variables}
    given = {name: variables[name] for name in OF_DEPLOYMENT if name in there and not blank(variables[name])}
    refused = [row["sentence"] for row in wrong_settings(given) if row["level"] == REFUSE]
    if refused:
        raise BluegreenError("\n".join(refused))
    return answers.described(learned or {}, answers.from_settings(given))


def goes_on(stages: Iterable[str]) -> bool:
    """Whether a run has only stages that nothing mistyped may stop."""
    return not set(stages) - set(GO_ON) - {"always"}


def run_settings(given: Mapping[str, Any]) -> dict[str, Any]:
    """What is about this run, each of its own type: as it is given, else its default. Without one, it is not there."""
    wrong, made = unusable({name: given[name] for name in OF_RUN if name in given}), {}
    for name, one in OF_RUN.items():
        value = one.default if name in wrong else given.get(name, one.default)
        if one.option_type == "str":
            made[one.name] = str(value or "").strip()
        elif value is not None:
            made[one.name] = _typed(one.option_type, value)
    return made


def _typed(kind: str, value: Any) -> Any:
    if kind == "bool":
        return str(value).lower() in answers.TRUE
    return int(float(value)) if kind == "int" else float(value) if kind == "float" else value


@dataclass(frozen=True)
class Asked:
    """``stages``: the run's tags. ``settings``: those that are given, by name. ``undo``: adopt is to be undone."""

    stages: tuple[str, ...]
    undo: bool = False
    settings: Mapping[str, Any] = field(default_factory=dict)
    hooks: Hooks = field(default_factory=Hooks)

    @classmethod
    def of(cls, stages: Iterable[str], given: Mapping[str, Any], directory: str) -> Asked:
        """Blank answers are none; ``directory`` is where the paths of hooks begin."""
        told = {name: value for name, value in given.items() if not blank(value)}
        run = run_settings(told)
        return cls(tuple(stages), run["undo"], told, Hooks.find(run["hooks"], directory))

    @property
    def run(self) -> dict[str, Any]:
        """For the plays: each of its type, the hooks with absolute paths."""
        return {**run_settings(self.settings), "hooks": dict(self.hooks.paths)}

    @property
    def told(self) -> dict[str, Any]:
        return answers.from_settings(self.settings)

    @property
    def usable(self) -> dict[str, Any]:
        """What the settings say that are not refused."""
        wrong = unusable(self.settings)
        return answers.from_settings({name: one for name, one in self.settings.items() if name not in wrong})

    @property
    def name(self) -> str:
        return str(self.told.get("name") or NAME)

    @property
    def state_dir(self) -> str:
        return str(self.told.get("state_dir") or STATE_DIR)

    @property
    def record(self) -> str:
        return record.path(self.state_dir)

    @property
    def adopts(self) -> bool:
        return "adopt" in self.stages and not self.undo

    def arguments(self, known: Known) -> dict[str, Any]:
        """The module's options for a look."""
        given = {key: value for key, value in self.told.items() if key not in ("name", "state_dir", "git")}
        return {"state": "learned", "name": self.name, "state_dir": self.state_dir, "told": given}


@dataclass(frozen=True)
class Known:
    """``learned``: what is known, {} for nothing. ``wrong``: why it can't be used as it is."""

    learned: Mapping[str, Any] = field(default_factory=dict)
    recorded: bool = False
    look: bool = False
    wrong: tuple[Problem, ...] = ()
    said: tuple[str, ...] = ()

    @classmethod
    def parse(cls, text: str, asked: Asked) -> Known:
        """From the record's text. A rollback and a watch go by what there is; all others look where there is none."""
        try:
            known = record.parse(text, asked.record)
            wrong: tuple[Problem, ...] = ()
        except BluegreenError as exc:
            known, wrong = {}, (of_error(exc),)
        never = not set(asked.stages) - {"rollback", "watch", "always"}
        look = asked.adopts or (not known and not never)
        return cls(known, bool(known), look, () if look else wrong)

    def seen(self, looked: Mapping[str, Any], asked: Asked) -> Known:
        """After a look, ``looked`` being the module's result. One that failed leaves what was recorded."""
        if looked.get("failed"):
            why = str(looked.get("msg") or "")
            if self.recorded:
                return replace(self, said=("The running stack could not be read, the record is used: " + why,))
            failed = Problem(why, said=str(looked.get("said") or why), fix=str(looked.get("fix") or ""))
            return replace(self, wrong=(failed,))
        wrong = tuple(problem(one) for one in looked["findings"])
        return Known(looked["learned"], False, True, wrong, tuple(looked["lines"]))

    def described(self, asked: Asked) -> dict[str, Any]:
        values = self.learned.get("values") or {}
        place = {"name": asked.name, "state_dir": asked.state_dir}
        # A rollback goes by the record where a setting is refused; no module may refuse it again.
        told = asked.usable if self.recorded and goes_on(asked.stages) else asked.told
        try:
            return {**answers.described(values, told), **place}
        except (AttributeError, KeyError, TypeError, ValueError):
            # Settings of another shape, which the guard did not refuse: a rollback.
            return {**answers.described(values, {}), **place}

    def problems(self, asked: Asked) -> list[Problem]:
        """Why the stages may not go on: what a look said, or where the settings contradict the record."""
        found = [*self.wrong, *asked.hooks.missing]
        if self.recorded and not goes_on(asked.stages):
            found += map(problem, answers.contradictions(self.learned, asked.told, False))
        return found

    def lines(self, asked: Asked) -> list[str]:
        """What people are told: on adopt what was learned, with status what is wrong."""
        if "status" in asked.stages:
            return ["PROBLEM    " + one for one in self.problems(asked)]
        return ["learned: " + one for one in self.said] if asked.adopts else []

    def result(self, asked: Asked) -> dict[str, Any]:
        """The task's result: ``described``, what adopt records (``learned``), and rows for preflight's table."""
        problems = self.problems(asked)
        made = {
            "described": self.described(asked),
            "learned": dict(self.learned),
            "run": asked.run,
            "problems": sentences(problems),
        }
        told_by_table = not set(asked.stages) - {"preflight", "always"}
        if problems and not goes_on(asked.stages) and not (told_by_table and self.learned):
            return {"failed": True, "msg": " ".join(problems), "problems": sentences(problems)}
        return {**made, "rows": [row(one) for one in problems] if told_by_table else []}


def row(one: Problem) -> dict[str, str]:
    """A problem as ``wrong_settings`` says those of settings."""
    return {
        "level": "refuse",
        "name": one.setting if one.setting.startswith("bluegreen_") else "running stack",
        "found": one.said.rstrip("."),
        "wanted": "what the running stack says",
        "fix": one.fix,
        "sentence": str(one),
    }
