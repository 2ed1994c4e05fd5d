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

# What distributions ship with these bits, by base name.
_USUAL = frozenset(
    {
        "Xorg.wrap",
        "at",
        "bbsuid",
        "bsd-write",
        "chage",
        "chfn",
        "chrome-sandbox",
        "chsh",
        "crontab",
        "dbus-daemon-launch-helper",
        "dotlockfile",
        "exim4",
        "expiry",
        "fusermount",
        "fusermount3",
        "gpasswd",
        "kismet_capture",
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
        "polkit-agent-helper-1",
        "postdrop",
        "postqueue",
        "pppd",
        "screen",
        "sg",
        "snap-confine",
        "ssh-agent",
        "ssh-keysign",
        "su",
        "sudo",
        "sudoedit",
        "traceroute6.iputils",
        "umount",
        "unix_chkpwd",
        "unix_update",
        "userhelper",
        "usernetctl",
        "utempter",
        "vmware-user-suid-wrapper",
        "wall",
        "write",
    }
)
_USUAL_PLACE = re.compile(r"^(?:usr/(?:local/)?)?(?:s?bin|lib|lib64|libexec)/")
_SHARED_PLACE = re.compile(r"^(?:tmp|var/tmp|dev|proc|sys|run|var/run|var/lock)/")


class ModeInspector(Inspector):
    name: ClassVar[str] = "config"
    reads = False

    @property
    def version(self) -> str:
        return "1"

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
    usual = path.rpartition("/")[2] in _USUAL and _USUAL_PLACE.match(path) is not None
    octal = f"{stat.S_IMODE(mode):04o}"
    return Misconfiguration(
        "CIS-DI-0008",
        f"A {raised} program",
        Severity.LOW if usual else Severity.MEDIUM,
        f"/{path} has mode {octal}, as distributions ship it" if usual else f"/{path} has mode {octal}",
        "chmod a-s, or leave the program out",
        path=path,
    )
