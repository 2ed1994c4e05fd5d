import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import DEVNULL, PIPE

import msgspec
import pytest
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


@pytest.mark.parametrize(
    ("args", "script"),
    [
        (b"/usr/bin/perl\0/usr/bin/pg_isready\0-q\0", "/usr/bin/pg_isready"),
        (b"/usr/bin/perl\0-wT\0/usr/bin/pg_ctlcluster\0main\0", "/usr/bin/pg_ctlcluster"),
        (b"perl\0-e\0print\0/usr/bin/pg_isready\0", ""),
        (b"perl\0-I/tmp\0/usr/bin/pg_isready\0", ""),
        (b"perl\0-wMEvil\0/usr/bin/pg_isready\0", ""),
        (b"perl\0-w\0-MEvil\0/usr/bin/pg_isready\0", ""),
        (b"perl\0-d:Evil\0/usr/bin/pg_isready\0", ""),
        (b"perl\0pg_isready\0", ""),
        (b"perl\0-w\0", ""),
        (b"perl\0", ""),
        (b"", ""),
    ],
)
def test_the_script_of_perl_is_what_it_was_started_for(args: bytes, script: str):
    assert Processes().actor(decode(raw_event(path=b"/usr/bin/perl\0", args=args)), AT).script == script


@pytest.mark.parametrize("program", [b"/bin/sh\0", b"/tmp/perl\0", b"/usr/bin/perldoc\0", b""])
def test_only_perl_is_asked_for_its_script(program: bytes):
    raw = raw_event(path=program, args=b"perl\0/usr/bin/pg_isready\0")

    assert Processes().actor(decode(raw), AT).script == ""


def test_a_process_that_rewrites_its_arguments_stays_what_it_was_started_for():
    honest, liar = Processes(), Processes()
    honest.actor(decode(raw_event(path=b"/usr/bin/perl\0", args=b"perl\0/usr/sbin/adduser\0")), AT)
    liar.actor(decode(raw_event(path=b"/usr/bin/perl\0", args=b"perl\0-e\0...\0")), AT)
    opened = {"path": b"/etc/shadow\0", "exe": b"/usr/bin/perl\0", "other": b""}

    now = honest.actor(decode(raw_event(abi.FILE, args=b"adduser       \0", **opened)), AT)
    assert (now.script, now.args) == ("/usr/sbin/adduser", ("adduser       ",))
    assert liar.actor(decode(raw_event(abi.FILE, args=b"perl\0/usr/sbin/adduser\0", **opened)), AT).script == ""


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


def test_of_processes_that_ended_only_the_last_are_known(monkeypatch):
    monkeypatch.setattr(processes, "_MOST_ENDED", 10)
    table = Processes()
    server = raw_event(pid=1)
    table.remember(glance(server), server)
    for pid in range(2, 1000):
        table.note(glance(raw_process(abi.FORK, pid=pid, start_ns=9, ppid=1)))
        raw = raw_event(pid=pid, start_ns=9)
        table.remember(glance(raw), raw)
        table.note(glance(raw_process(abi.EXIT, pid=pid, start_ns=9)))
        assert len(table) <= 11

    assert table.ancestor(task(999, 9), 1, AT).exe == "/bin/sh", "its children may still speak of it"
    assert table.ancestor(task(1), 0, AT).exe == "/bin/sh", "it runs"
    assert table.ancestor(task(5, 9), 1, AT).exe is None


def test_one_that_was_asked_about_after_its_end_is_forgotten_too(monkeypatch):
    monkeypatch.setattr(processes, "_MOST_ENDED", 1)
    table = Processes()
    table.actor(decode(raw_event(pid=5, start_ns=9)), AT)
    table.note(glance(raw_process(abi.EXIT, pid=5, start_ns=9)))
    table.ancestor(task(5, 9), 1, AT)
    table.actor(decode(raw_event(pid=6, start_ns=9)), AT)
    table.note(glance(raw_process(abi.EXIT, pid=6, start_ns=9)))
    table.note(glance(raw_process(abi.FORK, pid=7, start_ns=10, ppid=5)))

    assert len(table) == 1
    assert table.ancestor(task(7, 10), 5, AT).exe is None


def start_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]) * TICK


@contextmanager
def running(*args: bytes, env: dict[str, str] | None = None) -> Iterator[int]:
    """The pid of a ``cat`` that has answered: before that the kernel may still be at work on its exec."""
    with subprocess.Popen(
        args, executable="/bin/cat", cwd="/", env=env, stdin=PIPE, stdout=PIPE, stderr=DEVNULL, bufsize=0
    ) as child:
        child.stdin.write(b"?")
        assert child.stdout.read(1) == b"?"
        yield child.pid
        child.stdin.close()


def test_an_older_process_is_read_from_the_host():
    with running(b"/bin/cat", b"-") as pid:
        found = Processes(read_host).ancestor(task(pid, start_of(pid), "cat"), os.getpid(), AT)

    assert found.exe.endswith(("/cat", "/coreutils", "/busybox"))
    assert (found.args, found.cwd, found.uid) == (("/bin/cat", "-"), "/", os.geteuid())


def test_a_number_that_means_another_process_by_now_tells_nothing():
    bare = Process(pid=os.getpid(), comm="x")

    assert read_host(task(os.getpid(), start_of(os.getpid()) + 5 * TICK), bare) == bare


def test_a_process_that_is_gone_tells_nothing():
    bare = Process(pid=2**22 + 1, comm="x")

    assert read_host(task(2**22 + 1), bare) == bare


def test_what_the_host_says_can_always_be_sent():
    with running(b"\xff/cat", b"-", b"\xfe", env={}) as pid:
        found = Processes(read_host).ancestor(task(pid, start_of(pid)), 1, AT)

    assert msgspec.msgpack.decode(msgspec.msgpack.encode(found), type=Process) == found
