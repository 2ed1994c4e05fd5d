import os
import subprocess
from pathlib import Path

import msgspec
from tests.support.events import AT, raw_event, raw_process

from hullguard.agent.sensor import abi, processes
from hullguard.agent.sensor.decode import RawTask, decode, glance
from hullguard.agent.sensor.processes import Processes, read_host
from hullguard.model.event import Process

TICK = 1_000_000_000 // os.sysconf("SC_CLK_TCK")


def task(pid: int = 200, start_ns: int = 5_000_000_000, comm: str = "sh") -> RawTask:
    return RawTask(pid, start_ns, comm)


def test_an_exec_describes_its_process():
    found = Processes().actor(decode(raw_event(other=b"/srv\0", flags=abi.TTY | abi.ARGS_TRUNCATED)), AT)

    assert (found.exe, found.args, found.cwd, found.tty, found.args_truncated) == (
        "/bin/sh",
        ("sh", "-c", "true"),
        "/srv",
        True,
        True,
    )
    assert (found.pid, found.ppid, found.started) == (200, 100, AT)


def test_a_file_open_adds_what_the_exec_said():
    table = Processes()
    table.actor(decode(raw_event()), AT)
    opened = decode(raw_event(abi.FILE, path=b"/etc/shadow\0", exe=b"/bin/busybox\0", args=b"", other=b""))

    found = table.actor(opened, AT)

    assert (found.exe, found.args, found.cwd) == ("/bin/busybox", ("sh", "-c", "true"), "/")


def test_an_exec_that_nobody_judged_is_known_when_asked():
    table = Processes()
    raw = raw_event()
    table.remember(glance(raw), raw)

    found = table.ancestor(task(comm="later"), 100, AT)

    assert (found.exe, found.args, found.comm) == ("/bin/sh", ("sh", "-c", "true"), "later")


def test_a_fork_has_its_parents_program():
    table = Processes()
    table.actor(decode(raw_event()), AT)
    table.note(glance(raw_process(abi.FORK, pid=300, start_ns=9, ppid=200)))

    found = table.ancestor(task(300, 9, "sub"), 200, AT)

    assert (found.pid, found.ppid, found.comm, found.exe) == (300, 200, "sub", "/bin/sh")


def test_a_number_used_again_is_another_process():
    table = Processes()
    table.actor(decode(raw_event()), AT)
    table.note(glance(raw_process(abi.EXIT, pid=200)))
    table.note(glance(raw_process(abi.FORK, pid=300, start_ns=9, ppid=200)))

    assert table.ancestor(task(200, 6_000_000_000), 1, AT).exe is None
    assert table.ancestor(task(300, 9), 200, AT).exe is None
    assert table.ancestor(task(), 1, AT).exe == "/bin/sh"


def test_the_table_is_bounded(monkeypatch):
    monkeypatch.setattr(processes, "_MOST", 10)
    table = Processes()
    for pid in range(1, 100):
        raw = raw_event(pid=pid)
        table.remember(glance(raw), raw)

    assert len(table) == 10
    assert table.ancestor(task(99), 1, AT).exe == "/bin/sh"
    assert table.ancestor(task(5), 1, AT).exe is None


def start_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]) * TICK


def test_an_older_process_is_read_from_the_host():
    child = subprocess.Popen(["/bin/sleep", "60"], cwd="/")
    try:
        found = Processes(read_host).ancestor(task(child.pid, start_of(child.pid), "sleep"), os.getpid(), AT)
    finally:
        child.kill()
        child.wait()

    assert found.exe.endswith(("/sleep", "/coreutils", "/busybox"))
    assert (found.args, found.cwd, found.uid) == (("/bin/sleep", "60"), "/", os.geteuid())


def test_a_number_that_means_another_process_by_now_tells_nothing():
    bare = Process(pid=os.getpid(), comm="x")

    assert read_host(task(os.getpid(), start_of(os.getpid()) + 5 * TICK), bare) == bare


def test_a_process_that_is_gone_tells_nothing():
    bare = Process(pid=2**22 + 1, comm="x")

    assert read_host(task(2**22 + 1), bare) == bare


def test_what_the_host_says_can_always_be_sent():
    child = subprocess.Popen([b"/bin/sleep", b"60"], executable="/bin/sleep", cwd="/", env={})
    try:
        found = Processes(read_host).ancestor(task(child.pid, start_of(child.pid)), 1, AT)
    finally:
        child.kill()
        child.wait()

    assert msgspec.msgpack.decode(msgspec.msgpack.encode(found), type=Process) == found
