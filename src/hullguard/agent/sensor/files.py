"""What the kernel said of a file, in the words of the model."""

import stat

from hullguard.agent.sensor import abi
from hullguard.agent.sensor.decode import RawEvent
from hullguard.model.event import OpenFile

_KINDS = {
    stat.S_IFREG: "file",
    stat.S_IFDIR: "directory",
    stat.S_IFBLK: "block",
    stat.S_IFCHR: "character",
    stat.S_IFIFO: "pipe",
    stat.S_IFSOCK: "socket",
}


def open_file(record: RawEvent) -> OpenFile | None:
    """The file that an event is about, if it is about one."""
    raw = record.file
    if not raw.inode:
        return None
    return OpenFile(
        inode=raw.inode,
        device=raw.device,
        kind="memfd" if record.flags & abi.MEMFD else _KINDS.get(stat.S_IFMT(raw.mode), "other"),
        mode=stat.S_IMODE(raw.mode),
        uid=raw.owner,
        flags=raw.flags,
        created=bool(record.flags & abi.CREATED),
        truncated=bool(record.flags & abi.TRUNCATES),
        file_system=raw.file_system,
        upper=bool(record.flags & abi.UPPER),
    )
