# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options that say what a release is made of and how many are kept."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  project:
    description: Name of the compose project that is adopted.
    type: str
  source:
    description: The project directory of the operator.
    type: path
  compose_files:
    description: Compose files, relative to O(source), in the order in which podman-compose gets them.
    type: list
    elements: str
    default: [compose.yml]
  wake:
    description: Colours that have to run, live first. O(state=adopted) starts or recreates what does not.
    type: list
    elements: str
    choices: [blue, green]
    default: []
  remove_unmanaged:
    description: With O(state=adopted), remove the containers that RV(unmanaged) lists.
    type: bool
    default: false
  services:
    description:
      - Coloured services. Each has C(kind), C(port) and C(admin_port).
      - C(edge=false) keeps a service off the edge network.
    type: dict
  shared:
    description: Services of the project that coloured ones use. The module never changes them.
    type: list
    elements: str
    default: []
  singletons:
    description:
      - What must run once, in the live colour only, besides the mail couriers. Each name has C(service) and C(command).
      - C(service) is a service of the compose files that is neither in O(services) nor in O(shared). If it is a
        coloured one, a container of its own runs C(command).
    type: dict
    default: {}
  edge_service:
    description: Service of the project that is the edge.
    type: str
    default: caddy
  edge:
    description:
      - The edge whose switch says which colour is live, as in M(olympus.bluegreen.caddy_upstream).
      - O(state=handed_over) follows this switch.
      - O(state=started) and O(state=absent) block a rollback to a colour that is not whole meanwhile. They stop if a
        rollback went there before.
    type: dict
    default: {}
  token:
    description:
      - The fencing token of this run, from M(olympus.bluegreen.release_ledger). Before and after each removal, the
        module compares it with the token of the switch. An older one is refused, and what was stopped is started again.
      - V(0) uses the token that the switch has when the module begins.
    type: int
    default: 0
  switch_dir:
    description: The switch directory. Empty finds it at O(edge).
    type: path
    default: ""
  network_range:
    description:
      - IPv4 range (a /22 or larger) that contains the four networks.
      - The first O(state=adopted) records range and addresses in C(addresses.json) in O(state_dir). A new service gets
        the next free address. The order of O(services) is irrelevant from then on.
      - Another range is refused until O(undo).
    type: str
    default: 10.231.16.0/20
  publish:
    description:
      - How the edge reaches a colour. V(network) uses the internal edge networks alone.
      - V(loopback), or an IPv4 address of this host, also publishes C(port) and C(admin_port) of each coloured service
        there. A port that is taken is an error before anything starts.
      - V(0.0.0.0) is refused, because the admin ports of Kratos and Hydra ask for no password.
    type: str
    default: network
  port_base:
    description:
      - First published port of each colour, C(blue) and C(green), at least 352 apart. Each service takes two ports.
      - A colour that is not given has C(21000) for blue and C(22000) for green.
    type: dict
    default: {}
  podman_compose:
    description: Path of podman-compose.
    type: str
    default: podman-compose
  dependents:
    description:
      - What O(state=absent) does with a container of no colour that depends on a container of O(colour).
      - V(recreate) recreates it without that dependency and with its volumes. V(keep) refuses.
    type: str
    choices: [recreate, keep]
    default: recreate
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
