# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What any application has to answer, for a gate and for a watch."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  targets:
    description:
      - What has to answer, whatever the application is. With targets nothing of a compose project is needed, and
        nothing else is asked.
      - Each target has one of C(url), C(tcp), C(postgres), C(dsn_file) and C(ory). Each of these but C(ory) is one
        address, or a dictionary with an address for C(blue) and one for C(green). So one list serves gate and watch.
      - Targets are asked from this host. Where an C(ory) target is among them, all are asked from where the services
        are.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name of the target in results and sentences. No two targets share one.
        type: str
        required: true
      url:
        description: Send a GET to this URL of http or https.
        type: raw
      tcp:
        description: Connect to this C(host:port).
        type: raw
      postgres:
        description: Ask the PostgreSQL at this C(host:port) whether it takes sessions. That needs no password.
        type: raw
      dsn_file:
        description:
          - Log in to PostgreSQL and ask C(SELECT 1). The first line of this file on the host is the DSN
            (V(postgres://user:password@host/name)), which appears nowhere else.
          - It needs psycopg2 on the host.
        type: raw
      ory:
        description: Ask every check of this domain of O(probes), with its services in O(services).
        type: str
      host:
        description: With C(url), the Host to ask for, and the name that the certificate has to have.
        type: str
      status:
        description: With C(url), the status that is good, or a list of them. Without it that is 200.
        type: list
        elements: int
      body:
        description: With C(url), a text that the body must contain.
        type: str
      version:
        description:
          - With C(url), the version that the answer must name, in a header whose name contains C(version) or as a word
            of the body. A leading C(v) does not count.
          - A watch asks it of the new colour alone.
        type: str
      json:
        description:
          - With C(url), what the JSON of the body must hold. Each key is a path as V(status.db) or V(nodes.0.name),
            each value what has to be there.
        type: dict
      ca:
        description: With C(url), a PEM file to check the certificate against. Without it the system's.
        type: path
      verify:
        description: With C(url), whether the certificate is checked.
        type: bool
        default: true
"""
