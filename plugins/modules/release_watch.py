#!/usr/bin/python
# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: release_watch
short_description: Start, follow and order the watcher that judges a release
version_added: 1.0.0
description:
  - Runs a detached watcher on the state host. Start it before the flip.
  - The watcher waits for the flip, reads the edge's access log, probes both colours side by side and judges.
  - On FAIL the watcher rolls back at once, if the old colour is alive. It needs no controller for that.
  - A watch ends with one of PASS, PASS_SYNTHETIC_ONLY, FAIL and INCONCLUSIVE, in C(verdict.json) and in a report.
  - A watcher that dies is started again, by systemd where it runs, else by its parent. A run that follows the watch and
    a boot start it again where neither is left. It goes on from its recorded events.
author: "olympus.bluegreen authors (@olympusoss)"
requirements:
  - podman, where the edge or the colours run in containers
extends_documentation_fragment:
  - olympus.bluegreen.probing
  - olympus.bluegreen.reach
  - olympus.bluegreen.targets
  - olympus.bluegreen.attributes
  - olympus.bluegreen.deployment
  - olympus.bluegreen.notify
attributes:
  check_mode:
    description: Starts, stops and orders nothing. V(followed) returns at once.
  diff_mode:
    description: Shows which watcher would run.
options:
  state:
    description:
      - V(started) starts the watcher of O(release), unless it runs already or this very cutover has been judged. It
        stops a watcher of another release.
      - V(followed) prints what the watcher does until its verdict. It never fails for a bad verdict.
      - V(read) returns what is known. V(stopped) ends the watcher, whose verdict is INCONCLUSIVE then.
      - V(restarted) starts a watcher that died before its verdict for what is left of its window. V(followed) does that
        first, too.
      - V(ordered) gives O(order) to the running watcher and returns its answer.
    type: str
    choices: [started, followed, read, restarted, ordered, stopped]
    default: read
  release:
    description:
      - Id of the release, as V(v2). Letters, digits, dots, underscores and hyphens, at most 100. Empty means the one
        that was watched last.
    type: str
    default: ''
  colour:
    description: The colour that is about to go live.
    type: str
    choices: [blue, green]
  project:
    description: Compose project of the edge.
    type: str
    default: ''
  edge:
    description:
      - The edge. C(service) and C(mount) find its container and the switch.
      - The public names are asked at C(address) and C(port). C(ca) verifies them.
      - With C(kind=cloudflare) it takes the options of M(olympus.bluegreen.cloudflare_lb_pool), by which the watcher
        rolls back with the token in C(api_token_file). C(access_log) is that of a Caddy behind Cloudflare, if there is
        one.
    type: dict
    default: {}
  switch_dir:
    description: Host path of the switch directory, where it is not to be looked up. Probes then speak from the host.
    type: path
    default: ''
  services:
    description: The coloured services, as in O(olympus.bluegreen.health_gate#module:services). Or O(targets).
    type: dict
    default: {}
  network_range:
    description: The range from which the collection's networks are cut.
    type: str
    default: 10.231.16.0/20
  public:
    description: Public names to ask, each with C(host) and C(path).
    type: list
    elements: dict
    default: []
  stack:
    description:
      - C(project), C(edge_service), C(podman_compose) and C(singletons) as M(olympus.bluegreen.podman_compose_release)
        takes them.
      - With it the watcher, whatever its verdict, ends by moving couriers and other singletons to the live colour.
    type: dict
    default: {}
  skip:
    description:
      - Checks of M(olympus.bluegreen.health_gate) that no probe asks. The reasons of the verdict name what was left
        out.
    type: list
    elements: str
    default: []
  probe:
    description: Whether to probe at all.
    type: bool
    default: true
  window:
    description: How long to watch after the flip, in seconds.
    type: float
    default: 300.0
  interval:
    description: Seconds between two looks at the access log.
    type: float
    default: 1.0
  wait:
    description: How long to wait for the flip, in seconds.
    type: float
    default: 300.0
  baseline:
    description: How much of the time before the flip counts as the old colour's record, in seconds.
    type: float
    default: 1800.0
  min_events:
    description: How many answers and seconds of probes a PASS needs.
    type: int
    default: 300
  stays:
    description:
      - Why the watcher must not roll back, as the other colour is known to fail. The watcher judges and reports, and
        what is live stays live. Empty lets it roll back.
    type: str
    default: ''
  parameters:
    description: Other parameters of the judge, as C(alpha), C(ratio), C(floor), C(margin), C(min_traffic).
    type: dict
    default: {}
  since:
    description: How many events to leave out at the beginning of RV(events).
    type: int
    default: 0
  patience:
    description: Seconds to wait for a rare event, for the verdict, or for the end of the watcher.
    type: float
    default: 0.0
  run:
    description: Id of the run whose lock is kept fresh while it follows. The action plugin fills it in.
    type: str
    default: ''
  order:
    description:
      - V(abort) ends the watch without a rollback. Its verdict is INCONCLUSIVE.
      - V(hold) keeps the watch from ending before V(resume) or V(promote), for a day at most. A FAIL still rolls back.
      - V(extend) lengthens the watch by O(extend) seconds.
      - V(promote) ends the watch now, if what was seen so far is a PASS, and is refused otherwise. After a watch that
        ended INCONCLUSIVE it signs the release off under the name of O(operator).
      - Any other order is an error that names C(bluegreen_watch_do).
    type: str
    default: ''
  extend:
    description: Seconds, from 1 to 86400, for the order V(extend).
    type: str
    default: ''
  operator:
    description: Name of the person who gives the order. The action plugin fills it in.
    type: str
    default: ''
  timeout:
    description: How long V(followed) follows, in seconds. V(0) follows to the end. The watcher goes on either way.
    type: float
    default: 0.0
seealso:
  - module: olympus.bluegreen.health_gate
    description: The checks that the probes of a watch ask.
  - module: olympus.bluegreen.release_ledger
    description: Writes the report of a release again.
"""

EXAMPLES = r"""
- name: Start the watcher before the flip
  olympus.bluegreen.release_watch:
    state: started
    project: prod
    release: v1.5.0-0123456789
    colour: green
    edge: {service: caddy, mount: /config, address: 127.0.0.1, port: 443}
    services:
      site: {kind: site, port: 3000, ready: /health, ui: true}
    public:
      - {host: olympus.test, path: /}

- name: Watch any application behind a Caddy that was adopted
  olympus.bluegreen.release_watch:
    state: started
    release: v2
    colour: green
    edge: {kind: native, caddyfile: /etc/caddy/Caddyfile}
    targets:
      - {name: web, url: {blue: "http://127.0.0.1:9001/health", green: "http://127.0.0.1:9002/health"}}

- name: Follow the watcher to its verdict
  olympus.bluegreen.release_watch:
    state: followed
  register: watch

- name: Watch ten minutes longer
  olympus.bluegreen.release_watch:
    state: ordered
    order: extend
    extend: '600'

- name: Start the watcher again if it died before its verdict
  olympus.bluegreen.release_watch:
    state: restarted
    probe_secrets: "{{ bluegreen_probe_secrets }}"

- name: Read the verdict of a release
  olympus.bluegreen.release_watch:
    release: v1.5.0-0123456789

- name: Stop the watcher
  olympus.bluegreen.release_watch:
    state: stopped
"""

RETURN = r"""
watcher:
  description: The process of the watcher. Only C(alive) where there never was one.
  returned: always
  type: dict
  sample: {pid: 4711, start: 99, release: v1.5.0-0123456789, colour: green, since: 1796000000.0, alive: true}
  contains:
    pid: {description: Id of the process., returned: when there was one, type: int, sample: 4711}
    start: {description: "The start, in clock ticks since boot.", returned: when there was one, type: int, sample: 99}
    release: {description: The release that it watches., returned: when there was one, type: str,
      sample: v1.5.0-0123456789}
    colour: {description: The colour that it watches., returned: when there was one, type: str, sample: green}
    since: {description: "When it started, in seconds since the epoch.", returned: when there was one, type: float,
      sample: 1796000000.0}
    alive: {description: Whether it runs., returned: always, type: bool, sample: true}
release:
  description: The release that was asked about.
  returned: always
  type: str
  sample: v1.5.0-0123456789
verdict:
  description: PASS, PASS_SYNTHETIC_ONLY, FAIL or INCONCLUSIVE. Empty while there is none.
  returned: always
  type: str
  sample: PASS
reasons:
  description: The reasons of the verdict, in sentences.
  returned: always
  type: list
  elements: str
  sample: ["0 errors in 4211 answers to visitors, 0 failures in 300 seconds of probes"]
signed_off:
  description: The person who ended the watch early or answered for it. Empty where no person did.
  returned: always
  type: dict
  sample: {by: op at ctl, at: 1796000300.0}
  contains:
    by: {description: Name of the person., returned: when signed off, type: str, sample: op at ctl}
    at: {description: "When, in seconds since the epoch.", returned: when signed off, type: float, sample: 1796000300.0}
answer:
  description: What came of O(order), as a sentence.
  returned: always
  type: str
  sample: 'v1.5.0-0123456789: the watch lasts 600 s longer, by op at ctl'
returned_to:
  description: The colour to which the watcher rolled back. Empty where it did not.
  returned: always
  type: str
  sample: blue
not_returned:
  description: Why a FAIL did not lead to a rollback.
  returned: always
  type: str
  sample: blue is not alive
held:
  description: Whether the watcher did not roll back because of O(stays).
  returned: always
  type: bool
  sample: false
evidence:
  description: The counts and numbers behind the verdict. Empty while there is none.
  returned: always
  type: dict
  sample: {traffic: {n: 4211, bad: 0}, probe: {n: 300, bad: 0}, excluded: {n: 0, bad: 0}, allowed_share: 0.005}
  contains:
    traffic: {description: Answers of the new colour to visitors., returned: with a verdict, type: dict,
      sample: {n: 4211, bad: 0}}
    probe: {description: Seconds of probes., returned: with a verdict, type: dict, sample: {n: 300, bad: 0}}
    excluded: {description: Answers while both colours failed their probes., returned: with a verdict, type: dict,
      sample: {n: 0, bad: 0}}
    allowed_share: {description: The share of errors that the new colour may have., returned: with a verdict,
      type: float, sample: 0.005}
report:
  description: Path of the report on the state host. Empty where there is none.
  returned: always
  type: str
  sample: /var/lib/olympus-bluegreen/releases/v1.5.0-0123456789/report.html
events:
  description: Events of the watch, from the one after O(since).
  returned: always
  type: list
  elements: dict
  sample: [{event: waiting, at: 1796000000.0, release: v1.5.0-0123456789, colour: green}]
  contains:
    event: {description: Kind of the event., returned: always, type: str, sample: waiting}
    at: {description: "When, in seconds since the epoch.", returned: always, type: float, sample: 1796000000.0}
next:
  description: The value of O(since) for the next call.
  returned: always
  type: int
  sample: 12
how:
  description: How the watcher was started, V(systemd) or V(session). Empty where none was.
  returned: always
  type: str
  sample: systemd
steps:
  description: What was done, or would be in check mode.
  returned: always
  type: list
  elements: str
  sample: [start watcher of v1.5.0-0123456789]
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.clock import SystemClock
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import BluegreenError, refusal
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.runner import SubprocessRunner
from ansible_collections.olympus.bluegreen.plugins.module_utils._deployment.inputs import described
from ansible_collections.olympus.bluegreen.plugins.module_utils._watch.module import SPEC, manage


def main() -> None:
    module = described(AnsibleModule, SPEC)
    try:
        plan, result = manage(module.params, module.check_mode, SubprocessRunner(), SystemClock())
    except (BluegreenError, OSError) as exc:
        module.fail_json(**refusal(exc))
    module.exit_json(**plan.result(), diff=plan.diff(), **result)


if __name__ == "__main__":
    main()
