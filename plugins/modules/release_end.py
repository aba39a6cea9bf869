#!/usr/bin/python
# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: release_end
short_description: End a stage, give the lock back, and say how it went
version_added: 1.0.0
description:
  - Gives back the lock that M(olympus.bluegreen.release_stage) took.
  - Sets the statistic C(bluegreen_result) as M(ansible.builtin.set_stats) does, so that AWX keeps it as an artifact of
    the job. It goes by what the roles of the stage have registered.
  - It never fails for what the stage did. Put it into C(always).
author: "olympus.bluegreen authors (@olympusoss)"
attributes:
  check_mode:
    description: Gives back no lock, as none was taken.
    support: full
  diff_mode:
    description: There is never a difference.
    support: none
options:
  deployment:
    description: The deployment as M(olympus.bluegreen.release_deployment) describes it.
    type: dict
    default: {}
  stage:
    description: Name of the stage.
    type: str
    required: true
  version:
    description: The version that the stage was about.
    type: str
    default: ''
  lock:
    description: Give the lock back first.
    type: bool
    default: false
  status:
    description: What filter P(olympus.bluegreen.status_data#filter) returns, in the stage that asks for it.
    type: dict
    default: {}
  refused:
    description: Sentences of the guard, which ran no stage.
    type: list
    elements: str
    default: []
seealso:
  - module: olympus.bluegreen.release_stage
"""

EXAMPLES = r"""
- name: End the stage
  olympus.bluegreen.release_end:
    deployment: "{{ bluegreen_described }}"
    stage: deploy
    lock: true
"""

RETURN = r"""
ansible_stats:
  description: The statistic C(bluegreen_result).
  type: dict
  returned: always
  sample: {data: {bluegreen_result: {v: 1, stage: deploy, rc: 0, live: blue}}, per_host: false, aggregate: false}
"""
