# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From where a colour is asked, and at which address."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  publish:
    description:
      - How the edge reaches a colour, and from where it is asked then.
      - V(network) asks from inside the edge container at the addresses on the colour's edge network.
      - V(loopback) or an IPv4 address of this host asks from the host at the ports published there.
    type: str
    default: network
  port_base:
    description: The first published port of each colour.
    type: dict
    default: {}
"""
