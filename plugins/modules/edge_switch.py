#!/usr/bin/python
# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: edge_switch
short_description: Ask or move the switch of a deployment, whatever its edge is
version_added: 1.0.0
description:
  - Calls M(olympus.bluegreen.cloudflare_lb_pool) where O(kind), or C(edge.kind) of O(deployment), is V(cloudflare), and
    M(olympus.bluegreen.caddy_upstream) elsewhere.
  - Options that are not given have the defaults of the called module. The result is that of the called module.
author: "olympus.bluegreen authors (@olympusoss)"
extends_documentation_fragment: olympus.bluegreen.attributes
attributes:
  check_mode:
    description: As in the called module.
  diff_mode:
    description: As in the called module.
options:
  state:
    description: The state of the called module. V(previewed) needs a Caddy.
    type: str
    choices: [read, adopted, undone, previewed, live, returned, drained]
    default: read
  kind:
    description:
      - The kind of edge. It is C(edge.kind) of M(olympus.bluegreen.caddy_upstream), or V(cloudflare).
      - Without it C(edge.kind) of O(deployment) counts. Another value there is refused.
    type: str
    choices: [container, native, cloudflare]
  deployment:
    description:
      - The deployment as M(olympus.bluegreen.release_deployment) describes it. C(edge) names the kind of edge.
    type: dict
  options:
    description:
      - Options of the called module, as its page has them. They do without O(deployment).
      - One that O(deployment) says as well must have the same value there.
    type: dict
    default: {}
  colour:
    description:
      - The colour to make live or to drain.
      - Required with O(state=live) and O(state=drained).
    type: str
  release:
    description: The release that O(colour) must hold.
    type: str
  token:
    description: The fencing token of this run. Without it, the act uses the token that the switch has when it begins.
    type: int
  force:
    description:
      - With O(state=returned), go back even if the target does not answer.
      - With O(state=undone), remove the switch even if that loses later edits.
    type: bool
  keep_sticky:
    description: With O(state=returned), keep sessions and forms pinned to the colour that is left.
    type: bool
  assume_live:
    description: With O(state=adopted) and a Caddy, the colour that was live, where the switch directory is lost.
    type: str
  accept_pending:
    description: With a Caddy, let a reload put a configuration file into force that differs from what the edge runs.
    type: bool
  deadline:
    description: With O(state=drained), how long to wait, in seconds.
    type: float
seealso:
  - module: olympus.bluegreen.caddy_upstream
  - module: olympus.bluegreen.cloudflare_lb_pool
  - module: olympus.bluegreen.release_deployment
"""

EXAMPLES = r"""
- name: Ask who is live
  olympus.bluegreen.edge_switch:
    deployment: &deployment
      name: olympus
      project: prod
      services: {site: {kind: site, port: 3000}}
      edge: {kind: native, caddyfile: /etc/caddy/Caddyfile}

- name: Flip any Caddy of this host
  olympus.bluegreen.edge_switch:
    state: live
    colour: green
    kind: native
    options:
      edge: {caddyfile: /etc/caddy/Caddyfile}
      upstreams: [{dial: "localhost:9001", blue: "127.0.0.1:9001", green: "127.0.0.1:9002"}]

- name: Adopt the edge
  olympus.bluegreen.edge_switch:
    state: adopted
    deployment: *deployment

- name: Flip to green
  olympus.bluegreen.edge_switch:
    state: live
    colour: green
    deployment: *deployment

- name: Roll back
  olympus.bluegreen.edge_switch:
    state: returned
    deployment: *deployment

- name: Drain blue
  olympus.bluegreen.edge_switch:
    state: drained
    colour: blue
    deployment: *deployment
"""

RETURN = r"""
live:
  description: The colour that is live according to the switch. Empty where there is no switch.
  type: str
  returned: success
  sample: green
idle:
  description: The colour that is not live. Empty where there is no switch.
  type: str
  returned: success
  sample: blue
adopted:
  description: Whether the edge decides by the switch. The other values are those of the called module.
  type: bool
  returned: success
  sample: true
"""
