"""The sensor itself: loads or finds the programs in the kernel, and turns their records into events."""

import os
import select
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from hullguard.agent.sensor import abi, loader
from hullguard.agent.sensor.assemble import Assembler
from hullguard.agent.sensor.attaching import Attaching
from hullguard.agent.sensor.catalog import CONNECT, CONNECT_UNIX, HOOKS, Backend
from hullguard.agent.sensor.containers import HOST, Identity
from hullguard.agent.sensor.decode import Glance, RawEvent, decode, glance
from hullguard.agent.sensor.filters import Filters
from hullguard.agent.sensor.hooks import Hooks
from hullguard.agent.sensor.identities import Identities
from hullguard.agent.sensor.interface import Handler, HookInfo, Tamper
from hullguard.agent.sensor.losses import Loss, Losses
from hullguard.agent.sensor.pins import RINGS, Pins
from hullguard.agent.sensor.processes import Processes, at, read_host
from hullguard.agent.sensor.rings import Ring, drain
from hullguard.agent.sensor.starts import Starts
from hullguard.detect.plan import KernelPlan
from hullguard.model.errors import Invalid, Unavailable
from hullguard.model.event import Event, Gap
from hullguard.model.node import Reason, SensorHealth, SensorState

_MOST_AT_ONCE = 1024
_ALWAYS = frozenset(hook.name for hook in HOOKS if hook.always)
_CGROUPS = Path("/sys/fs/cgroup")


class BpfSensor:
    """One thread polls it; ``health`` and ``hooks`` only read, and ``wake`` only wakes."""

    def __init__(self, directory: Path, pins: Pins, others: list[Pins], docker_host: str | None) -> None:
        self._directory, self._pins = directory, pins
        self._filters = Filters(pins)
        self._hooks = Hooks(pins, loader.provide)
        self._hooks.begin()
        self._woken = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._attaching = Attaching(self._hooks, self.wake)
        self._losses = Losses(pins)
        self._identities = Identities(docker_host)
        self._starts = Starts()
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
        self._epoll.register(self._woken, select.EPOLLIN)
        self._gaps: list[Gap] = []
        self._unreadable = self._handed = self._looked = 0
        self._opened = datetime.now(UTC)
        self._sound: dict[str, datetime] = {}
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
            sensor = cls(directory, pins, others, docker_host)
        except OSError as cause:
            raise Unavailable(f"The sensor cannot start: {cause}.", "sensor.unavailable") from cause
        for hook in sensor.blind():
            sensor.close(unpin=True)
            raise Unavailable(f"The kernel does not let {hook.name} attach: {hook.why}.", "sensor.attach-refused")
        return sensor

    def apply(self, plan: KernelPlan) -> None:
        """Compiles the plan into the filters; the hooks that it needs are attached from now on, while others poll."""
        self._filters.apply(plan)
        self._processes.environment = plan.environment
        self._attaching.want(plan.wants)

    def settled(self) -> bool:
        """Whether nothing is left to attach: every hook is where the plan needs it, or was refused."""
        return self._attaching.settled()

    def settle(self) -> None:
        """Waits for that, for those who do not poll meanwhile; raises what kept hooks from being attached."""
        self._attaching.wait()

    def poll(self, handler: Handler, timeout_ms: int) -> int:
        """Hands over what is there, waiting for the first; answers how many events.

        What the handler raises passes through, and its event comes again with the next call. Raises what kept hooks
        from being attached.
        """
        self._attaching.check()
        self._filters.renew()
        taken = self._drain(handler)
        if not taken:
            if any(descriptor == self._woken for descriptor, _ in self._epoll.poll(timeout_ms / 1000)):
                os.eventfd_read(self._woken)
            taken = self._drain(handler)
        self._tell_gaps(handler)
        return taken

    def wake(self) -> None:
        """Ends the wait of ``poll``, this one or the next."""
        os.eventfd_write(self._woken, 1)

    def health(self) -> SensorHealth:
        """Off without the process hooks, degraded where something wanted is missing or was lately lost."""
        blind = self.blind()
        settled = self._attaching.settled()
        others = [hook for hook in self._hooks.missing() if hook not in blind] if settled else []
        reasons = [
            Reason("sensor.hook-missing", f"The hook {hook.name} is not attached: {hook.why}.", {"hook": hook.name})
            for hook in (*blind, *others)
        ]
        unfenced = self._unfenced() if settled else ""
        if unfenced:
            text = f"Connections cannot be refused here, so whoever opens one is killed afterwards: {unfenced}."
            reasons.append(Reason("deny.connections-seen", text, {"why": unfenced}))
        if not settled:
            there, wanted = self._hooks.progress()
            reasons.append(
                Reason(
                    "sensor.attaching",
                    f"Hooks are still being attached: {there} of {wanted} are there.",
                    {"attached": there, "wanted": wanted},
                )
            )
        lost = self._count_lost()
        total = sum(lost.values())
        if self._losses.lately():
            reasons.append(
                Reason("sensor.events-lost", f"{total} events were lost: too many at once.", {"lost": total})
            )
        state = SensorState.OFF if blind else SensorState.DEGRADED if reasons else SensorState.ACTIVE
        return SensorHealth(state, tuple(reasons), lost)

    def tampered(self) -> tuple[Tamper, ...]:
        """The hooks every time, and one of the filters' maps after the other."""
        if not self._pins.has("config"):
            raise Unavailable("Somebody took the sensor's maps and programs away.", "sensor.taken-down")
        since = self._seen_sound("hooks")
        gone = self._hooks.repair() if self._attaching.settled() else {}
        found = [Tamper(f"hook {name}", there, since) for name, there in gone.items()]
        parts = self._filters.parts()
        self._looked += 1
        part = parts[self._looked % len(parts)]
        since = self._seen_sound(part)
        if self._filters.altered(part):
            self._filters.restore()
            found.append(Tamper(f"map {part}", not self._filters.altered(part), since))
        return tuple(found)

    def _seen_sound(self, part: str) -> datetime:
        """When a part was looked at before; it is being looked at now."""
        before = self._sound.get(part, self._opened)
        self._sound[part] = datetime.now(UTC)
        return before

    def blind(self) -> tuple[HookInfo, ...]:
        """The hooks without which nothing can be told, if they are missing."""
        return tuple(hook for hook in self._hooks.missing() if hook.name in _ALWAYS)

    def hooks(self) -> tuple[HookInfo, ...]:
        """Every hook, attached or not."""
        return self._hooks.infos()

    def record(self, tap: Callable[[bytes], None] | None) -> None:
        """Copies every record to ``tap`` before it is decoded; ``replay.Recording`` writes them to a file."""
        self._tap = tap

    def close(self, unpin: bool) -> None:
        """Lets go; with ``unpin`` the kernel part ends too, else it goes on collecting for the next to open."""
        self._attaching.close()
        self._epoll.close()
        os.close(self._woken)
        for ring in (*self._rings, *(ring for _, rings in self._older for ring in rings)):
            ring.close()
        self._filters.close()
        self._losses.close()
        if unpin:
            for pins in (self._pins, *(older for older, _ in self._older)):
                pins.remove()
            loader.unmount(self._directory)

    def _unfenced(self) -> str:
        """Why connections that are to be refused are only seen; empty where that is not so."""
        if not self._filters.fencing:
            return ""
        hooks = (info for info in self._hooks.infos() if info.name in {CONNECT, CONNECT_UNIX})
        return "; ".join(f"{one.name} {one.why}" for one in hooks if one.attached and one.backend != Backend.CGROUP)

    def _tell_gaps(self, handler: Handler) -> None:
        if self._losses.outdated():
            self._processes.heal()
        for loss in self._losses.news():
            self._gaps.append(self._gap(loss))
        while self._gaps:
            handler(self._gaps[0])
            del self._gaps[0]

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
            self._hand(record, handler)
            self._handed += 1
        elif seen.kind == abi.EXEC:
            self._processes.remember(seen, raw)
        else:
            self._processes.note(seen)

    def _matters(self, seen: Glance) -> bool:
        """Everything but forks, exits, and execs that nobody asked for and whose container has its place."""
        if seen.kind == abi.EXEC:
            known = bool(seen.flags & abi.HOST) or self._filters.placed(seen.cgroup)
            return bool(seen.flags & (abi.ASKED | abi.NEW | abi.KILLED)) or not known
        return seen.kind not in {abi.FORK, abi.EXIT}

    def _hand(self, record: RawEvent, handler: Handler) -> None:
        begins = self._starts.may_be(record)
        if begins:
            self._identities.forget(record.container)
        event = self._event(record)
        if begins:
            start = self._starts.start(event)
            if start is not None:
                handler(start)
            self._starts.told(record.cgroup)
        handler(event)

    def _event(self, record: RawEvent) -> Event:
        if record.flags & abi.HOST:
            return self._assembler.event(record, HOST, None)
        runtime = (task.pid for task in record.ancestry if task.outside)
        identity = self._identities.identify(record.container, runtime)
        container = identity.container.id
        self._filters.place(record.cgroup, identity.image)
        inside = [task.pid for task in record.ancestry if not task.outside]
        self._filters.watch(container, (*reversed(inside), record.task.pid))
        watched_as = self._filters.watched_as(container, record.file.inode, record.file.device)
        return self._assembler.event(record, identity, watched_as)

    def _gap(self, loss: Loss) -> Gap:
        name = self._filters.container_of(loss.cgroup)
        who: Identity = self._identities.identify(name) if name else HOST
        since, until = (at(moment, boot_ns()) for moment in (loss.since_ns, loss.until_ns))
        return Gap(who.container, who.image, loss.what, loss.why, loss.count, since, until)

    def _count_lost(self) -> dict[str, int]:
        lost = self._losses.counts()
        return {**lost, "unreadable": self._unreadable} if self._unreadable else lost


def boot_ns() -> int:
    """When the machine started, in nanoseconds since 1970, by the clock as it stands now."""
    return time.time_ns() - time.clock_gettime_ns(time.CLOCK_BOOTTIME)


def _open_rings(pins: Pins) -> tuple[Ring, ...]:
    return tuple(Ring(pins.map(name)) for name in RINGS)


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
