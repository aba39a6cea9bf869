# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options that say what a release is made of and how many are kept."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  release:
    description: Id of a kept release to render again. The module then reads neither O(source) nor O(images).
    type: str
    default: ""
  images:
    description:
      - A release takes the images that its own compose files name, with their C(.env). An entry here replaces that for
        one service.
      - Coloured service to an image reference in which C({version}) is replaced, C(repository@sha256:...), or a digest
        alone, of the repository that the compose file names.
    type: dict
    default: {}
  allow_mutable:
    description:
      - Accept images without a tag, or with one that has no digit (C(latest), C(stable), C(main)). Such a tag can move.
      - The release keeps the image that it names on this host when the release is made; it is pulled only where it is
        missing here, so run C(podman pull) before.
    type: bool
    default: false
  git:
    description:
      - Take the files of a new release from a git ref. Each run fetches it on this host.
      - git finds its credentials where it always does (SSH keys, credential helpers, C(.netrc)).
    type: dict
    suboptions:
      repo:
        description: Address or path of the repository, without credentials.
        type: str
        required: true
      ref:
        description: Branch, tag or commit; C({version}) is replaced.
        type: str
        default: "{version}"
      path:
        description: Directory of the repository that holds the compose files.
        type: str
        default: "."
      overlay:
        description: Files and directories that git does not hold, relative to O(source), laid over the checkout.
        type: list
        elements: str
        default: [.env]
  keep:
    description: With O(state=pruned), how many of the newest releases stay.
    type: int
    default: 3
  protect:
    description: With O(state=pruned), ids of releases that stay besides.
    type: list
    elements: str
    default: []
"""
