#!/usr/bin/python
# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: health_gate
short_description: Ask a colour whether it can serve
version_added: 1.0.0
description:
  - Sends real journeys to a colour from where the edge speaks (its container's network namespace, or the host where
    colours are published), addressed as the edge would address them, with the public host names, without DNS and past
    the edge's rate limit.
  - Readiness alone misses most breakage, so the journeys write (login, authorization code, logout) and the judges know
    the disguises of a broken Ory.
  - Refuses to send anything to an address that is on no network of the edge, or that is none of this host's.
  - A login is proven as a person does it, by the authorization-code flow through Hydra and whatever pages the login UI
    shows. Forms are found by their fields.
  - What a colour fails and since when, and when its checks last passed, is kept in C(health.json) of O(state_dir).
  - A check that compares both colours blames the one that fails. What O(against) itself can't do is told and refuses
    nothing.
  - Changes nothing else that lasts. It ends every token and session that it makes; a session that the login UI makes at
    Kratos is ended by its id through Kratos' admin port, also when the journey fails.
options:
  state_dir:
    description: Directory of the collection's state on this host. The recorded addresses are read from it.
    type: path
    default: /var/lib/olympus-bluegreen
  colour:
    description: The colour that is asked.
    type: str
    required: true
    choices: [blue, green]
  against:
    description: The other colour, whose sessions, tokens and keys O(colour) has to accept. Empty asks O(colour) alone.
    type: str
    default: ""
    choices: ["", blue, green]
  services:
    description:
      - The coloured services, each with V(kind) and V(port), and as it applies V(admin_port),
        V(domain), V(ready), V(ui), V(edge).
      - A service with V(edge=false) is not reached by the edge and can't be asked.
      - V(host) is the Host that questions of readiness and version send; without it they send the address.
    type: dict
  shared:
    description: Names of the shared services that coloured ones talk to.
    type: list
    elements: str
    default: []
  network_range:
    description: The range from which the collection's networks are cut.
    type: str
  project:
    description: Compose project of the edge.
    type: str
  edge_service:
    description: Service of the edge in O(project), where O(publish=network).
    type: str
    default: caddy
  probes:
    description:
      - "Per domain what the journeys need: V(kratos), V(hydra) and V(hera) (names of services), V(login_host),
        V(oauth_host), V(identifier), V(client_id), V(redirect_uri), V(scope)."
      - Without V(hera) no person's login is tried there, and the result says so. V(scope) is V(openid offline) by
        default.
    type: dict
    default: {}
  probe_secrets:
    description:
      - Per domain the V(password) of the probe identity and the V(client_secret) of the probe client.
      - How the client shows its secret is asked of Hydra. A public client has none.
    type: dict
    default: {}
  checks:
    description:
      - What to check.
      - V(secrets) compares what the containers of both colours were given (environment and configuration files); names
        are told, values never. A service's own V(alike) in O(services) lists further environment variables.
      - V(settings) changes a setting and waits until it is seen (O(cache_probe)); it may last as long as O(cache_ttl).
      - V(ready) and V(version) ask every service, V(warm) loads the pages of every UI.
      - V(sessions), V(tokens) and V(jwks) compare with O(against); without it V(sessions) is left out and the other two
        ask O(colour) alone.
      - V(admin) lists identities. V(login) is Kratos' API flow; a wrong password is sent once before the right one.
      - V(code_flow) logs in through Hydra and Hera, from the authorization request to the logout.
      - V(silent) logs in on each side and comes back on the other without a page (prompt=none).
    type: list
    elements: str
    choices: [secrets, ready, version, warm, jwks, tokens, sessions, admin, login, code_flow, silent, settings]
    default: [secrets, ready, version, warm, jwks, tokens, sessions, admin, login, code_flow, silent]
  skip:
    description:
      - Checks that gate and watch leave out, by their names in O(checks), as V(code_flow). What is left out stands in
        the result, in the reasons of the watch's verdict and in the report.
    type: list
    elements: str
    default: []
  edge:
    description:
      - How the edge is asked for the public names, as M(olympus.bluegreen.caddy_upstream) takes it (V(kind), V(method),
        V(address), V(port), V(scheme), V(ca)).
    type: dict
    default: {}
  switch_dir:
    description:
      - The switch directory as this host sees it. With it V(code_flow) goes through the edge by the preview of
        O(colour)'s release, and each answer has to come from O(colour).
      - Where it is empty, or the edge takes no preview of that release, V(code_flow) asks the addresses of O(colour).
    type: path
    default: ""
  expected_versions:
    description: Service to the version that it has to tell. A service not named here may tell any.
    type: dict
    default: {}
  cache_ttl:
    description: Seconds that a service may cache a setting.
    type: float
    default: 60.0
  cache_probe:
    description:
      - "How to see the age of caches: V(write) (V(service), V(path), V(method)) takes a JSON object with V(field),
        V(read) (a list of V(service), V(path)) answers one."
      - The setting must be one that nobody else reads.
    type: dict
    default: {}
  warm:
    description: How often each UI's page is loaded.
    type: int
    default: 5
  light:
    description:
      - A look that costs little, as the watcher does it - no wrong password is sent, and no logout ends other sessions.
        What the time is too short for is not asked and said.
    type: bool
    default: false
  timeout:
    description: Seconds for everything together, waiting for readiness included.
    type: int
    default: 120
  fail:
    description: Whether a check that did not pass fails the task.
    type: bool
    default: true
extends_documentation_fragment: [olympus.bluegreen.reach, olympus.bluegreen.deployment]
attributes:
  check_mode:
    description: Says what would be checked and sends nothing.
    support: full
  diff_mode:
    description: There is nothing to compare.
    support: none
author:
  - olympus.bluegreen authors (@olympusoss)
"""

EXAMPLES = r"""
- name: Gate the idle colour before the cutover
  olympus.bluegreen.health_gate:
    colour: green
    against: blue
    services: "{{ bluegreen_services }}"
    shared: "{{ bluegreen_shared }}"
    network_range: "{{ bluegreen_network_range }}"
    project: prod
    probes: "{{ bluegreen_probes }}"
    probe_secrets: "{{ bluegreen_probe_secrets }}"

- name: A short look at what is live, which fails no task
  olympus.bluegreen.health_gate:
    colour: blue
    light: true
    fail: false
    timeout: 8
    services: "{{ bluegreen_services }}"
    network_range: "{{ bluegreen_network_range }}"
    project: prod
    probes: "{{ bluegreen_probes }}"
    probe_secrets: "{{ bluegreen_probe_secrets }}"

- name: Is blue still well after the migration?
  olympus.bluegreen.health_gate:
    colour: blue
    checks: [ready, tokens, admin, login, code_flow]
    services: "{{ bluegreen_services }}"
    network_range: "{{ bluegreen_network_range }}"
    project: prod
    probes: "{{ bluegreen_probes }}"
    probe_secrets: "{{ bluegreen_probe_secrets }}"
"""

RETURN = r"""
passed:
  description: Whether every check passed. Null in check mode.
  returned: always
  type: bool
checks:
  description: One entry a check, in the order of the plan. Empty in check mode.
  returned: success, and with C(-v) also on failure
  type: list
  elements: dict
  contains:
    name:
      description: Name of the check.
      type: str
    service:
      description: The service that it is about.
      type: str
    ok:
      description: Whether it passed.
      type: bool
    detail:
      description: Plain words, without secrets.
      type: str
    ms:
      description: Milliseconds, waiting included.
      type: float
    busy:
      description: Whether a rate limit answered twice, which is no verdict.
      type: bool
    untested:
      description: Why the check could not prove anything although nothing is wrong; empty otherwise.
      type: str
    other:
      description: What O(against) itself can't do, which is no failure of O(colour); empty otherwise.
      type: str
    asked:
      description: Whether the check was sent.
      type: bool
planned:
  description: What is checked, as "name service".
  returned: success, and with C(-v) also on failure
  type: list
  elements: str
level:
  description: V(full) where a login was proven at every domain and nothing was left out, V(partial), or V(no_login).
  returned: always
  type: str
  sample: full
untested:
  description: One sentence for each thing that was not tried. Not empty means that the gate is no plain pass.
  returned: always
  type: list
  elements: str
  sample: ["no login was tried: bluegreen_probes names no probe"]
fails:
  description: What O(colour) itself can't do. That the two colours do not fit each other is not among it.
  returned: always
  type: list
  elements: dict
  contains:
    check: {description: Name of the check., type: str}
    service: {description: The service that it is about., type: str}
    detail: {description: "Plain words, without secrets.", type: str}
    since: {description: "Since when, in seconds since the epoch.", type: float}
against_fails:
  description: What O(against) itself can't do. It refuses nothing here.
  returned: always
  type: list
  elements: dict
  contains:
    check: {description: Name of the check., type: str}
    service: {description: The service that it is about., type: str}
    detail: {description: "Plain words, without secrets.", type: str}
way:
  description: How V(code_flow) asked the public names, V(preview) through the edge or V(addresses) of the colour.
  returned: always
  type: str
  sample: preview
seconds:
  description: How long it took.
  returned: always
  type: float
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.argspec import DEPLOYMENT
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.clock import SystemClock
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import BluegreenError, refusal
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.http import DirectHttp
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.podman import Podman
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.runner import SubprocessRunner
from ansible_collections.olympus.bluegreen.plugins.module_utils._deployment.inputs import described
from ansible_collections.olympus.bluegreen.plugins.module_utils._health.gate import GATE, GateInputs, gate
from ansible_collections.olympus.bluegreen.plugins.module_utils._state.heartbeat import beating


def refused(result: dict[str, Any], verbosity: int) -> dict[str, Any]:
    """What a failure shows beside its sentence: hundreds of lines of single checks only with -v."""
    hidden = () if verbosity else ("checks", "planned")
    return {key: value for key, value in result.items() if key not in hidden}


def main() -> None:
    module = described(AnsibleModule, DEPLOYMENT.merge(GATE))
    inputs = GateInputs(DirectHttp(), Podman(SubprocessRunner()), SystemClock())
    try:
        # A short look asks without a lock.
        with beating(module.params["state_dir"], not (module.params["light"] or module.check_mode)):
            result = gate(module.params, module.check_mode, inputs)
    except (BluegreenError, OSError) as exc:
        module.fail_json(**refusal(exc))
    if result["passed"] is False and module.params["fail"]:
        bad = ["%s of %s: %s" % (c["name"], c["service"], c["detail"]) for c in result["checks"] if not c["ok"]]
        module.fail_json(
            msg="%s can't serve. %s" % (module.params["colour"], "; ".join(bad)),
            **refused(result, module._verbosity),
        )
    module.exit_json(changed=False, **result)


if __name__ == "__main__":
    main()
