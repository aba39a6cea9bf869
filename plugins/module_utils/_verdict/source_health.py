# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a source of evidence was heard all along. Silence is no evidence that all is well."""

from __future__ import annotations

# A source that is not heard for so long (seconds) is silent: a restart of the edge, or a round in which every
# question hangs, takes less.
PATIENCE = 30.0
# The part of the watch in which a source may be silent.
MOST = 0.1


class Pulse:
    """Counts by the watcher's own looks, so that no clock that is set can hide a silence."""

    def __init__(self) -> None:
        self.heard = 0
        self.silent = 0.0
        self._looked = self._quiet = 0.0
        self._fresh = False

    def look(self, seconds: float) -> None:
        """The watcher looked, ``seconds`` after its look before."""
        self._looked += seconds
        self._quiet = 0.0 if self._fresh else self._quiet + seconds
        self._fresh = False
        if self._quiet > PATIENCE:
            self.silent += seconds

    def beat(self) -> None:
        self.heard += 1
        self._fresh = True

    def missing(self) -> str:
        """What is missing, in plain words; '' where enough was heard."""
        if not self.heard:
            return "never"
        if self._quiet > PATIENCE and not self._fresh:
            return "not in the last %d s" % self._quiet
        if self.silent > MOST * self._looked:
            return "not in %d of %d s" % (self.silent, self._looked)
        return ""
