"""Writes a plan into the kernel's maps, and keeps each container in its slot.

The slots are two halves: a new plan fills the unused half, then containers and newcomers are pointed at it, then the
old half is cleared. At every moment each container is judged by the whole old plan or the whole new one.
"""

import ctypes
import os
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from pathlib import Path

from hullguard.agent.sensor import abi, exec_slots, slots
from hullguard.agent.sensor.libbpf import Map
from hullguard.agent.sensor.pins import Pins
from hullguard.agent.sensor.watched import Watched
from hullguard.detect.paths import Shape, shape
from hullguard.detect.plan import UNKNOWN, KernelPlan, SlotPlan
from hullguard.model.event import ImageRef
from hullguard.model.profile import Profile

HALF = abi.SLOTS // 2
HOST = HALF - 1
"""The last slot of a half is the host's."""
MOST_PER_SECOND = 10_000
"""Events of one kind in one container: more than that is a flood, and the agent could not keep up."""
LEASE_SECONDS = 10
"""Connections are refused for so long after the agent last polled: an agent that is gone must cut nobody off."""
_FENCES = 1 << 15
"""Of the numbers of fences one half is for each half of the slots."""
_MOST_CONTAINERS = 1024


class Filters:
    """The kernel's side of the policies."""

    def __init__(self, pins: Pins) -> None:
        self._slots = pins.map("slots")
        self._paths = pins.map("paths")
        self._networks = pins.map("networks")
        self._programs = pins.map("programs")
        self._ports = pins.map("ports")
        self._allowed = pins.map("allowed")
        self._lease = pins.map("lease")
        self._names = pins.map("names")
        self._inodes = pins.map("inodes")
        self._watched = Watched(self._inodes)
        self._known = pins.map("known")
        self._verdicts = pins.map("verdicts")
        self._config_map = pins.map("config")
        self._config = abi.Config.from_buffer_copy(self._config_map.get(bytes(4)) or bytes(ctypes.sizeof(abi.Config)))
        self._plan: KernelPlan | None = None
        self.fencing = False
        """Whether connections of some containers are to be refused."""
        self._written: dict[str, tuple[Map, dict[bytes, bytes]]] = {}
        """What each map must hold under the plan in force."""
        self._filled: dict[bytes, bytes] = {}
        """The slots in force."""
        self._ignored: set[bytes] = set()
        self._placed: dict[int, ImageRef | None] = {}
        self._members: OrderedDict[str, int] = OrderedDict()
        """A process in each container."""

    def apply(self, plan: KernelPlan) -> None:
        """Replaces the plan in force."""
        base = 0 if self._config.unknown_slot >= HALF else HALF
        numbered = {base + number: slot for number, slot in enumerate(plan.slots)}
        if plan.host:
            numbered[base + HOST] = plan.host
        filled = {}
        for number in range(base, base + HALF):
            key, value = number.to_bytes(4, "little"), bytes(slots.slot_value(numbered.get(number, SlotPlan())))
            self._slots.set(key, value)
            filled[key] = value
        tries = {
            "paths": (
                self._paths,
                _joined(slots.path_entries(*each) for each in numbered.items())
                | _joined(_fences(plan, base, slots.allowed_sockets)),
            ),
            "networks": (self._networks, _joined(slots.network_entries(*each) for each in numbered.items())),
            "programs": (self._programs, _joined(slots.program_entries(*each) for each in numbered.items())),
            "ports": (self._ports, _joined(slots.port_entries(*each) for each in numbered.items())),
            "allowed": (self._allowed, _joined(_fences(plan, base, slots.allowed_entries), size=1)),
        }
        stale = [_add(entries, given) for entries, given in tries.values()]
        names = _names(numbered.values())
        old_names = set(self._names.keys())
        for key, access in names.items():
            # Both plans are in force for a moment: what either wants must pass.
            before = int.from_bytes(self._names.get(key) or b"", "little") if key in old_names else 0
            self._names.set(key, (access | before).to_bytes(4, "little"))
        self._plan, self.fencing = plan, plan.fencing
        self._watched.clear()  # container by container they are found again, with the new paths, below
        self._config = _config(plan, base)
        self._config_map.set(bytes(4), bytes(self._config))
        for cgroup, image in self._placed.items():
            self._place(cgroup, image)
        self._forget_strangers()
        for entries, keys in zip((filled for filled, _ in tries.values()), stale, strict=True):
            for key in keys:
                entries.discard(key)
        self._settle(names, old_names)
        words = {key: access.to_bytes(4, "little") for key, access in names.items()}
        self._filled = filled
        self._written = {**tries, "names": (self._names, words)}
        for container in list(self._members):
            self.watch(container, ())

    def _settle(self, names: dict[bytes, int], old_names: set[bytes]) -> None:
        """Only what the new plan wants passes from now on."""
        for key in old_names - names.keys():
            self._names.discard(key)
        for key in old_names & names.keys():
            self._names.set(key, names[key].to_bytes(4, "little"))

    def renew(self) -> None:
        """The agent is there: what is to be refused is refused for another while."""
        if self.fencing:
            until = time.clock_gettime_ns(time.CLOCK_BOOTTIME) + LEASE_SECONDS * 1_000_000_000
            self._lease.set(bytes(4), until.to_bytes(8, "little"))

    def parts(self) -> tuple[str, ...]:
        """What ``altered`` can be asked about."""
        return ("slots", "config", "known", *self._written)

    def altered(self, part: str) -> bool:
        """Whether a map does not hold what was written into it."""
        if self._plan is None:
            return False
        if part == "config":
            return self._config_map.get(bytes(4)) != bytes(self._config)
        if part == "slots":
            return any(self._slots.get(key) != value for key, value in self._filled.items())
        if part == "known":
            return bool(self._false_hosts()) or any(
                word not in {None, bytes(self._home(image))}
                for cgroup, image in self._placed.items()
                for word in [self._known.get(cgroup.to_bytes(8, "little"))]
            )
        entries, wanted = self._written[part]
        return set(entries.keys()) != wanted.keys() or any(entries.get(key) != word for key, word in wanted.items())

    def restore(self) -> None:
        """Write everything anew."""
        for key in self._false_hosts():
            self._known.discard(key)
        if self._plan is not None:
            self.apply(self._plan)

    def _false_hosts(self) -> list[bytes]:
        """Cgroups that are said to be the host's, so that nobody looks at them, and not by the agent."""
        found = []
        for key in list(self._known.keys()):
            word = self._known.get(key)
            if key not in self._ignored and word is not None and abi.Known.from_buffer_copy(word).host:
                found.append(key)
        return found

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
        self._ignored.add(key)
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

    def container_of(self, cgroup: int) -> str:
        """The name of a container's cgroup, as the kernel read it; empty for one that is no container's."""
        value = self._verdicts.get(cgroup.to_bytes(8, "little"))
        return abi.Verdict.from_buffer_copy(value).name.decode("ascii", "replace") if value else ""

    def watch(self, container: str, pids: Iterable[int]) -> None:
        """Remembers the inodes of a container's watched files, for those who open them by other names.

        ``pids`` are processes that may be in it; one that lives shows the container's files, now and under later plans.
        """
        if self._plan is None or container in self._watched:
            return
        known = self._members.get(container)
        pid = next((each for each in (*([known] if known else []), *pids) if _is_in(each, container)), None)
        if pid is None:
            return
        self._members[container] = pid
        if len(self._members) > _MOST_CONTAINERS:
            self._members.popitem(last=False)
        found = {}
        for path in {path for slot in self._plan.slots for path in slot.opens if shape(path)[0] is Shape.WHOLE}:
            key = _inode_of(pid, path)
            if key is not None:
                found[key] = path
                self._config.inodes[key[0] // 64 % abi.INODE_WORDS] |= 1 << key[0] % 64
        self._config_map.set(bytes(4), bytes(self._config))
        self._watched.note(container, found, lambda other: _is_in(self._members.get(other), other))

    def watched_as(self, container: str, inode: int, device: int) -> str | None:
        """The watched path that an inode had when the container was first seen."""
        return self._watched.path(container, (inode, device))

    def close(self) -> None:
        for opened in (
            self._slots,
            self._paths,
            self._networks,
            self._programs,
            self._ports,
            self._allowed,
            self._lease,
            self._names,
            self._inodes,
            self._known,
            self._verdicts,
            self._config_map,
        ):
            opened.close()

    def _place(self, cgroup: int, image: ImageRef | None) -> None:
        self._known.set(cgroup.to_bytes(8, "little"), bytes(self._home(image)))

    def _home(self, image: ImageRef | None) -> abi.Known:
        slot = self._plan.slot(image) if self._plan else UNKNOWN
        fence = _fence(self._plan.fence(image), self._config.unknown_slot - UNKNOWN) if self._plan else 0
        return abi.Known(host=0, slot=self._config.unknown_slot + slot, fence=fence)


def _joined(given: Iterable[slots.Entries], size: int = 8) -> dict[bytes, bytes]:
    return {key: bits.to_bytes(size, "little") for each in given for key, bits in each.items()}


def _fences(plan: KernelPlan, base: int, of: Callable[[int, Profile], slots.Entries]) -> Iterable[slots.Entries]:
    return (of(_fence(number, base), profile) for number, profile in plan.fences.items())


def _fence(number: int, base: int) -> int:
    """As the kernel knows it: each half has its own numbers, and 0 stands for none."""
    return number + (_FENCES if base else 0) if number else 0


def _add(entries: Map, new: dict[bytes, bytes]) -> set[bytes]:
    """Adds the new half's entries; answers the keys of the old half, whose time is not over yet."""
    old = set(entries.keys())
    for key, word in new.items():
        entries.set(key, word)
    return old - new.keys()


def _names(given: Iterable[SlotPlan]) -> dict[bytes, int]:
    """Keys of the map ``names``. The kernel compares as many bytes as fit; the path decides later."""
    found: dict[bytes, int] = {}
    for slot in given:
        for (kind, name), access in slots.name_entries(slot).items():
            key = bytes(abi.Name(kind, name[: abi.NAME - 1]))
            if name:
                found[key] = found.get(key, 0) | access
    return found


def _config(plan: KernelPlan, base: int) -> abi.Config:
    config = abi.Config(
        unknown_slot=base + UNKNOWN,
        host_slot=base + HOST,
        host=plan.host is not None,
        agent=os.getpid(),
        rate=MOST_PER_SECOND,
    )
    given = (*plan.slots, plan.host or SlotPlan())
    config.environment = exec_slots.environment(given)
    config.texts[:] = exec_slots.grams(given, abi.TEXT_WANTED)
    config.variables[:] = exec_slots.grams(given, abi.VARIABLE_WANTED)
    for slot in given:
        config.climbing |= slots.climbing(slot)
        for (kind, name), access in slots.name_entries(slot).items():
            bit = 1 << min(len(name), 63)
            if not name:
                config.everything |= access
            elif kind == abi.NAME_DIRECTORY:
                config.directory_lengths |= bit
            else:
                config.name_lengths |= bit
    return config


def _is_in(pid: int | None, container: str) -> bool:
    """Numbers are given again: the process of today may be anybody."""
    if pid is None:
        return False
    try:
        return container in Path(f"/proc/{pid}/cgroup").read_text()
    except (OSError, UnicodeDecodeError):
        return False


def _inode_of(pid: int, path: str) -> tuple[int, int] | None:
    """Inode and device as the kernel writes them; a link is not followed, it could lead out of the container."""
    try:
        status = Path(f"/proc/{pid}/root{path}").stat(follow_symlinks=False)
    except (OSError, ValueError):
        return None
    return status.st_ino, os.major(status.st_dev) << 20 | os.minor(status.st_dev)
