"""Variables as an instruction of an image's history declares them: builders write their values without quotes."""

import re
from collections.abc import Iterator

from msgspec import Struct

_DECLARES = re.compile(
    r"(?:/bin/sh -c #\(nop\)\s{0,4})?(?P<what>ENV|ARG|LABEL)\s{1,4}|"
    r"(?:RUN )?\|\d{1,4} (?=(?P<given>.{0,65536}?) /bin/)",
    re.DOTALL,
)
_ALONE = re.compile(r"([A-Za-z_][\w.\-]{0,200})\s{1,4}(?=[^\s=])", re.ASCII)
"""A name and behind a blank its value, which is all the rest: the older form, of one variable."""
_NAME = re.compile(r"(?:(?<= )|(?<=^))([A-Za-z_][\w.\-]{0,200})=")


class Variable(Struct, frozen=True):
    """A name with its value, and where the value stands in the instruction."""

    name: str
    value: str
    start: int
    end: int

    @property
    def text(self) -> str:
        """As the configuration has it."""
        return f"{self.name}={self.value}"


class Declared(Struct, frozen=True):
    """What an instruction declares: ``what`` is ENV, ARG, LABEL, or nothing for the arguments that a RUN was given."""

    what: str
    variables: tuple[Variable, ...]
    start: int
    end: int


def declared(instruction: str) -> Declared | None:
    """What an instruction declares, where it does; a value goes on to the next name, whatever signs are in it."""
    begin = _DECLARES.match(instruction)
    if begin is None:
        return None
    end = len(instruction) if begin["what"] else begin.end("given")
    return Declared(begin["what"] or "", tuple(_variables(instruction, begin.end(), end)), begin.end(), end)


def _variables(instruction: str, start: int, end: int) -> Iterator[Variable]:
    if (alone := _ALONE.match(instruction, start, end)) is not None:
        yield _variable(instruction, alone[1], alone.end(), end)
        return
    names = list(_NAME.finditer(instruction, start, end))
    ends = [*(name.start() - 1 for name in names[1:]), end]
    for name, stop in zip(names, ends, strict=False):
        yield _variable(instruction, name[1], name.end(), stop)


def _variable(instruction: str, name: str, start: int, end: int) -> Variable:
    value = instruction[start:end]
    bare = value[1:-1] if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'" else value
    at = start + (bare != value)
    return Variable(name, bare, at, at + len(bare))
