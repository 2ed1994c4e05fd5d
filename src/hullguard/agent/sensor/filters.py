"""Writes a plan into the kernel's maps, and keeps each container in its slot.

The slots are two halves: a new plan fills the unused half, then containers and newcomers are pointed at it, then the
old half is cleared. At every moment each container is judged by the whole old plan or the whole new one.
"""

import ctypes
import os
import struct
from collections import OrderedDict
from pathlib import Path

from hullguard.agent.sensor import abi
from hullguard.agent.sensor.pins import Pins
from hullguard.detect.plan import MOST_SLOTS, UNKNOWN, KernelPlan, SlotPlan
from hullguard.model.event import ImageRef

_MOST_CONTAINERS = 1024
_ONE = b"\1"


class Filters:
    """The kernel's side of the policies."""

    def __init__(self, pins: Pins) -> None:
        self._slots = pins.map("slots", 4, ctypes.sizeof(abi.Slot))
        self._paths = pins.map("paths", ctypes.sizeof(abi.Path), 1)
        self._names = pins.map("names", ctypes.sizeof(abi.Name), 1)
        self._inodes = pins.map("inodes", ctypes.sizeof(abi.Inode), 1)
        self._known = pins.map("known", 8, ctypes.sizeof(abi.Known))
        self._verdicts = pins.map("verdicts", 8, ctypes.sizeof(abi.Verdict))
        self._config_map = pins.map("config", 4, ctypes.sizeof(abi.Config))
        self._config = abi.Config.from_buffer_copy(self._config_map.get(bytes(4)) or bytes(ctypes.sizeof(abi.Config)))
        self._plan: KernelPlan | None = None
        self._placed: dict[int, ImageRef | None] = {}
        self._watched: OrderedDict[str, dict[tuple[int, int], str]] = OrderedDict()

    def apply(self, plan: KernelPlan) -> None:
        """Replaces the plan in force."""
        base = 0 if self._config.unknown_slot >= MOST_SLOTS else MOST_SLOTS
        paths = {key for number, slot in enumerate(plan.slots) for key in _path_keys(base + number, slot)}
        names = {key for slot in plan.slots for key in _name_keys(slot)}
        old_paths, old_names = set(self._paths.keys()), set(self._names.keys())
        for number in range(MOST_SLOTS):
            kills = number < len(plan.slots) and plan.slots[number].kill_new
            self._slots.set((base + number).to_bytes(4, "little"), bytes(abi.Slot(abi.KILL_NEW if kills else 0)))
        for key in paths - old_paths:
            self._paths.set(key, _ONE)
        for key in names - old_names:
            self._names.set(key, _ONE)
        self._plan = plan
        for inode in list(self._inodes.keys()):  # container by container they are found again with the new paths
            self._inodes.discard(inode)
        self._watched.clear()
        self._config = _config(plan, base)
        self._config_map.set(bytes(4), bytes(self._config))
        for cgroup, image in self._placed.items():
            self._place(cgroup, image)
        self._forget_strangers()
        for key in old_paths - paths:
            self._paths.discard(key)
        for key in old_names - names:
            self._names.discard(key)

    def _forget_strangers(self) -> None:
        """Containers that an earlier agent placed are judged like new ones: their slots are of the half that goes."""
        placed = {cgroup.to_bytes(8, "little") for cgroup in self._placed}
        for key in self._known.keys():  # noqa: SIM118 - a map of the kernel, not a dict
            word = None if key in placed else self._known.get(key)
            if word is not None and not abi.Known.from_buffer_copy(word).host:
                self._known.discard(key)

    def ignore(self, cgroup: int) -> None:
        """Nothing in this cgroup is a container's, whatever its name looks like."""
        key = cgroup.to_bytes(8, "little")
        self._known.set(key, bytes(abi.Known(host=1)))
        self._verdicts.discard(key)

    def place(self, cgroup: int, image: ImageRef | None) -> None:
        """Puts a container's cgroup where its image's policy is, unless it is there."""
        if cgroup in self._placed and self._placed[cgroup] == image:
            return
        if len(self._placed) >= _MOST_CONTAINERS * 4:
            self._placed.pop(next(iter(self._placed)))
        self._placed[cgroup] = image
        self._place(cgroup, image)

    def placed(self, cgroup: int) -> bool:
        """Whether its container's image is known, so that its slot is final under this plan."""
        return self._placed.get(cgroup) is not None

    def watch(self, container: str, pid: int) -> None:
        """Remembers the inodes of a container's watched files, for those who open them by other names."""
        if self._plan is None or container in self._watched or not os.path.exists(f"/proc/{pid}/root"):  # noqa: PTH110
            return
        found = {}
        for path in {path for slot in self._plan.slots for path in slot.sensitive if not path.endswith("/*")}:
            key = _inode_of(pid, path)
            if key is not None:
                found[key] = path
                self._inodes.set(bytes(abi.Inode(inode=key[0], device=key[1])), _ONE)
                self._config.inodes[key[0] // 64 % abi.INODE_WORDS] |= 1 << key[0] % 64
        self._config_map.set(bytes(4), bytes(self._config))
        self._watched[container] = found
        if len(self._watched) > _MOST_CONTAINERS:
            _, forgotten = self._watched.popitem(last=False)
            for inode, device in forgotten:
                self._inodes.discard(bytes(abi.Inode(inode=inode, device=device)))

    def watched_as(self, container: str, inode: int, device: int) -> str | None:
        """The watched path that an inode had when the container was first seen."""
        return self._watched.get(container, {}).get((inode, device))

    def close(self) -> None:
        for opened in (
            self._slots,
            self._paths,
            self._names,
            self._inodes,
            self._known,
            self._verdicts,
            self._config_map,
        ):
            opened.close()

    def _place(self, cgroup: int, image: ImageRef | None) -> None:
        slot = self._plan.slot(image) if self._plan else UNKNOWN
        base = self._config.unknown_slot
        self._known.set(cgroup.to_bytes(8, "little"), bytes(abi.Known(host=0, slot=base + slot)))


def _path_keys(number: int, slot: SlotPlan) -> list[bytes]:
    wanted = [(abi.PATH_SENSITIVE, path) for path in slot.sensitive]
    exempt = [(abi.PATH_EXEMPT, path) for path in slot.exempt] if slot.kill_new else []
    return [path_key(number, kind, path) for kind, path in (*wanted, *exempt)]


def path_key(slot: int, kind: bytes, pattern: str) -> bytes:
    """A pattern for one file ends with the NUL of its path, one for a directory with its slash."""
    text = pattern.removesuffix("*").encode() if pattern.endswith("/*") else pattern.encode() + b"\0"
    key = struct.pack("<IHc", (3 + len(text)) * 8, slot, kind) + text
    return key.ljust(ctypes.sizeof(abi.Path), b"\0")


def _name_keys(slot: SlotPlan) -> list[bytes]:
    return [bytes(abi.Name(kind, name)) for kind, name in map(_last_name, slot.sensitive) if name]


def _last_name(pattern: str) -> tuple[bytes, bytes]:
    """The kernel compares as many bytes as fit; what is longer may match too much here, and then not its path."""
    if pattern.endswith("/*"):
        return abi.NAME_DIRECTORY, pattern[:-2].rpartition("/")[2].encode()[: abi.NAME - 1]
    return abi.NAME_FILE, pattern.rpartition("/")[2].encode()[: abi.NAME - 1]


def _config(plan: KernelPlan, base: int) -> abi.Config:
    config = abi.Config(unknown_slot=base + UNKNOWN, every_exec=plan.every_exec)
    for pattern in {path for slot in plan.slots for path in slot.sensitive}:
        directory = pattern.endswith("/*")
        name = (pattern[:-2] if directory else pattern).rpartition("/")[2].encode()
        bit = 1 << min(len(name), 63)
        if not name:
            config.everything = 1
        elif directory:
            config.directory_lengths |= bit
        else:
            config.name_lengths |= bit
    return config


def _inode_of(pid: int, path: str) -> tuple[int, int] | None:
    """Inode and device as the kernel writes them; a link is not followed, it could lead out of the container."""
    try:
        status = Path(f"/proc/{pid}/root{path}").stat(follow_symlinks=False)
    except (OSError, ValueError):
        return None
    return status.st_ino, os.major(status.st_dev) << 20 | os.minor(status.st_dev)
