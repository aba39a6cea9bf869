# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every local user may listen on the port of Caddy's admin endpoint: nothing of theirs runs with other rights."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from kit.ports import free_port

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import BluegreenError, Refused
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.runner import SubprocessRunner
from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.running.find import edge_options
from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.running.native import ProcessEdge

AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="another user needs root")
NOBODY = 65534
# Every user may run the host's own; this one's may lie in a home.
PYTHON = "/usr/bin/python3" if os.path.exists("/usr/bin/python3") else os.path.realpath(sys.executable)
LISTEN = r"""
import os, socket, sys, time
address, port, made_by, uids = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), [int(one) for one in sys.argv[4:]]
os.setresuid(made_by, made_by, 0)
server = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
server.bind((address, port))
server.listen()
os.setresuid(*(uids if len(set(uids)) == 1 else (-1, 0, 0)))
if len(set(uids)) > 1:
    os.setresuid(*uids)
print("listening", flush=True)
time.sleep(600)
"""


class Evil:
    """Programs and modules that say with whose rights they run, and an environment that leads to them."""

    def __init__(self, where: Path) -> None:
        self.bin, self.said = where / "bin", where / "said"
        for one in (self.bin, self.said):
            one.mkdir()
        self.said.chmod(0o777)
        where.chmod(0o755)
        for name in ("setpriv", "nsenter", "sh", "test", "cat", "env", "caddy"):
            (self.bin / name).write_text("#!/bin/sh\n: > %s/%s-$(/usr/bin/id -u)\n" % (self.said, name))
            (self.bin / name).chmod(0o755)
        module = "import os\nopen('%s/python-%%d' %% os.geteuid(), 'w').close()\n" % self.said
        (self.bin / "sitecustomize.py").write_text(module)
        self.env = {"PATH": "%s:/usr/bin:/bin" % self.bin, "PYTHONPATH": str(self.bin), "TOKEN": "of theirs"}

    def ran_as(self) -> set[str]:
        return {one.name.rpartition("-")[2] for one in self.said.iterdir()}


@pytest.fixture
def evil() -> Iterator[Evil]:
    """Not below pytest's own directory: another user can't pass there."""
    with tempfile.TemporaryDirectory(prefix="olympus-evil-") as where:
        yield Evil(Path(where))


@contextmanager
def listening(
    address: str,
    port: int,
    *uids: int,
    made_by: int | None = None,
    env: dict[str, str] | None = None,
    around: tuple[str, ...] = (),
) -> Iterator[int]:
    """A process that listens; its real, effective and saved users, and the user that it made the socket as."""
    users = uids * 3 if len(uids) == 1 else uids
    asked = [address, str(port), str(users[0] if made_by is None else made_by), *map(str, users)]
    argv = [*around, PYTHON, "-S", "-c", LISTEN, *asked]
    with subprocess.Popen(argv, env=env or {"PATH": "/usr/sbin:/usr/bin:/bin"}, stdout=subprocess.PIPE) as child:
        try:
            assert child.stdout and child.stdout.readline() == b"listening\n"
            yield child.pid
        finally:
            child.kill()


def edge(port: int, host: str = "localhost") -> ProcessEdge:
    given = {"kind": "native", "admin": "%s:%d" % (host, port), "caddyfile": "/etc/caddy/Caddyfile"}
    return ProcessEdge(SubprocessRunner(), edge_options(given))


@AS_ROOT
@pytest.mark.parametrize("address", ["127.0.0.2", "::1"])
def test_beside_the_real_one(address: str, evil: Evil) -> None:
    """Another address of the same port is not the edge; one that ``localhost`` may mean is a doubt, which says who."""
    port = free_port()
    with listening("127.0.0.1", port, 0) as real, listening(address, port, NOBODY, env=evil.env) as theirs:
        found = edge(port)
        assert found.place().pid == real
        if address == "::1":
            with pytest.raises(Refused, match=r"several users.*%d \(user 0\).*%d \(user 65534\)" % (real, theirs)):
                found.caddy("version")
            found = edge(port, "127.0.0.1")
        found.caddy("version")
        assert found.place().pid == real and not found.place().doubt
    assert evil.ran_as() == set()


@AS_ROOT
def test_alone_it_runs_with_its_own_rights_and_environment(evil: Evil) -> None:
    port = free_port()
    with listening("127.0.0.1", port, NOBODY, env=evil.env) as theirs:
        found = edge(port)
        assert found.place().pid == theirs and found.place().owner[0] == NOBODY
        asked = "import os, sys; print(os.getresuid(), os.getgroups(), os.environ['TOKEN'], open('/dev/stdin').read())"
        done = found.caddy("-c", asked, stdin="a text")
        assert done.out.strip() == "(65534, 65534, 65534) [] of theirs a text", done.err
        assert "its user can't reach /switch/ready" in found.hidden("/")
    assert evil.ran_as() == {str(NOBODY)}


@AS_ROOT
def test_in_its_own_view_of_the_files(evil: Evil) -> None:
    """There every program may be another one: none is looked up as root."""
    port = free_port()
    every = {name: shutil.which(name) for name in ("setpriv", "test")}
    hide = "".join("mount --bind %s/%s %s; " % (evil.bin, name, path) for name, path in every.items())
    around = ("unshare", "--mount", "/bin/sh", "-c", hide + 'PYTHONPATH=%s exec "$@"' % evil.bin, "sh")
    with listening("127.0.0.1", port, NOBODY, around=around):
        found = edge(port)
        done = found.caddy("-c", "import os; print(os.getuid(), os.readlink('/proc/self/ns/mnt'))")
        assert done.out.split()[0] == str(NOBODY) and done.out.split()[1] != os.readlink("/proc/self/ns/mnt"), done.err
        found.hidden("/")
    assert evil.ran_as() == {str(NOBODY)}


@AS_ROOT
@pytest.mark.parametrize("uids", [(NOBODY, 0, 0), (0, 0, 0)])
def test_a_socket_of_theirs_in_a_process_with_more_rights(uids: tuple[int, ...], evil: Evil) -> None:
    """A program with the setuid bit keeps the socket that it was started with, and the environment."""
    port = free_port()
    with listening("127.0.0.1", port, *uids, made_by=NOBODY, env=evil.env):
        found = edge(port)
        for act in (lambda: found.caddy("version"), lambda: found.hidden("/"), found.seen_caddyfile):
            with pytest.raises(Refused, match="65534"):
                act()
    assert evil.ran_as() == set()


@AS_ROOT
def test_a_caddy_in_a_container_is_not_that_of_the_host(evil: Evil) -> None:
    """Its own processes are another number inside: there is no binary of this host, and no user."""
    port = free_port()
    around = ("unshare", "--pid", "--fork", "--kill-child")
    refused = pytest.raises(Refused, match=r"inside of a container.*kind: container")
    with listening("127.0.0.1", port, 0, env=evil.env, around=around), refused:
        edge(port).caddy("version")
    assert evil.ran_as() == set()


def test_where_nothing_listens_it_is_said() -> None:
    port = free_port()
    assert edge(port).place().pid == 0
    with pytest.raises(BluegreenError, match="nothing listens there"):
        edge(port).caddy("version")
