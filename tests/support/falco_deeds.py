"""A deed for each rule of Falco's stable rule file: what an attacker would do, done harmlessly in a container."""

from hullguard.agent.selftest.deeds import Deed, make

_CALLS = "$arm = `uname -m` =~ /aarch64/;"
_SSH = (
    'socket(L, AF_INET, SOCK_STREAM, 0); bind(L, sockaddr_in(443, inet_aton("203.0.113.7"))) or die $!; listen(L, 1); '
    "socket(C, AF_INET, SOCK_STREAM, 0); connect(C, getsockname(L)) or die $!"
)
_SCRIPTS: dict[str, tuple[str, ...]] = {
    "Directory traversal monitored file read": ('perl -e \'system("cat", "/tmp/../../etc/passwd")\'',),
    "Read sensitive file trusted after startup": (
        "printf '#!/bin/sh\\nsleep 6\\nread line < /etc/shadow\\n' > /tmp/nginx",
        "chmod +x /tmp/nginx; /tmp/nginx",
    ),
    "Read sensitive file untrusted": ("cat /etc/shadow",),
    "Run shell untrusted": (
        "printf '#!/bin/sh\\n/bin/sh -c \"/bin/cat /dev/null; echo\"\\n' > /tmp/nginx",
        "chmod +x /tmp/nginx; /tmp/nginx",
    ),
    "Terminal shell in container": ("true",),
    "Contact K8S API Server From Container": ("busybox nc -w 1 127.0.0.77 443",),
    "Netcat Remote Code Execution in Container": ("ln -s /bin/busybox /tmp/nc; /tmp/nc -w 1 127.0.0.1 9 -e /bin/true",),
    "Search Private Keys or Passwords": ("/bin/find /root -name id_rsa",),
    "Clear Log Activities": ("mkdir -p /var/log; echo 1 >> /var/log/syslog; : > /var/log/syslog",),
    "Remove Bulk Data from Disk": ("ln -s /bin/busybox /tmp/shred; echo 1 > /tmp/h; /tmp/shred -u /tmp/h",),
    "Create Symlink Over Sensitive Files": ("ln -s /etc/shadow /tmp/h",),
    "Create Hardlink Over Sensitive Files": ("ln /etc/shadow /tmp/h",),
    "Packet socket created in container": ("busybox arping -c 1 -w 1 -I lo 127.0.0.1",),
    "Redirect STDOUT/STDIN to Network Connection in Container": (
        (
            "perl -MSocket -e 'socket(S, AF_INET, SOCK_STREAM, 0); bind(S, sockaddr_in(0, INADDR_LOOPBACK)); listen(S, 1); "
            'socket(C, AF_INET, SOCK_STREAM, 0); connect(C, getsockname(S)); open(STDIN, "<&", \\*C) or die\''
        ),
    ),
    "Linux Kernel Module Injection Detected": (
        f'perl -e \'{_CALLS} $m = "x"; $o = ""; syscall($arm ? 105 : 175, $m, 1, $o)\'',
    ),
    "Debugfs Launched in Privileged Container": (
        "printf '#!/bin/sh\\n' > /tmp/debugfs; chmod +x /tmp/debugfs; sleep 1; /tmp/debugfs; sleep 2",
    ),
    "Detect release_agent File Container Escapes": (
        "mkdir /tmp/h; mount -t cgroup -o none,name=hullguard-selftest none /tmp/h",
        "true >> /tmp/h/release_agent; umount /tmp/h",
    ),
    "PTRACE attached to process": (
        f"perl -e '{_CALLS} $p = fork // die; if (!$p) {{ sleep 5; exit }} syscall($arm ? 117 : 101, 16, $p, 0, 0); kill 9, $p'",
    ),
    "PTRACE anti-debug attempt": (f"perl -e '{_CALLS} syscall($arm ? 117 : 101, 0, 0, 0, 0)'",),
    "Find AWS Credentials": ("/bin/find /root -path /root/.aws/credentials",),
    "Execution from /dev/shm": ("echo true > /dev/shm/h.sh; /bin/sh /dev/shm/h.sh",),
    "Drop and execute new binary in container": ("cp /bin/busybox /tmp/h; /tmp/h true",),
    "Disallowed SSH Connection Non Standard Port": (
        f"busybox ip addr add 203.0.113.7/32 dev lo; cp /usr/bin/perl /tmp/ssh; /tmp/ssh -MSocket -e '{_SSH}'",
    ),
    "Fileless execution via memfd_create": (
        (
            f'perl -e \'{_CALLS} $name = "x"; $f = syscall($arm ? 279 : 319, $name, 0); open(M, ">&=", $f); '
            'open(P, "/bin/true"); binmode P; local $/; syswrite(M, <P>); exec {"/proc/self/fd/$f"} "true"\''
        ),
    ),
}
_OPTIONS = {
    "Debugfs Launched in Privileged Container": ("privileged",),
    "Detect release_agent File Container Escapes": ("privileged", "host-cgroups"),
    "Linux Kernel Module Injection Detected": ("privileged",),
    "Disallowed SSH Connection Non Standard Port": ("CAP_NET_ADMIN",),
    "Terminal shell in container": ("terminal",),
}
_NEEDS = {"Linux Kernel Module Injection Detected": ("/proc/modules",)}


ON_THE_HOST = {
    "System user interactive": (
        "printf '#!/bin/sh\\nperl -e \"\\$> = \\$< = %d; exec q(/bin/true)\"\\n' $(id -u nobody) > sshd",
        "chmod +x sshd; ./sshd",
    ),
}
"""Those about the accounts of a machine: the agent knows the host's by name, not those of containers."""


def deed(rule: str) -> Deed:
    """Raises KeyError for a rule for which nobody wrote one."""
    script = _SCRIPTS[rule]
    image = "debian" if any("perl" in line for line in script) else "busybox"
    return make(rule, script, image, _OPTIONS.get(rule, ()), _NEEDS.get(rule, ()))
