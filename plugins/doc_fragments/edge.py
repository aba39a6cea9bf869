# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Written by `make docs` from module_utils/_deployment; a test keeps it current.

"""The edge, what it serves and how it reaches the colours, as modules document it."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  upstreams:
    description:
    - 'What the configuration dials, and each colour''s address instead. It needs no compose project:
      O(project), O(services), O(network_range), O(publish) and O(port_base) are not looked at then.'
    - The addresses are taken as they are. Each colour may be a process, a container or another host.
    type: list
    default: []
    elements: dict
    suboptions:
      dial:
        description:
        - As the configuration has it, V(localhost:9001) or V(web:80).
        type: str
        required: true
      blue:
        description:
        - Address and port of blue, as the edge dials it.
        type: str
        required: true
      green:
        description:
        - Address and port of green, as the edge dials it.
        type: str
        required: true
      ui:
        description:
        - Whether it answers pages, so that the edge pins their forms to a colour.
        type: bool
        default: false
  edge:
    description:
    - The edge of the deployment.
    type: dict
    suboptions:
      kind:
        description:
        - V(container) is a Caddy that podman-compose started.
        - V(native) is a process of this host. It is found by its admin endpoint. It reaches the colours
          by published ports, so O(publish) must say V(loopback) or an address.
        type: str
        default: container
        choices:
        - container
        - native
      source:
        description:
        - The format of Caddy's configuration file. A Caddy that starts with C(--resume) has no such file
          and is refused.
        type: str
        default: caddyfile
        choices:
        - caddyfile
        - json
      method:
        description:
        - How a flip reaches the public. A changed method takes effect at the next C(adopt), which reloads
          Caddy once.
        - V(switch) is one file that each request looks at. A flip renames it and loses nothing.
        - V(reload) is for an edge that can't look at a file. It edits the configuration file, lets the
          edge's own Caddy validate it and reloads it. A rollback is one write to the admin API, and the
          file after it. Each flip costs a reload and keeps no open form on its colour.
        type: str
        default: switch
        choices:
        - switch
        - reload
      service:
        description:
        - Compose service that runs Caddy. Without O(project) it is the name of a container.
        type: str
        default: caddy
      caddyfile:
        description:
        - Caddy's configuration file on this host, a Caddyfile or JSON.
        type: path
        default: ''
      config_path:
        description:
        - The same file as the container sees it.
        type: str
        default: /etc/caddy/Caddyfile
      mount:
        description:
        - Where a writable volume is mounted in the container; the switch goes there.
        - With O(edge.method=reload) it may be empty. Then the switch lies below O(edge.switch_dir), and
          the collection writes no access log.
        type: str
        default: /config
      switch_dir:
        description:
        - With O(edge.kind=native), the directory on this host below which the switch is made. Caddy's
          user must be able to pass every directory above it, and its service manager must show it that
          directory.
        - Also that of a container without O(edge.mount).
        type: path
        default: /var/lib/olympus-bluegreen-edge
      upstreams:
        description:
        - With O(edge.kind=native), what the configuration dials (as V(localhost:3100)) to the coloured
          service and port that it means (as V(ciam-hera:3000)), where the ports that the running containers
          publish don't say so.
        type: dict
        default: {}
      address:
        description:
        - Address at which the public names are asked.
        type: str
        default: 127.0.0.1
      port:
        description:
        - Port at which the public names are asked.
        type: int
        default: 443
      scheme:
        description:
        - How the public names are asked.
        type: str
        default: https
        choices:
        - https
        - http
      ca:
        description:
        - 'PEM file to check the public names'' certificates against; empty: the system''s.'
        type: str
        default: ''
      admin:
        description:
        - Caddy's admin endpoint as Caddy writes it, C(host:port) or C(unix//path), where the edge runs.
        type: str
        default: localhost:2019
      admin_origin:
        description:
        - One of its admin endpoint's C(origins), where these don't list itself.
        type: str
        default: ''
  public:
    description:
    - Public names to ask, each with C(host) and C(path).
    type: list
    default: []
    elements: dict
    suboptions:
      host:
        description:
        - Host name.
        type: str
        required: true
      path:
        description:
        - A path whose answer comes from a coloured service.
        type: str
        default: /
  publish:
    description:
    - How the edge reaches a colour. V(network) is by the internal edge networks alone.
    - V(loopback), or an IPv4 address of this host, publishes C(port) and C(admin_port) of each coloured
      service there as well, at O(port_base) of the colour plus two for each number before its own. A
      port that is taken is an error before anything starts.
    - V(0.0.0.0) is refused, because the admin ports of Kratos and Hydra ask for no password.
    - A native edge needs V(loopback) or an address.
    - C(blue) and C(green), each with an IPv4 address, where the colours are on hosts of their own. C(upstreams)
      of O(edge) says what the edge dials then. The stages know one host only.
    type: raw
    default: network
  port_base:
    description:
    - First port of each colour, at least 352 apart. Used where O(publish) is not V(network).
    type: dict
    default: {}
  project:
    description:
    - Name of the compose project that was adopted.
    type: str
    default: ''
  services:
    description:
    - The coloured services, by name. V(false) takes one out that was learned.
    type: dict
    default: {}
  shared:
    description:
    - Services of the project that coloured ones talk to. They are never changed.
    type: list
    default: []
    elements: str
  network_range:
    description:
    - IPv4 range (a /22 or larger) of the collection's networks.
    type: str
    default: 10.231.16.0/20
"""
