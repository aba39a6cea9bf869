# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What preflight says of a real PostgreSQL, Caddy, Podman and podman-compose when they are not as they should be."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from kit.compose_bench import containers_conf
from kit.preflight_bench import (
    CANARY,
    DEPLOYMENT,
    LABEL,
    PROJECT,
    RANGE,
    ROOT,
    Bench,
    bad,
    clean_up,
    facts,
    own,
    podman,
    tree,
)
from kit.recording import Recording

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import BluegreenError
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.podman import Podman
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.runner import SubprocessRunner
from ansible_collections.olympus.bluegreen.plugins.module_utils._schema import service as release
from ansible_collections.olympus.bluegreen.plugins.module_utils._schema import service_files

pytestmark = pytest.mark.lab
READING = {
    "podman": {"info", "ps", "inspect", "container inspect", "image inspect", "network ls", "network inspect", "exec",
               "manifest inspect"},
    "podman-compose": {"--version", "config"},
    "ip": {"route show"},
}  # fmt: skip


# Holds fourteen connections until it is ended.
HOLD = """
import sys, time, psycopg2
dsn = sys.stdin.readline().strip()
held = [psycopg2.connect(dsn) for _ in range(14)]
print(len(held), flush=True)
time.sleep(300)
"""


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    containers_conf(tmp_path_factory.mktemp("conf"))
    clean_up()
    made = Bench(tmp_path_factory.mktemp("preflight"), connections=20)
    made.up()
    yield made
    clean_up()


def test_it_only_reads(bench: Bench) -> None:
    before = facts(), tree(bench.source), own("network"), own("volume")
    recorder = Recording()
    result = bench.look(recorder)
    assert (facts(), tree(bench.source), own("network"), own("volume")) == before
    assert result["changed"] is False and not bench.state_dir.exists()
    assert CANARY not in json.dumps(result) and CANARY not in str(recorder.seen)
    for argv in recorder.seen:
        program, words = os.path.basename(argv[0]), " ".join(argv[1:])
        assert any(one in words for one in READING[program]), argv
    assert next(argv for argv in recorder.seen if "exec" in argv)[-2:] == ["caddy", "version"]


def test_what_is_wrong_with_this_deployment(bench: Bench) -> None:
    result = bench.look()
    seen = bad(result)
    assert seen["connections"]["level"] == "warn" and "at most 17" in seen["connections"]["wanted"]
    assert seen["auto_update"]["found"].startswith(PROJECT + "_kratos_1")
    assert "10.231.160.0/24" in seen["hydra.termination hydra"]["found"]
    assert seen["dns.upstreams"]["found"] == "nowhere"
    assert seen["login_limit every"]["found"] == "every: 3 in 10 s"
    assert PROJECT + "_hydra_1" in seen["boot"]["found"]
    assert seen["secrets"]["level"] == "warn" and seen["secrets"]["found"] == "empty: kratos SMTP_PASSWORD"
    # What is well is judged on real answers too.
    good = {row["check"]: row for row in result["rows"] if row["ok"]}
    assert {"memory", "clock", "database", "dns.public", "certificate", "version.caddy", "network_range"} <= set(good)
    assert good["database"]["found"] == "postgres as kratos"
    assert max(map(len, result["table"])) <= 120


@pytest.mark.parametrize(
    ("name", "level", "words"),
    [
        ("expired.test", "refuse", "expired"),
        ("other.test", "refuse", "ostname mismatch"),
        ("late.test", "warn", "h left"),
    ],
)
def test_certificates(bench: Bench, name: str, level: str, words: str) -> None:
    seen = bad(bench.look(public=[{"host": name, "path": "/"}]))
    assert seen["certificate " + name]["level"] == level and words in seen["certificate " + name]["found"]
    assert "certificate login.test" not in seen


def test_an_authority_that_nobody_named(bench: Bench) -> None:
    edge = {**bench.params()["edge"], "ca": str(bench.source / "certs" / "ca.pem")}
    seen = bad(bench.look(edge=edge))
    assert "unable to get local issuer" in seen["certificate login.test"]["found"]


def test_addresses_of_others_are_never_asked(bench: Bench) -> None:
    edge = {**bench.params()["edge"], "address": "192.0.2.1"}
    result = bench.look(edge=edge)
    assert bad(result)["route.edge"]["level"] == "refuse"
    assert "certificate" not in {row["check"].split(" ")[0] for row in result["rows"]}


def test_more_connections_than_there_are(bench: Bench) -> None:
    pid = int(podman("container", "inspect", PROJECT + "_postgres_1", "--format", "{{.State.Pid}}"))
    enter = ["nsenter", "-t", str(pid), "-n", sys.executable, "-c", HOLD]
    holder = subprocess.Popen(enter, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert holder.stdin and holder.stdout
        holder.stdin.write("postgres://kratos:%s@127.0.0.1/postgres\n" % CANARY)
        holder.stdin.flush()
        assert holder.stdout.readline() == "14\n"
        seen = bad(bench.look())
        assert seen["connections"]["level"] == "refuse" and seen["connections"]["found"].startswith(
            "14 in use, likely 28"
        )
    finally:
        holder.kill()
        holder.wait()


def test_a_source_that_lacks_a_service(bench: Bench) -> None:
    services = {**bench.params()["services"], "athena": {"kind": "athena", "port": 3000}}
    seen = bad(bench.look(services=services, images={"athena": "localhost/bgpre/athena:{version}"}))
    assert "athena" in seen["source"]["found"] and seen["source"]["level"] == "refuse"
    # Nothing is said of images that no compose file can name.
    assert "images" not in seen


def test_a_service_at_another_port_than_it_is_said_to_have(bench: Bench) -> None:
    services = {**bench.params()["services"], "postgres": {"kind": "other", "port": 5000}}
    seen = bad(bench.look(services=services))
    assert seen["service postgres"]["found"] == "port 5000 is closed; it listens on 5432"
    assert seen["service postgres"]["level"] == "refuse"
    assert seen["service postgres"]["fix"] == "set bluegreen_services.postgres.port: 5432"
    assert seen["service kratos"]["level"] == "warn" and "no other port" in seen["service kratos"]["found"]
    services["postgres"]["port"] = 5432
    assert "service postgres" not in bad(bench.look(services=services))


def test_files_of_a_container_of_an_image_and_of_a_volume(bench: Bench, tmp_path: Path) -> None:
    engine, copy = Podman(SubprocessRunner()), str(tmp_path / "copy")
    raw = engine.one("container", PROJECT + "_postgres_1")
    assert raw
    view = service_files.of_container(engine, raw)
    view.read("/etc/passwd", copy, "file")
    assert "root:" in Path(copy).read_text() and os.stat(copy).st_mode & 0o777 == 0o600
    view.read("/var/lib/postgresql/18/docker/PG_VERSION", copy, "file")
    assert Path(copy).read_text().strip().isdigit()
    with pytest.raises(BluegreenError, match="has no file /nowhere"):
        view.read("/nowhere", copy, "file")
    image = "docker.io/postgres:18-alpine"
    service = release.Service("svc", image, {}, volumes=(PROJECT + "_data:/certs",), working_dir="/certs")
    labels = {LABEL: "1", "files": "bgpre"}
    coming = service_files.of_release(engine, service, labels)
    coming.read("18/docker/PG_VERSION", copy, "file")
    assert Path(copy).read_text().strip().isdigit()
    coming.read("/etc/passwd", copy, "file")
    assert "root:" in Path(copy).read_text()
    assert engine.containers(labels) == []


def test_an_empty_secret(bench: Bench) -> None:
    env = bench.source / ".env"
    before = env.read_text()
    env.write_text("PASSWORD=%s\nCOOKIE=\n" % CANARY)
    try:
        seen = bad(bench.look())
    finally:
        env.write_text(before)
    assert seen["secrets"]["level"] == "refuse" and "kratos SECRETS_COOKIE" in seen["secrets"]["found"]


def test_a_registry_that_does_not_answer(bench: Bench) -> None:
    reference = "127.0.0.1:9/bgpre/kratos:{version}"
    seen = bad(bench.look(images={"kratos": reference}))
    assert seen["images"]["level"] in ("warn", "refuse") and "127.0.0.1:9/bgpre/kratos:v2" in seen["images"]["found"]


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "small"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m,nr_inodes=64", "bgpre", str(place)], check=True)
    yield place
    subprocess.run(["umount", str(place)], check=True)


def test_a_full_and_a_read_only_state_directory(bench: Bench, small: Path) -> None:
    (small / "full").write_bytes(b"x" * 1_000_000)
    seen = bad(bench.look(state_dir=str(small)))
    assert seen["disk.state"]["level"] == "refuse" and str(small) in seen["disk.state"]["found"]
    assert "inodes" in seen["disk.state"]["wanted"]
    subprocess.run(["mount", "-o", "remount,ro", str(small)], check=True)
    assert "read-only file system" in bad(bench.look(state_dir=str(small)))["state_dir"]["found"]


def test_a_range_that_somebody_has(bench: Bench) -> None:
    podman("network", "create", "--label", LABEL + "=1", "--subnet", "10.231.162.0/24", "bgpre-foreign")
    try:
        assert "network bgpre-foreign" in bad(bench.look())["network_range"]["found"]
    finally:
        podman("network", "rm", "bgpre-foreign")
    assert "network podman (10.88.0.0/16)" in bad(bench.look(network_range="10.88.4.0/22"))["network_range"]["found"]


def test_an_old_podman_compose(bench: Bench, tmp_path: Path) -> None:
    """The real 1.0.3 that Debian 12 has: its config prints nothing."""
    place = tmp_path / "old"
    pip = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "-q",
        "--disable-pip-version-check",
        "--no-deps",
        "--target",
        str(place),
    ]
    subprocess.run([*pip, "podman-compose==1.0.3"], check=True)
    wrapper = tmp_path / "podman-compose"
    code = "import sys; sys.path.insert(0, %r); import podman_compose; podman_compose.main()" % str(place)
    wrapper.write_text("#!%s\n%s\n" % (sys.executable, code))
    wrapper.chmod(0o755)
    seen = bad(bench.look(podman_compose=str(wrapper)))
    assert seen["version.podman-compose"]["level"] == "refuse" and "1.0.3" in seen["version.podman-compose"]["found"]


def test_a_database_that_is_stopped(bench: Bench) -> None:
    podman("stop", "-t", "5", PROJECT + "_postgres_1")
    try:
        result = bench.look()
    finally:
        podman("start", PROJECT + "_postgres_1")
    assert bad(result)["database"]["level"] == "refuse" and CANARY not in json.dumps(result)
    bench.wait(lambda: "database" not in bad(bench.look()))


def test_without_podman_there_is_a_table_all_the_same(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    edge = bench.params()["edge"]
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(bench, "authorities", lambda: edge["ca"])
    seen = bad(bench.look())
    assert "podman is not installed" in seen["probe_failed podman"]["found"]


def test_the_playbook_prints_the_table_and_changes_nothing(bench: Bench, tmp_path: Path) -> None:
    names = ("project", "source", "compose_files", "podman_compose", "network_range", "services", "shared", "public")
    params = bench.params()
    given = {"bluegreen_" + name: params[name] for name in (*names, "edge", "state_dir", "schema_targets")}
    local = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable, "bluegreen_imags": {}}
    one = {**given, **local, "bluegreen_deployment": DEPLOYMENT}
    (tmp_path / "hosts.json").write_text(json.dumps({"all": {"children": {"olympus_edge": {"hosts": {"one": one}}}}}))
    before = facts(), own("network")
    argv = [str(Path(sys.executable).parent / "ansible-playbook"), "bluegreen.yml", "-i", str(tmp_path / "hosts.json")]
    done = subprocess.run(
        [*argv, "--tags", "preflight", "-e", "version=v2"],
        cwd=ROOT, capture_output=True, text=True, check=False, env={**os.environ, "ANSIBLE_NOCOLOR": "1"},
    )  # fmt: skip
    assert (facts(), own("network")) == before
    lines = done.stdout.splitlines()
    assert (
        ("not adopted yet" in done.stdout) if done.returncode == 0 else any(line.startswith("REFUSE") for line in lines)
    )
    assert any(line.startswith("WARN   settings bluegreen_imags") for line in lines), done.stdout
    assert any(line.startswith("ok     network_range") and RANGE in line for line in lines)
    state = {path.name for path in bench.state_dir.rglob("*")}
    assert state <= {"ledger.jsonl", "lock.flock", "ledger.jsonl.lock"}, "the lock is taken and given back, no more"
    assert CANARY not in done.stdout + done.stderr
