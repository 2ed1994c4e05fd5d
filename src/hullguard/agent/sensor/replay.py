"""A sensor that reads what another recorded: to test rules, and to see again what a customer's node saw."""

import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from hullguard.agent.sensor import abi
from hullguard.agent.sensor.assemble import Assembler
from hullguard.agent.sensor.containers import Identity, container_id
from hullguard.agent.sensor.decode import Glance, decode
from hullguard.agent.sensor.interface import Handler, HookInfo, Tamper
from hullguard.agent.sensor.processes import Processes
from hullguard.detect.plan import KernelPlan
from hullguard.model.errors import Invalid
from hullguard.model.event import ContainerRef
from hullguard.model.node import SensorHealth, SensorState

_MAGIC = b"HGSENSOR"
_HEAD = struct.Struct("<8sHQ")
_LONGEST = 1 << 16


class Recording:
    """Writes records as ``BpfSensor.record`` passes them."""

    def __init__(self, path: Path, boot_ns: int) -> None:
        self._file: BinaryIO = path.open("wb")
        self._file.write(_HEAD.pack(_MAGIC, abi.ABI, boot_ns))

    def __call__(self, raw: bytes) -> None:
        self._file.write(struct.pack("<I", len(raw)) + raw)

    def close(self) -> None:
        self._file.close()


class ReplaySensor:
    """Every record once, in the recorded order. Plans change nothing: the kernel had filtered already."""

    def __init__(self, path: Path, identify: Callable[[str], Identity] | None = None) -> None:
        data = path.read_bytes()
        if len(data) < _HEAD.size or not data.startswith(_MAGIC):
            raise Invalid(f"{path} is no recording of a sensor.", "sensor.recording")
        _, layout, boot_ns = _HEAD.unpack_from(data)
        if layout != abi.ABI:
            raise Invalid(
                f"{path} was recorded with layout {layout}; this version reads {abi.ABI}.", "sensor.recording"
            )
        self._records = list(_split(data, str(path)))
        self._next = 0
        self._identify = identify or (lambda name: Identity(ContainerRef(container_id(name))))
        self._processes = Processes()
        self._assembler = Assembler(self._processes, lambda: boot_ns)

    def apply(self, plan: KernelPlan) -> None:
        """Nothing to do."""

    def settled(self) -> bool:
        """There are no hooks."""
        return True

    def poll(self, handler: Handler, timeout_ms: int) -> int:  # noqa: ARG002 - part of the interface
        """All that is left; stays at the event whose handler raised."""
        taken = 0
        while self._next < len(self._records):
            record = decode(self._records[self._next])
            if isinstance(record, Glance):
                self._processes.note(record)
            else:
                handler(self._assembler.event(record, self._identify(record.container), None))
                taken += 1
            self._next += 1
        return taken

    def wake(self) -> None:
        """It never waits."""

    def health(self) -> SensorHealth:
        return SensorHealth(SensorState.ACTIVE, (), dict.fromkeys(abi.CLASSES, 0))

    def tampered(self) -> tuple[Tamper, ...]:
        """A recording is what it is."""
        return ()

    def hooks(self) -> tuple[HookInfo, ...]:
        return (HookInfo("recording", "replay", attached=True),)

    def close(self, unpin: bool) -> None:
        """Nothing to do."""


def _split(data: bytes, name: str) -> Iterator[bytes]:
    position = _HEAD.size
    while position < len(data):
        if position + 4 > len(data):
            raise Invalid(f"{name} ends within a record.", "sensor.recording")
        (size,) = struct.unpack_from("<I", data, position)
        position += 4
        if size > _LONGEST or position + size > len(data):
            raise Invalid(f"{name} ends within a record.", "sensor.recording")
        yield data[position : position + size]
        position += size
