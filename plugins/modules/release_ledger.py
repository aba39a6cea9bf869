#!/usr/bin/python
# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: release_ledger
short_description: The lock, the fencing token, the marks and the record of a deployment
version_added: 1.0.0
description:
  - Keeps the state directory of a deployment on its state host. One run at a time holds the lock.
  - A run that takes the lock raises the fencing token of the switch. A run that was overtaken can write no more.
  - The ledger records what was done, one JSON object a line. It explains and never decides.
  - A rollback needs neither the lock nor the ledger.
author: "olympus.bluegreen authors (@olympusoss)"
requirements:
  - podman, where the switch is looked up at a container
extends_documentation_fragment:
  - olympus.bluegreen.attributes
  - olympus.bluegreen.deployment
  - olympus.bluegreen.notify
attributes:
  check_mode:
    description: Writes nothing, and neither takes nor gives back the lock.
  diff_mode:
    description: Shows what would change in the lock and in the marks.
  idempotent:
    description: Not with V(appended) and V(reported), which write each time.
    support: partial
options:
  state:
    description:
      - V(read) returns what is recorded.
      - V(locked) takes the lock for O(run), or refreshes it. It fails while another run holds it.
      - V(beaten) records that O(run) is alive. V(unlocked) gives the lock back if O(run) holds it.
      - V(waited) waits until O(since) is O(seconds) ago by the clock of this host, and keeps the lock meanwhile.
      - V(appended) writes O(event) to the ledger.
      - V(accepted) marks O(release) as the stable one, moves the fence to it and notes that O(colour) was removed for
        it.
      - V(reported) writes the report of O(release).
      - V(told) sends the message of O(outcome) and writes O(textfile). V(unlocked) ends with that, too. It never fails.
    type: str
    choices: [read, locked, beaten, unlocked, waited, appended, accepted, reported, told]
    default: read
  state_dir:
    description: The state directory. It is made when missing, with mode 0750.
    type: path
    default: /var/lib/olympus-bluegreen
  project:
    description: Compose project of the edge. Without it (and without O(switch_dir)) the token is 0.
    type: str
    default: ''
  edge:
    description: The edge. Its C(service) and C(mount) find the switch.
    type: dict
    default: {}
  switch_dir:
    description: Host path of the switch directory, where it is not to be looked up.
    type: path
    default: ''
  run:
    description: Id of the run. The action plugin sets one id for each C(ansible-playbook) process.
    type: str
    default: ''
  stage:
    description: The stage that holds the lock.
    type: str
    default: ''
  version:
    description: The version being released.
    type: str
    default: ''
  operator:
    description: Name of the person who runs this. The action plugin fills it in.
    type: str
    default: ''
  controller:
    description: Host, process and start of the controller. The action plugin fills it in.
    type: dict
    default: {}
  seen:
    description:
      - What the controller knows of the run that holds the lock, C(run) and C(alive). The action plugin fills it in.
      - A run that is known to be dead loses the lock at once. A run that is known to be alive never loses it.
    type: dict
    default: {}
  stale:
    description: Seconds without a beat after which another run may take the lock over.
    type: float
    default: 120.0
  unlock:
    description:
      - Id of the run whose lock to break, as the refusal prints it. Empty breaks none.
      - The module refuses it while another run holds the lock. The run that lost its lock writes no more.
    type: str
    default: ''
  since:
    description: With O(state=waited), a moment of the past in seconds since the epoch.
    type: float
    default: 0.0
  seconds:
    description: With O(state=waited), how long ago O(since) has to be. It never waits longer than that.
    type: float
    default: 0.0
  event:
    description: The event to append. It needs the key C(event). Never put a secret in it.
    type: dict
    default: {}
  release:
    description: Id of a release.
    type: str
    default: ''
  colour:
    description: The colour that was removed.
    type: str
    choices: [blue, green]
  flip:
    description: The id of the flip that is accepted. Another flip to the same release is accepted by itself.
    type: str
    default: ""
  last:
    description: How many of the last events of the ledger to return.
    type: int
    default: 50
  outcome:
    description:
      - How a stage ended, with C(stage), C(failed), C(why), C(version), C(release) and C(idle).
      - M(olympus.bluegreen.release_end) fills it in. Empty tells of nothing.
    type: dict
    default: {}
seealso:
  - module: olympus.bluegreen.release_watch
    description: Judges a release and writes its verdict.
  - module: olympus.bluegreen.edge_switch
    description: Flips the switch under the fencing token of this lock.
"""

EXAMPLES = r"""
- name: Take the lock
  olympus.bluegreen.release_ledger:
    state: locked
    project: prod
    edge: {service: caddy, mount: /config}
    stage: cutover
    version: v1.5.0
  register: lock

- name: Record that the release was announced
  olympus.bluegreen.release_ledger:
    state: appended
    event: {event: note, text: the announcement is out}

- name: Report that the run is alive
  olympus.bluegreen.release_ledger:
    state: beaten

- name: Wait until the caches of ten minutes ago are over
  olympus.bluegreen.release_ledger:
    state: waited
    since: 1796000000.0
    seconds: 600

- name: Accept the release after its bake time
  olympus.bluegreen.release_ledger:
    state: accepted
    release: v1.5.0-0123456789
    colour: blue

- name: Write the report of the release again
  olympus.bluegreen.release_ledger:
    state: reported
    release: v1.5.0-0123456789

- name: Give the lock back
  olympus.bluegreen.release_ledger:
    state: unlocked

- name: Read the last ten events
  olympus.bluegreen.release_ledger:
    last: 10
"""

RETURN = r"""
lock:
  description: The lock as it is now. Empty where no run holds it.
  returned: always
  type: dict
  sample: {holder: op at ctl (process 4711), operator: op, run: ctl-4711-1f3a90bc, stage: cutover, token: 7}
  contains:
    holder: {description: The holder in words., returned: when held, type: str, sample: op at ctl (process 4711)}
    operator: {description: Name of the person who runs it., returned: when held, type: str, sample: op}
    run: {description: Id of the run., returned: when held, type: str, sample: ctl-4711-1f3a90bc}
    stage: {description: The stage of the run., returned: when held, type: str, sample: cutover}
    version: {description: The version being released., returned: when held, type: str, sample: v1.5.0}
    token: {description: The fencing token of the run., returned: when held, type: int, sample: 7}
    since: {description: "When the run took it, in seconds since the epoch.", returned: when held, type: float,
      sample: 1796000000.0}
    beat: {description: "The last beat, in seconds since the epoch.", returned: when held, type: float,
      sample: 1796000030.0}
    controller: {description: "Host, process and start of the controller.", returned: when held, type: dict,
      sample: {host: ctl, pid: 4711}}
now:
  description: The time of this host in seconds since the epoch. Every other time of a deployment is of this clock too.
  returned: always
  type: float
  sample: 1796000000.0
silent:
  description: Seconds since the last beat of the run that holds the lock. Null where none holds it or that is unknown.
  returned: always
  type: float
  sample: 12.5
token:
  description: The fencing token of O(run) where it holds the lock, else that of the switch. V(0) before an adopt.
  returned: always
  type: int
  sample: 7
marks:
  description: The marks of the deployment.
  returned: always
  type: dict
  sample: {stable: v1.4.2-0123456789, fence: v1.4.2-0123456789, cleaned: blue}
  contains:
    stable: {description: Id of the accepted release. Null before the first., returned: always, type: str,
      sample: v1.4.2-0123456789}
    fence: {description: Id of the release beyond which no rollback is proven safe., returned: always, type: str,
      sample: v1.4.2-0123456789}
    cleaned: {description: The colour that was removed last., returned: always, type: str, sample: blue}
    flip: {description: The id of the accepted flip., returned: when accepted with O(flip), type: str, sample: 1f3a90bc}
health:
  description: What each colour was last seen to fail, by colour.
  returned: always
  type: dict
  sample: {green: {release: v1.5.0-0123456789, at: 1796000000.0, well: 1796000000.0, fails: {}}}
events:
  description: The last events of the ledger, oldest first.
  returned: always
  type: list
  elements: dict
  sample: [{event: stage_began, at: 1796000000.0, stage: cutover, run: ctl-4711-1f3a90bc, v: 1}]
  contains:
    event: {description: Kind of the event., returned: always, type: str, sample: stage_began}
    at: {description: "When, in seconds since the epoch.", returned: always, type: float, sample: 1796000000.0}
migrating:
  description:
    - Migrations that have begun and have not ended yet. What one of them has still to do, the next run of the stage
      does.
  returned: always
  type: list
  elements: dict
  contains:
    target: {description: The schema target., returned: always, type: str, sample: ciam_kratos}
    release: {description: The release that migrates it., returned: always, type: str, sample: v1.5.0-0123456789}
    began: {description: "When, in seconds since the epoch.", returned: always, type: float, sample: 1796000000.0}
    text: {description: How far it is., returned: always, type: str, sample: "ciam_kratos: 7 of 20, next identity_id"}
  sample: []
releases:
  description: Every kept release by its id, with the verdict of its last watch and its schema targets.
  returned: always
  type: dict
  sample: {v1.5.0-0123456789: {version: v1.5.0, verdict: {verdict: PASS}, schema: [{target: ciam_kratos}]}}
report:
  description: Path of the report of O(release). Empty where there is none.
  returned: always
  type: str
  sample: /var/lib/olympus-bluegreen/releases/v1.5.0-0123456789/report.html
run:
  description: The id of the run that was used.
  returned: always
  type: str
  sample: ctl-4711-1f3a90bc
steps:
  description: What was written, or would be in check mode.
  returned: always
  type: list
  elements: str
  sample: [write lock.json]
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.clock import SystemClock
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import BluegreenError, refusal
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.runner import SubprocessRunner
from ansible_collections.olympus.bluegreen.plugins.module_utils._deployment.inputs import described
from ansible_collections.olympus.bluegreen.plugins.module_utils._ledger.module import SPEC, Ledger
from ansible_collections.olympus.bluegreen.plugins.module_utils._notify.send import stage_ended
from ansible_collections.olympus.bluegreen.plugins.module_utils._report.write import write_report
from ansible_collections.olympus.bluegreen.plugins.module_utils._state.heartbeat import beating


def main() -> None:
    module = described(AnsibleModule, SPEC)
    ledger = Ledger(module.params, SubprocessRunner(), SystemClock(), write_report, stage_ended)
    try:
        plan = ledger.plan()
        if not module.check_mode:
            with beating(module.params["state_dir"], module.params["state"] == "waited"):
                ledger.apply()
        result = ledger.result()
    except (BluegreenError, OSError) as exc:
        module.fail_json(**refusal(exc))
    for warning in result.pop("warnings"):
        module.warn(str(warning))
    module.exit_json(**plan.result(), diff=plan.diff(), run=module.params["run"], **result)


if __name__ == "__main__":
    main()
