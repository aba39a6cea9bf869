# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Written by `make docs` from module_utils/_deployment; a test keeps it current.

"""The description of a deployment, which every module takes."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  deployment:
    description:
    - The deployment, as M(olympus.bluegreen.release_deployment) and filter P(olympus.bluegreen.deployment#filter)
      describe it. An option of the same name counts where this says nothing; another value there is refused.
    type: dict
    suboptions:
      name:
        description:
        - Name of the deployment, of which networks and labels are made.
        type: str
      state_dir:
        description:
        - Directory of the collection's state on this host.
        type: path
      project:
        description:
        - Name of the compose project that was adopted.
        type: str
      source:
        description:
        - The operator's project directory. A dictionary takes the files of a new release from a git ref.
        type: path
      git:
        description:
        - Take the files of a new release from a git ref. Each release fetches it on this host.
        - git finds its credentials where it always does there (SSH keys, credential helpers, C(.netrc)).
        type: dict
      compose_files:
        description:
        - Compose files, relative to O(deployment.source), in podman-compose's order.
        type: list
        elements: str
      podman_compose:
        description:
        - Path of podman-compose.
        type: str
      network_range:
        description:
        - IPv4 range (a /22 or larger) of the collection's networks.
        type: str
      publish:
        description:
        - How the edge reaches a colour. V(network) is by the internal edge networks alone.
        - V(loopback), or an IPv4 address of this host, publishes C(port) and C(admin_port) of each coloured
          service there as well, at O(deployment.port_base) of the colour plus two for each number before
          its own. A port that is taken is an error before anything starts.
        - V(0.0.0.0) is refused, because the admin ports of Kratos and Hydra ask for no password.
        type: str
      port_base:
        description:
        - First port of each colour, at least 352 apart. Used where O(deployment.publish) is not V(network).
        type: dict
      services:
        description:
        - The coloured services, by name. V(false) takes one out that was learned.
        type: dict
      shared:
        description:
        - Services of the project that coloured ones talk to. They are never changed.
        type: list
        elements: str
      singletons:
        description:
        - What must run once, in the live colour only, besides the mail couriers; name to a dictionary
          of C(service) and C(command).
        - C(service) is a service of the compose files that is neither in O(deployment.services) nor in
          O(deployment.shared); or a coloured one, and then C(command) is what a container of its own
          runs.
        type: dict
      images:
        description:
        - A release takes the images that its own compose files name, with their C(.env). An entry here
          replaces that for one service.
        - Coloured service to an image reference in which C({version}) is replaced, C(repository@sha256:...),
          or a digest alone, of the repository that the compose file names.
        type: dict
      allow_mutable:
        description:
        - Accept images without a tag, or with one that has no digit (C(latest), C(stable), C(main)).
          Such a tag can move.
        - The release keeps the image that it names on this host when the release is made; it is pulled
          only where it is not there, so C(podman pull) comes first.
        type: bool
      edge:
        description:
        - The edge of the deployment.
        type: dict
      public:
        description:
        - Public names to ask, each with C(host) and C(path).
        type: list
        elements: dict
      schema_targets:
        description:
        - 'The databases to migrate. An empty list: nothing is migrated.'
        type: list
        elements: dict
      database:
        description:
        - Compose service of PostgreSQL.
        type: str
      probes:
        description:
        - Per domain what the journeys need. A key that stands here goes for every domain.
        type: dict
      checks:
        description:
        - Settings of the gate.
        type: dict
      watch:
        description:
        - Settings of the watch.
        type: dict
      cache_ttl:
        description:
        - Seconds that a setting may be cached.
        type: float
      cache_probe:
        description:
        - C(write), C(read) and C(field) as M(olympus.bluegreen.health_gate) takes them. If unset, cleanup
          waits O(deployment.cache_ttl) seconds after the cutover.
        type: dict
      dependents:
        description:
        - Containers that depend on coloured ones, as adopt found them.
        type: list
        elements: dict
  name:
    description:
    - Name of the deployment where O(deployment) does not say it. Networks and labels are made of it.
    type: str
    default: olympus
"""
