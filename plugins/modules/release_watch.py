#!/usr/bin/python
# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: release_watch
short_description: The watcher that judges a release and takes a bad one back by itself
version_added: 1.0.0
description:
  - Starts, follows and stops a detached watcher on the state host. It is started before the flip.
  - The watcher waits for the flip, reads the edge's access log, probes both colours side by side and judges.
  - On FAIL it rolls back at once, if the old colour is alive. The controller is not needed for that.
  - It ends with one of PASS, PASS_SYNTHETIC_ONLY, FAIL and INCONCLUSIVE, in C(verdict.json) and in a report.
author: "olympus.bluegreen authors (@olympusoss)"
extends_documentation_fragment: [olympus.bluegreen.reach, olympus.bluegreen.deployment]
attributes:
  check_mode:
    support: full
    description: Nothing is started or stopped; V(followed) returns at once.
  diff_mode:
    support: full
    description: Shows which watcher would run.
options:
  state:
    description:
      - V(started) starts the watcher of O(release), unless it runs already or this very cutover has been judged. A
        watcher of another release is stopped.
      - V(followed) prints what the watcher does until its verdict. It never fails for a bad verdict.
      - V(read) returns what is known. V(stopped) ends the watcher; its verdict is INCONCLUSIVE then.
      - V(restarted) starts a watcher that died before its verdict for what is left of its window. It goes on from its
        own events. V(followed) does that first, too.
      - V(ordered) gives O(order) to the running watcher and returns with its answer.
    type: str
    choices: [started, followed, read, restarted, ordered, stopped]
    default: read
  state_dir:
    description: The state directory.
    type: path
    default: /var/lib/olympus-bluegreen
  release:
    description: Id of the release. Empty means the one that was watched last.
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
      - C(address) and C(port) are where its public names are asked, C(ca) verifies them.
      - Of C(kind) V(cloudflare) it has the options of M(olympus.bluegreen.cloudflare_lb_pool), which the watcher goes
        back by, with the token in C(api_token_file). C(access_log) is that of a Caddy behind it, if there is one.
    type: dict
    default: {}
  switch_dir:
    description: Host path of the switch directory, where it is not to be looked up. Probes then speak from the host.
    type: path
    default: ''
  services:
    description: The coloured services.
    type: dict
    default: {}
  shared:
    description: The shared services.
    type: list
    elements: str
    default: []
  network_range:
    description: The range that the deployment's networks are cut from.
    type: str
    default: 10.231.16.0/20
  public:
    description: Public names to ask, each with C(host) and C(path).
    type: list
    elements: dict
    default: []
  probes:
    description: The probe identity and client of each domain.
    type: dict
    default: {}
  probe_secrets:
    description: C(password) and C(client_secret) of each domain. They reach the watcher by a file of mode 0600 that is
      struck as soon as it was read.
    type: dict
    default: {}
  stack:
    description:
      - C(project), C(edge_service), C(podman_compose) and C(singletons) as M(olympus.bluegreen.podman_compose_release)
        takes them.
      - With it the watcher's last act, whatever its verdict, is that couriers and other singletons follow the switch.
    type: dict
    default: {}
  skip:
    description:
      - Checks of M(olympus.bluegreen.health_gate) that no probe asks. What is left out stands in the verdict's reasons.
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
      - Why the watcher does not roll back by itself, as the other colour is known to fail. It judges and reports, and
        what is live stays live. Empty where it rolls back.
    type: str
    default: ''
  parameters:
    description: Other parameters of the judge, as C(alpha), C(ratio), C(floor), C(margin), C(min_traffic).
    type: dict
    default: {}
  since:
    description: Return only events after so many.
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
      - V(abort) ends the watch without a rollback; its verdict is INCONCLUSIVE.
      - V(hold) keeps it from ending before V(resume) or V(promote), for a day at most. A FAIL still rolls back.
      - V(extend) lengthens it by O(extend) seconds.
      - V(promote) ends it now, if what was seen so far is a PASS, and refuses otherwise. After a watch that ended
        INCONCLUSIVE it signs the release off under the name of O(operator).
      - Anything else is an error that names C(bluegreen_watch_do).
    type: str
    default: ''
  extend:
    description: Seconds, from 1 to 86400, for the order V(extend).
    type: str
    default: ''
  operator:
    description: Who gives the order. The action plugin fills it in.
    type: str
    default: ''
  timeout:
    description: How long V(followed) follows, in seconds; 0 means to the end. The watcher goes on either way.
    type: float
    default: 0.0
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

- name: Watch ten minutes longer
  olympus.bluegreen.release_watch:
    state: ordered
    order: extend
    extend: '600'

- name: Follow it to its verdict
  olympus.bluegreen.release_watch:
    state: followed
  register: watch
"""

RETURN = r"""
watcher:
  description: The watcher's process, release and colour, and whether it is alive.
  returned: always
  type: dict
  sample: {pid: 4711, start: 99, release: v1.5.0-0123456789, colour: green, since: 1.0, alive: true}
release:
  description: The release that was asked about.
  returned: always
  type: str
  sample: v1.5.0-0123456789
verdict:
  description: PASS, PASS_SYNTHETIC_ONLY, FAIL or INCONCLUSIVE; empty while there is none.
  returned: always
  type: str
  sample: PASS
reasons:
  description: Why, in sentences.
  returned: always
  type: list
  elements: str
  sample: []
signed_off:
  description: Who ended the watch early or answered for it, C(by) and C(at); empty when nobody did.
  returned: always
  type: dict
  sample: {by: op at ctl, at: 1.0}
answer:
  description: What came of O(order), a sentence.
  returned: always
  type: str
  sample: 'v1.5.0-0123456789: the watch lasts 600 s longer, by op at ctl'
returned_to:
  description: The colour that the watcher went back to, empty when it did not.
  returned: always
  type: str
  sample: blue
not_returned:
  description: Why a FAIL did not lead to a rollback.
  returned: always
  type: str
  sample: ''
held:
  description: Whether it did not roll back because of O(stays).
  returned: always
  type: bool
  sample: false
evidence:
  description: The counts and numbers behind the verdict.
  returned: always
  type: dict
  sample: {}
report:
  description: Path of the report on the state host, empty when there is none.
  returned: always
  type: str
  sample: ''
events:
  description: Events of the watch, from the one after O(since).
  returned: always
  type: list
  elements: dict
  sample: []
next:
  description: The value of O(since) for the next call.
  returned: always
  type: int
  sample: 12
how:
  description: How the watcher was started, V(systemd) or V(session); empty when none was.
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
