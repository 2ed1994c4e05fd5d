"""Which file systems of this machine hold files of a tree, and which only look as if they did."""

import os
import re
from pathlib import Path

_MOUNTINFO = Path("/proc/self/mountinfo")

# Made by the kernel as they are read: endless, and never part of an image. Automounters mount what is looked at.
_KERNEL = frozenset({
    "autofs", "binfmt_misc", "bpf", "cgroup", "cgroup2", "configfs", "cpuset", "debugfs", "devpts", "devtmpfs",
    "efivarfs", "fusectl", "hugetlbfs", "mqueue", "nsfs", "proc", "pstore", "resctrl", "rpc_pipefs", "securityfs",
    "selinuxfs", "smackfs", "sysfs", "tracefs",
})  # fmt: skip
# Other machines' files, and containers' roots, whose layers lie on this machine's disk as well.
_ELSEWHERE = frozenset({
    "9p", "afs", "beegfs", "ceph", "cifs", "coda", "fuse", "glusterfs", "gpfs", "lustre", "ncpfs", "nfs", "nfs4",
    "orangefs", "overlay", "smb3", "smbfs", "virtiofs",
})  # fmt: skip
_DEVICE = re.compile(r"\d+ \d+ (\d+):(\d+) .*", re.DOTALL)
"""Only blanks, tabs, line breaks and backslashes are written otherwise; a path may hold what ends a line elsewhere."""


class Mounts:
    """The file systems below one root. What has no name here, as Btrfs' subvolumes, is read."""

    def __init__(self, *, every: bool = False, mountinfo: Path = _MOUNTINFO) -> None:
        """``every``: whether to read what other machines and containers hold, too."""
        self._every = every
        self._types = _types(mountinfo)

    def virtual(self, device: int) -> bool:
        """Whether the kernel makes what is there."""
        return self._types.get(device) in _KERNEL

    def elsewhere(self, device: int) -> str | None:
        """The type of a file system that is not read unless that is asked for."""
        kind = self._types.get(device, "")
        return None if self._every or kind.partition(".")[0] not in _ELSEWHERE else kind


def _types(mountinfo: Path) -> dict[int, str]:
    """Types by the number of the device (proc_pid_mountinfo(5)); none where there is no such file."""
    try:
        lines = mountinfo.read_bytes().decode("utf-8", "backslashreplace").split("\n")
    except OSError:
        return {}
    types = {}
    for line in lines:
        fields, _, rest = line.partition(" - ")
        if (found := _DEVICE.fullmatch(fields)) is not None:
            types[os.makedev(int(found[1]), int(found[2]))] = rest.split(" ")[0]
    return types
