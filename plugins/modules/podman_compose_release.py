#!/usr/bin/python
# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: podman_compose_release
short_description: Manage one colour of a podman-compose deployment as an immutable release
version_added: 1.0.0
description:
  - Records a running podman-compose project as colour blue without recreating a container. Renders a release of it for
    the other colour, and starts, stops and removes that colour.
  - A release is a version, resolved to one image id per coloured service, and a content-hashed copy of the files that
    these services read. These are the compose files, the environment files and every bind-mounted file of the project
    directory. Nothing that is edited or pulled later reaches a running colour.
  - The module only reads the compose file of the operator, with C(podman-compose config). It runs no other command of
    podman-compose in the adopted project.
  - Containers and networks are recognised by their labels alone.
  - C(docs/compose.md) lists which keys of a compose file a colour keeps, which it changes and which are refused.
author: "olympus.bluegreen authors (@olympusoss)"
extends_documentation_fragment:
  - olympus.bluegreen.attributes
  - olympus.bluegreen.releases
  - olympus.bluegreen.deployment
requirements:
  - podman
  - podman-compose 1.2 or later
  - PyYAML
  - python-dotenv
attributes:
  diff_mode:
    details:
      - Environments and secrets are never part of the difference.
  idempotent:
    support: partial
    details:
      - O(state=rendered) and O(state=started) refuse a release whose images and files are those of the live one.
options:
  state:
    description:
      - V(read) only looks.
      - V(adopted) creates the networks, joins the running project to them and records it as blue. A second run is the
        repair. It starts and joins what was stopped, removed or recreated since. It rebuilds a lost record from
        labels, networks and O(source) if containers of a colour exist.
      - V(rendered) makes the release and the compose file of O(colour).
      - V(started) renders, then makes the containers of O(colour) match that file.
      - V(handed_over) stops every singleton (the mail couriers and O(singletons)) that does not run in the live colour,
        and starts what is missing there. It reads the switch before each step. Only one handover runs at a time.
      - V(absent) removes the containers of O(colour). Files, images, networks and volumes stay. When the adopted
        containers go, a relay answers to their compose names for the live colour from then on.
      - V(pruned) removes releases beyond O(keep), and the images that only they had. A release stays if a colour, a
        mark, O(protect) or a container refers to it.
    type: str
    choices: [read, adopted, rendered, started, handed_over, absent, pruned]
    default: read
  undo:
    description: With O(state=adopted), take the project off the networks again, remove them, and nothing else.
    type: bool
    default: false
  state_dir:
    description: Directory of releases and stacks.
    type: path
    default: /var/lib/olympus-bluegreen
  colour:
    description: The colour to work on.
    type: str
    choices: [blue, green]
  live_colour:
    description: The live colour. The module never renders, starts or removes it.
    type: str
    choices: [blue, green]
  version:
    description:
      - Label of the new release. Replaces C({version}) in O(images) and O(git).
      - With O(state=adopted), the version that is running.
    type: str
    default: ""
seealso:
  - module: olympus.bluegreen.caddy_upstream
    description: Moves the traffic between the colours.
  - module: olympus.bluegreen.health_gate
    description: Checks a colour before a flip.
  - module: olympus.bluegreen.ory_migrate
    description: Applies the migrations of a release.
  - module: olympus.bluegreen.release_ledger
    description: Locks a run and gives its fencing token.
  - name: podman-compose
    description: The program that reads the compose files.
    link: https://github.com/containers/podman-compose
"""

EXAMPLES = r"""
- name: Record the running stack as blue
  olympus.bluegreen.podman_compose_release:
    <<: &prod
      project: prod
      source: /opt/olympusoss/prod
      services:
        ciam-kratos: {kind: kratos, port: 5000, admin_port: 5001}
        ciam-hydra: {kind: hydra, port: 5002, admin_port: 5003}
        ciam-hera: {kind: hera, port: 3000}
        site: {kind: site, port: 8080}
      shared: [postgres]
      edge: {service: caddy}
    state: adopted
    version: v1.4.2

- name: Make a release of a git tag for green
  olympus.bluegreen.podman_compose_release:
    <<: *prod
    state: rendered
    colour: green
    live_colour: blue
    version: v1.5.0
    git: {repo: "https://git.example.com/olympus/prod.git", ref: "{version}"}

- name: Start green at the new version
  olympus.bluegreen.podman_compose_release:
    <<: *prod
    state: started
    colour: green
    live_colour: blue
    version: v1.5.0
    images:
      ciam-hera: "registry.example.com/olympus/hera:{version}"

- name: Move the mail courier to the colour that is live now
  olympus.bluegreen.podman_compose_release:
    <<: *prod
    state: handed_over

- name: Remove the containers of blue
  olympus.bluegreen.podman_compose_release:
    <<: *prod
    state: absent
    colour: blue
    live_colour: green

- name: Keep the three newest releases
  olympus.bluegreen.podman_compose_release:
    <<: *prod
    state: pruned
    keep: 3

- name: Look at both colours
  olympus.bluegreen.podman_compose_release:
    <<: *prod
    state: read
  register: seen

- name: Take the project off the networks again
  olympus.bluegreen.podman_compose_release:
    <<: *prod
    state: adopted
    undo: true
"""

RETURN = r"""
colour:
  description: The colour that the module worked on. V(blue) without O(colour).
  type: str
  returned: success
  sample: green
release:
  description: The release of this colour.
  type: dict
  returned: success
  contains:
    id:
      description: Version and content hash. Empty in check mode while an image has to be pulled.
      type: str
      returned: always
      sample: v1.5.0-0123456789
    version: {description: The version of the release., type: str, returned: always, sample: v1.5.0}
    images:
      description: Service to C(reference), C(id) and C(digest) of its image.
      type: dict
      returned: always
      sample: {ciam-hera: {reference: "registry.example.com/olympus/hera:v1.5.0", id: 4f5e, digest: "sha256:9a8b"}}
    source:
      description: Where the files came from, as C(kind), C(path), C(ref), C(commit), and C(repo) if it is git.
      type: dict
      returned: always
      sample: {kind: directory, path: /opt/olympusoss/prod, ref: "", commit: ""}
    changed:
      description:
        - What differs from the live release. C(images) has C(from) and C(to) for each service. C(files) and
          C(environment) have names only.
      type: dict
      returned: always
      sample: {images: {ciam-hera: {from: "hera:v1.4.2 (1a2b)", to: "hera:v1.5.0 (4f5e)"}}, files: {}, environment: {}}
    same_schema:
      description: Services with the image and the DSN of the live release. Their databases have nothing to migrate.
      type: list
      elements: str
      returned: always
      sample: [ciam-kratos]
    lines:
      description: The same changes as sentences.
      type: list
      elements: str
      returned: always
      sample: ["v1.5.0-01234 against v1.4.2-98765", "image ciam-hera: hera:v1.4.2 (1a2b) -> hera:v1.5.0 (4f5e)"]
releases:
  description: Kept releases, the newest first.
  type: list
  elements: dict
  returned: success
  contains:
    id: {description: Id of the release., type: str, returned: always, sample: v1.5.0-0123456789}
    version: {description: The version of the release., type: str, returned: always, sample: v1.5.0}
    created: {description: When it was made (Unix time)., type: float, returned: always, sample: 1764534439.5}
    migrated: {description: Whether it changed a schema., type: bool, returned: always, sample: false}
    source:
      description: As RV(release.source).
      type: dict
      returned: always
      sample: {kind: directory, path: /opt/olympusoss/prod, ref: "", commit: ""}
services:
  description:
    - Service of RV(colour) to its container. C(address) is on the edge network, C(colour_address) on the own network of
      the colour. C(state) is C(absent) without a container, and C(unnamed) if O(services) no longer has the service.
  type: dict
  returned: success
  sample:
    ciam-hera: {container: olympus-green_ciam-hera_1, image: 4f5e, address: 10.231.17.12, colour_address: 10.231.19.12,
      port: 3000, admin_port: 0, state: running}
singletons:
  description: What must run once.
  type: list
  elements: dict
  returned: success
  contains:
    name: {description: Name of the singleton., type: str, returned: always, sample: ciam-kratos-courier}
    service: {description: The compose service that it belongs to., type: str, returned: always, sample: ciam-kratos}
    kind: {description: C(courier) or C(service) or C(command)., type: str, returned: always, sample: courier}
    command: {description: What its container runs., type: list, elements: str, returned: always, sample: []}
    holders:
      description:
        - Containers that do its work. C(place) is C(blue), C(green), C(project) or C(unmanaged). C(matches_file) says
          whether it is what the compose file of its colour defines.
      type: list
      elements: dict
      returned: always
      sample:
        - {container: olympus-green_ciam-kratos-courier_1, place: green, state: running, matches_file: true, id: 8c7d}
    files: {description: Colours that have it., type: list, elements: str, returned: always, sample: [blue, green]}
places:
  description: Singleton to the place where it runs. Several places have a comma between them. Empty for none.
  type: dict
  returned: success
  sample: {ciam-kratos-courier: green}
moved:
  description: What O(state=handed_over) stopped, and what it settled before a start.
  type: list
  elements: dict
  returned: success
  contains:
    singleton: {description: Name of the singleton., type: str, returned: always, sample: ciam-kratos-courier}
    container: {description: The stopped container., type: str, returned: always, sample: prod_courier_1}
    quiet: {description: Whether it stopped between two mails., type: bool, returned: after a stop, sample: true}
    waited: {description: Seconds until no mail was being sent., type: float, returned: after a stop, sample: 0.3}
    seconds: {description: Seconds that the stop took., type: float, returned: after a stop, sample: 1.2}
    returned: {description: How many mails are queued again., type: int, returned: for couriers, sample: 0}
    adapted: {description: How many mails were made fit for this version., type: int, returned: for couriers, sample: 0}
    unconfirmed: {description: Mails of unknown fate., type: list, elements: str, returned: for couriers, sample: []}
    warning:
      description: What the operator has to know of it.
      type: str
      returned: when there is something
      sample: "kratos-courier starts, and the mails that were left half sent could not be read: no route to host"
colours:
  description: What is known of each colour, C(blue) and C(green).
  type: dict
  returned: success
  contains:
    release: {description: Id of its release. Empty for none., type: str, returned: always, sample: v1.5.0-0123456789}
    adopted: {description: Whether it is the adopted project itself., type: bool, returned: always, sample: false}
    running: {description: Whether all of it runs at this release., type: bool, returned: always, sample: true}
    pending: {description: Whether the release is rendered but not up., type: bool, returned: always, sample: false}
    services:
      description: As RV(services).
      type: dict
      returned: always
      sample: {ciam-hera: {container: olympus-green_ciam-hera_1, state: running}}
    drift: {description: How its containers changed., type: list, elements: str, returned: always, sample: []}
    edited: {description: How its files changed on disk., type: list, elements: str, returned: always, sample: []}
recorded: {description: Whether the addresses are recorded., type: bool, returned: success, sample: true}
shared:
  description:
    - Shared service or edge to its container. C(recreated) says that it is another one than at adopt. C(edge) marks the
      edge. C(relay) answers to the compose names of coloured services once the adopted containers are gone.
  type: dict
  returned: success
  sample: {postgres: {container: prod_postgres_1, state: running, recreated: false, edge: false}}
dependents:
  description: Containers of no colour that depend on adopted ones.
  type: list
  elements: dict
  returned: success
  contains:
    container: {description: Name of the container., type: str, returned: always, sample: prod_pgadmin_1}
    needs: {description: Coloured services that it needs., type: list, elements: str, returned: always, sample: [hydra]}
unmanaged:
  description: Containers of coloured services that were neither adopted nor started by this collection.
  type: list
  elements: dict
  returned: success
  contains:
    container: {description: Name of the container., type: str, returned: always, sample: prod_ciam-hera_1}
    service: {description: Compose service of the container., type: str, returned: always, sample: ciam-hera}
    state: {description: State of the container., type: str, returned: always, sample: running}
    image: {description: Reference of its image., type: str, returned: always, sample: "hera:v1.4.2"}
    replaces_adopted: {description: Whether an adopted one had its name., type: bool, returned: always, sample: true}
    same_image: {description: Whether it has the image of the adopted one., type: bool, returned: always, sample: true}
    sends_mail: {description: Whether a mail courier runs in it., type: bool, returned: always, sample: false}
networks:
  description: Network to C(subnet) and C(present).
  type: dict
  returned: success
  sample: {olympus-edge-green: {subnet: 10.231.17.0/24, present: true}}
off_networks:
  description: Running containers that are off a network to which they belong.
  type: list
  elements: dict
  returned: success
  contains:
    container: {description: Name of the container., type: str, returned: always, sample: prod_caddy_1}
    network: {description: The network that it is off., type: str, returned: always, sample: olympus-edge-green}
removed:
  description: Containers that O(state=absent) removed. Releases and images that O(state=pruned) removed.
  type: list
  elements: str
  returned: success
  sample: [olympus-blue_ciam-hera_1]
messages:
  description: What the operator has to know. The module gives the same as warnings.
  type: list
  elements: str
  returned: success
  sample: ["host ports of site are not kept: a colour publishes none"]
steps:
  description: What the module did in order, or would do in check mode.
  type: list
  elements: str
  returned: success
  sample: ["render green v1.5.0-0123456789", "up ciam-hera"]
partial:
  description: Steps that were done before a failure (C(done)) and the one that failed (C(failed)).
  type: dict
  returned: failure
  sample: {done: ["render green v1.5.0-0123456789"], failed: up ciam-hera}
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.deployment import switch_reader
from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.deployment.job import Context
from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.deployment.model import wanted_from
from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.options import SPEC
from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.states import answer
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.clock import SystemClock
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import BluegreenError, refusal
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.podman import Podman
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.runner import SubprocessRunner
from ansible_collections.olympus.bluegreen.plugins.module_utils._deployment.inputs import described
from ansible_collections.olympus.bluegreen.plugins.module_utils._state.heartbeat import beating

LONG = ("rendered", "started", "absent", "pruned", "adopted", "undone", "handed_over")


def main() -> None:
    module = described(AnsibleModule, SPEC)
    params = module.params
    state = "undone" if params["undo"] else params["state"]
    try:
        if params["undo"] and params["state"] != "adopted":
            raise BluegreenError("undo belongs to state adopted", option="undo", value=True, fix="say state=adopted")
        runner = SubprocessRunner()
        asked = switch_reader.reader(params, runner), switch_reader.finder(params, runner)
        context = Context(wanted_from(params), Podman(runner), SystemClock(), *asked, token=params["token"])
        with beating(params["state_dir"], state in LONG and not module.check_mode):
            result = answer(context, state, module.check_mode, params["release"])
    except (BluegreenError, OSError) as exc:
        module.fail_json(**refusal(exc))
    for message in result["messages"]:
        module.warn(message)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
