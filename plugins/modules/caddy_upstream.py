#!/usr/bin/python
# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: caddy_upstream
short_description: Flip a running Caddy between two colours without a reload
version_added: 1.0.0
description:
  - Puts a switch into the configuration of a running Caddy once, with one announced reload. After that, a flip to the
    other colour and a rollback rename one file. Caddy does not reload then and loses no request.
  - Caddy runs in a container or as a process of the host. It reads its configuration from a Caddyfile or a JSON file.
  - The switch lies on a writable volume that the running container already has, or in a directory of the host. The
    module recreates no container and restarts no process.
  - For a Caddy that can't look at a file, O(edge.method=reload) reloads the configuration at each flip. The switch then
    records the wanted colour, and the module makes Caddy follow.
author: "olympus.bluegreen authors (@olympusoss)"
requirements:
  - podman, where the edge is a container or O(services) names the colours
extends_documentation_fragment:
  - olympus.bluegreen.deployment
  - olympus.bluegreen.edge
  - olympus.bluegreen.attributes
attributes:
  check_mode:
    description: Reports what the state would do. Nothing on disk or in Caddy changes.
  diff_mode:
    description: Shows the configuration (V(adopted), V(undone)) or the switch before and after.
options:
  state:
    description:
      - V(read) changes nothing. It lists what is wrong in RV(problems).
      - V(adopted) makes the switch, with blue live, and rewrites the configuration so that Caddy asks the switch. Run
        it again to repair the edge after its container was recreated, its configuration replaced or its switch
        damaged.
      - V(undone) restores the exact bytes of the operator's configuration and reloads it.
      - V(previewed) lets requests that carry the secret of a release reach the idle colour at the public names, and
        checks that each name answers with that colour. The module makes a new secret for each release on the host. No
        result contains it.
      - V(live) records the way back, flips to O(colour) and waits until every public name answers with it. A name that
        tells an anonymous visitor no colour is left out with a warning. Without any other name the flip is refused.
      - V(returned) flips back to the colour that the last cutover came from, and stops the run that is on its way.
        Where M(olympus.bluegreen.release_boot) left its program in O(state_dir), the action plugin runs that program
        and sends no module.
      - V(drained) sends no pinned request to O(colour) any more and waits until no request is in flight to it.
    type: str
    choices: [read, adopted, undone, previewed, live, returned, drained]
    default: read
  state_dir:
    description:
      - The state directory of the deployment. The journal of an adoption lies there, and the record of the addresses
        and of each colour's release.
    type: path
    default: /var/lib/olympus-bluegreen
  colour:
    description: The colour to make live or to drain. Required with O(state=live) and O(state=drained).
    type: str
    choices: [blue, green]
  assume_live:
    description:
      - With O(state=adopted), the colour that was live. Needed only where the switch directory is lost and both colours
        accept connections.
    type: str
    choices: ['', blue, green]
    default: ''
  accept_pending:
    description:
      - Lets a reload put a configuration file into force that differs from what the edge runs. Without it the reload is
        refused, and the error names the places that differ.
      - Counts with O(state=adopted), O(state=undone) and, with O(edge.method=reload), O(state=live).
    type: bool
    default: false
  release:
    description:
      - With O(state=live), the release that O(colour) must hold according to O(state_dir).
      - With O(state=previewed), the release of the idle colour. Empty means the release that O(state_dir) records.
    type: str
    default: ''
  token:
    description:
      - With O(state=live) and O(state=previewed), the fencing token of this run. A token older than the switch's is
        refused.
      - Without it, the act uses the token that the switch has when the act begins. A rollback in between stops it.
    type: int
  force:
    description:
      - With O(state=returned), go back even if the target accepts no connection.
      - With O(state=undone), restore the configuration even if that loses later edits.
    type: bool
    default: false
  keep_sticky:
    description:
      - With O(state=returned), go on sending the forms that the left colour has shown to that colour. Use it only if
        that colour works.
    type: bool
    default: false
  deadline:
    description:
      - With O(state=drained), how long to wait, in seconds. Every few seconds the module writes to standard error what
        is still open.
    type: float
    default: 60.0
  seen:
    description: With O(state=drained), the RV(seen) of an earlier wait for the same colour, to continue that wait.
    type: dict
    default: {}
  confirm_timeout:
    description: How long the public names may take to answer with the new colour, in seconds.
    type: float
    default: 10.0
notes:
  - Before each reload the module compares the running configuration with the file. It refuses a difference and names
    its place, so no reload puts an unnoticed edit into force.
  - A file is rewritten in place, as a bind mount shows no other file. Caddy's own adapter proves that the file still
    means the same, and C(caddy validate) that it loads.
  - O(state=returned) needs no lock, no database and no other host.
  - One adoption costs one reload. A reload can lose a request on each connection that is busy at that moment.
seealso:
  - module: olympus.bluegreen.edge_switch
    description: Calls this module or the one for Cloudflare, depending on the kind of edge.
  - module: olympus.bluegreen.cloudflare_lb_pool
    description: The same states for load balancers of Cloudflare.
  - module: olympus.bluegreen.release_boot
    description: Leaves the program that makes a rollback fast, and the script C(bluegreen-rollback).
  - module: olympus.bluegreen.release_watch
    description: Judges a flip and rolls back by itself.
  - name: The file matcher of Caddy
    description: The question that each request asks of the switch.
    link: https://caddyserver.com/docs/caddyfile/matchers#file
"""

EXAMPLES = r"""
- name: Ask who is live
  olympus.bluegreen.caddy_upstream:
    project: prod
    edge: {caddyfile: /opt/olympusoss/prod/Caddyfile}
    services: &services
      ciam-hera: {kind: hera, port: 3000, ui: true}
      ciam-kratos: {kind: kratos, port: 4433, admin_port: 4434}
  register: edge

- name: Adopt a Caddy container of podman-compose
  olympus.bluegreen.caddy_upstream:
    state: adopted
    project: prod
    edge: {service: caddy, caddyfile: /opt/olympusoss/prod/Caddyfile, mount: /config}
    services: *services

- name: Adopt Debian's Caddy service before any application
  olympus.bluegreen.caddy_upstream:
    state: adopted
    name: shop
    edge: {kind: native, caddyfile: /etc/caddy/Caddyfile}
    upstreams: [{dial: "localhost:9001", blue: "127.0.0.1:9001", green: "127.0.0.1:9002"}]

- name: Adopt a Caddy that must not look at a file for each request
  olympus.bluegreen.caddy_upstream:
    state: adopted
    project: prod
    edge: {kind: native, method: reload, caddyfile: /etc/caddy/Caddyfile, admin: unix//run/caddy/admin.sock}
    publish: loopback
    services: *services

- name: Show the idle colour to testers
  olympus.bluegreen.caddy_upstream:
    state: previewed
    project: prod
    edge: {caddyfile: /opt/olympusoss/prod/Caddyfile}
    services: *services

- name: Flip to green
  olympus.bluegreen.caddy_upstream:
    state: live
    colour: green
    token: 7
    project: prod
    edge: {caddyfile: /opt/olympusoss/prod/Caddyfile}
    services: *services
    public: [{host: login.example.com, path: /health}]

- name: Roll back to where the last cutover came from
  olympus.bluegreen.caddy_upstream:
    state: returned
    project: prod
    edge: {caddyfile: /opt/olympusoss/prod/Caddyfile}
    services: *services

- name: Drain blue for at most ten minutes
  olympus.bluegreen.caddy_upstream:
    state: drained
    colour: blue
    deadline: 600
    project: prod
    edge: {caddyfile: /opt/olympusoss/prod/Caddyfile}
    services: *services

- name: Restore the operator's configuration
  olympus.bluegreen.caddy_upstream:
    state: undone
    project: prod
    edge: {caddyfile: /opt/olympusoss/prod/Caddyfile}
    services: *services
"""

RETURN = r"""
adopted: {description: Whether the running edge decides by the switch., type: bool, returned: success, sample: true}
live: {description: The colour that is live according to the switch. Empty where there is no switch.,
  type: str, returned: success, sample: green}
idle: {description: The colour that is not live. Empty where there is no switch.,
  type: str, returned: success, sample: blue}
ready: {description: Whether the sentinel file exists. Without it no colour is served.,
  type: bool, returned: when there is a switch, sample: true}
warm: {description: Colours that pinned POSTs may go to.,
  type: list, elements: str, returned: when there is a switch, sample: [blue, green]}
assets: {description: Colours that are asked for static files which the other colour does not have.,
  type: list, elements: str, returned: when there is a switch, sample: [blue, green]}
removing: {description: Colours whose containers a cleanup or a deploy has begun to remove. No rollback goes there.,
  type: list, elements: str, returned: when there is a switch, sample: []}
claimed: {description: Whether a run took the token and no rollback has fenced that run since.,
  type: bool, returned: when there is a switch, sample: false}
damage: {description: What is wrong in the switch directory. Empty where nothing is.,
  type: str, returned: when there is a switch, sample: ''}
return_to:
  description: Where a rollback goes. Null before the first cutover.
  type: dict
  returned: success
  contains:
    colour: {description: The colour that was live before the cutover., type: str, returned: always, sample: blue}
    release: {description: The release that this colour held then. Empty where no run recorded it.,
      type: str, returned: always, sample: v1.4.2-0123456789}
    flip: {description: Id of the cutover., type: str, returned: always, sample: 00112233aabbccdd}
    at: {description: When the cutover was prepared (epoch seconds).,
      type: float, returned: always, sample: 1796000000.5}
  sample: {colour: blue, release: v1.4.2-0123456789, flip: 00112233aabbccdd, at: 1796000000.5}
by_hand:
  description: Whether a person moved the marker since the last move by a module, and no run has recorded that yet.
  type: bool
  returned: when there is a switch
  sample: false
token: {description: The fencing token of the switch., type: int, returned: success, sample: 7}
plain_names: {description: Upstreams by which the running edge reaches a coloured service past the switch.,
  type: list, elements: str, returned: O(state=read), sample: ['ciam-hera:3000']}
problems:
  description: What keeps a stage from going on, as sentences.
  type: list
  elements: str
  returned: O(state=read)
  sample: ['the edge does not run the switch that is on its disk. Fix: run the adopt stage']
findings:
  description: The RV(problems) with their parts, for programs.
  type: list
  elements: dict
  returned: O(state=read)
  contains:
    sentence: {description: The whole sentence., type: str, returned: always,
      sample: 'the edge does not run the switch that is on its disk. Fix: run the adopt stage'}
    code: {description: 'V(public) for a public name, V(behind) for a load balancer that does not follow. Else empty.',
      type: str, returned: always, sample: public}
    setting: {description: The setting that is wrong. Empty for none., type: str, returned: always, sample: ''}
    said: {description: What is wrong.,
      type: str, returned: always, sample: the edge does not run the switch that is on its disk}
    fix: {description: The remedy., type: str, returned: always, sample: run the adopt stage}
    repair: {description: The stage that repairs it. Empty for none., type: str, returned: always, sample: adopt}
method: {description: The method in force. Empty before adopt., type: str, returned: O(state=read), sample: switch}
cost: {description: 'What a flip costs at present, as a sentence. Empty before adopt.',
  type: str, returned: O(state=read), sample: a flip loads nothing and loses nothing; each request asks for a file}
edge: {description: 'Name of the edge''s container or process.',
  type: str, returned: O(state=read), sample: prod_caddy_1}
directory:
  description: The switch directory on this host.
  type: str
  returned: O(state=read)
  sample: /var/lib/containers/storage/volumes/prod_caddy_config/_data/olympus-bluegreen
open:
  description: What is open to each colour.
  type: dict
  returned: O(state=read), O(state=live), O(state=returned), O(state=drained)
  contains:
    blue: &open
      description: To this colour, by address.
      type: dict
      returned: when the edge runs
      contains:
        requests:
          description: Requests and WebSockets in flight. Null where Caddy does not list the address.
          type: dict
          returned: always
          sample: {'10.231.16.10:3000': 2}
        connections: {description: TCP connections., type: dict, returned: always, sample: {'10.231.16.10:3000': 4}}
    green: *open
observed:
  description: What each public name answered.
  type: list
  elements: dict
  returned: O(state=read), O(state=previewed), O(state=live), O(state=returned)
  contains:
    host: {description: Host name that was asked., type: str, returned: always, sample: login.example.com}
    path: {description: Path that was asked., type: str, returned: always, sample: /health}
    status: {description: Status of the answer. 0 for none., type: int, returned: always, sample: 200}
    colour: {description: Colour in the answer. Empty for none., type: str, returned: always, sample: green}
    error: {description: Why there was no answer.,
      type: str, returned: when there was none, sample: 'ConnectionRefusedError: [Errno 111] Connection refused'}
preview:
  description: How a person looks at the idle colour. Empty where no preview is set up.
  type: dict
  returned: O(state=read), O(state=previewed)
  contains:
    file:
      description: A file of mode 0600. Its one line is the header with the secret.
      type: str
      returned: when there is a preview
      sample: /var/lib/olympus-bluegreen/releases/v1.5.0-89abcdef01/preview
    commands:
      description: A command for each public name that reads the file.
      type: list
      elements: str
      returned: when there is a preview
      sample: ['curl -H @/var/lib/olympus-bluegreen/releases/v1.5.0-89abcdef01/preview https://login.example.com/']
patch_file:
  description:
    - File on the host (mode 0640) with the change as a unified diff, for the operator's repository. Empty where nothing
      was changed.
    - It quotes the Caddyfile, which may hold secrets. So no result contains it.
  type: str
  returned: O(state=adopted), O(state=undone)
  sample: /var/lib/olympus-bluegreen/adopt.patch
flipped_at: {description: When the marker moved (epoch seconds).,
  type: float, returned: 'O(state=live), O(state=returned)', sample: 1796000100.25}
seen_at:
  description:
    - When every public name had answered with the new colour for the first time (epoch seconds).
    - Null where no name can confirm a rollback.
  type: float
  returned: O(state=live), O(state=returned)
  sample: 1796000100.28
ms: {description: Milliseconds between RV(flipped_at) and RV(seen_at).,
  type: float, returned: 'O(state=live), O(state=returned)', sample: 28.4}
singletons: {description: Whether a courier or another singleton may have to follow the switch.,
  type: bool, returned: O(state=returned), sample: true}
drained: {description: Whether no request was in flight any more before the deadline. Null in check mode.,
  type: bool, returned: O(state=drained), sample: false}
left:
  description: What was in flight at the end of the wait. Empty when drained.
  type: list
  elements: dict
  returned: O(state=drained)
  contains:
    service: {description: Coloured service., type: str, returned: always, sample: ciam-hera}
    kind:
      description:
        - V(request), V(stream or WebSocket), or V(not listed by the edge). The last one may still be served by an older
          configuration.
      type: str
      returned: always
      sample: stream or WebSocket
    count: {description: How many. Null where the edge lists none., type: int, returned: always, sample: 3}
    seconds: {description: For how long at least the oldest is open., type: float, returned: always, sample: 61.2}
seen: {description: 'For each address, since when (epoch seconds) each request in flight to it has been seen.',
  type: dict, returned: O(state=drained), sample: {'10.231.16.10:3000': [1796000040.1]}}
steps: {description: 'What was done in order, or would be done in check mode.',
  type: list, elements: str, returned: success, sample: ['flip /srv/switch (to green)']}
partial: {description: What had been done before a failure.,
  type: dict, returned: failure, sample: {flipped_at: 1796000100.25, observed: []}}
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import BluegreenError, refusal
from ansible_collections.olympus.bluegreen.plugins.module_utils._deployment.inputs import described
from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.answer import answered
from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.options import SPEC
from ansible_collections.olympus.bluegreen.plugins.module_utils._state.heartbeat import beating


def main() -> None:
    module = described(AnsibleModule, SPEC)
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
