#!/usr/bin/python
# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: health_gate
short_description: Check that a colour, or any application, can serve
version_added: 1.0.0
description:
  - With O(targets) it waits until every URL, port and database of them answers as it has to. Nothing else is needed.
    Without them O(colour), O(services), O(network_range) and O(project) are needed.
  - Sends real journeys to a colour from where the edge speaks (the network of its container, or the host where colours
    are published). The requests carry the public host names, use no DNS and do not pass the edge's rate limit.
  - The journeys write. They log in, use the authorization code flow and log out. The module also detects error pages
    and other failures that Ory answers with status 200.
  - Refuses to send anything to an address that is on no network of the edge, or that this host does not have.
  - Logs in as a person does, by the authorization code flow through Hydra and the pages of the login UI. It finds forms
    by their fields.
  - Keeps in C(health.json) of O(state_dir) what each colour fails, since when, and when its checks last passed.
  - A check that compares both colours blames the one that fails. A failure of O(against) is reported and refuses
    nothing.
  - Leaves nothing else behind. It ends every token and session that it makes. A session that the login UI makes at
    Kratos is ended by its id through Kratos' admin port, even when the journey fails.
author: "olympus.bluegreen authors (@olympusoss)"
requirements:
  - podman, where the edge or the colours run in containers
extends_documentation_fragment:
  - olympus.bluegreen.probing
  - olympus.bluegreen.reach
  - olympus.bluegreen.targets
  - olympus.bluegreen.attributes
  - olympus.bluegreen.deployment
attributes:
  check_mode:
    description: Lists what would be checked and sends nothing.
  diff_mode:
    description: The module changes nothing, so there is nothing to compare.
    support: none
options:
  colour:
    description: The colour to check. A target with an address for each colour needs it, too.
    type: str
    choices: [blue, green]
  against:
    description: The other colour. O(colour) has to accept its sessions, tokens and keys. Empty checks O(colour) alone.
    type: str
    default: ""
    choices: ["", blue, green]
  services:
    description:
      - The coloured services, each with C(kind) and C(port), and as it applies C(admin_port), C(domain), C(ready),
        C(ui) and C(edge).
      - A service with C(edge=false) is not reached by the edge and is not checked.
      - C(host) is the Host that questions of readiness and version send. Without it they send the address.
      - C(alike) lists further environment variables that must be the same on both colours.
    type: dict
  network_range:
    description: The range from which the collection's networks are cut.
    type: str
  project:
    description: Compose project of the edge.
    type: str
  edge_service:
    description: Compose service of the edge in O(project), where O(publish=network).
    type: str
    default: caddy
  checks:
    description:
      - The checks to run.
      - V(secrets) compares what the containers of both colours were given by environment and configuration files. It
        prints names and never values.
      - V(settings) changes a setting and waits until every reader shows it (O(cache_probe)). It may last as long as
        O(cache_ttl).
      - V(ready) and V(version) ask every service. V(warm) loads the pages of every UI.
      - V(sessions), V(tokens) and V(jwks) compare with O(against). Without it V(sessions) is left out and the other two
        ask O(colour) alone.
      - V(admin) lists identities. V(login) uses Kratos' API flow and sends a wrong password once before the right one.
      - V(code_flow) logs in through Hydra and Hera, from the authorization request to the logout.
      - V(silent) logs in on each side and comes back on the other without a page (C(prompt=none)).
    type: list
    elements: str
    choices: [secrets, ready, version, warm, jwks, tokens, sessions, admin, login, code_flow, silent, settings]
    default: [secrets, ready, version, warm, jwks, tokens, sessions, admin, login, code_flow, silent]
  skip:
    description:
      - Checks that gate and watch leave out, by their names in O(checks). The result, the reasons of the watch's
        verdict and the report name what was left out.
    type: list
    elements: str
    default: []
  edge:
    description:
      - The edge at which the public names are asked, with the keys C(kind), C(method), C(address), C(port), C(scheme)
        and C(ca) of O(olympus.bluegreen.caddy_upstream#module:edge).
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
    description: The version that each named service has to answer. Other services may answer any version.
    type: dict
    default: {}
  cache_ttl:
    description: Seconds that a service may cache a setting.
    type: float
    default: 60.0
  cache_probe:
    description:
      - "How to measure the age of caches: C(write) (C(service), C(path), C(method)) takes a JSON object with C(field),
        C(read) (a list of C(service), C(path)) answers one."
      - Use a setting that nothing else reads.
    type: dict
    default: {}
  warm:
    description: How often the page of each UI is loaded.
    type: int
    default: 5
  light:
    description:
      - Checks as the watcher does. It sends no wrong password, and no logout ends other sessions. Checks for which
        O(timeout) is too short are not sent and reported as untested.
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
seealso:
  - module: olympus.bluegreen.release_watch
    description: Asks the same of both colours every second after the flip.
  - module: olympus.bluegreen.caddy_upstream
    description: Previews the idle colour at the public names and flips to it.
"""

EXAMPLES = r"""
- name: Wait until any application answers as it has to
  olympus.bluegreen.health_gate:
    targets:
      - {name: web, url: "http://127.0.0.1:9002/health", host: shop.example.com, body: ok, version: v2}
      - {name: stock, url: "http://127.0.0.1:9003/health", json: {status: up, database.connected: true}}
      - {name: queue, tcp: "127.0.0.1:5672"}
      - {name: database, dsn_file: /etc/shop/dsn}
    timeout: 60

- name: Gate the idle colour before the cutover
  olympus.bluegreen.health_gate:
    colour: green
    against: blue
    services:
      ciam-kratos: {kind: kratos, port: 3100, admin_port: 3101, domain: ciam}
      ciam-hydra: {kind: hydra, port: 3102, admin_port: 3103, domain: ciam}
      ciam-hera: {kind: hera, port: 3000, domain: ciam, ui: true}
      site: {kind: site, port: 2000, ready: /health, ui: true}
    shared: [postgres]
    network_range: 10.231.16.0/20
    project: prod
    probes:
      ciam:
        kratos: ciam-kratos
        hydra: ciam-hydra
        hera: ciam-hera
        login_host: login.example.com
        oauth_host: oauth.example.com
        identifier: probe@example.com
        client_id: bluegreen-probe
        redirect_uri: https://probe.example.com/callback
    probe_secrets: "{{ bluegreen_probe_secrets }}"

- name: Look at the live colour for a few seconds, without failing the task
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

- name: Check that blue still serves after the migration
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
  sample: true
checks:
  description: One entry for each check, in the order of the plan. Empty in check mode.
  returned: success, and with C(-v) also on failure
  type: list
  elements: dict
  sample: [{name: ready, service: site, ok: true, detail: ready on public /health, ms: 3.1}]
  contains:
    name: {description: Name of the check., returned: always, type: str, sample: login}
    service: {description: The service that it is about., returned: always, type: str, sample: ciam-kratos}
    ok: {description: Whether it passed., returned: always, type: bool, sample: true}
    detail:
      description: Plain words, without secrets.
      returned: always
      type: str
      sample: wrong password refused, logged in, whoami, logged out
    ms: {description: "Milliseconds, waiting included.", returned: always, type: float, sample: 212.4}
    busy:
      description: Whether a rate limit answered twice, which is no verdict.
      returned: always
      type: bool
      sample: false
    untested:
      description: Why the check could prove nothing although nothing is wrong. Empty otherwise.
      returned: always
      type: str
      sample: ''
    other:
      description: What O(against) itself can't do, which is no failure of O(colour). Empty otherwise.
      returned: always
      type: str
      sample: ''
    asked: {description: Whether the check was sent., returned: always, type: bool, sample: true}
planned:
  description: The planned checks, each as its name and its service.
  returned: success, and with C(-v) also on failure
  type: list
  elements: str
  sample: [ready ciam-kratos, login ciam-kratos]
level:
  description:
    - V(full) where a login was proven at every domain and nothing was left out, V(partial), or V(no_login).
    - V(targets) where O(targets) alone said what to ask.
  returned: always
  type: str
  sample: full
untested:
  description: One sentence for each thing that was not tried. Where it is not empty the gate is no plain pass.
  returned: always
  type: list
  elements: str
  sample: ["no login was tried: bluegreen_probes names no probe"]
fails:
  description: What O(colour) itself can't do. A mismatch of the two colours is not among it.
  returned: always
  type: list
  elements: dict
  sample: [{check: ready, service: site, detail: status 503, since: 1796000000.0}]
  contains:
    check: {description: Name of the check., returned: always, type: str, sample: ready}
    service: {description: The service that it is about., returned: always, type: str, sample: site}
    detail: {description: "Plain words, without secrets.", returned: always, type: str, sample: status 503}
    since: {description: "Since when, in seconds since the epoch.", returned: always, type: float, sample: 1796000000.0}
against_fails:
  description: What O(against) itself can't do. It refuses nothing here.
  returned: always
  type: list
  elements: dict
  sample: [{check: sessions, service: ciam-kratos, detail: "blue fails: 503"}]
  contains:
    check: {description: Name of the check., returned: always, type: str, sample: sessions}
    service: {description: The service that it is about., returned: always, type: str, sample: ciam-kratos}
    detail: {description: "Plain words, without secrets.", returned: always, type: str, sample: "blue fails: 503"}
way:
  description: How V(code_flow) asked the public names, V(preview) through the edge or V(addresses) of the colour.
  returned: always
  type: str
  sample: preview
seconds:
  description: How long it took.
  returned: always
  type: float
  sample: 14.2
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
            msg="%s can't serve. %s" % (module.params["colour"] or "The application", "; ".join(bad)),
            **refused(result, module._verbosity),
        )
    module.exit_json(changed=False, **result)


if __name__ == "__main__":
    main()
