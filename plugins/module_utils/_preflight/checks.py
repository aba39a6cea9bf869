# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every check of preflight: what it looks at, what it may do to a stage, how to fix it. docs/preflight.md is this."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Check:
    """``levels`` says which rows it can give; ``asks`` is one phrase, ``fix`` what to do without knowing more."""

    levels: str
    asks: str
    fix: str


LOOK = "make the program or service named in the row answer, then look again"

CHECKS: dict[str, Check] = {
    "look": Check("warn", "a part of the world that could not be looked at", LOOK),
    "settings": Check(
        "refuse, warn",
        "bluegreen_ variables of a wrong type, or with a name that looks mistyped",
        "correct the variable",
    ),
    "source": Check(
        "refuse",
        "bluegreen_source is readable, its compose files parse, every coloured service is in them",
        "correct bluegreen_source, bluegreen_compose_files or bluegreen_services",
    ),
    "secrets": Check(
        "refuse",
        "no coloured service of the new release gets an empty secret, key or DSN (names only are shown)",
        "fill in the named variables where bluegreen_source takes them from (.env, secret files)",
    ),
    "images": Check(
        "refuse, warn",
        "every image of the release is on this host or in its registry, and none has a tag that can move",
        "correct it in the compose file, .env or bluegreen_images; build or load a localhost/ image; podman login for"
        " others",
    ),
    "state_dir": Check(
        "refuse, warn",
        "bluegreen_state_dir is a directory that can be written and that only its group can read",
        "make it: install -d -m 0750 <bluegreen_state_dir>, on a file system that is mounted read-write",
    ),
    "publish": Check(
        "refuse",
        "where colours publish ports on this host, those of the idle colour are free",
        "end who listens there, or choose another port base",
    ),
    "publish.live": Check(
        "refuse",
        "every port and admin_port of the adopted colour is published where the edge dials it: gates ask it there",
        "add it to the ports of that service in your compose file (127.0.0.1:<free port>:<its port>), recreate that one"
        " container in a quiet minute, then --tags adopt; or give the service edge: false",
    ),
    "connections": Check(
        "refuse, warn",
        "connections of two colours against max_connections without the reserved ones",
        "set max_conns in the DSNs, or raise max_connections (PostgreSQL has to be restarted for it)",
    ),
    "memory": Check(
        "refuse",
        "available memory against 1.25 times what the live colour holds (PSS)",
        "end what is not needed, or add memory: two colours run side by side until cleanup",
    ),
    "disk.state": Check(
        "refuse, warn", "room and inodes for releases and reports", "free room below bluegreen_state_dir"
    ),
    "disk.images": Check(
        "refuse, warn",
        "room and inodes for images that are not here yet (as large as the live ones)",
        "podman image prune, or a larger file system for Podman's storage",
    ),
    "disk.edge": Check(
        "refuse, warn", "room on the edge's volume, where the switch and its access log are", "free room on that volume"
    ),
    "disk.database": Check(
        "refuse, warn",
        "room on PostgreSQL's volume for migrations and for a copy of the largest database",
        "free room on that volume",
    ),
    "cpu": Check("info", "processors and load", ""),
    "version.podman": Check("refuse, warn", "Podman", "install a release that the row names"),
    "version.podman-compose": Check(
        "refuse, warn",
        "podman-compose",
        "pip install 'podman-compose>=1.6.0' into a venv and name it in bluegreen_podman_compose",
    ),
    "version.caddy": Check(
        "refuse, warn", "the running edge's Caddy", "update the edge's image, at a time of your choice"
    ),
    "version.postgresql": Check("refuse, warn", "PostgreSQL", "update PostgreSQL first"),
    "version.python": Check("refuse", "Python on this host", "name another one in ansible_python_interpreter"),
    "version.ansible": Check("refuse", "ansible-core on the controller", "install a newer ansible-core there"),
    "python_modules": Check(
        "refuse",
        "PyYAML and python-dotenv, and psycopg2 where there are schema targets, for this host's Python",
        "apt-get install python3-dotenv python3-psycopg2 python3-yaml",
    ),
    "clock": Check(
        "refuse, warn",
        "this host's clock against PostgreSQL's and the edge's",
        "switch time synchronisation on (chrony or systemd-timesyncd) on every host",
    ),
    "dns.plain_names": Check(
        "refuse",
        "the adopted edge dials no coloured service past the switch, by whatever name (asked of its network)",
        "ansible-playbook bluegreen.yml --tags adopt puts the switch back into the edge's configuration",
    ),
    "dns.upstreams": Check(
        "warn",
        "every upstream that the edge dials by name resolves in its network",
        "start that service, or take the upstream out of the Caddyfile: until then its requests are 502",
    ),
    "dns.public": Check(
        "refuse, warn",
        "every public name and probe host is served by the edge's running configuration, and says the live colour to an"
        " anonymous visitor, so that it can confirm a flip",
        "correct bluegreen_public and bluegreen_probes, or add the site to the Caddyfile",
    ),
    "route.edge": Check(
        "refuse",
        "the address where public names are asked belongs to this machine",
        "name an address in bluegreen_edge.address on which the edge listens here; another one leaves the machine",
    ),
    "route.colour": Check(
        "refuse",
        "the edge is on the live colour's edge network, or the address of published ports belongs to this machine, so"
        " that no probe leaves by the default route",
        "ansible-playbook bluegreen.yml --tags adopt joins it again; bluegreen_publish: an address of this machine",
    ),
    "certificate": Check(
        "refuse, warn",
        "what the edge shows for every public name: chain (against bluegreen_edge.ca), name, time left",
        "let Caddy renew it (its log says why it could not), or name its authority in bluegreen_edge.ca",
    ),
    "service": Check(
        "refuse, warn",
        "each service of the live colour takes connections at its port and admin_port, asked from where the edge asks",
        "look at what it says: podman logs <its container>",
    ),
    "database": Check(
        "refuse",
        "PostgreSQL takes a connection with a live service's own DSN, and proves what that wants proven",
        "start PostgreSQL, or correct the DSN",
    ),
    "database.proof": Check(
        "warn",
        "there is an image of PostgreSQL to prove migrations on: the database's own container, or one that is named",
        "name an image of the same PostgreSQL major in bluegreen_rehearsal_image; migrate refuses without one",
    ),
    "database.tls": Check(
        "warn",
        "a DSN with verify-full names the host that PostgreSQL's certificate is for, wherever the colour runs",
        "publish PostgreSQL under the name in its certificate, or give the certificate one more name",
    ),
    "probe": Check(
        "refuse, warn, info",
        "each probe of bluegreen_probes can log in at what is live: no CAPTCHA, lockout or second factor keeps it out",
        "correct bluegreen_probes and bluegreen_probe_secrets, or leave the login out:"
        " bluegreen_checks: {skip: [code_flow]}",
    ),
    "login_limit": Check(
        "warn",
        "rate limits in the edge's running configuration against what probes ask through it",
        "let the limit count {client_ip} and leave GETs of the public probe paths out of it",
    ),
    "hydra.termination": Check(
        "refuse, warn",
        "a live Hydra that lists allow_termination_from lists the networks of ours that it is asked from too",
        "add bluegreen_network_range to serve.tls.allow_termination_from of every Hydra",
    ),
    "courier": Check("info", "where the mail courier runs", ""),
    "dependents": Check("info", "containers of no colour that depend on coloured ones: cleanup makes them again", ""),
    "boot": Check(
        "warn",
        "what would not come back after a reboot",
        "--tags adopt installs our boot unit where systemd runs; or restart: always, and podman-restart enabled",
    ),
    "rootless": Check(
        "refuse", "Podman runs as root", "run as root (become): rootless networks are out of reach of fixed addresses"
    ),
    "selinux": Check(
        "refuse, warn",
        "SELinux does not enforce: copies of a release carry no label that containers may read",
        "setenforce 0, or wait for a release that labels its files",
    ),
    "cgroup": Check("info", "cgroup version and manager", ""),
    "network_backend": Check(
        "refuse", "Podman's network backend is netavark", 'set network_backend = "netavark" in containers.conf'
    ),
    "auto_update": Check(
        "refuse, warn",
        "no container of the deployment is restarted by podman auto-update",
        "take the label io.containers.autoupdate away, or: systemctl disable --now podman-auto-update.timer",
    ),
    "network_range": Check(
        "refuse",
        "bluegreen_network_range overlaps no other network, route or Podman's default 10.88.0.0/16",
        "choose a free bluegreen_network_range (a /22 or larger) before adopt",
    ),
}
