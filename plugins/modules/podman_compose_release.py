#!/usr/bin/python
# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: podman_compose_release
short_description: One colour of a podman-compose deployment as an immutable release
version_added: 1.0.0
description:
  - Takes a running podman-compose project as colour blue without recreating a container, renders a release of it
    for the other colour, starts, stops and removes that colour.
  - A release is a version resolved to one image id per coloured service and a content-hashed copy of the compose
    files, the environment files and every bind-mounted file of the project directory that a coloured service uses.
    Nothing that is edited or pulled later reaches a running colour.
  - The operator's compose file is only read, by C(podman-compose config); podman-compose is never run in the adopted
    project in any other way.
  - Containers and networks are recognised by their labels alone.
  - What of a compose file a colour takes, what it changes on purpose and what is refused is told in C(docs/compose.md).
author: "olympus.bluegreen authors (@olympusoss)"
extends_documentation_fragment: [olympus.bluegreen.releases, olympus.bluegreen.deployment]
requirements:
  - podman
  - podman-compose 1.2 or later
  - PyYAML
  - python-dotenv
attributes:
  check_mode:
    description: Can run in check mode and say what it would do without changing anything.
    support: full
  diff_mode:
    description: Says what it changes or would change; environments and secrets are never part of it.
    support: full
options:
  state:
    description:
      - V(read) only looks.
      - V(adopted) makes the networks, joins the running project to them and records it as blue. Run again it is the
        repair, and what other hands stopped, removed or recreated since is started and joined again. A record that
        was lost is made again from labels, networks and O(source) where containers of a colour are there.
      - V(rendered) makes the release and the compose file of O(colour).
      - V(started) renders and then makes the containers of O(colour) what the file says.
      - V(handed_over) ends every singleton (the mail couriers and O(singletons)) that does not run where the switch
        points and starts what is missing there. It reads the switch itself, before each step; one at a time.
      - V(absent) removes the containers of O(colour); files, images, networks and volumes stay. When the adopted ones
        go, a relay answers to their compose names for the live colour from then on.
      - V(pruned) removes releases beyond O(keep) and the images that only they had. What a colour, a mark, O(protect)
        or a container points at stays.
    type: str
    choices: [read, adopted, rendered, started, handed_over, absent, pruned]
    default: read
  undo:
    description: With O(state=adopted), take the project off the networks again and remove them. Nothing else.
    type: bool
    default: false
  state_dir:
    description: Directory of releases and stacks.
    type: path
    default: /var/lib/olympus-bluegreen
  project:
    description: Name of the compose project that is adopted.
    type: str
  source:
    description: The operator's project directory.
    type: path
  compose_files:
    description: Compose files, relative to O(source), in the order podman-compose gets them.
    type: list
    elements: str
    default: [compose.yml]
  colour:
    description: The colour to work on.
    type: str
    choices: [blue, green]
  live_colour: {description: 'The live one, never rendered, started or removed.', type: str, choices: [blue, green]}
  wake:
    description: Colours that have to run, live first. O(state=adopted) starts or recreates what does not.
    type: list
    elements: str
    choices: [blue, green]
    default: []
  remove_unmanaged:
    description: With O(state=adopted), remove what is listed as C(foreign).
    type: bool
    default: false
  version:
    description:
      - Label of the new release; fills C({version}) of O(images) and of O(git).
      - With O(state=adopted), the version that is running.
    type: str
    default: ""
  services:
    description: Coloured services, each with C(kind), C(port), C(admin_port), C(edge) (V(false) keeps it off).
    type: dict
  shared:
    description: Services of the project that coloured ones talk to. They are never changed.
    type: list
    elements: str
    default: []
  singletons:
    description:
      - What must run once, in the live colour only, besides the mail couriers; name to a dictionary of C(service) and
        C(command).
      - C(service) is a service of the compose files that is neither in O(services) nor in O(shared); or a coloured
        one, and then C(command) is what a container of its own runs.
    type: dict
    default: {}
  edge_service: {description: Service of the project that is the edge., type: str, default: caddy}
  edge:
    description:
      - The edge whose switch says who is live, as in M(olympus.bluegreen.caddy_upstream). With O(state=handed_over) it
        decides; O(state=started) and O(state=absent) tell it that the colour is not whole, so that no rollback goes
        there meanwhile, and stop where one went there before.
    type: dict
    default: {}
  token:
    description:
      - The fencing token of this run, as M(olympus.bluegreen.release_ledger) gives it. Before and after each removal it
        is compared with the switch's under the switch's lock; an older one is refused, and what ran is started again.
      - V(0) takes the switch's token as it is when the module begins.
    type: int
    default: 0
  switch_dir: {description: The switch directory if it is not looked for at O(edge)., type: path, default: ""}
  network_range:
    description:
      - IPv4 range (a /22 or larger) that the four networks are cut from.
      - Range and addresses are recorded at the first O(state=adopted) (C(addresses.json) in O(state_dir)). A service
        that is new gets the next free address, the order of O(services) never matters again, and another range is
        refused until O(undo).
    type: str
    default: 10.231.16.0/20
  publish:
    description:
      - How the edge reaches a colour. V(network) is by the internal edge networks alone.
      - V(loopback), or an IPv4 address of this host, publishes C(port) and C(admin_port) of each coloured service there
        as well, at O(port_base) of the colour plus two for each number before its own. A port that is taken is an error
        before anything starts.
      - V(0.0.0.0) is refused, because the admin ports of Kratos and Hydra ask for no password.
    type: str
    default: network
  port_base:
    description:
      - First port of each colour, C(blue) and C(green), at least 352 apart. Used where O(publish) is not V(network).
      - What is not given is C(21000) for blue and C(22000) for green.
    type: dict
    default: {}
  podman_compose: {description: Path of podman-compose., type: str, default: podman-compose}
  dependents:
    description:
      - What becomes of a container of no colour that depends on one of O(colour) when O(state=absent) removes that.
        V(recreate) makes it again without that dependency, with its volumes; V(keep) refuses.
    type: str
    choices: [recreate, keep]
    default: recreate
"""

EXAMPLES = r"""
- name: Take the running stack as blue
  olympus.bluegreen.podman_compose_release:
    state: adopted
    project: prod
    source: /opt/olympusoss/prod
    version: v1.4.2
    services: "{{ bluegreen_services }}"
    shared: [postgres]

- name: Start green at the new version
  olympus.bluegreen.podman_compose_release:
    state: started
    project: prod
    source: /opt/olympusoss/prod
    colour: green
    live_colour: blue
    version: v1.5.0
    images:
      ciam-hera: "registry.example.com/olympus/hera:{version}"
    services: "{{ bluegreen_services }}"
    shared: [postgres]
"""

RETURN = r"""
colour: {description: The colour worked on., type: str, returned: success}
release:
  description: >-
    The colour's release: C(id) ('' while an image has to be pulled, in check mode), C(version), C(images) (service to
    C(reference), C(id), C(digest)), C(source) (C(kind), C(path), C(ref), C(commit)),
    C(changed) against live (C(images) from and to, C(files) and C(environment) by name), C(lines), that in words, and
    C(same_schema), services with the live image and DSN, whose databases have nothing to migrate.
  type: dict
  returned: success
releases:
  description: Kept releases, the newest first, each with C(id), C(version), C(created), C(migrated), C(source).
  type: list
  elements: dict
  returned: success
services:
  description: >-
    Service to C(container), C(image), C(address) (edge network), C(colour_address), C(port), C(admin_port), C(state).
  type: dict
  returned: success
singletons:
  description: >-
    Of each singleton C(name), C(service), C(kind) (courier, service, command), C(holders) (C(container), C(place):
    blue, green, project or foreign, C(state), C(right), C(id)) and C(files) (the colours whose file has it).
  type: list
  elements: dict
  returned: success
places:
  description: Singleton to where it runs (blue, green, project, foreign; several with a comma), '' where it does not.
  type: dict
  returned: success
moved:
  description: >-
    What O(state=handed_over) ended, or settled before a start: C(singleton), C(container), C(quiet) (a courier ended
    between two mails), C(waited) and C(seconds), C(returned) (mails queued again), C(in_doubt) (ids), C(warning).
  type: list
  elements: dict
  returned: success
colours:
  description: >-
    Colour to C(release), C(adopted), C(running), C(pending) (rendered, not started), C(services), C(drift) and
    C(edited) (sentences about containers and about files).
  type: dict
  returned: success
shared:
  description: >-
    Shared service or edge to C(container), C(state), C(recreated) (another one than at adopt), C(edge).
    C(relay) answers to the compose names of coloured services once the adopted containers are gone.
  type: dict
  returned: success
dependents:
  description: Each C(container) of no colour that depends on adopted ones, and the services that it C(needs).
  type: list
  returned: success
foreign:
  description: Coloured containers neither adopted nor started by us (C(replaces) an adopted one, C(same) image).
  type: list
  elements: dict
  returned: success
networks: {description: Network to C(subnet) and C(present)., type: dict, returned: success}
off_networks:
  description: The edge, shared or coloured containers that are not on a network they belong to.
  type: list
  elements: dict
  returned: success
removed:
  description: Containers removed by O(state=absent), releases and images by O(state=pruned).
  type: list
  elements: str
  returned: success
messages:
  description: What the operator should know; also given as warnings.
  type: list
  elements: str
  returned: success
steps:
  description: What was done, or would be done in check mode, in order.
  type: list
  elements: str
  returned: success
partial: {description: Steps done before a failure., type: dict, returned: failure}
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
