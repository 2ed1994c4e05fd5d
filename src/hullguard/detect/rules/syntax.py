"""A condition as it was written: a tree with the place of each part."""

from msgspec import Struct

from hullguard.detect.rules.document import Scalar
from hullguard.detect.rules.problems import Place


class Text:
    """A condition's text; appended to, it has several pieces from several places."""

    __slots__ = ("_pieces", "value")

    def __init__(self, scalar: Scalar, value: str | None = None) -> None:
        self.value = scalar.value if value is None else value
        self._pieces: list[tuple[int, Scalar]] = [(0, scalar)]

    def extended(self, other: "Text") -> "Text":
        """Both, with a space between."""
        both = Text(self._pieces[0][1], f"{self.value} {other.value}")
        shift = len(self.value) + 1
        both._pieces = [*self._pieces, *((start + shift, scalar) for start, scalar in other._pieces)]  # noqa: SLF001 - its own kind
        return both

    def place(self, offset: int) -> Place:
        """Where in which file."""
        start, scalar = next(piece for piece in reversed(self._pieces) if piece[0] <= max(offset, 0))
        return scalar.place_of(max(offset, 0) - start)


class Spot(Struct, frozen=True):
    """A position in a text; turned into a place only when someone must be told."""

    text: Text
    offset: int

    @property
    def place(self) -> Place:
        """Where in which file."""
        return self.text.place(self.offset)


class FieldName(Struct, frozen=True):
    """``proc.aname[2]``."""

    name: str
    argument: str | None
    at: Spot


class Call(Struct, frozen=True):
    """``tolower(proc.name)``; ``val(proc.name)`` on the right side."""

    function: str
    inner: "FieldName | Call"
    at: Spot


Left = FieldName | Call


class Literal(Struct, frozen=True):
    """A value; in a list without quotes it may be a list's name."""

    text: str
    quoted: bool
    at: Spot


class Check(Struct, frozen=True):
    """``left operator right``; a tuple after ``in``, ``intersects`` and ``pmatch``, None after ``exists``."""

    left: Left
    operator: str
    right: Literal | tuple[Literal, ...] | Left | None
    at: Spot
    operator_at: Spot


class MacroName(Struct, frozen=True):
    """A macro used as a condition."""

    name: str
    at: Spot


class Not(Struct, frozen=True):
    """The opposite."""

    part: "Expression"


class And(Struct, frozen=True):
    """All of them."""

    parts: "tuple[Expression, ...]"


class Or(Struct, frozen=True):
    """Any of them."""

    parts: "tuple[Expression, ...]"


Expression = Check | MacroName | Not | And | Or
