"""A program read a file that holds secrets: password hashes, keys."""

from hullguard.detect.detectors.installers import PARAMETER, installs
from hullguard.detect.detectors.interface import RESPONSES, Access, Details, Wants
from hullguard.detect.parameters import strings
from hullguard.detect.paths import matches
from hullguard.model.detector import DetectorInfo, ParameterInfo, ParameterKind
from hullguard.model.event import Event, EventKind
from hullguard.model.policy import Action, DetectorSettings
from hullguard.model.severity import Severity

_PATHS = [
    "/etc/shadow",
    "/etc/shadow-",
    "/etc/gshadow",
    "/etc/gshadow-",
    "/etc/sudoers",
    "/etc/sudoers.d/*",
    "/root/.ssh/*",
    "/root/.aws/credentials",
    "/root/.docker/config.json",
    "/root/.kube/config",
]

# Named by their files, not by the names they give themselves: anyone may be called "sshd".
_PROGRAMS = [
    *("/usr/bin/chage", "/usr/bin/passwd", "/usr/bin/su", "/usr/bin/sudo", "/usr/bin/login", "/bin/su", "/bin/login"),
    *("/usr/sbin/chpasswd", "/usr/sbin/cron", "/usr/sbin/crond", "/usr/sbin/groupadd", "/usr/sbin/groupdel"),
    *("/usr/sbin/groupmod", "/usr/sbin/pwck", "/usr/sbin/pwconv", "/usr/sbin/sshd", "/usr/sbin/unix_chkpwd"),
    *(
        "/sbin/unix_chkpwd",
        "/usr/sbin/useradd",
        "/usr/sbin/userdel",
        "/usr/sbin/usermod",
        "/usr/lib/openssh/sshd-session",
    ),
    *("/usr/bin/chfn", "/usr/bin/chsh", "/usr/bin/newgrp", "/usr/sbin/chgpasswd", "/usr/sbin/newusers"),
    *("/usr/sbin/grpconv", "/usr/sbin/grpck", "/usr/bin/gpasswd", "/usr/bin/expiry", "/bin/passwd"),
]

# Perl reads the password hashes whenever root's script looks an account up (getpwnam). These do so every time: Debian's
# wrappers of PostgreSQL, a health check among them, and its adduser.
_SCRIPTS = [
    *("/usr/sbin/addgroup", "/usr/sbin/adduser", "/usr/sbin/delgroup", "/usr/sbin/deluser", "/usr/bin/clusterdb"),
    *("/usr/bin/createdb", "/usr/bin/createuser", "/usr/bin/dropdb", "/usr/bin/dropuser", "/usr/bin/pg_archivecleanup"),
    *("/usr/bin/pg_backupcluster", "/usr/bin/pg_basebackup", "/usr/bin/pg_conftool", "/usr/bin/pg_createcluster"),
    *("/usr/bin/pg_ctlcluster", "/usr/bin/pg_dropcluster", "/usr/bin/pg_dump", "/usr/bin/pg_dumpall"),
    *("/usr/bin/pg_isready", "/usr/bin/pg_lsclusters", "/usr/bin/pg_receivewal", "/usr/bin/pg_recvlogical"),
    *("/usr/bin/pg_renamecluster", "/usr/bin/pg_restore", "/usr/bin/pg_restorecluster", "/usr/bin/pg_upgradecluster"),
    *("/usr/bin/pgbench", "/usr/bin/psql", "/usr/bin/reindexdb", "/usr/bin/vacuumdb", "/usr/bin/vacuumlo"),
]
_LOOKED_UP = "/etc/shadow"


class ReadSensitive:
    """Judges by the real path of the opened file, so links and detours do not matter."""

    info = DetectorInfo(
        id="file.read-sensitive",
        title="Sensitive file read in a container",
        severity=Severity.HIGH,
        technique="T1003.008",
        actions=(Action.ALERT, Action.DENY, Action.KILL, *RESPONSES),
        parameters=(
            ParameterInfo("paths", ParameterKind.PATHS, _PATHS),
            ParameterInfo("exempt_programs", ParameterKind.PATHS, [*_PROGRAMS, *_SCRIPTS]),
            PARAMETER,
        ),
    )

    def wants(self, settings: DetectorSettings) -> Wants:
        return Wants(
            frozenset({EventKind.FILE_OPEN}),
            paths=strings(self.info, settings, "paths"),
            deny=settings.action is Action.DENY,
            exempt_programs=strings(self.info, settings, "exempt_programs"),
            access=frozenset({Access.READ}),
        )

    def judge(self, event: Event, settings: DetectorSettings) -> Details | None:
        # To deny is to refuse every way to open it: what is simulated, or happened where nothing could be refused.
        concerns = event.reads or (event.writes and settings.action is Action.DENY)
        if not concerns or event.path is None:
            return None
        names = [name for name in (event.path, event.known_as) if name]
        patterns = strings(self.info, settings, "paths")
        if not any(_covers(name, patterns) for name in names):
            return None
        exe = event.process.exe
        exempt = strings(self.info, settings, "exempt_programs")
        if (exe and matches(exe, exempt)) or _looks_up(event, exempt):
            return None
        if installs(self.info, event, settings):
            return None
        details = {"path": event.path, "program": exe or event.process.comm}
        if event.known_as:
            details["known_as"] = event.known_as
        return details


def _looks_up(event: Event, scripts: tuple[str, ...]) -> bool:
    """Whether the image's own Perl looks an account up for one of the scripts."""
    process = event.process
    own = not (process.exe_new or process.exe_memfd)
    return own and bool(process.script) and event.path == _LOOKED_UP and matches(process.script, scripts)


def _covers(path: str, patterns: tuple[str, ...]) -> bool:
    """A path too deep for the kernel comes without its beginning; its end decides, so that depth hides nothing."""
    if path.startswith("/"):
        return matches(path, patterns)
    tail = path.removeprefix("…")
    return any(tail.endswith(pattern) or (pattern.endswith("/*") and pattern[:-1] in tail) for pattern in patterns)
