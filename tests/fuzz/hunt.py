"""One process that hunts in one parser, led by the code that its inputs reach."""

import contextlib
import hashlib
import io
import os
import random
import resource
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
from tests.fuzz.guard import Guard, minimised
from tests.fuzz.mutate import Mutator
from tests.fuzz.target import MIB, Fault, Kind, Target, execute

_INSTRUMENTED = ["hullguard", "packageurl", "packaging", "yaml", "tomllib"]
_KEPT = ".bin"
_ADDRESSES = 16 << 30
_STATUS_SECONDS = 1.0
_MINIMISE_SECONDS = 20.0


@contextlib.contextmanager
def instrumented() -> Iterator[None]:
    """What is imported meanwhile tells atheris which code an input reaches."""
    import atheris

    with contextlib.redirect_stderr(io.StringIO()), atheris.instrument_imports(include=_INSTRUMENTED):
        yield


class Status(msgspec.Struct):
    """How far a hunt is."""

    executions: int = 0
    refused: int = 0
    seconds: float = 0.0
    slowest: float = 0.0
    """CPU seconds of the input that took longest."""
    faults: int = 0


class Ground:
    """The directories of one target: what reached new code, and what went wrong."""

    def __init__(self, work: Path, target: Target) -> None:
        self.corpus, self.seeds = work / "corpus" / target.name, work / "seeds" / target.name
        self.faults, self.log = work / "faults" / target.name, work / "log" / f"{target.name}.txt"
        self._status, self.slow = work / "log" / f"{target.name}.json", work / "log" / f"{target.name}.slowest"
        for directory in (self.corpus, self.seeds, self.faults, self.log.parent):
            directory.mkdir(parents=True, exist_ok=True)

    def status(self) -> Status:
        try:
            return msgspec.json.decode(self._status.read_bytes(), type=Status)
        except (FileNotFoundError, msgspec.DecodeError):
            return Status()

    def note(self, status: Status) -> None:
        draft = self._status.with_suffix(".new")
        draft.write_bytes(msgspec.json.encode(status))
        draft.replace(self._status)

    def begin(self) -> None:
        """Forgets the last hunt's numbers; what ended its process then is tried again as a sample."""
        self._status.unlink(missing_ok=True)
        self.log.unlink(missing_ok=True)
        for path in self.inputs():
            if path.suffix != _KEPT:
                path.replace(self.seeds / path.name)

    def inputs(self) -> list[Path]:
        """What went wrong, each file the input that shows it: kept here, or by libFuzzer as the process ended."""
        return sorted(path for path in self.faults.iterdir() if path.suffix != ".txt")

    def keep(self, data: bytes, fault: Fault) -> Path:
        """Writes an input down with what it does, unless a shorter one is there."""
        place = "".join(letter if letter.isalnum() or letter in "._-" else "-" for letter in fault.where)
        path = self.faults / f"{fault.kind}-{place}{_KEPT}"
        if not path.exists() or len(data) < path.stat().st_size:
            path.write_bytes(data)
            path.with_suffix(".txt").write_text(f"{fault.kind} in {fault.where}\n\n{fault.trace}\n")
        return path


class Hunt:
    """What is done with each input."""

    def __init__(self, target: Target, ground: Ground, seconds: float) -> None:
        self._target, self._ground = target, ground
        self._guard = Guard(target)
        self._status = ground.status()
        self._began = time.monotonic() - self._status.seconds
        self._ends = self._began + seconds
        self._noted = 0.0
        self._seen: dict[tuple[Kind, str], int] = {}

    def again(self) -> None:
        """Tries what went wrong before; what was mended is forgotten."""
        for path in self._ground.inputs():
            if self.one(path.read_bytes()) is None:
                path.unlink()
                path.with_suffix(".txt").unlink(missing_ok=True)

    def strain(self, inputs: Iterator[bytes]) -> None:
        """Reads inputs that cost most, for up to a third of the time."""
        until = time.monotonic() + (self._ends - self._began) / 3
        for data in inputs:
            self.one(data)
            if time.monotonic() > until:
                return

    def one(self, data: bytes) -> Fault | None:
        """Reads one input and keeps it when something is wrong; ends the process when the time is over."""
        guarded = self._guard.run(data)
        status, fault = self._status, guarded.outcome.fault
        status.executions += 1
        status.refused += guarded.outcome.refused
        if guarded.seconds > status.slowest:
            status.slowest = guarded.seconds
            self._ground.slow.write_bytes(data)
        if fault is not None:
            known = self._seen.get((fault.kind, fault.where))
            if known is None or len(data) < known:
                self._seen[fault.kind, fault.where] = len(data)
                self._ground.keep(data, fault)
                status.faults = len(self._seen)
        now = time.monotonic()
        if now - self._noted > _STATUS_SECONDS:
            self._note(now)
            if now > self._ends:
                self._finish()
        return fault

    def _note(self, now: float) -> None:
        self._noted, self._status.seconds = now, now - self._began
        self._ground.note(self._status)

    def _finish(self) -> None:
        for path in self._ground.inputs():
            fault = self._guard.run(data := path.read_bytes()).outcome.fault
            if fault is not None:
                self._ground.keep(minimised(self._target, data, fault, _MINIMISE_SECONDS), fault)
        sys.stderr.flush()
        os._exit(0)  # libFuzzer would count an exit as a crash


def hunt(target: Target, ground: Ground, seconds: float) -> None:
    """Hunts until the time is over; it ends the process, which has imported the product under atheris."""
    import atheris

    resource.setrlimit(resource.RLIMIT_AS, (_ADDRESSES, _ADDRESSES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    seeds = list(target.seeds())
    with instrumented():
        for data in seeds:  # much of the product is only loaded when it is asked for
            execute(target, data)
    for data in seeds:
        (ground.seeds / hashlib.sha256(data).hexdigest()[:16]).write_bytes(data)
    mutator = Mutator(seeds, target.words, target.longest)
    hunted = Hunt(target, ground, seconds)
    hunted.again()
    hunted.strain(mutator.strained(random.Random(target.name)))

    def change(data: bytes, most: int, seed: int) -> bytes:
        chance = random.Random(seed)
        if chance.random() < 0.5:
            return bytes(atheris.Mutate(data, most))
        return mutator.mutate(bytes(data), chance)[:most]

    def one(data: bytes) -> None:
        hunted.one(bytes(data))

    options = {
        "max_len": target.longest,
        "len_control": 0,
        "timeout": int(10 * target.seconds),  # for what never comes back to Python
        "rss_limit_mb": 4096 + 4 * target.memory // MIB,
        "artifact_prefix": f"{ground.faults}/",
        "report_slow_units": 1 << 30,  # seconds of the clock, which count what else the machine does
        "reload": 0,
        "verbosity": 0,
    }
    arguments = [f"-{name}={value}" for name, value in options.items()]
    atheris.Setup([target.name, str(ground.corpus), str(ground.seeds), *arguments], one, custom_mutator=change)
    atheris.Fuzz()
