"""A rule's sentence: ``%proc.name`` and the like become what the event says."""

import re
from collections.abc import Callable
from typing import Final

from msgspec import Struct

from hullguard.detect.fields import lookup
from hullguard.detect.fields.field import Value
from hullguard.detect.rules.conditions import Operand
from hullguard.detect.rules.parser import FUNCTIONS
from hullguard.detect.rules.syntax import Call, FieldName, Left, Spot, Text
from hullguard.model.event import Event

MISSING: Final = "<NA>"
"""What stands for a value that the event does not have, as in Falco."""
LONGEST: Final = 16 << 10
"""Characters of a sentence; more is cut."""
_NAME = r"[a-zA-Z][a-zA-Z0-9_]*(?:\.[a-zA-Z0-9_]+)*(?:\[[^\]\[\s]+\])?"
_SLOT = re.compile(
    rf"%(?:%|(?P<width>\d{{0,3}})(?:(?P<function>{'|'.join(FUNCTIONS)})\((?P<inner>{_NAME})\)|(?P<name>{_NAME})))"
)
_CONTROL: Final = dict.fromkeys((*range(32), 127), ".")


class Slot(Struct, frozen=True):
    """A place for a field's value; ``width`` pads or cuts it, 0 leaves it."""

    operand: Operand
    width: int


class Output(Struct, frozen=True):
    """A sentence in pieces."""

    pieces: tuple[str | Slot, ...]

    def render(self, event: Event) -> str:
        """The sentence; control characters in values are dots."""
        said = []
        for piece in self.pieces:
            if isinstance(piece, str):
                said.append(piece)
                continue
            value = shown(piece.operand.read(event))
            said.append(value[: piece.width].ljust(piece.width) if piece.width else value)
        return "".join(said)[:LONGEST]

    def values(self, event: Event) -> dict[str, str]:
        """The fields of the sentence and what they are."""
        slots = (piece.operand for piece in self.pieces if isinstance(piece, Slot))
        return {operand.text: shown(operand.read(event)) for operand in slots}

    @property
    def operands(self) -> tuple[Operand, ...]:
        return tuple(piece.operand for piece in self.pieces if isinstance(piece, Slot))


def shown(value: Value) -> str:
    """A value in a sentence."""
    if value is None:
        return MISSING
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return "(" + ",".join(map(shown, value)) + ")"
    return str(value).translate(_CONTROL)


def parse_output(text: Text, operand: Callable[[Left], Operand | None]) -> Output:
    """Cuts a sentence up. ``operand`` looks a field up; None leaves it out.

    A ``*`` before all else means in Falco that missing values do not keep the sentence back; they never do here.
    """
    value = text.value.strip()
    shift = text.value.find(value[:1]) if value else 0
    if value.startswith("*"):
        value, shift = value[1:], shift + 1
    pieces: list[str | Slot] = []
    position = 0
    for found in _SLOT.finditer(value):
        pieces.append(value[position : found.start()])
        position = found.end()
        if found[0] == "%%":
            pieces.append("%")
            continue
        left, rest = _left(found, Spot(text, shift + found.start()))
        looked_up = operand(left)
        if looked_up is not None:
            pieces.append(Slot(looked_up, int(found["width"] or 0)))
        pieces.append(rest)
    pieces.append(value[position:])
    return Output(tuple(piece for piece in pieces if piece != ""))


def _left(found: re.Match[str], at: Spot) -> tuple[Left, str]:
    """The field, and what of the match is no part of its name: ``%proc.name.`` ends a sentence."""
    written = found["inner"] or found["name"]
    name, _, argument = written.partition("[")
    rest = ""
    if not argument:
        while lookup.find(name) is None and "." in name:
            name, _, last = name.rpartition(".")
            rest = f".{last}{rest}"
        if lookup.find(name) is None:
            name, rest = written, ""
    field = FieldName(name, argument.removesuffix("]") or None, at)
    return (Call(found["function"], field, at), rest) if found["function"] else (field, rest)
