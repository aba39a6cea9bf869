# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options that say where an end is told, and where metrics lie."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  notify:
    description:
      - Where messages go and of which ends, with C(kind), C(url_file) and C(events) as O(deployment.notify) has them.
    type: dict
    default: {}
  notify_url:
    description:
      - The address that messages go to, where no file of this host holds it.
      - The action plugin takes it from the variable C(bluegreen_notify_url), or from the environment variable
        C(BLUEGREEN_NOTIFY_URL) of the controller.
    type: str
    default: ''
  textfile:
    description: A file for the textfile collector of node_exporter. Empty writes none.
    type: str
    default: ''
"""
