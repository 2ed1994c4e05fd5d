"""Which container it is and what it may do, told by real engines' specifications with its first event."""

import secrets
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support import deeds
from tests.support.deeds import every
from tests.support.docker import IMAGE, docker, said
from tests.support.sensor import Watch, state_directory

from hullguard.agent.sensor.bpf_sensor import BpfSensor
from hullguard.model.event import Event, EventKind, ImageRef, Mount, Pod

pytestmark = [pytest.mark.docker, pytest.mark.bpf]

_NAMESPACE = "k8s.io"


@pytest.fixture(scope="module")
def sensor(docker_host: str) -> Iterator[BpfSensor]:
    with deeds.running_sensor(docker_host) as opened:
        yield opened


@pytest.fixture
def watch(sensor: BpfSensor, docker_host: str) -> Watch:
    ready = Watch(sensor, docker_host)
    sensor.apply(every(EventKind.EXEC))
    return ready


def beginning(watch: Watch, container: str) -> tuple[Event, Event]:
    """A container's start and its first program."""
    start, first = watch.events(container, lambda seen: len(seen) > 1)[:2]
    assert (start.kind, first.kind) == (EventKind.CONTAINER_START, EventKind.EXEC)
    assert start.container_details == first.container_details
    assert (start.container, start.image, start.lineage) == (first.container, first.image, first.lineage)
    return start, first


def test_a_docker_container_begins_with_what_it_may_do(watch: Watch, tmp_path: Path):
    options = ("-v", f"{tmp_path}:/data:ro", "-v", "/etc:/rootfs/etc:private", "--pid", "host", "--label", "team=blue")
    container = watch.run("/bin/sleep", "1000", options=options)
    start, _ = beginning(watch, container)

    details = start.container_details
    assert details is not None
    assert (details.engine, details.privileged, details.labels) == ("docker", False, {"team": "blue"})
    assert (details.host_pid, details.host_network, details.host_ipc) == (True, False, False)
    assert set(details.mounts or ()) == {
        Mount(str(tmp_path), "/data", "ro", writable=False, propagation="rprivate"),
        Mount("/etc", "/rootfs/etc", "", writable=True, propagation="private"),
    }
    assert start.image is not None
    assert start.image.name == f"{IMAGE}:latest"


def test_all_devices_and_nothing_hidden_is_what_privileged_means(watch: Watch):
    container = watch.run(
        "/bin/sleep",
        "1000",
        options=("--device-cgroup-rule", "a *:* rwm", "--security-opt", "systempaths=unconfined", "--ipc", "host"),
    )
    start, _ = beginning(watch, container)

    assert start.container_details is not None
    assert (start.container_details.privileged, start.container_details.host_ipc) == (True, True)


def test_a_start_is_told_once_and_again_when_it_starts_again(watch: Watch):
    container = watch.run("/bin/sleep", "1000")
    beginning(watch, container)
    watch.shell(container, "true")
    docker(watch.address, "restart", "-t", "0", container)
    again = watch.events(container, lambda seen: any(event.kind is EventKind.CONTAINER_START for event in seen))

    kinds = [event.kind for event in again]
    assert kinds.count(EventKind.CONTAINER_START) == 1
    assert kinds[0] is EventKind.EXEC  # the shell's, which was no start


def test_a_container_that_was_there_before_the_agent_has_its_details_without_a_start(docker_host: str):
    container = said(docker_host, "run", "-d", "--network", "none", "--pid", "host", IMAGE, "/bin/sleep", "1000")
    with deeds.running_sensor(docker_host) as late:
        watch = Watch(late, docker_host)
        late.apply(every(EventKind.EXEC))
        subprocess.run(["touch", "-d", "1 hour ago", _specification(docker_host, container)], check=True)
        watch.shell(container, "true")
        seen = watch.events(container, bool)

    assert {event.kind for event in seen} == {EventKind.EXEC}
    assert seen[0].container_details is not None
    assert seen[0].container_details.host_pid


def test_a_container_of_containerd_is_known_without_docker(watch: Watch, docker_host: str, tmp_path: Path):
    identifier = secrets.token_hex(32)
    notes = {
        "io.kubernetes.cri.container-name": "web",
        "io.kubernetes.cri.image-name": "registry.example/shop/web",
        "io.kubernetes.cri.sandbox-name": "web-0",
        "io.kubernetes.cri.sandbox-namespace": "shop",
        "io.kubernetes.cri.sandbox-uid": "u-1",
    }
    with _started_by_ctr(docker_host, tmp_path, identifier, notes):
        start, _ = beginning(watch, identifier)

    assert start.container.name == "web"
    assert start.image == ImageRef("", "registry.example/shop/web:latest")
    assert start.container_details is not None
    assert start.container_details.engine == "containerd"
    assert start.container_details.pod == Pod("web-0", "shop", "u-1")


@pytest.mark.skipif(
    not all(map(shutil.which, ("podman", "runc"))), reason="podman is not installed: its containers are not started"
)
def test_a_container_of_podman_is_known_by_the_list_of_its_storage(watch: Watch, docker_host: str):
    with state_directory() as directory:
        _podman(watch, docker_host, directory)


def _podman(watch: Watch, docker_host: str, directory: Path) -> None:
    """``directory`` is short: podman refuses others."""
    archive = directory / "root.tar"
    archive.write_bytes(docker(docker_host, "export", said(docker_host, "create", IMAGE, "/bin/true")).stdout)
    # Docker's runtime is there where Docker is; the other one of Debian's runs on no machine with both kinds of cgroups.
    podman = [
        "podman",
        "--runtime",
        shutil.which("runc"),
        "--root",
        directory / "g",
        "--runroot",
        directory / "r",
        "--storage-driver",
        "vfs",
    ]
    (directory / "policy").write_text('{"default":[{"type":"insecureAcceptAnything"}]}')
    image = _run(*podman, "import", "-q", "--signature-policy", directory / "policy", archive, "probe:1").split()[-1]
    limits = ("--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1024:1024")
    started = (
        "run",
        "-d",
        "--network",
        "none",
        "--name",
        "web",
        *limits,
        "--pid",
        "host",
        "probe:1",
        "/bin/sleep",
        "99",
    )
    container = _run(*podman, *started).split()[-1]
    try:
        start, _ = beginning(watch, container)
    finally:
        _run(*podman, "rm", "-f", "-t", "0", "web")

    assert start.container.name == "web"
    assert start.image == ImageRef(image, "localhost/probe:1")
    assert start.container_details is not None
    assert (start.container_details.engine, start.container_details.host_pid) == ("podman", True)
    assert start.container_details.mounts == ()


def _run(*words: object) -> str:
    done = subprocess.run([str(word) for word in words], capture_output=True, timeout=120, check=False, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def _specification(docker_host: str, container: str) -> Path:
    daemon = Path(docker_host.removeprefix("unix://")).parent
    (found,) = daemon.glob(f"**/moby/{container}/config.json")
    return found


class _started_by_ctr:  # noqa: N801 - reads as a function
    """A container of the test daemon's own containerd, beside Docker."""

    def __init__(self, docker_host: str, directory: Path, identifier: str, notes: dict[str, str]) -> None:
        socket = Path(docker_host.removeprefix("unix://")).parent / "e" / "containerd" / "containerd.sock"
        self._ctr = ["ctr", "-a", socket, "-n", _NAMESPACE]
        self._identifier, self._archive = identifier, directory / "image.tar"
        docker(docker_host, "save", "-o", str(self._archive), IMAGE)
        self._notes = [word for key, value in notes.items() for word in ("--annotation", f"{key}={value}")]

    def __enter__(self) -> None:
        _run(*self._ctr, "images", "import", self._archive)
        name = f"docker.io/{IMAGE}:latest"
        _run(*self._ctr, "run", "-d", "--null-io", *self._notes, name, self._identifier, "/bin/sleep", "1000")

    def __exit__(self, *_: object) -> None:
        _run(*self._ctr, "task", "kill", "-s", "SIGKILL", self._identifier)
        _run(*self._ctr, "task", "rm", "-f", self._identifier)
        _run(*self._ctr, "containers", "rm", self._identifier)
