# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a Cloudflare edge is reached, for the modules that work with it."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  account_id:
    description: The account that has the pools.
    type: str
  zone_id:
    description: The zone of the public names that give none of their own.
    type: str
    default: ''
  api:
    description: Base address of the API. Plain http only on the loopback interface.
    type: str
    default: https://api.cloudflare.com/client/v4
  api_token:
    description:
      - The API token, with the permissions Load Balancers Write (zone) and Load Balancing, Monitors and Pools Write
        (account). If it may also read itself (API Tokens Read), a missing one is found before anything is begun.
      - Default is the environment variable E(CLOUDFLARE_API_TOKEN). It goes before O(api_token_file).
      - A task of this module alone may have it. The stages, C(bluegreen_edge) and a watch take the file only.
    type: str
  api_token_file:
    description:
      - A file of this host that holds the token.
      - Only its owner may have access to it, else it is refused.
    type: path
  public:
    description: Every public name that is flipped. Each has a load balancer already.
    type: list
    elements: dict
    suboptions:
      host:
        description: Host name, which is the name of its load balancer.
        type: str
        required: true
      path:
        description: A path whose answer comes from a coloured service.
        type: str
        default: /
      zone_id:
        description: The zone, if another than O(zone_id).
        type: str
        default: ''
  pools:
    description: The pool of each colour.
    type: dict
    suboptions:
      blue: &pool
        description:
          - The pool of this colour. Without C(origins) it has to exist, is used as it is and never written.
        type: dict
        required: true
        suboptions:
          name:
            description: The name.
            type: str
            required: true
          origins:
            description: The endpoints. Given, the pool is ours and has exactly these.
            type: list
            elements: dict
            default: []
            suboptions:
              name: {description: Name of the endpoint., type: str, required: true}
              address: {description: The address or host name., type: str, required: true}
              port: {description: The port. Without one it follows the scheme of the request., type: int}
              weight: {description: The share within the pool., type: float}
              host: {description: The Host header that it gets., type: str}
          monitor:
            description: Id of the monitor that watches it.
            type: str
          minimum_origins:
            description: So many healthy endpoints it needs to serve.
            type: int
          check_regions:
            description: Regions from which it is watched.
            type: list
            elements: str
      green: *pool
  observe:
    description: How the public names are asked.
    type: dict
    default: {}
    suboptions:
      header:
        description: The header in which an answer says its colour. Empty, propagation is not observed.
        type: str
        default: X-Bluegreen-Colour
      address:
        description: Connect here instead of where DNS points.
        type: str
        default: ''
      port:
        description: The port at O(observe.address).
        type: int
        default: 443
      scheme:
        description: The scheme. Plain http only at an O(observe.address).
        type: str
        choices: [https, http]
        default: https
      ca:
        description: A PEM file with the authority of the public certificate, if the system does not know it.
        type: str
        default: ''
  patience:
    description: How long to wait in all where Cloudflare says 429, in seconds.
    type: float
    default: 60.0
  budget:
    description:
      - How many calls this run may send. Cloudflare blocks a token for five minutes after 1200 in five minutes.
      - What cannot be finished within it, or within what Cloudflare says is left, is not begun.
    type: int
    default: 1200
"""
