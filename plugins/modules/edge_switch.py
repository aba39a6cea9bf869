#!/usr/bin/python
# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: edge_switch
short_description: The switch of a deployment, whichever kind of edge it has
version_added: 1.0.0
description:
  - Hands a question or an order to the module of the deployment's edge. That is M(olympus.bluegreen.cloudflare_lb_pool)
    where C(edge.kind) is V(cloudflare), and M(olympus.bluegreen.caddy_upstream) elsewhere.
  - What the module is not given has its own defaults; its result is the result.
author: "olympus.bluegreen authors (@olympusoss)"
attributes:
  check_mode:
    description: As the module of the edge has it.
    support: full
  diff_mode:
    description: As the module of the edge has it.
    support: full
options:
  state:
    description: As the module of the edge has it. A Cloudflare edge is not V(previewed).
    type: str
    choices: [read, adopted, undone, previewed, live, returned, drained]
    default: read
  deployment:
    description:
      - The deployment as M(olympus.bluegreen.release_deployment) describes it.
        Its C(edge) says which kind of edge it has.
    type: dict
    required: true
  colour:
    description: The colour to make live or to drain.
    type: str
  release:
    description: The release that the colour has to hold.
    type: str
  token:
    description: The fencing token of this run. Without it this act goes by the one that the switch has when it begins.
    type: int
  force:
    description: Go back to a target that seems dead; take the switch out though edits made since are lost.
    type: bool
  keep_sticky:
    description: With O(state=returned), keep what is pinned to the colour left behind.
    type: bool
  assume_live:
    description: With O(state=adopted) and a Caddy, the colour that was live, where the switch directory is lost.
    type: str
  accept_pending:
    description: With a Caddy, let its configuration file go live although it does not say what the edge runs.
    type: bool
  deadline:
    description: With O(state=drained), how long to wait, in seconds.
    type: float
seealso:
  - module: olympus.bluegreen.caddy_upstream
  - module: olympus.bluegreen.cloudflare_lb_pool
"""

EXAMPLES = r"""
- name: Back
  olympus.bluegreen.edge_switch:
    state: returned
    deployment: "{{ bluegreen_described }}"

- name: Who is live
  olympus.bluegreen.edge_switch:
    deployment:
      name: olympus
      project: prod
      services: {site: {kind: site, port: 3000}}
      edge: {kind: native, caddyfile: /etc/caddy/Caddyfile}
"""

RETURN = r"""
live:
  description: The colour that the switch says is live; empty while there is none. The rest is as that module has it.
  type: str
  returned: success
"""
