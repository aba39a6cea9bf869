#!/usr/bin/python
# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: cloudflare_lb_pool
short_description: The switch of a Cloudflare load balancer, which colour is live
version_added: 1.0.0
description:
  - Flips the load balancers of all public names from one colour's pool to the other's and back, as one act that is
    finished, taken back, or named where it stands.
  - What decides is written - the order of the pools or their weights, by the steering policy in force - and nothing
    else. Pools are made and changed only where they carry our mark.
  - The switch directory on the state host says what is wanted, before the first request. A run that was killed is
    finished by the next one, and a rollback works from everywhere.
  - Every write is read back and the public names are asked, so a success means that visitors get the colour.
  - The switch is asked right before each write to a pool and right after it. A run that another one has overtaken puts
    its last write right and fails.
author: "olympus.bluegreen authors (@olympusoss)"
extends_documentation_fragment:
  - olympus.bluegreen.cloudflare
  - olympus.bluegreen.deployment
attributes:
  check_mode:
    description: Says what it would do. Only reads are sent to Cloudflare.
    support: full
  diff_mode:
    description: Shows the fields that are written, before and after.
    support: full
options:
  state:
    description:
      - V(read) only looks, and lists what is wrong in C(problems).
      - V(adopted) makes the pools that have O(pools.blue.origins) or O(pools.green.origins), brings those that are ours
        up to date, and makes the switch. No load balancer is written.
      - V(undone) removes the switch, while every name is on blue. At Cloudflare nothing is written.
      - V(live) asks the health of the target pool, writes the way back, flips every load balancer to O(colour) and sees
        every public name answer with it.
      - V(returned) flips back to where the last cutover said, fences whoever is still running, and ends the sessions
        that are pinned to the colour left behind.
      - V(drained) drains the endpoints of O(colour), and waits until nobody can be pinned to it any more.
    type: str
    choices: [read, adopted, undone, live, returned, drained]
    default: read
  state_dir:
    description: The state directory, of which only the release of each colour is read.
    type: path
    default: /var/lib/olympus-bluegreen
  switch_dir:
    description: The directory on this host below which the switch lies.
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
      - With V(false) it is taken off the list.
    type: bool
    default: true
  release:
    description: With O(state=live), the release that O(colour) has to hold according to the state directory.
    type: str
    default: ''
  token:
    description:
      - The fencing token of this run, which every write is checked by. An older one than the switch's is refused.
      - Without it an act goes by the token that the switch has when it begins, so a rollback in between stops it.
    type: int
  force:
    description:
      - With O(state=returned), go back to a pool that is not healthy.
      - With O(state=undone), remove the switch whoever serves.
    type: bool
    default: false
  keep_sticky:
    description: With O(state=returned), leave pinned sessions on the colour left behind. Only for one that is sound.
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

    - name: Back
      olympus.bluegreen.cloudflare_lb_pool:
        state: returned
"""

RETURN = r"""
live: {description: The colour that the switch says is live; empty without a switch., type: str, returned: success}
idle: {description: The other one., type: str, returned: success}
return_to:
  description: Where a rollback goes, C(colour), C(release), C(flip) (an id) and C(at) (epoch seconds); null before any.
  type: dict
  returned: success
by_hand:
  description: Whether a hand moved the marker since our own last move, and no run has written that down yet.
  type: bool
  returned: when there is a switch
token: {description: The fencing token., type: int, returned: success}
ready: {description: Whether the switch is complete., type: bool, returned: when there is a switch}
warm: {description: Colours that a cutover has warmed., type: list, elements: str, returned: when there is a switch}
assets: {description: The same for static files., type: list, elements: str, returned: when there is a switch}
removing:
  description: Colours that a cleanup or a deploy has begun to remove; no rollback goes there.
  type: list
  elements: str
  returned: when there is a switch
claimed:
  description: Whether a run took the token that no rollback has fenced since.
  type: bool
  returned: when there is a switch
damage: {description: What is wrong in the switch directory if anything., type: str, returned: when there is a switch}
adopted:
  description: Whether switch and pools are there.
  type: bool
  returned: O(state=read), O(state=adopted), O(state=undone)
edge: {description: Always V(cloudflare)., type: str, returned: success}
directory: {description: The switch directory., type: str, returned: success}
plain_names: {description: Always empty., type: list, elements: str, returned: success}
open: {description: Always empty; Cloudflare does not tell., type: dict, returned: success}
hosts:
  description:
    - One row a public name, C(host), C(id), C(live) (empty while both serve), C(share) (percent by colour),
      C(steering), C(pools) and C(fallback) (a colour, or the id of another pool), and C(pins).
    - C(pins) says who stays on the colour that was left. C(affinity), C(seconds) at most, C(drain) and a C(text).
  type: list
  elements: dict
  returned: success
pools:
  description: One row a colour, C(name), C(id), C(ours), C(monitored), C(serves), C(healthy) (or null), C(health).
  type: list
  elements: dict
  returned: O(state=read)
permissions:
  description: The permissions of the token; null where it may not read itself.
  type: list
  elements: str
  returned: O(state=read)
permissions_known: {description: Whether it may., type: bool, returned: O(state=read)}
problems:
  description: What keeps a stage from going on, as sentences.
  type: list
  elements: str
  returned: O(state=read)
findings:
  description:
    - For programs, the same as C(problems) with its parts, C(sentence), C(code), C(said), C(fix) and C(repair), the
      stage that puts it right.
    - C(code) is V(public) of a public name and V(behind) of a load balancer that does not follow the switch.
  type: list
  elements: dict
  returned: O(state=read)
notes:
  description: What was not done or not seen, as sentences.
  type: list
  elements: str
  returned: O(state=live), O(state=returned), O(state=drained), O(state=undone)
observed:
  description: What each public name answered, C(host), C(path), C(status), C(colour) and C(error) if any.
  type: list
  elements: dict
  returned: O(state=read), O(state=live), O(state=returned)
flipped_at:
  description: When the switch said the colour, before the first load balancer was told, in epoch seconds.
  type: float
  returned: O(state=live), O(state=returned)
seen_at:
  description: When every public name said it for the first time, in epoch seconds; null where it was not observed.
  type: float
  returned: O(state=live), O(state=returned)
ms: {description: Milliseconds between the two., type: float, returned: "O(state=live), O(state=returned)"}
drained:
  description: Whether nobody can be pinned any more; null in check mode.
  type: bool
  returned: O(state=drained)
calls: {description: Requests sent to the API., type: int, returned: success}
budget_left: {description: How many may still be sent., type: int, returned: success}
steps:
  description: What was done, or would be done in check mode, in order.
  type: list
  elements: str
  returned: success
partial:
  description:
    - After a failure, C(state) is V(restored) (all is as before) or V(partial), then with C(hosts) (the colour of
      each), C(written) and C(wanted). The same run again goes on to C(wanted); a rollback works too.
  type: dict
  returned: failure
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
    if not module._diff:
        result.pop("diff", None)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
