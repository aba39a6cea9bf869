#!/usr/bin/python
# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: caddy_upstream
short_description: The switch of a running Caddy, which colour is live
version_added: 1.0.0
description:
  - Puts a switch into the configuration of a running Caddy once (one announced reload), and from then on flips the
    public to the other colour and back by renaming one file, without a reload and without losing a request.
  - Caddy runs in a container or as a process of the host, and has its configuration from a Caddyfile or a JSON file.
  - The switch lives on a writable volume that the running container already has, or in a directory of the host. No
    container is recreated and no process restarted.
  - For a Caddy that can't look at a file, O(edge.method=reload) reloads the configuration at each flip. The switch then
    says what is wanted, and the edge is made to follow.
  - What the edge runs is the reference. Before a reload its running configuration is compared with its file; a
    difference is refused and its place named.
  - A file is rewritten in place. Caddy's own adapter proves that it still means the same, and its own
    C(validate) that it loads. Undo restores its exact bytes.
author: "olympus.bluegreen authors (@olympusoss)"
requirements:
  - podman
extends_documentation_fragment: olympus.bluegreen.edge
attributes:
  check_mode:
    description: Says what it would do; nothing on disk or in the edge is touched.
    support: full
  diff_mode:
    description: Shows the configuration (V(adopted), V(undone)) or the switch before and after.
    support: full
options:
  state:
    description:
      - V(read) only looks, and lists what is wrong in C(problems).
      - V(adopted) makes the switch, with blue live, and rewrites the configuration so that it decides. Run again it is
        the repair after the edge was recreated, its configuration was replaced or the switch was damaged.
      - V(undone) restores the operator's configuration and reloads it.
      - V(previewed) lets who knows the secret of a release reach the idle colour at the public names, and sees each of
        them answer with it. The secret is made here, anew for each release, and stands in no result.
      - V(live) writes the way back, flips to O(colour) and sees every public name answer with it. A name that says no
        colour to an anonymous visitor is left out with a warning; with no name left the flip is refused.
      - V(returned) flips back to where the last cutover said, and fences whoever is still running. Where
        M(olympus.bluegreen.release_boot) left its program in O(state_dir), that does it, and no module is sent.
      - V(drained) sends nothing pinned to O(colour) any more and waits until nothing is in flight to it.
    type: str
    choices: [read, adopted, undone, previewed, live, returned, drained]
    default: read
  deployment:
    description: Name of the deployment.
    type: str
    default: olympus
  state_dir:
    description: The state directory, of which only the release of each colour is read.
    type: path
    default: /var/lib/olympus-bluegreen
  colour:
    description: The colour to make live or to drain.
    type: str
    choices: [blue, green]
  assume_live:
    description:
      - With O(state=adopted), the colour that was live, where the switch directory is lost and both colours are alive.
    type: str
    choices: ['', blue, green]
    default: ''
  accept_pending:
    description:
      - With O(state=adopted), O(state=undone) and (O(edge.method=reload)) O(state=live), let the configuration file go
        live although it does not say what the edge runs. Else that is refused, and the places that differ are named.
    type: bool
    default: false
  release:
    description:
      - With O(state=live), the release that O(colour) has to hold according to the state directory.
      - With O(state=previewed), the release of the idle colour; the one that the state directory knows where empty.
    type: str
    default: ''
  token:
    description:
      - With O(state=live) and O(state=previewed), this run's fencing token. One older than the switch's is refused.
      - Without it this act goes by the token that the switch has when it begins, so a rollback in between stops it.
    type: int
  force:
    description: With O(state=returned), go back to a target that seems dead. With O(state=undone), lose later edits.
    type: bool
    default: false
  keep_sticky:
    description:
      - With O(state=returned), let forms that the colour left behind has shown still be sent to it. Only for a colour
        that is sound.
    type: bool
    default: false
  deadline:
    description:
      - With O(state=drained), how long to wait, in seconds. What is still open is told on standard error every few
        seconds.
    type: float
    default: 60.0
  seen:
    description: With O(state=drained), the C(seen) of an earlier wait for the same colour that this one goes on from.
    type: dict
    default: {}
  confirm_timeout:
    description: How long the public names may take to say the new colour, in seconds.
    type: float
    default: 10.0
"""

EXAMPLES = r"""
- name: Who is live
  olympus.bluegreen.caddy_upstream:
    project: prod
    edge: {caddyfile: /opt/olympusoss/prod/Caddyfile}
    services: "{{ bluegreen_services }}"

- name: Flip
  olympus.bluegreen.caddy_upstream:
    state: live
    colour: green
    token: 7
    project: prod
    edge: {caddyfile: /opt/olympusoss/prod/Caddyfile}
    services: "{{ bluegreen_services }}"
    public: [{host: login.example.com, path: /health}]

- name: Adopt Debian's Caddy service
  olympus.bluegreen.caddy_upstream:
    state: adopted
    project: prod
    edge: {kind: native, caddyfile: /etc/caddy/Caddyfile}
    publish: loopback
    services: "{{ bluegreen_services }}"

- name: Adopt a Caddy that must not look at a file for each request
  olympus.bluegreen.caddy_upstream:
    state: adopted
    project: prod
    edge: {kind: native, method: reload, caddyfile: /etc/caddy/Caddyfile, admin: unix//run/caddy/admin.sock}
    publish: loopback
    services: "{{ bluegreen_services }}"

- name: Back
  olympus.bluegreen.caddy_upstream:
    state: returned
    project: prod
    edge: {caddyfile: /opt/olympusoss/prod/Caddyfile}
    services: "{{ bluegreen_services }}"
"""

RETURN = r"""
adopted:
  description: Whether the running edge decides by the switch.
  type: bool
  returned: success
live:
  description: The colour that the switch says is live; empty while there is none.
  type: str
  returned: success
idle: {description: The other one., type: str, returned: success}
ready: {description: Whether the sentinel is there., type: bool, returned: when there is a switch}
warm:
  description: Colours that pinned POSTs may go to.
  type: list
  elements: str
  returned: when there is a switch
assets:
  description: Colours that are asked for static files which the other one does not have.
  type: list
  elements: str
  returned: when there is a switch
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
return_to:
  description: Where a rollback goes, C(colour), C(release), C(flip) (an id) and C(at) (epoch seconds); null before any.
  type: dict
  returned: success
by_hand:
  description: Whether a hand moved the marker since our own last move, and no run has written that down yet.
  type: bool
  returned: when there is a switch
token: {description: The fencing token., type: int, returned: success}
plain_names:
  description: Coloured services that the running edge dials by their plain name.
  type: list
  elements: str
  returned: O(state=read)
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
method:
  description: The method in force; empty before adopt.
  type: str
  returned: O(state=read)
cost: {description: "What a flip costs with it now, as a sentence.", type: str, returned: O(state=read)}
edge: {description: Name of the edge's container or its process., type: str, returned: O(state=read)}
directory: {description: The switch directory on this host., type: str, returned: O(state=read)}
open:
  description: Colour to C(requests) in flight by address (null where Caddy lists none) and C(connections).
  type: dict
  returned: O(state=read), O(state=live), O(state=returned), O(state=drained)
observed:
  description: What each public name answered, C(host), C(path), C(status), C(colour) and C(error) if any.
  type: list
  elements: dict
  returned: O(state=read), O(state=previewed), O(state=live), O(state=returned)
preview:
  description:
    - How a person looks at the idle colour, C(file) (mode 0600, the header with the secret as one line) and C(commands)
      that read it. Empty where nobody can.
  type: dict
  returned: O(state=read), O(state=previewed)
patch_file:
  description:
    - File on the host (mode 0640) with the change as a unified diff, for the operator's repository. It quotes the
      Caddyfile, which may hold secrets; so it is in no result. Empty where nothing was changed.
  type: str
  returned: O(state=adopted), O(state=undone)
flipped_at: {description: When the marker moved (epoch)., type: float, returned: 'O(state=live), O(state=returned)'}
seen_at:
  description:
    - When every public name had said the new colour for the first time, in epoch seconds. Null where a rollback found
      no name that can confirm it.
  type: float
  returned: O(state=live), O(state=returned)
ms: {description: Milliseconds between the two., type: float, returned: 'O(state=live), O(state=returned)'}
singletons:
  description: Whether a courier or another singleton may have to follow the switch.
  type: bool
  returned: O(state=returned)
drained:
  description: Whether nothing was in flight any more before the deadline; null in check mode.
  type: bool
  returned: O(state=drained)
left:
  description:
    - What was in flight when the wait was over, C(service), C(kind) (request, stream or WebSocket; or not listed by the
      edge, which then may serve it from an old configuration), C(count), and C(seconds) for which it has been seen at
      least. Empty when drained.
  type: list
  elements: dict
  returned: O(state=drained)
seen:
  description: Address to the times (epoch seconds) since when each of what is in flight to it has been seen.
  type: dict
  returned: O(state=drained)
steps:
  description: What was done, or would be done in check mode, in order.
  type: list
  elements: str
  returned: success
partial: {description: What had been done before a failure., type: dict, returned: failure}
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import BluegreenError, refusal
from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.answer import answered
from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.options import SPEC
from ansible_collections.olympus.bluegreen.plugins.module_utils._state.heartbeat import beating


def main() -> None:
    module = AnsibleModule(**SPEC.to_kwargs())
    try:
        # A rollback has no lock.
        locked = module.params["state"] not in ("read", "returned") and not module.check_mode
        with beating(module.params["state_dir"], locked):
            result = answered(module.params, module.check_mode)
    except (BluegreenError, OSError) as exc:
        module.fail_json(**refusal(exc))
    for warning in result.pop("warnings", []):
        module.warn(warning)
    if not module._diff:
        # The edge's whole configuration: only for who asks to see it.
        result.pop("diff", None)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
