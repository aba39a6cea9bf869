# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From what was seen to the rows: pure, one judge after the other, what is wrong first."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from ansible_collections.olympus.bluegreen.plugins.module_utils._preflight import (
    budgets,
    environment,
    intent,
    look_probe,
    services,
    software,
)
from ansible_collections.olympus.bluegreen.plugins.module_utils._preflight.model import (
    LEVELS,
    WARN,
    Observed,
    Row,
    Wanted,
    failed,
)

Judge = Callable[[Observed, Wanted], Iterable[Row]]
JUDGES: tuple[Judge, ...] = (
    intent.settings,
    intent.source,
    intent.secrets,
    intent.images,
    intent.state_dir,
    intent.publish,
    intent.published,
    budgets.connections,
    budgets.memory,
    budgets.disks,
    budgets.cpu,
    software.versions,
    software.python_modules,
    software.clock,
    software.setup,
    software.network_range,
    software.auto_update,
    software.boot,
    environment.names,
    environment.routes,
    environment.certificates,
    services.services,
    environment.database,
    environment.login_limit,
    environment.hydra,
    look_probe.rows,
    budgets.courier,
    budgets.dependents,
)
# Sections whose failure is a row of its own check.
OWN_ROW = ("source", "database", "probe")


def rows(seen: Observed, wanted: Wanted) -> list[Row]:
    """Every row: refused ones first, then warnings, then what is well, each in the order of the judges."""
    found = [one for judge in JUDGES for one in judge(seen, wanted)]
    found += [
        failed("look", WARN, why, "an answer", about=section)
        for section, why in sorted(seen.errors.items())
        if section not in OWN_ROW
    ]
    return sorted(found, key=lambda one: (one.ok, LEVELS.index(one.level) if not one.ok else 0))


def refusals(found: Iterable[Row]) -> list[str]:
    """One sentence for each row that stops a stage."""
    return [
        "%s: %s. Fix: %s" % (one.check, one.found, one.fix) for one in found if not one.ok and one.level == "refuse"
    ]
