"""The sensor itself: loads or finds the programs in the kernel, and turns their records into events."""

import select
import time
from collections.abc import Callable
from pathlib import Path

from hullguard.agent.sensor import abi, libbpf, loader
from hullguard.agent.sensor.assemble import Assembler
from hullguard.agent.sensor.containers import DockerIdentities
from hullguard.agent.sensor.decode import Glance, RawEvent, decode, glance
from hullguard.agent.sensor.filters import Filters
from hullguard.agent.sensor.interface import Handler, HookInfo
from hullguard.agent.sensor.pins import RINGS, Pins
from hullguard.agent.sensor.processes import Processes, read_host
from hullguard.agent.sensor.rings import Ring, drain
from hullguard.detect.plan import KernelPlan
from hullguard.model.errors import Invalid, Unavailable
from hullguard.model.event import Event, EventKind
from hullguard.model.node import Reason, SensorHealth, SensorState

_MOST_AT_ONCE = 1024
_LATELY = 300.0
_CGROUPS = Path("/sys/fs/cgroup")


class BpfSensor:
    """One thread polls it; ``health`` and ``hooks`` only read."""

    def __init__(self, directory: Path, pins: Pins, others: list[Pins], docker_host: str | None) -> None:
        self._directory, self._pins = directory, pins
        self._filters = Filters(pins)
        self._lost = pins.map("lost", 4, 8 * libbpf.possible_cpus())
        self._identities = DockerIdentities(docker_host)
        self._processes = Processes(read_host)
        self._assembler = Assembler(self._processes, boot_ns)
        self._older = [(other, _open_rings(other)) for other in others if _readable(other)]
        for other in others:
            if not _readable(other):
                other.remove()
        self._rings = _open_rings(pins)
        self._epoll = select.epoll()
        for ring in self._rings:
            self._epoll.register(ring.fd, select.EPOLLIN)
        self._files_wanted = self._every_exec = False
        self._unreadable = self._handed = 0
        self._losses = _Losses(sum(self._count_lost().values()))
        self._tap: Callable[[bytes], None] | None = None
        for cgroup in _own_cgroups():
            self._filters.ignore(cgroup)

    @classmethod
    def open(cls, state_dir: Path, docker_host: str | None, rings: dict[str, int] | None = None) -> "BpfSensor":
        """Loads the programs, or goes on with those that an earlier agent left pinned under ``state_dir/bpf``.

        ``rings`` overrides the rings' sizes in bytes (powers of two). Raises Unavailable with the reason.
        """
        directory = state_dir / "bpf"
        try:
            pins, others = loader.load(directory, {**RINGS, **(rings or {})})
            return cls(directory, pins, others, docker_host)
        except OSError as cause:
            raise Unavailable(f"The sensor cannot start: {cause}.", "sensor.unavailable") from cause

    def apply(self, plan: KernelPlan) -> None:
        """Compiles the plan into the filters, and attaches the hooks that it needs."""
        self._filters.apply(plan)
        self._files_wanted = EventKind.FILE_OPEN in plan.kinds and any(slot.sensitive for slot in plan.slots)
        self._every_exec = plan.every_exec
        self._pins.watch_files(self._files_wanted)

    def poll(self, handler: Handler, timeout_ms: int) -> int:
        """Hands over what is there, waiting for the first; answers how many events.

        What the handler raises passes through, and its event comes again with the next call.
        """
        taken = self._drain(handler)
        if not taken:
            self._epoll.poll(timeout_ms / 1000)
            taken = self._drain(handler)
        return taken

    def health(self) -> SensorHealth:
        """Off without the process hooks, degraded where something wanted is missing or was lately lost."""
        missing = [hook for hook in self._pins.hooks() if not hook.attached]
        blind = [hook for hook in missing if hook.backend == "tp_btf"]
        half_blind = [hook for hook in missing if self._files_wanted and hook.name == "sys_exit_openat"]
        reasons = [
            Reason("sensor.hook-missing", f"The hook {hook.name} is not attached: {hook.why}.", {"hook": hook.name})
            for hook in (*blind, *half_blind)
        ]
        lost = self._count_lost()
        total = sum(lost.values())
        if self._losses.lately(total):
            reasons.append(
                Reason("sensor.events-lost", f"{total} events were lost: too many at once.", {"lost": total})
            )
        state = SensorState.OFF if blind else SensorState.DEGRADED if reasons else SensorState.ACTIVE
        return SensorHealth(state, tuple(reasons), lost)

    def hooks(self) -> tuple[HookInfo, ...]:
        """Every hook, attached or not."""
        return self._pins.hooks()

    def record(self, tap: Callable[[bytes], None] | None) -> None:
        """Copies every record to ``tap`` before it is decoded; ``replay.Recording`` writes them to a file."""
        self._tap = tap

    def close(self, unpin: bool) -> None:
        """Lets go; with ``unpin`` the kernel part ends too, else it goes on collecting for the next to open."""
        self._epoll.close()
        for ring in (*self._rings, *(ring for _, rings in self._older for ring in rings)):
            ring.close()
        self._filters.close()
        self._lost.close()
        if unpin:
            for pins in (self._pins, *(older for older, _ in self._older)):
                pins.remove()
            loader.unmount(self._directory)

    def _drain(self, handler: Handler) -> int:
        self._handed = 0

        def take(raw: bytes) -> None:
            self._take(raw, handler)

        while self._older:
            older, rings = self._older[0]
            if drain(rings, take, _MOST_AT_ONCE) == _MOST_AT_ONCE:
                return self._handed
            for ring in rings:
                ring.close()
            older.remove()
            del self._older[0]
        drain(self._rings, take, _MOST_AT_ONCE)
        return self._handed

    def _take(self, raw: bytes, handler: Handler) -> None:
        if self._tap:
            self._tap(raw)
        try:
            seen = glance(raw)
            record = decode(raw) if self._matters(seen) else None
        except Invalid:  # memory gone bad; coming back to it would not help
            self._unreadable += 1
            return
        if isinstance(record, RawEvent):
            handler(self._event(record))
            self._handed += 1
        elif seen.kind == abi.EXEC:
            self._processes.remember(seen, raw)
        else:
            self._processes.note(seen)

    def _matters(self, seen: Glance) -> bool:
        """Every file open; an exec that some rule may object to, or whose container still has to be placed."""
        if seen.kind == abi.EXEC:
            traits = abi.NEW | abi.KILLED | abi.TTY
            return self._every_exec or bool(seen.flags & traits) or not self._filters.placed(seen.cgroup)
        return seen.kind == abi.FILE

    def _event(self, record: RawEvent) -> Event:
        identity = self._identities.identify(record.container)
        container = identity.container.id
        self._filters.place(record.cgroup, identity.image)
        self._filters.watch(container, record.task.pid)
        watched_as = self._filters.watched_as(container, record.inode, record.device)
        return self._assembler.event(record, identity, watched_as)

    def _count_lost(self) -> dict[str, int]:
        lost = {}
        for number, name in enumerate(abi.CLASSES):
            counts = self._lost.get(number.to_bytes(4, "little")) or b""
            lost[name] = sum(int.from_bytes(counts[at : at + 8], "little") for at in range(0, len(counts), 8))
        if self._unreadable:
            lost["unreadable"] = self._unreadable
        return lost


class _Losses:
    """Tells a loss of the last minutes from one of last week."""

    def __init__(self, before: int) -> None:
        self._known, self._grew = before, float("-inf")

    def lately(self, lost: int) -> bool:
        if lost > self._known:
            self._known, self._grew = lost, time.monotonic()
        return time.monotonic() - self._grew < _LATELY


def boot_ns() -> int:
    """When the machine started, in nanoseconds since 1970, by the clock as it stands now."""
    return time.time_ns() - time.clock_gettime_ns(time.CLOCK_BOOTTIME)


def _open_rings(pins: Pins) -> tuple[Ring, ...]:
    return tuple(Ring(pins.map(name, 0, 0)) for name in RINGS)


def _readable(pins: Pins) -> bool:
    """Another build with the same records: nothing that it collected need be lost."""
    return pins.directory.name.startswith(f"{abi.ABI}-") and all((pins.directory / name).exists() for name in RINGS)


def _own_cgroups() -> list[int]:
    """The agent's own cgroup and the first process's: on some machines their names look like a container's."""
    controller = {abi.CGROUP_MEMORY: "memory", abi.CGROUP_PIDS: "pids"}.get(loader.host_facts().controller, "")
    found = []
    for pid in ("self", "1"):
        for line in Path(f"/proc/{pid}/cgroup").read_text().splitlines():
            _, controllers, path = line.split(":", 2)
            if controller in controllers.split(","):
                place = _CGROUPS / controller / path.lstrip("/")
                if path != "/" and place.is_dir():
                    found.append(place.stat().st_ino)
    return found
