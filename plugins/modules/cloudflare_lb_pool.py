#!/usr/bin/python
# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: cloudflare_lb_pool
short_description: Flip the load balancers of Cloudflare between two colours
version_added: 1.0.0
description:
  - Flips the load balancers of all public names from one colour's pool to the other's and back, as one act. The act
    ends complete, is taken back, or the error says where each name stands.
  - Writes only what decides, which is the order of the pools or their weights, by the steering policy in force. It
    makes and changes only pools that carry the mark of the deployment.
  - The switch directory on the state host records the wanted colour before the first request. The next run finishes one
    that was killed, and a rollback works from everywhere.
  - Reads back every write and asks the public names, so a success means that visitors get the colour.
  - Asks the switch right before each write to a pool and right after it. A run that another one has overtaken corrects
    its last write and fails.
author: "olympus.bluegreen authors (@olympusoss)"
extends_documentation_fragment:
  - olympus.bluegreen.cloudflare
  - olympus.bluegreen.attributes
  - olympus.bluegreen.deployment
attributes:
  check_mode:
    description: Reports what the state would do. Only reads go to Cloudflare.
  diff_mode:
    description: The fields that the module writes, before and after.
options:
  state:
    description:
      - V(read) changes nothing. It lists what is wrong in RV(problems).
      - V(adopted) makes the switch and the pools that have O(pools.blue.origins) or O(pools.green.origins), and updates
        the pools that carry the mark. It writes no load balancer.
      - V(undone) removes the switch, while every name is on blue. It writes nothing at Cloudflare.
      - V(live) asks the health of the target pool, writes the way back, flips every load balancer to O(colour) and
        waits until every public name answers with it.
      - V(returned) flips back to where the last cutover said, fences every run that is still at work, and ends the
        sessions that are pinned to the colour left behind.
      - V(drained) drains the endpoints of O(colour), and waits until no session can be pinned to it.
    type: str
    choices: [read, adopted, undone, live, returned, drained]
    default: read
  state_dir:
    description: Directory of the collection's state on this host. The module reads the release of each colour there.
    type: path
    default: /var/lib/olympus-bluegreen
  switch_dir:
    description: Directory of this host that holds the switch.
    type: path
    default: /var/lib/olympus-bluegreen-edge
  colour:
    description: The colour to make live or to drain.
    type: str
    choices: [blue, green]
  weight:
    description:
      - With O(state=live), the percentage of new visitors that O(colour) gets. Less than V(100) leaves the other colour
        live in the switch, and needs a steering that has weights, else it is refused.
    type: int
    default: 100
  failover:
    description:
      - Keep the other colour's pool listed behind the live one, so that Cloudflare fails over to it.
      - With V(false) the module removes it from the list.
    type: bool
    default: true
  release:
    description: With O(state=live), the release that O(colour) has to hold according to the state directory.
    type: str
    default: ''
  token:
    description:
      - The fencing token of this run. Each write checks it, and refuses one that is older than the switch's.
      - Without it the module takes the token that the switch has when it begins, so a rollback in between stops it.
    type: int
  force:
    description:
      - With O(state=returned), go back to a pool that is not healthy.
      - With O(state=undone), remove the switch whatever colour serves.
    type: bool
    default: false
  keep_sticky:
    description: With O(state=returned), leave pinned sessions on the colour left behind. Only for a sound one.
    type: bool
    default: false
  require_monitor:
    description: With O(state=live), refuse a target pool that has no monitor or is not known to be healthy.
    type: bool
    default: true
  deadline:
    description: With O(state=drained), how long to wait, in seconds.
    type: float
    default: 60.0
  confirm_timeout:
    description: How long the public names may take to say the new colour, in seconds.
    type: float
    default: 60.0
  health_timeout:
    description: How long the health of the target pool may take to be known and good, in seconds.
    type: float
    default: 120.0
seealso:
  - module: olympus.bluegreen.edge_switch
    description: Calls this module or the one for Caddy, depending on the kind of edge.
  - module: olympus.bluegreen.caddy_upstream
    description: The same states for a running Caddy.
  - module: olympus.bluegreen.release_watch
    description: Judges a flip and rolls back by itself.
"""

EXAMPLES = r"""
- name: What every call needs, once
  module_defaults:
    olympus.bluegreen.cloudflare_lb_pool:
      account_id: 9a7806061c88ada191ed06f989cc3dac
      zone_id: 023e105f4ecef8ad9ca31a8372d0c353
      api_token_file: /etc/olympus-bluegreen/cloudflare-token
      public:
        - {host: login.example.com, path: /health}
        - {host: oauth.example.com, path: /health/ready}
      pools:
        blue: {name: olympus}
        green:
          name: olympus-green
          monitor: f1aba936b94213e5b8dca0c0dbf1f9cc
          origins: [{name: edge-2, address: 203.0.113.20}]
  block:
    - name: Make the second pool and the switch
      olympus.bluegreen.cloudflare_lb_pool:
        state: adopted

    - name: Flip
      olympus.bluegreen.cloudflare_lb_pool:
        state: live
        colour: green
        token: 7

    - name: See which colour each name serves, and what is wrong
      olympus.bluegreen.cloudflare_lb_pool:
        state: read

    - name: Roll back
      olympus.bluegreen.cloudflare_lb_pool:
        state: returned

    - name: End the drained colour's sessions before its containers go
      olympus.bluegreen.cloudflare_lb_pool:
        state: drained
        colour: blue
"""

RETURN = r"""
live:
  description: The colour that the switch says is live; empty without a switch.
  type: str
  returned: success
  sample: green
idle: {description: The other colour., type: str, returned: success, sample: blue}
return_to:
  description: Where a rollback goes; null before a cutover.
  type: dict
  returned: success
  contains:
    colour: {description: The colour., type: str, sample: blue}
    release: {description: Id of its release., type: str, sample: v1.4.0-1a630d11b8}
    flip: {description: Id of the cutover that a rollback reverts., type: str, sample: 5f3a1c9e0b7d2468}
    at: {description: "When that was, in seconds since the epoch.", type: float, sample: 1795000000.0}
  sample: {colour: blue, release: v1.4.0-1a630d11b8, flip: 5f3a1c9e0b7d2468, at: 1795000000.0}
by_hand:
  description: Whether a person moved the marker by hand since the module's last move, and no run has recorded that yet.
  type: bool
  returned: when there is a switch
  sample: false
token: {description: The fencing token., type: int, returned: success, sample: 7}
ready: {description: Whether the switch is complete., type: bool, returned: when there is a switch, sample: true}
warm:
  description: Colours that a cutover has warmed.
  type: list
  elements: str
  returned: when there is a switch
  sample: [blue]
assets:
  description: Colours whose static files stay reachable.
  type: list
  elements: str
  returned: when there is a switch
  sample: [blue]
removing:
  description: Colours that a cleanup or a deploy has begun to remove. No rollback goes there.
  type: list
  elements: str
  returned: when there is a switch
  sample: []
claimed:
  description: Whether a run took the token, and no rollback has fenced it since.
  type: bool
  returned: when there is a switch
  sample: true
damage:
  description: What is wrong in the switch directory; empty where nothing is.
  type: str
  returned: when there is a switch
  sample: ""
adopted:
  description: Whether switch and pools are there.
  type: bool
  returned: O(state=read), O(state=adopted), O(state=undone)
  sample: true
edge: {description: Always V(cloudflare)., type: str, returned: success, sample: cloudflare}
directory:
  description: The switch directory.
  type: str
  returned: success
  sample: /var/lib/olympus-bluegreen-edge/bluegreen
plain_names: {description: Always empty., type: list, elements: str, returned: success, sample: []}
open: {description: Always empty; Cloudflare does not tell., type: dict, returned: success, sample: {}}
hosts:
  description: One row for each public name.
  type: list
  elements: dict
  returned: success
  contains:
    host: {description: The public name., type: str, sample: login.example.com}
    id: {description: Id of its load balancer., type: str, sample: 699d98642c564d2e855e9661899b7252}
    live: {description: The colour that it serves; empty while both serve., type: str, sample: green}
    share: {description: Percent of the new visitors of each colour., type: dict, sample: {blue: 0, green: 100}}
    steering: {description: The steering policy in force., type: str, sample: "off"}
    pools: {description: "The pools in order, as colours or ids.", type: list, elements: str, sample: [green, blue]}
    fallback: {description: "The fallback pool, as a colour or an id.", type: str, sample: green}
    pins:
      description: Which sessions stay on the colour that was left.
      type: dict
      contains:
        host: {description: The public name., type: str, sample: login.example.com}
        affinity: {description: "V(none), V(cookie), V(ip_cookie), V(header) or V(dns).", type: str, sample: none}
        seconds: {description: How long they stay at most., type: int, sample: 0}
        drain: {description: How long they stay after the drain of that colour has begun., type: int, sample: 0}
        text: {description: The same in a sentence., type: str, sample: no session is pinned}
  sample:
    - host: login.example.com
      id: 699d98642c564d2e855e9661899b7252
      live: green
      share: {blue: 0, green: 100}
      steering: "off"
      pools: [green, blue]
      fallback: green
      pins: {host: login.example.com, affinity: none, seconds: 0, drain: 0, text: no session is pinned}
pools:
  description: One row for each colour.
  type: list
  elements: dict
  returned: O(state=read)
  contains:
    colour: {description: The colour., type: str, sample: green}
    name: {description: Name of its pool., type: str, sample: olympus-green}
    id: {description: Id of its pool., type: str, sample: 17b5962d775c646f3f9725cbc7a53df4}
    ours: {description: Whether the pool carries the mark., type: bool, sample: true}
    monitored: {description: Whether a monitor watches it., type: bool, sample: true}
    serves: {description: Whether its own fields let it serve., type: bool, sample: true}
    healthy: {description: Whether Cloudflare calls it healthy; null while that is unknown., type: bool, sample: true}
    health: {description: What Cloudflare says of its health., type: str, sample: unhealthy in 0 of 12 places}
  sample: []
permissions:
  description: The permissions of the token; null where it may not read itself.
  type: list
  elements: str
  returned: O(state=read)
  sample: [Load Balancers Write]
permissions_known: {description: Whether it may read itself., type: bool, returned: O(state=read), sample: true}
problems:
  description: What stops a stage, as sentences.
  type: list
  elements: str
  returned: O(state=read)
  sample: []
findings:
  description: The same as RV(problems) with its parts, for programs.
  type: list
  elements: dict
  returned: O(state=read)
  contains:
    sentence: {description: The whole sentence., type: str, sample: "there is no pool of green: run adopt"}
    code:
      description: V(public) for a public name, V(behind) for a load balancer that lags behind the switch, else empty.
      type: str
      sample: ""
    setting: {description: The operator's variable; empty where it is none., type: str, sample: ""}
    said: {description: The sentence without its fix., type: str, sample: there is no pool of green}
    fix: {description: What to do., type: str, sample: ""}
    repair: {description: The stage that repairs it; empty where none does., type: str, sample: adopt}
  sample: []
notes:
  description: What was not done or not seen, as sentences.
  type: list
  elements: str
  returned: O(state=live), O(state=returned), O(state=drained), O(state=undone)
  sample: []
observed:
  description: What each public name answered.
  type: list
  elements: dict
  returned: O(state=read), O(state=live), O(state=returned)
  contains:
    host: {description: The public name., type: str, sample: login.example.com}
    path: {description: The path., type: str, sample: /health}
    status: {description: Status of the answer; 0 without one., type: int, sample: 200}
    colour: {description: The colour that it says; empty where it says none., type: str, sample: green}
    error: {description: Why there was no answer; only then., type: str, sample: timed out}
  sample: [{host: login.example.com, path: /health, status: 200, colour: green}]
flipped_at:
  description: When the switch got the colour, before the first load balancer was written, in seconds since the epoch.
  type: float
  returned: O(state=live), O(state=returned)
  sample: 1795000000.0
seen_at:
  description: When every public name said the colour for the first time; null where the module did not observe it.
  type: float
  returned: O(state=live), O(state=returned)
  sample: 1795000001.2
ms:
  description: Milliseconds between the two.
  type: float
  returned: O(state=live), O(state=returned)
  sample: 1200.0
drained:
  description: Whether no session can be pinned any more; null in check mode.
  type: bool
  returned: O(state=drained)
  sample: true
calls: {description: Requests sent to the API., type: int, returned: success, sample: 6}
budget_left: {description: Requests that this run may still send., type: int, returned: success, sample: 1194}
steps:
  description: What the module did, or would do in check mode, in order.
  type: list
  elements: str
  returned: success
  sample: [flip /var/lib/olympus-bluegreen-edge/bluegreen to green, patch login.example.com default_pools]
partial:
  description: Where the names stand after a failure. The same run again goes on to C(wanted), and a rollback works too.
  type: dict
  returned: failure
  contains:
    state: {description: V(restored) where all is as before or V(partial)., type: str, sample: partial}
    hosts: {description: The colour of each name., type: dict, sample: {login.example.com: green}}
    written: {description: Names with a written load balancer., type: list, elements: str, sample: [login.example.com]}
    wanted: {description: The wanted colour., type: str, sample: green}
    live: {description: The colour that is live again; only with V(restored)., type: str, sample: blue}
  sample: {state: partial, wanted: green, hosts: {login.example.com: green}, written: [login.example.com]}
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.olympus.bluegreen.plugins.module_utils._cloudflare import states
from ansible_collections.olympus.bluegreen.plugins.module_utils._cloudflare.context import context_of
from ansible_collections.olympus.bluegreen.plugins.module_utils._cloudflare.options import SPEC
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.clock import SystemClock
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import BluegreenError
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.http import DirectHttp
from ansible_collections.olympus.bluegreen.plugins.module_utils._deployment.inputs import described
from ansible_collections.olympus.bluegreen.plugins.module_utils._state.heartbeat import beating


def main() -> None:
    module = described(AnsibleModule, SPEC)
    try:
        public_http = DirectHttp(module.params["observe"]["ca"] or None)
        # A rollback has no lock.
        locked = module.params["state"] not in ("read", "returned") and not module.check_mode
        with beating(module.params["state_dir"], locked):
            result = states.run(context_of(module.params, DirectHttp(), public_http, SystemClock(), module.check_mode))
    except (BluegreenError, OSError) as exc:
        module.fail_json(msg=str(exc), partial=getattr(exc, "partial", {}))
    for warning in result.pop("warnings", []):
        module.warn(warning)
    if not module._diff:
        result.pop("diff", None)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
