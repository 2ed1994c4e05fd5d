"""Bounds that only the long run can set: CPU time and memory of one input."""

import resource
import signal
import time
from pathlib import Path
from types import FrameType

import msgspec
from tests.fuzz.target import Fault, Hang, Kind, Outcome, Target, execute

_KIB = 1 << 10


class Guarded(msgspec.Struct, frozen=True):
    """What became of an input, and the CPU seconds that it took."""

    outcome: Outcome
    seconds: float


class Guard:
    """Reads inputs of one target, in the main thread of a process of its own."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._known = _begun()
        signal.signal(signal.SIGPROF, _expired)

    def run(self, data: bytes) -> Guarded:
        """Reads one input; a hang and a swollen process are faults as a crash is."""
        started = time.process_time()
        try:
            signal.setitimer(signal.ITIMER_PROF, self._target.seconds)
            outcome = execute(self._target, data)
            signal.setitimer(signal.ITIMER_PROF, 0)
        except Hang:  # it came at the very end
            outcome = Outcome()
        seconds = time.process_time() - started
        if outcome.fault is None and _peak() - self._known > self._target.memory:
            grown = self._grown(data)
            self._known = _peak()
            if grown > self._target.memory:
                why = f"{grown >> 20} MiB for an input of {len(data)} bytes"
                outcome = Outcome(fault=Fault(Kind.MEMORY, self._target.name, why))
        return Guarded(outcome, seconds)

    def _grown(self, data: bytes) -> int:
        """The memory that this input alone takes: what came before it may have been what grew."""
        before = _begun()
        execute(self._target, data)
        return _peak() - before


def _begun() -> int:
    """What the process holds now; its peak begins anew (proc(5), clear_refs)."""
    Path("/proc/self/clear_refs").write_text("5")
    return _peak()


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _KIB


def _expired(number: int, frame: FrameType | None) -> None:
    del number, frame
    raise Hang


def minimised(target: Target, data: bytes, fault: Fault, seconds: float) -> bytes:
    """A shorter input with the same fault: blocks are taken out, from the largest to single bytes, while time lasts."""
    guard, until = Guard(target), time.monotonic() + seconds
    size = len(data) // 2
    while size and time.monotonic() < until:
        at = 0
        while at < len(data) and time.monotonic() < until:
            shorter = data[:at] + data[at + size :]
            found = guard.run(shorter).outcome.fault
            if found is not None and (found.kind, found.where) == (fault.kind, fault.where):
                data = shorter
            else:
                at += size
        size //= 2
    return data
