# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which deployment is probed, and as which person and OAuth client."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  state_dir:
    description: The state directory of the deployment on this host. The recorded addresses are read from it.
    type: path
    default: /var/lib/olympus-bluegreen
  shared:
    description: Names of the shared services that coloured ones talk to.
    type: list
    elements: str
    default: []
  probes:
    description:
      - "Per domain what the journeys need: C(kratos), C(hydra) and C(hera) (names of services), C(login_host),
        C(oauth_host), C(identifier), C(client_id), C(redirect_uri), C(scope)."
      - Without C(hera) no login through pages is tried there, and the result says so. C(scope) is V(openid offline) by
        default.
    type: dict
    default: {}
  probe_secrets:
    description:
      - Per domain the C(password) of the probe identity and the C(client_secret) of the probe client.
      - Hydra is asked how the client shows its secret. A public client has none.
    type: dict
    default: {}
"""
