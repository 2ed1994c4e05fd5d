"""For each rule of the pack: what makes it fire, and what is alike and must not."""

from msgspec import Struct
from tests.support.events import RUNTIME, event, process

from hullguard.model.event import ContainerRef, Endpoint, Event, EventKind, OpenFile, Process, Socket

APT = process(pid=150, comm="apt-get", exe="/usr/bin/apt-get", args=("apt-get", "install", "-y", "nginx"))
DPKG = process(pid=160, comm="dpkg", exe="/usr/bin/dpkg", args=("dpkg", "--unpack"))
SYSTEMD = process(comm="systemd", exe="/usr/lib/systemd/systemd", args=("/sbin/init",))
HOST = ContainerRef("host")


class Case(Struct, frozen=True):
    """Events for which a rule holds, and ordinary ones for which it does not."""

    fires: tuple[Event, ...]
    silent: tuple[Event, ...]


def by(comm: str, *args: str, exe: str = "", **changes: object) -> Process:
    """A process of a container."""
    return process(comm=comm, exe=exe or f"/usr/bin/{comm}", args=(comm, *args), **changes)


def ran(comm: str, *args: str, exe: str = "", parent: Process | None = None, **changes: object) -> Event:
    """A program that begins."""
    actor = by(comm, *args, exe=exe, **changes)
    return event(lineage=(RUNTIME, process(pid=120), parent or process(pid=150), actor), path=actor.exe)


def started(comm: str, *args: str, **changes: object) -> Event:
    """A container's first program."""
    actor = by(comm, *args, vpid=1, **changes)
    return event(lineage=(RUNTIME, actor), path=actor.exe)


def done(kind: EventKind, call: str, *, actor: Process | None = None, parent: Process | None = None, **changes: object):
    """Any other call."""
    lineage = (RUNTIME, parent or process(pid=150), actor or process())
    return event(kind, call=call, lineage=lineage, **({"path": None, "result": 0} | changes))


def read(path: str, file_system: str = "overlay", **changes: object) -> Event:
    given = {"path": path, "raw_path": path, "reads": True, "result": 3, "file": OpenFile(file_system=file_system)}
    return done(EventKind.FILE_OPEN, **({"call": "openat"} | given | changes))


def written(path: str, file_system: str = "overlay", **changes: object) -> Event:
    return read(
        path, **({"file": OpenFile(file_system=file_system, flags=1), "reads": False, "writes": True} | changes)
    )


def created(path: str, **changes: object) -> Event:
    return written(path, file=OpenFile(file_system="overlay", flags=0o101, created=True), **changes)


def truncated(path: str, **changes: object) -> Event:
    return written(path, file=OpenFile(file_system="overlay", flags=0o1001, truncated=True), **changes)


def renamed(path: str, target: str, **changes: object) -> Event:
    return done(EventKind.FILE_RENAME, "rename", path=path, raw_path=path, target=target, **changes)


def unlinked(path: str, **changes: object) -> Event:
    return done(EventKind.FILE_UNLINK, "unlink", path=path, raw_path=path, **changes)


def mounted(device: str, where: str, kind: str, **changes: object) -> Event:
    given = {"path": where, "target": device, "arguments": {"fs_type": kind, "flags": 0}}
    return done(EventKind.MOUNT, "mount", **(given | changes))


def connected(address: str, port: int, family: str = "ipv4", protocol: int = 6, **changes: object) -> Event:
    kind = "stream" if protocol == 6 else "datagram"
    local = Endpoint("172.17.0.2", 40_000)
    if family == "unix":
        socket = Socket(family, "stream", remote=Endpoint(address))
    else:
        socket = Socket(family, kind, protocol, local=local, remote=Endpoint(address, port))
    return done(EventKind.CONNECT, "connect", socket=socket, **({"result": None} | changes))


def asked(name: str, **changes: object) -> Event:
    socket = Socket("ipv4", "datagram", 17, remote=Endpoint("10.0.0.2", 53))
    return done(EventKind.DNS, "dns", socket=socket, arguments={"name": name, "type": "A"}, **changes)


def arguments(kind: EventKind, call: str, actor: Process | None = None, **given: str | int) -> Event:
    return done(kind, call, actor=actor, arguments=given)


def denied(happened: Event) -> Event:
    return done(happened.kind, happened.call, actor=happened.process, arguments=happened.arguments, result=-1)


CGROUP = "/sys/fs/cgroup/rdma"
ESCAPES: dict[str, Case] = {
    "escape.release-agent": Case(
        (written("/tmp/c/release_agent", "cgroup"),),
        (read(f"{CGROUP}/release_agent", "cgroup"), written("/src/release_agent"), written("/tmp/c/tasks", "cgroup"),
         written("/tmp/c/release_agent", "cgroup", result=-13)),
    ),
    "escape.notify-on-release": Case(
        (written(f"{CGROUP}/x/notify_on_release", "cgroup"),),
        (read(f"{CGROUP}/x/notify_on_release", "cgroup"),
         written("/sys/fs/cgroup/systemd/a/notify_on_release", "cgroup", actor=SYSTEMD)),
    ),
    "escape.core-pattern": Case(
        (written("/proc/sys/kernel/core_pattern", "proc"), written("/host/proc/sys/kernel/core_pattern", "proc")),
        (read("/proc/sys/kernel/core_pattern", "proc"), written("/src/linux/sys/kernel/core_pattern"),
         written("/proc/sys/kernel/hostname", "proc")),
    ),
    "escape.kernel-helper": Case(
        (written("/proc/sys/kernel/modprobe", "proc"), written("/sys/kernel/uevent_helper", "sysfs"),
         written("/mnt/proc/sys/kernel/poweroff_cmd", "proc")),
        (written("/sbin/modprobe"), read("/proc/sys/kernel/modprobe", "proc"), written("/tmp/uevent_helper")),
    ),
    "escape.sysrq": Case(
        (written("/proc/sysrq-trigger", "proc"), written("/proc/sys/kernel/sysrq", "proc")),
        (read("/proc/sys/kernel/sysrq", "proc"), written("/tmp/sysrq-trigger")),
    ),
    "escape.binary-format": Case(
        (written("/proc/sys/fs/binfmt_misc/register", "binfmt_misc"),),
        (read("/proc/sys/fs/binfmt_misc/status", "binfmt_misc"), written("/var/lib/register")),
    ),
    "escape.runtime-overwrite": Case(
        (written("/usr/sbin/runc", raw_path="/proc/self/fd/4"),),
        (read("/usr/sbin/runc"), created("/usr/sbin/runc"), written("/usr/sbin/runc", parent=APT, actor=DPKG)),
    ),
    "escape.leaked-directory": Case(
        (started("sh", cwd="/sys/fs/cgroup"), started("sh", cwd="/proc/self/fd/8")),
        (started("sh", cwd="/"), ran("cat", "memory.max", cwd="/sys/fs/cgroup"), started("sh", cwd="/sys/fs/cgroupx")),
    ),
    "escape.engine-socket": Case(
        (connected("/run/docker.sock", 0, "unix"), connected("/var/run/crio/crio.sock", 0, "unix")),
        (connected("/run/mysqld/mysqld.sock", 0, "unix"), connected("@/containerd-shim/docker.socket", 0, "unix"),
         connected("10.0.0.7", 2375)),
    ),
    "escape.file-handle": Case(
        (read("/etc/shadow", "ext4", call="open_by_handle_at"),),
        (read("/sys/fs/cgroup/a", "cgroup2", call="open_by_handle_at", actor=SYSTEMD), read("/etc/shadow", "ext4"),
         read("/a", "ext4", call="open_by_handle_at", result=-1)),
    ),
    "escape.page-faults": Case(
        (done(EventKind.USERFAULTFD, "userfaultfd", result=-1),),
        (done(EventKind.USERFAULTFD, "userfaultfd", actor=by("qemu", exe="/usr/libexec/qemu-kvm")),),
    ),
    "escape.user-namespace": Case(
        (arguments(EventKind.NAMESPACE, "unshare", flags=0x10020000),
         denied(arguments(EventKind.NAMESPACE, "unshare", flags=0x10000000))),
        (arguments(EventKind.NAMESPACE, "unshare", flags=0x20000),
         arguments(EventKind.NAMESPACE, "unshare", by("bwrap"), flags=0x10000000)),
    ),
    "escape.namespace-entry": Case(
        (arguments(EventKind.NAMESPACE, "setns", flags=0x20000, fd=3),),
        (arguments(EventKind.NAMESPACE, "setns", by("ip", exe="/usr/sbin/ip"), flags=0x40000000, fd=3),
         arguments(EventKind.NAMESPACE, "unshare", flags=0x20000)),
    ),
    "escape.disk-mount": Case(
        (mounted("/dev/sda1", "/mnt", "ext4"),),
        (mounted("tmpfs", "/run", "tmpfs"), mounted("/dev/sda1", "/mnt", "ext4", result=-1),
         mounted("/dev/shm", "/run/shm", "tmpfs", arguments={"fs_type": "tmpfs", "flags": 4096})),
    ),
    "escape.kernel-mount": Case(
        (mounted("none", "/tmp/c", "cgroup"), mounted("none", "/sys/kernel/debug", "debugfs")),
        (mounted("tmpfs", "/run", "tmpfs"), mounted("proc", "/proc", "proc"),
         mounted("cgroup", "/sys/fs/cgroup/systemd", "cgroup", actor=SYSTEMD)),
    ),
    "escape.device-node": Case(
        (done(EventKind.FILE_MAKE, "mknodat", path="/tmp/d", arguments={"mode": 0o600, "device": 2049}),),
        (done(EventKind.FILE_MAKE, "mknod", path="/tmp/fifo", arguments={"mode": 0o600}),
         done(EventKind.FILE_MAKE, "mknod", path="/jail/dev/null", arguments={"mode": 0o666, "device": 259}),
         done(EventKind.FILE_MAKE, "mkdir", path="/tmp/a", arguments={"mode": 0o755})),
    ),
    "escape.raw-device": Case(
        (read("/dev/sda", "devtmpfs"), written("/dev/mem", "devtmpfs"), read("/proc/kcore", "proc")),
        (read("/dev/null", "tmpfs"), read("/dev/urandom", "tmpfs"), written("/dev/shm/a", "tmpfs"),
         read("/proc/kcore", "proc", container=HOST)),
    ),
    "escape.kernel-program": Case(
        (arguments(EventKind.BPF, "bpf", cmd=5, prog_type=1, name="x"), denied(arguments(EventKind.BPF, "bpf", cmd=5))),
        (arguments(EventKind.BPF, "bpf", cmd=0), arguments(EventKind.BPF, "bpf", SYSTEMD, cmd=5)),
    ),
    "escape.file-system-debugger": Case((ran("debugfs", "-R", "ls", "/dev/sda1"),), (ran("ls", "debugfs"),)),
}  # fmt: skip
CASES = ESCAPES
