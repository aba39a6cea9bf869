# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A real sshd on loopback, on a high port, with keys of its own; nothing of the machine's ssh is read or changed."""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from kit.ports import free_port

ROOT = Path(__file__).resolve().parents[2]
KEPT = ROOT / "build" / "lab" / "sshd"
PACKAGES = ("openssh-server", "libwrap0")
# Who logs in where the machine's user does not: somebody who is root only after ``su``.
OPERATOR = "operator"
# In a mount namespace of its own: sshd wants its user and its directory, which this machine may not have. What the
# operator reads lies there too, as a test's own directory is root's alone.
INSIDE = """
set -e
cp /etc/passwd "$1/passwd"
grep -q ^sshd: "$1/passwd" || echo 'sshd:x:65534:65534::/run/sshd:/usr/sbin/nologin' >> "$1/passwd"
echo 'operator:x:64321:65534::/run/sshd/home:/bin/sh' >> "$1/passwd"
mount --bind "$1/passwd" /etc/passwd
printf '%s required pam_permit.so\\n' auth account session > "$1/su"
mount --bind "$1/su" /etc/pam.d/su
mkdir -p -m 0755 /run/sshd
mount -t tmpfs -o mode=0755 tmpfs /run/sshd
install -m 0644 "$1/user.pub" /run/sshd/keys
install -d -o operator /run/sshd/home
exec "$2" -D -e -f "$1/sshd_config"
"""
CONFIG = """Port %(port)d
ListenAddress 127.0.0.1
HostKey %(here)s/host
AuthorizedKeysFile /run/sshd/keys
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
StrictModes no
UsePAM no
PidFile none
Subsystem sftp internal-sftp
"""


@dataclass(frozen=True)
class Sshd:
    """``variables`` are those of a host; ``options``, ansible-playbook's, have them; ``pid`` is the listener's."""

    pid: int
    variables: dict[str, str]
    options: tuple[str, ...]

    def sessions(self) -> list[int]:
        """The processes of sshd that serve connections."""
        found = []
        for path in Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = path.read_text().rsplit(")", 1)[1].split()
            except OSError:
                continue
            if int(fields[1]) == self.pid:
                found.append(int(path.parent.name))
        return found


def binary() -> tuple[str, dict[str, str]]:
    """The machine's own, or the distribution's package unpacked below build/, without installing it."""
    if os.path.exists("/usr/sbin/sshd"):
        return "/usr/sbin/sshd", {}
    sshd = KEPT / "usr/sbin/sshd"
    if not sshd.exists():
        KEPT.mkdir(parents=True, exist_ok=True)
        done = subprocess.run(["apt-get", "download", *PACKAGES], cwd=KEPT, capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip("no sshd here and no package of it: %s" % done.stderr.strip()[-200:])
        for package in KEPT.glob("*.deb"):
            subprocess.run(["dpkg", "-x", str(package), str(KEPT)], check=True)
    return str(sshd), {"LD_LIBRARY_PATH": str(KEPT / "usr/lib/x86_64-linux-gnu")}


@contextmanager
def sshd(directory: Path) -> Iterator[Sshd]:
    if not shutil.which("ssh"):
        pytest.skip("no ssh client here")
    program, env = binary()
    directory.mkdir()
    for name in ("host", "user"):
        argv = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(directory / name)]
        subprocess.run(argv, check=True)
    port = free_port()
    (directory / "sshd_config").write_text(CONFIG % {"port": port, "here": directory})
    with (directory / "log").open("wb") as log:
        server = subprocess.Popen(
            ["unshare", "-m", "sh", "-c", INSIDE, "sh", str(directory), program],
            stderr=log, stdout=log, env={**os.environ, **env},
        )  # fmt: skip
    try:
        listening(server, port, directory / "log")
        host = variables(directory, port)
        yield Sshd(server.pid, host, options(directory, host))
    finally:
        server.kill()
        server.wait()


def listening(server: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + 15
    while True:
        with socket.socket() as sock:
            if sock.connect_ex(("127.0.0.1", port)) == 0:
                return
        assert server.poll() is None and time.monotonic() < deadline, log.read_text()
        time.sleep(0.05)


def variables(directory: Path, port: int) -> dict[str, str]:
    # No connection is shared: each task has one of its own, as with a control path that timed out.
    plain = (
        "-F none -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o ControlMaster=no -o ControlPath=none"
    )
    return {
        "ansible_host": "127.0.0.1",
        "ansible_port": str(port),
        "ansible_user": getpass.getuser(),
        "ansible_ssh_private_key_file": str(directory / "user"),
        "ansible_ssh_common_args": plain,
    }


def options(directory: Path, host: dict[str, str]) -> tuple[str, ...]:
    inventory = directory / "inventory"
    inventory.write_text("far %s\n" % " ".join('%s="%s"' % pair for pair in host.items()))
    return ("-i", str(inventory))


def becoming(host: dict[str, str]) -> dict[str, str]:
    """The same host for somebody who is not root there and becomes it."""
    become = {"ansible_become": "true", "ansible_become_method": "ansible.builtin.su"}
    return {**host, "ansible_user": OPERATOR, **become}
