"""What a fuzzer needs to know of one parser, and what becomes of one input."""

import enum
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

import hullguard
from hullguard.model.errors import HullguardError

MIB = 1 << 20
_PRODUCT = str(Path(hullguard.__file__).parent)
_FLOOR = MIB // 2
"""A result may always have this many bytes: one short line may stand for a whole sentence."""


@dataclass(frozen=True)
class Target:
    """One parser. ``read`` gives what it made of the bytes; it may refuse them as a HullguardError, and in no other way."""

    name: str
    read: Callable[[bytes], Any]
    seeds: Callable[[], Iterable[bytes]]
    """Small real samples: what the parser is for, in each of its forms."""
    words: tuple[bytes, ...] = ()
    """What stands in such files and no chance would make."""
    runs: int = 250
    """Executions of the bounded run; fewer where one takes long."""
    longest: int = 1 << 14
    """Bytes of the longest input."""
    growth: int = 100
    """Bytes that the result may have for each of the input."""
    memory: int = 256 * MIB
    """How much more than before the process may hold while it reads one input."""
    seconds: float = 3.0
    """CPU time after which an input counts as a hang; the slowest honest one takes a tenth, instrumented."""


class Kind(enum.StrEnum):
    """What a parser must not do."""

    CRASH = "crash"
    """It raised what nobody expects."""
    UNWRITABLE = "unwritable"
    """Its result cannot be written down, so whoever reports it would fail."""
    SWOLLEN = "swollen"
    """Its result is larger than the input can explain."""
    HANG = "hang"
    MEMORY = "memory"


class Hang(BaseException):
    """Raised into a parser that took too long; no parser catches it."""


class Fault(msgspec.Struct, frozen=True):
    """What went wrong, and where."""

    kind: Kind
    where: str
    """The innermost line of the product, with what was raised; the same for the same mistake."""
    trace: str


class Outcome(msgspec.Struct, frozen=True):
    """What became of one input."""

    refused: bool = False
    fault: Fault | None = None


def execute(target: Target, data: bytes) -> Outcome:
    """Reads one input, and looks at what came of it."""
    try:
        made = target.read(data)
    except HullguardError:
        return Outcome(refused=True)
    except (Exception, Hang) as cause:
        return Outcome(fault=_fault(Kind.HANG if isinstance(cause, Hang) else Kind.CRASH, cause))
    try:
        size = len(msgspec.json.encode(made))
    except (ValueError, OverflowError, RecursionError) as cause:
        return Outcome(fault=Fault(Kind.UNWRITABLE, f"{target.name} {type(cause).__name__}", str(cause)))
    if size > _FLOOR + target.growth * len(data):
        why = f"{size} bytes were made of {len(data)}"
        return Outcome(fault=Fault(Kind.SWOLLEN, target.name, why))
    return Outcome()


def _fault(kind: Kind, cause: BaseException) -> Fault:
    frames = traceback.extract_tb(cause.__traceback__)
    own = [frame for frame in frames if frame.filename.startswith(_PRODUCT)] or frames
    place = f"{Path(own[-1].filename).stem}.{own[-1].name}"
    trace = "".join(traceback.format_exception(cause))
    return Fault(kind, f"{place} {type(cause).__name__}", trace)
