# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The edge, whom it serves and how it reaches the colours, as modules document it."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  edge:
    description: The running Caddy.
    type: dict
    required: true
    suboptions:
      kind:
        description:
          - V(container) is one that podman-compose started.
          - V(native) is a process of this host, which is found by its admin endpoint. It reaches the colours by
            published ports, so O(publish) must say V(loopback) or an address.
        type: str
        choices: [container, native]
        default: container
      source:
        description:
          - What its configuration file is written in. A Caddy that starts with C(--resume) has no such file and is
            refused.
        type: str
        choices: [caddyfile, json]
        default: caddyfile
      method:
        description:
          - How a flip reaches the public. Another one than before takes effect with the next adopt, by one reload.
          - V(switch) is one file that each request asks for; a flip renames it and loses nothing.
          - V(reload) is for an edge that can't look at a file. It edits the configuration file, lets the edge's own
            Caddy validate it and reloads it. A rollback is one write to the admin API, and the file after it. Each
            flip costs a reload and keeps no open form on its colour.
        type: str
        choices: [switch, reload]
        default: switch
      service:
        description: Its compose service.
        type: str
        default: caddy
      caddyfile:
        description: Its configuration file on this host, a Caddyfile or JSON.
        type: path
        default: ''
      config_path:
        description: The same file as the container sees it.
        type: str
        default: /etc/caddy/Caddyfile
      mount:
        description:
          - Where a writable volume is mounted in the container; the switch goes there.
          - With O(edge.method=reload) it may be empty. Then the switch lies below
            O(edge.switch_dir), and there is no access log of ours.
        type: str
        default: /config
      switch_dir:
        description:
          - With O(edge.kind=native), the directory on this host below which the switch is made. Caddy's user must be
            able to pass every directory above it, and its service manager must show it that directory.
          - Also that of a container without O(edge.mount).
        type: path
        default: /var/lib/olympus-bluegreen-edge
      upstreams:
        description:
          - With O(edge.kind=native), what its configuration dials (as V(localhost:3100)) to the coloured service and
            port that it means (as V(ciam-hera:3000)), where the ports that the running containers publish don't say so.
        type: dict
        default: {}
      address:
        description: Address at which the public names are asked.
        type: str
        default: 127.0.0.1
      port:
        description: Port at which the public names are asked.
        type: int
        default: 443
      scheme:
        description: How the public names are asked.
        type: str
        choices: [https, http]
        default: https
      ca:
        description: PEM file that the public names' certificates are checked against; empty for the system's.
        type: str
        default: ''
      admin:
        description: Caddy's admin endpoint as Caddy writes it, C(host:port) or C(unix//path), where the edge runs.
        type: str
        default: localhost:2019
      admin_origin:
        description: One of the C(origins) of its admin endpoint, where these don't list the endpoint itself.
        type: str
        default: ''
  publish:
    description:
      - How the edge reaches the colours. V(network) by their networks, V(loopback) or an IPv4 address by ports of this
        host. A native edge needs one of the latter.
      - C(blue) and C(green), each with an IPv4 address, where the colours are on hosts of their own. What the edge
        dials is said in C(upstreams) of O(edge) then. The stages know one host only.
    type: raw
    default: network
  port_base:
    description: The first published port of each colour.
    type: dict
    default: {}
  project:
    description: Name of the compose project of the edge.
    type: str
    required: true
  services:
    description:
      - Coloured services, each a dictionary, of which C(ui) (answers pages, so pin their forms) and
        C(edge) (V(false), the edge does not reach it) are read here.
    type: dict
    required: true
  shared:
    description: Shared services.
    type: list
    elements: str
    default: []
  network_range:
    description: IPv4 range (a /22 or larger) that the networks are cut from.
    type: str
    default: 10.231.16.0/20
  public:
    description: Public names to ask. Without any, those that the running configuration has behind the switch.
    type: list
    elements: dict
    default: []
    suboptions:
      host:
        description: Host name.
        type: str
        required: true
      path:
        description: A path whose answer comes from a coloured service.
        type: str
        default: /
"""
