# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How much a gate or a watch has proven: what was left out or could not be asked, in plain sentences. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.olympus.bluegreen.plugins.module_utils._health.checks import OF_A_UI, Wanted, cannot
from ansible_collections.olympus.bluegreen.plugins.module_utils._health.model import CheckResult, Secrets

# A login was proven at every domain and nothing is left out; something is; nobody tried to log in.
FULL, PARTIAL, NO_LOGIN = "full", "partial", "no_login"
LOGINS = ("login", "code_flow")
NO_LOGIN_TRIED = "no login was tried"


def untested(wanted: Wanted, found: Sequence[CheckResult] = ()) -> list[str]:
    """One sentence for each thing that nobody has tried; empty where all that was asked for was tried."""
    said = []
    if level(wanted) == NO_LOGIN:
        said.append("%s: %s" % (NO_LOGIN_TRIED, _why(wanted)))
    said += ["%s was left out (bluegreen_checks.skip)" % name for name in wanted.skip]
    said += [
        "%s of %s was not asked: %s" % (name, key, why)
        for name in wanted.checks
        if name not in wanted.skip and (name in OF_A_UI or name == "tokens")
        for key, probe in wanted.probes.items()
        if (why := cannot(name, probe, wanted.secrets.get(key, Secrets("", ""))))
    ]
    said += ["%s of %s: %s" % (one.name, one.service, one.untested) for one in found if one.untested]
    return said


def level(wanted: Wanted, found: Sequence[CheckResult] = ()) -> str:
    """FULL, PARTIAL or NO_LOGIN."""
    if not wanted.probes or not any(name in wanted.checks and name not in wanted.skip for name in LOGINS):
        return NO_LOGIN
    left_out = any(cannot("code_flow", probe, Secrets("", "")) for probe in wanted.probes.values())
    return PARTIAL if left_out or wanted.skip or any(one.untested for one in found) else FULL


def _why(wanted: Wanted) -> str:
    if not wanted.probes:
        return "bluegreen_probes names no probe"
    return "the checks login and code_flow were left out"


def of_result(result: Mapping[str, Any]) -> str:
    """What a play prints of a gate: '' where it is a plain pass."""
    return "; ".join(str(one) for one in result.get("untested") or [])
