#!/usr/bin/python
# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: release_stage
short_description: Begin a stage, take the lock, look, decide, and check what a release needs
version_added: 1.0.0
description:
  - Takes the lock of the deployment, reads what runs and what is recorded, asks the edge, and decides what the stage
    does.
  - Runs M(olympus.bluegreen.release_preflight) once in a run, before the first of the stages V(migrate), V(deploy) and
    V(cutover) that does something. With O(stage=preflight) it always does.
  - Fails with the reason and its fix where the stage may not go ahead.
  - Without O(lock) it only looks, and fails for nothing that it finds.
author: "olympus.bluegreen authors (@olympusoss)"
attributes:
  check_mode:
    description: Takes no lock, and no probe logs in.
    support: full
  diff_mode:
    description: There is never a difference.
    support: none
options:
  deployment:
    description: The deployment as M(olympus.bluegreen.release_deployment) describes it.
    type: dict
    required: true
  stage:
    description: Name of the stage. Without it nothing is decided. With V(watch) the edge is not asked.
    type: str
    default: ''
  lock:
    description: Take the lock first.
    type: bool
    default: false
  version:
    description: The version to go to.
    type: str
    default: ''
  undo:
    description: With O(stage=adopt), decide about taking the adoption back.
    type: bool
    default: false
  bake:
    description: Seconds that a release has to be live before a cleanup.
    type: int
    default: 3600
  ignore_fence:
    description: Let a rollback to a kept release go beyond the fence.
    type: bool
    default: false
  fix_forward:
    description: Leave a live colour that fails.
    type: bool
    default: false
  stale:
    description: Seconds after which a lock without a beat is taken over.
    type: float
    default: 120.0
  unlock:
    description: Id of the run whose lock is broken. Empty breaks none.
    type: str
    default: ''
  rows:
    description: RV(rows) of an earlier stage of this run. With it nothing is checked again.
    type: list
    elements: dict
  settings:
    description: What is wrong with the operator's variables, from filter P(olympus.bluegreen.wrong_settings#filter).
    type: list
    elements: dict
    default: []
  probe_secrets:
    description: Per domain the C(password) of the probe identity and the C(client_secret) of its client.
    type: dict
    default: {}
  rehearsal_image:
    description: Image of the PostgreSQL that migrations are proven on, where the database is in no container.
    type: str
    default: ''
seealso:
  - module: olympus.bluegreen.release_preflight
  - module: olympus.bluegreen.release_ledger
"""

EXAMPLES = r"""
- name: Begin a cutover
  olympus.bluegreen.release_stage:
    deployment: "{{ bluegreen_described }}"
    stage: cutover
    lock: true
    version: v1.5.0
  register: begun

- name: Look
  olympus.bluegreen.release_stage:
    deployment: "{{ bluegreen_described }}"
  register: seen
"""

RETURN = r"""
facts:
  description: What the C(edge) says, and C(compose) and C(ledger) of M(olympus.bluegreen.release_look).
  type: dict
  returned: success
  sample: {edge: {live: blue, idle: green}}
decision:
  description: What filter P(olympus.bluegreen.stage_decision#filter) makes of the facts.
  type: dict
  returned: with O(stage)
  sample: {stage: cutover, go: true, live: blue, idle: green}
token:
  description: The fencing token of the run.
  type: int
  returned: success
  sample: 7
rows:
  description: The rows of M(olympus.bluegreen.release_preflight), null where nothing was checked.
  type: list
  elements: dict
  returned: success
  sample: []
"""
