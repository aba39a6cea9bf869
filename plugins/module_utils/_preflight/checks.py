# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every check of preflight: what it looks at, how it can judge, how to fix it. docs/preflight.md lists the same."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Check:
    """``levels``: of the rows that it gives. ``asks``: what it looks at. ``fix``: what to do, if the row is silent."""

    levels: str
    asks: str
    fix: str


CHECKS: dict[str, Check] = {
    "probe_failed": Check(
        "warn",
        "a part of the host that preflight could not look at",
        "make the program or service that the row names answer, then run preflight again",
    ),
    "settings": Check(
        "refuse, warn", "bluegreen_ variables of a wrong type, or with a mistyped name", "correct the variable"
    ),
    "notify": Check(
        "refuse",
        "messages have an address: bluegreen_notify_url, or a file of bluegreen_notify that only its owner can read",
        "give bluegreen_notify_url, or name such a file in bluegreen_notify.url_file",
    ),
    "textfile": Check(
        "refuse",
        "bluegreen_textfile ends in .prom and lies in a directory that can be written",
        "name a file in the directory of node_exporter's textfile collector",
    ),
    "source": Check(
        "refuse",
        "bluegreen_source can be read, its compose files parse, and they have every coloured service",
        "correct bluegreen_source, bluegreen_compose_files or bluegreen_services",
    ),
    "secrets": Check(
        "refuse, warn",
        "no coloured service of the new release gets an empty secret, key or DSN (only names are shown)",
        "fill in the named variables where bluegreen_source takes them from (.env, secret files)",
    ),
    "images": Check(
        "refuse, warn",
        "every image of the release is on this host or in its registry, and its tag can't move",
        "correct it in the compose file, .env or bluegreen_images. Build or load a localhost/ image; for others use"
        " podman login",
    ),
    "state_dir": Check(
        "refuse, warn",
        "bluegreen_state_dir can be written, and only its group can read it",
        "make it with install -d -m 0750 <bluegreen_state_dir>, on a file system that is mounted read-write",
    ),
    "publish": Check(
        "refuse",
        "the ports that the idle colour will publish on this host are free",
        "stop the program that listens there, or choose another bluegreen_port_base",
    ),
    "publish.live": Check(
        "refuse",
        "the adopted colour publishes every port and admin_port where the edge dials it, so that gates can ask it",
        "add it to the ports of that service in your compose file (127.0.0.1:<free port>:<its port>), recreate that one"
        " container in a quiet minute, then run --tags adopt; or give the service edge: false",
    ),
    "connections": Check(
        "refuse, warn",
        "the connections of two colours fit into max_connections without the reserved ones",
        "set max_conns in the DSNs, or raise max_connections (PostgreSQL needs a restart for it)",
    ),
    "memory": Check(
        "refuse",
        "available memory is at least 1.25 times what the live colour uses",
        "stop what is not needed, or add memory: two colours run side by side until cleanup",
    ),
    "disk.state": Check(
        "refuse, warn", "space and inodes for releases and reports", "free space below bluegreen_state_dir"
    ),
    "disk.images": Check(
        "refuse, warn",
        "space and inodes for images that are not here yet (each as large as the live one)",
        "run podman image prune, or give Podman's storage a larger file system",
    ),
    "disk.edge": Check(
        "refuse, warn", "space on the edge's volume, which holds the switch and its access log", "free space there"
    ),
    "disk.database": Check(
        "refuse, warn",
        "space on PostgreSQL's volume for migrations and for a copy of the largest database",
        "free space there",
    ),
    "version.podman": Check("refuse, warn", "Podman", "install a release that the row names"),
    "version.podman-compose": Check(
        "refuse, warn",
        "podman-compose",
        "install podman-compose 1.6.0 or newer with pip in a venv, and name it in bluegreen_podman_compose",
    ),
    "version.caddy": Check("refuse, warn", "Caddy of the running edge", "update the edge's image in a quiet minute"),
    "version.postgresql": Check("refuse, warn", "PostgreSQL", "update PostgreSQL first"),
    "version.python": Check("refuse", "Python on this host", "name a newer one in ansible_python_interpreter"),
    "version.ansible": Check("refuse", "ansible-core on the controller", "install a newer ansible-core there"),
    "python_modules": Check(
        "refuse",
        "this host's Python has PyYAML and python-dotenv, and psycopg2 where there are schema targets",
        "run apt-get install python3-dotenv python3-psycopg2 python3-yaml",
    ),
    "clock": Check(
        "refuse, warn",
        "this host's clock agrees with PostgreSQL's and the edge's",
        "switch time synchronisation on (chrony or systemd-timesyncd) on every host",
    ),
    "dns.plain_names": Check(
        "refuse",
        "the adopted edge reaches every coloured service through the switch, whatever name it dials",
        "run ansible-playbook bluegreen.yml --tags adopt, which puts the switch back into the edge's configuration",
    ),
    "dns.upstreams": Check(
        "warn",
        "every upstream that the edge dials by name resolves in the edge's network",
        "start that service, or remove the upstream from the Caddyfile: until then its requests get 502",
    ),
    "dns.public": Check(
        "refuse, warn",
        "the edge serves every public name and probe host, and each tells an anonymous visitor the live colour, so that"
        " it can confirm a flip",
        "correct bluegreen_public and bluegreen_probes, or add the site to the Caddyfile",
    ),
    "route.edge": Check(
        "refuse",
        "the address where public names are asked belongs to this machine",
        "name an address in bluegreen_edge.address on which the edge listens on this machine",
    ),
    "route.colour": Check(
        "refuse",
        "the edge is on the live colour's edge network, or the address of published ports belongs to this machine, so"
        " that no probe leaves by the default route",
        "run ansible-playbook bluegreen.yml --tags adopt, which joins it again; or give bluegreen_publish an address of"
        " this machine",
    ),
    "certificate": Check(
        "refuse, warn",
        "the certificate of every public name: its chain (by bluegreen_edge.ca), its name, its time left",
        "let Caddy renew it (its log says why it could not), or name its authority in bluegreen_edge.ca",
    ),
    "service": Check(
        "refuse, warn",
        "each live service takes connections at its port and admin_port, asked from where the edge asks",
        "read its log with podman logs <its container>",
    ),
    "database": Check(
        "refuse",
        "PostgreSQL takes a connection with a live service's own DSN, and proves what that DSN wants proven",
        "start PostgreSQL, or correct the DSN",
    ),
    "database.proof": Check(
        "warn",
        "there is a PostgreSQL image to prove migrations on: that of the database's container, or a named one",
        "name an image of the same PostgreSQL major in bluegreen_rehearsal_image; migrate refuses without one",
    ),
    "schema": Check(
        "warn",
        "what the proof of this version's migrations said, object by object, where migrate has run it",
        "read report.html of that release; what to do about each verdict is in docs/schema.md",
    ),
    "database.tls": Check(
        "warn",
        "a DSN with verify-full names the host of PostgreSQL's certificate, wherever the colour runs",
        "publish PostgreSQL under the name in its certificate, or add a name to the certificate",
    ),
    "probe": Check(
        "refuse, warn, info",
        "each probe of bluegreen_probes can log in to what is live; no CAPTCHA, lockout or second factor stops it",
        "correct bluegreen_probes and bluegreen_probe_secrets, or leave the login out with"
        " bluegreen_checks: {skip: [code_flow]}",
    ),
    "login_limit": Check(
        "warn",
        "rate limits of the running edge leave room for what probes ask through it",
        "let the limit count {client_ip}, and leave GETs of the public probe paths out of it",
    ),
    "hydra.termination": Check(
        "refuse, warn",
        "a live Hydra with a list allow_termination_from has the networks in it from which the edge asks it",
        "add bluegreen_network_range to serve.tls.allow_termination_from of every Hydra",
    ),
    "dependents": Check("info", "containers of no colour that depend on coloured ones; cleanup recreates them", ""),
    "boot": Check(
        "warn",
        "the containers that do not come back after a reboot",
        "run --tags adopt, which installs the boot unit where systemd runs; or set restart: always and enable"
        " podman-restart.service",
    ),
    "rootless": Check(
        "refuse", "Podman runs as root", "run as root (become): rootless networks can't have fixed addresses"
    ),
    "selinux": Check(
        "refuse, warn",
        "SELinux does not enforce: the files of a release get no label that lets containers read them",
        "run setenforce 0, or wait for a release that labels its files",
    ),
    "network_backend": Check(
        "refuse", "Podman's network backend is netavark", 'set network_backend = "netavark" in containers.conf'
    ),
    "auto_update": Check(
        "refuse, warn",
        "podman auto-update restarts no container of the deployment",
        "remove the label io.containers.autoupdate, or run systemctl disable --now podman-auto-update.timer",
    ),
    "network_range": Check(
        "refuse",
        "bluegreen_network_range overlaps no other network, no route and not Podman's default 10.88.0.0/16",
        "choose a free bluegreen_network_range (a /22 or larger) before adopt",
    ),
}
