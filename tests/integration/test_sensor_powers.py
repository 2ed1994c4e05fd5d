"""Real calls that reach for other processes, for rights and for the kernel."""

import errno
import os
import signal
from collections.abc import Iterator

import pytest
from tests.support import deeds
from tests.support.deeds import Stage, every

from hullguard.agent.sensor.bpf_sensor import BpfSensor
from hullguard.model.event import Endpoint, EventKind

pytestmark = [pytest.mark.docker, pytest.mark.bpf]

CLONE_NEWUTS, CLONE_NEWIPC, SYS_ADMIN = 0x04000000, 0x08000000, 1 << 21


@pytest.fixture(scope="module")
def sensor(docker_host: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[BpfSensor]:
    deeds.import_deeds(docker_host, tmp_path_factory.mktemp("deeds"))
    with deeds.running_sensor(docker_host) as opened:
        yield opened


@pytest.fixture
def stage(sensor: BpfSensor, docker_host: str) -> Iterator[Stage]:
    with deeds.staged(sensor, docker_host, *deeds.POWERS) as ready:
        yield ready


def test_reaching_into_another_process_names_it_by_the_hosts_number(stage: Stage):
    stage.watch.sensor.apply(every(EventKind.PTRACE, EventKind.PROCESS_MEMORY))
    assert stage.do("ptrace") == 0
    (traced,) = stage.sees(EventKind.PTRACE)
    assert stage.do("vm-write") == 0
    (written,) = stage.sees(EventKind.PROCESS_MEMORY)

    assert (traced.arguments["request"], written.call) == (16, "process_vm_writev")
    for event in (traced, written):
        assert event.process.exe == "/bin/deed"
        assert event.arguments["vpid"] > event.process.vpid
        assert event.arguments["pid"] > event.process.pid != event.process.vpid


def test_other_users_and_fewer_rights(stage: Stage):
    stage.watch.sensor.apply(every(EventKind.CREDENTIALS))
    assert stage.do("setuid", "1234") == 0
    (user,) = stage.sees(EventKind.CREDENTIALS, where=lambda event: event.call == "setresuid")
    assert stage.do("capset") == 0
    (rights,) = stage.sees(EventKind.CREDENTIALS, where=lambda event: event.call == "capset")

    assert [user.arguments[name] for name in ("uid", "euid", "suid")] == [1234] * 3
    assert (user.process.uid, user.process.euid, user.result) == (1234, 1234, 0)
    assert (rights.arguments["cap_effective"], rights.arguments["cap_permitted"]) == (1, 1)
    assert rights.process.capabilities.effective == 1


@pytest.mark.parametrize(
    ("deed", "call", "flags"),
    [("unshare", "unshare", CLONE_NEWUTS), ("setns", "setns", CLONE_NEWUTS), ("clone", "clone", CLONE_NEWIPC)],
)
def test_namespaces_that_are_made_or_entered(stage: Stage, deed: str, call: str, flags: int):
    stage.watch.sensor.apply(every(EventKind.NAMESPACE))
    assert stage.do(deed) == 0

    (event,) = stage.sees(EventKind.NAMESPACE)
    assert (event.call, event.arguments["flags"]) == (call, flags)
    assert event.process.exe == "/bin/deed"
    assert event.arguments.get("fd") == (3 if deed == "setns" else None)


def test_what_the_kernel_is_given(stage: Stage):
    stage.watch.sensor.apply(every(EventKind.BPF, EventKind.MEMFD, EventKind.USERFAULTFD))
    assert stage.do("bpf") == 0
    (program,) = stage.sees(EventKind.BPF)
    assert stage.do("memfd", "ghost") == 0
    (memory,) = stage.sees(EventKind.MEMFD)
    assert stage.do("userfaultfd") == 0
    (faults,) = stage.sees(EventKind.USERFAULTFD)

    assert [program.arguments[name] for name in ("cmd", "prog_type", "name")] == [5, 1, "intruder"]
    assert (memory.arguments["name"], memory.path, memory.arguments["flags"]) == ("ghost", "/memfd:ghost", 1)
    assert (faults.result, faults.arguments["flags"]) == (3, os.O_CLOEXEC)


@pytest.mark.parametrize(("how", "call"), [("splice", "splice"), ("sendfile", "sendfile")])
def test_a_page_of_a_file_in_a_pipe_that_was_made_ready_is_told(stage: Stage, how: str, call: str):
    stage.watch.sensor.apply(every(EventKind.SPLICE))
    assert stage.do("splice", "/etc/passwd", how) == 0

    (event,) = stage.sees(EventKind.SPLICE)
    assert (event.call, event.path, event.result) == (call, "/etc/passwd", 1)
    assert event.arguments == {"fd_in": 3, "fd_out": 5, "size": 1, "merge": "prepared"}


def test_ordinary_splices_are_not_told(stage: Stage):
    stage.watch.sensor.apply(every(EventKind.SPLICE))
    for how in ("fresh", "once", "writable", "socket", "reader"):
        assert stage.do("splice", "/etc/passwd", how) == 0
    assert stage.do("splice", "/etc/passwd", "splice") == 0

    (event,) = stage.sees(EventKind.SPLICE)
    assert event.process.args[-1] == "splice"


def test_a_module_that_may_not_be_loaded_is_told(stage: Stage):
    stage.watch.sensor.apply(every(EventKind.MODULE))
    answer = stage.do("module", "/bin/busybox", "speed=1")
    if answer == errno.ENOSYS:
        pytest.skip("this kernel takes no modules")
    assert answer == errno.EPERM

    (module,) = stage.sees(EventKind.MODULE)
    assert (module.call, module.path, module.result) == ("finit_module", "/bin/busybox", -errno.EPERM)
    assert (module.arguments["name"], module.arguments["parameters"]) == ("busybox", "speed=1")


@pytest.mark.parametrize(("deed", "protection"), [("mprotect", 5), ("mmap", 7)])
def test_memory_that_becomes_executable_but_is_no_file(stage: Stage, deed: str, protection: int):
    stage.watch.sensor.apply(every(EventKind.MEMORY_PROTECTION))
    stage.watch.shell(stage.container, "true")
    assert stage.do(deed) == 0

    (event,) = stage.sees(EventKind.MEMORY_PROTECTION)
    assert (event.call, event.arguments["prot"], event.arguments["size"]) == (deed, protection, 4096)
    assert event.arguments["address"] % 4096 == 0 != event.arguments["address"]
    assert event.path is None


def test_a_signal_to_the_agent_is_told(stage: Stage, docker_host: str):
    previous = signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    try:
        stage.watch.sensor.apply(every(EventKind.SIGNAL))
        # Only who shares the host's numbers can name the agent.
        options = ("--pid", "host", *deeds.POWERS)
        with deeds.staged(stage.watch.sensor, docker_host, *options) as near:
            near.watch.sensor.apply(every(EventKind.SIGNAL))
            assert near.do("kill", str(os.getpid()), str(int(signal.SIGUSR1))) == 0
            (event,) = near.sees(EventKind.SIGNAL)
    finally:
        signal.signal(signal.SIGUSR1, previous)

    assert (event.arguments["signal"], event.arguments["pid"]) == (signal.SIGUSR1, os.getpid())
    assert event.process.exe == "/bin/deed"


def test_rings_and_what_they_open(stage: Stage):
    stage.watch.sensor.apply(every(EventKind.IO_URING, EventKind.SOCKET, EventKind.CONNECT))
    assert stage.do("ring-socket") == 0
    (made,) = stage.sees(EventKind.IO_URING)
    assert stage.do("ring-connect", "127.0.0.1", "81") == errno.ECONNREFUSED
    (connected,) = stage.sees(EventKind.CONNECT, where=lambda event: event.socket.family == "ipv4")

    assert (made.call, made.arguments["entries"], made.process.exe) == ("io_uring_setup", 4, "/bin/deed")
    assert connected.socket.remote == Endpoint("127.0.0.1", 81)
    assert connected.process.exe == "/bin/deed"


def test_a_socket_that_a_ring_made(stage: Stage):
    stage.watch.sensor.apply(every(EventKind.SOCKET))
    assert stage.do("ring-socket") == 0

    (event,) = stage.sees(EventKind.SOCKET, where=lambda event: event.socket.family == "ipv4")
    assert (event.call, event.socket.kind) == ("io_uring socket", "stream")
