"""The inspector ``config``: files whose mode lets a user become another, or anyone write."""

import re
import stat
from collections.abc import Iterable, Iterator
from typing import ClassVar

from hullguard.inventory.content.inspector import Inspector
from hullguard.model.content import Misconfiguration
from hullguard.model.severity import Severity

_RAISES = stat.S_ISUID | stat.S_ISGID
_RUNS = stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH

# Commands that distributions ship with these bits, and helpers of programs, by base name.
_USUAL = frozenset(
    {
        "at",
        "bbsuid",
        "bsd-write",
        "chage",
        "chfn",
        "chsh",
        "crontab",
        "dotlockfile",
        "exim4",
        "expiry",
        "fusermount",
        "fusermount3",
        "gpasswd",
        "ksu",
        "locate",
        "mail-lock",
        "mail-touchlock",
        "mail-unlock",
        "mlocate",
        "mount",
        "mount.cifs",
        "mount.nfs",
        "newgidmap",
        "newgrp",
        "newuidmap",
        "ntfs-3g",
        "pam_extrausers_chkpwd",
        "pam_timestamp_check",
        "passwd",
        "ping",
        "ping6",
        "pkexec",
        "plocate",
        "postdrop",
        "postqueue",
        "pppd",
        "screen",
        "sg",
        "ssh-agent",
        "su",
        "sudo",
        "sudoedit",
        "traceroute6.iputils",
        "umount",
        "unix_chkpwd",
        "unix_update",
        "userhelper",
        "usernetctl",
        "vmware-user-suid-wrapper",
        "wall",
        "write",
    }
)
_COMMANDS = re.compile(r"(?:usr/)?s?bin/[^/]+", re.DOTALL)
_HELPER = re.compile(
    r"(?:usr/)?(?:lib(?:32|64)?|libexec)/(?:"
    r"(?:x86_64-linux-gnu/|aarch64-linux-gnu/)?(?:"
    r"utempter/utempter|dbus-1(?:\.0)?/dbus-daemon-launch-helper|(?:openssh|ssh)/ssh-keysign|xorg/Xorg\.wrap"
    r"|(?:policykit-1|polkit-1)/polkit-agent-helper-1|snapd/snap-confine|chromium(?:-browser)?/chrom(?:e|ium)-sandbox)"
    r"|ssh-keysign|dbus-daemon-launch-helper|Xorg\.wrap|polkit-agent-helper-1)"
)
"""Helpers lie in directories of their own; what has such a name elsewhere is somebody else's."""
_SHARED_PLACE = re.compile(r"^(?:tmp|var/tmp|dev|proc|sys|run|var/run|var/lock)/")


class ModeInspector(Inspector):
    name: ClassVar[str] = "config"
    reads = False

    @property
    def version(self) -> str:
        return "2"

    def wants(self, path: str, size: int, mode: int, head: bytes) -> bool:
        """Looks at modes alone; the content is not read."""
        del size, head
        return bool(_raised(mode)) or _open(path, mode)

    def inspect(self, path: str, size: int, mode: int, chunks: Iterator[bytes]) -> Iterable[Misconfiguration]:
        del size, chunks
        if raised := _raised(mode):
            yield _privileged(path, mode, raised)
        if _open(path, mode):
            yield Misconfiguration(
                "HG-DI-0020",
                "A file is writable for everyone",
                Severity.HIGH if _raised(mode) else Severity.MEDIUM,
                f"/{path} has mode {stat.S_IMODE(mode):04o}",
                "chmod o-w, and give it to the user of the container",
                path=path,
            )


def _raised(mode: int) -> str:
    """``setuid``, ``setgid``, both, or nothing: without a right to run, the bits mean nothing."""
    if not mode & _RAISES or not mode & _RUNS:
        return ""
    return " and ".join(word for bit, word in ((stat.S_ISUID, "setuid"), (stat.S_ISGID, "setgid")) if mode & bit)


def _open(path: str, mode: int) -> bool:
    return bool(mode & stat.S_IWOTH) and _SHARED_PLACE.match(path) is None


def _privileged(path: str, mode: int, raised: str) -> Misconfiguration:
    command = path.rpartition("/")[2] in _USUAL and _COMMANDS.fullmatch(path) is not None
    usual = command or _HELPER.fullmatch(path) is not None
    octal = f"{stat.S_IMODE(mode):04o}"
    return Misconfiguration(
        "CIS-DI-0008",
        f"A {raised} program",
        Severity.LOW if usual else Severity.MEDIUM,
        f"/{path} has mode {octal}, as distributions ship it" if usual else f"/{path} has mode {octal}",
        "chmod a-s, or leave the program out",
        path=path,
    )
