"""What a field is: a name in rules, and how its value is read from an event."""

import enum
from collections.abc import Callable

from msgspec import Struct

from hullguard.model.event import Event, EventKind

Value = str | int | bool | bytes | tuple["Value", ...] | None
"""None: the event does not say. A tuple: several values, of which a comparison takes any (see ``Several``)."""
Reader = Callable[[Event], Value]


class FieldType(enum.StrEnum):
    """Decides which operators a field has, and how the value beside it is read."""

    TEXT = "text"
    NUMBER = "number"
    FLAG = "flag"
    """``true`` or ``false``."""
    PORT = "port"
    ADDRESS = "address"
    NETWORK = "network"
    """An address of the event, compared with networks like ``10.0.0.0/8``."""
    BYTES = "bytes"


class Known(enum.StrEnum):
    """Whether this system can tell."""

    YES = "yes"
    PARTLY = "partly"
    NO = "no"


class Several(enum.StrEnum):
    """What a comparison with a field of several values means."""

    ONE = "one"
    """The field has one value."""
    ANY = "any"
    """True if any value compares so: ``proc.aname``."""
    EITHER = "either"
    """As ANY, but ``!=`` is true only if every value differs: ``fd.ip``, which is both ends of a connection."""
    LIST = "list"
    """``in`` is true if all values are in the list, ``intersects`` if any is: ``fd.types``. It has no others."""


class Argument(enum.StrEnum):
    """What may stand in the brackets after a field's name."""

    NONE = "none"
    INDEX = "index"
    """A number from 0; ``*``, or no brackets at all, means every one."""
    NAME = "name"
    """A name, or ``*`` for every one."""
    NUMBER_OR_NAME = "number or name"


class Field(Struct, frozen=True, kw_only=True):
    """One field. ``texts`` and ``whys`` are (English, Chinese)."""

    name: str
    type: FieldType
    texts: tuple[str, str]
    reads: str
    """The attributes of ``Event`` that it is made of: what a sensor must fill."""
    read: Reader | None = None
    """The value without brackets; None where brackets are required."""
    bind: Callable[[str], Reader] | None = None
    """Makes the reader for what stands in the brackets; raises ValueError with what is wrong with it."""
    argument: Argument = Argument.NONE
    several: Several = Several.ONE
    kinds: frozenset[EventKind] | None = None
    """The kinds of events that have it; None for all."""
    kinds_with: Callable[[str], frozenset[EventKind]] | None = None
    """The kinds that have it with this in the brackets, where that differs."""
    always: bool = False
    """No event is without it."""
    least: int | None = None
    """Of a NUMBER: it is never less."""
    known: Known = Known.YES
    whys: tuple[str, str] = ("", "")
    """Where not fully known: the reason."""
    by_name: bool = False
    """Made of the file's path: judged once for each name of the file (see ``paths.py``)."""
    prefix: bool = False
    """What follows the name after a dot is the argument: ``evt.arg.flags``, ``k8s.pod.label.app``."""

    def reader(self, argument: str | None) -> Reader:
        """How to read it with this in its brackets. Raises ValueError with what is wrong with that."""
        if argument is None:
            if self.read is None:
                raise ValueError(f"needs an argument: {self.name}[{self.argument}]")
            read = self.read
        elif self.bind is None:
            raise ValueError("takes nothing in brackets")
        else:
            read = self.bind(argument)
        kinds = self.kinds_of(argument)
        if kinds is None:
            return read
        return lambda event: read(event) if event.kind in kinds else None

    def kinds_of(self, argument: str | None) -> frozenset[EventKind] | None:
        """The kinds of events that have it; None for all."""
        if argument is not None and self.kinds_with is not None:
            return self.kinds_with(argument)
        return self.kinds

    def several_of(self, argument: str | None) -> Several:
        """Brackets choose one value; ``*`` in them means every one."""
        if argument is None:
            return self.several
        return Several.ANY if argument == "*" else Several.ONE


def index_of(argument: str) -> int:
    """The number in brackets."""
    if not argument.isascii() or not argument.isdigit() or len(argument) > 9:
        raise ValueError(f"is not a number from 0: {argument!r}")
    return int(argument)
