"""A condition with everything looked up: tests of fields, joined; equal parts are one and the same object.

Nodes are made by a pool and numbered in order: parts have smaller numbers than what they are parts of. So whoever works
through a condition does it in a loop, however deep macros are nested, and does each shared part once.
"""

from collections.abc import Iterable, Iterator
from typing import Final

from msgspec import Struct

from hullguard.detect.fields.field import Field, FieldType, Reader, Several, Value

Constant = str | int | bool | bytes | tuple[object, ...] | frozenset[object]

_NEGATED: Final = {"=": "!=", "!=": "="}


class Operand(Struct, frozen=True):
    """One side of a test: a field, its argument, and the functions around it, innermost first."""

    field: Field
    argument: str | None
    functions: tuple[str, ...]
    type: FieldType
    """Of the value after the functions."""
    several: Several
    text: str
    """As a rule writes it; equal operands have equal texts."""
    read: Reader

    @property
    def plain(self) -> bool:
        """Nothing is around the field."""
        return not self.functions


class Node:
    """A part of a condition."""

    __slots__ = ("depth", "number")
    number: int
    depth: int

    @property
    def parts(self) -> "tuple[Node, ...]":
        """What it is made of."""
        return ()


class Fixed(Node):
    """True or false whatever the event."""

    __slots__ = ("value",)

    def __init__(self, value: bool) -> None:
        self.value = value


class Test(Node):
    """``operand operator value``, the value being of the operand's type; ``other`` is a field in its place.

    ``words`` are the values as written, for people.
    """

    __slots__ = ("operand", "operator", "other", "value", "words")
    __test__ = False  # it is no test of pytest's

    def __init__(
        self, operand: Operand, operator: str, value: Constant | None, other: Operand | None, words: tuple[str, ...]
    ) -> None:
        self.operand, self.operator, self.value, self.other, self.words = operand, operator, value, other, words

    def __str__(self) -> str:
        if self.operator == "exists":
            return f"{self.operand.text} exists"
        if self.other is not None:
            return f"{self.operand.text} {self.operator} val({self.other.text})"
        if self.operator in {"in", "intersects", "pmatch"}:
            more = f", … {len(self.words)} in all" if len(self.words) > 4 else ""
            shown = ", ".join(map(_written, self.words[:4])) + more
            return f"{self.operand.text} {self.operator} ({shown})"
        return f"{self.operand.text} {self.operator} {_written(self.words[0])}"


def _written(word: str) -> str:
    """As a rule would write it."""
    return word if word and not set(word) & set(" ()\"',=\t\n") else '"' + word.replace('"', '\\"') + '"'


class Joined(Node):
    """All or any of its parts."""

    __slots__ = ("_parts", "all_of")

    def __init__(self, parts: tuple[Node, ...], all_of: bool) -> None:
        self._parts, self.all_of = parts, all_of

    @property
    def parts(self) -> tuple[Node, ...]:
        return self._parts


class Opposite(Node):
    """Not its part."""

    __slots__ = ("part",)

    def __init__(self, part: Node) -> None:
        self.part = part

    @property
    def parts(self) -> tuple[Node, ...]:
        return (self.part,)


class Pool:
    """Makes nodes, and each only once."""

    def __init__(self) -> None:
        self._nodes: dict[object, Node] = {}
        self.true = self._keep(("fixed", True), Fixed(True))
        self.false = self._keep(("fixed", False), Fixed(False))

    def _keep(self, key: object, node: Node) -> Node:
        known = self._nodes.get(key)
        if known is not None:
            return known
        node.number = len(self._nodes)
        node.depth = 1 + max((part.depth for part in node.parts), default=0)
        self._nodes[key] = node
        return node

    def fixed(self, value: bool) -> Node:
        return self.true if value else self.false

    def test(
        self, operand: Operand, operator: str, value: Constant | None, other: Operand | None, words: tuple[str, ...]
    ) -> Node:
        made = Test(operand, operator, value, other, words)
        decided = _decided(made)
        if decided is not None:
            return self.fixed(decided)
        # 1 and True are equal to Python; here they are values of different fields, so the text tells them apart.
        return self._keep((operand.text, operator, value, other.text if other else None), made)

    def all_of(self, parts: Iterable[Node]) -> Node:
        return self._joined(parts, all_of=True)

    def any_of(self, parts: Iterable[Node]) -> Node:
        return self._joined(parts, all_of=False)

    def _joined(self, parts: Iterable[Node], *, all_of: bool) -> Node:
        left_out, decisive = (self.true, self.false) if all_of else (self.false, self.true)
        kept = dict.fromkeys(part for part in parts if part is not left_out)
        if decisive in kept:
            return decisive
        if not kept:
            return left_out
        if len(kept) == 1:
            return next(iter(kept))
        key = ("all" if all_of else "any", *(part.number for part in kept))
        return self._keep(key, Joined(tuple(kept), all_of))

    def opposite(self, part: Node) -> Node:
        if isinstance(part, Fixed):
            return self.fixed(not part.value)
        if isinstance(part, Opposite):
            return part.part
        return self._keep(("not", part.number), Opposite(part))


def within(roots: Iterable[Node]) -> list[Node]:
    """All nodes of some conditions, each once, parts before what they are parts of."""
    found: dict[int, Node] = {}
    waiting = list(roots)
    while waiting:
        node = waiting.pop()
        if node.number not in found:
            found[node.number] = node
            waiting.extend(node.parts)
    return [found[number] for number in sorted(found)]


def operands(nodes: Iterable[Node]) -> Iterator[Operand]:
    """The fields that some nodes test, each once."""
    seen: set[str] = set()
    for node in nodes:
        if isinstance(node, Test):
            for operand in (node.operand, node.other):
                if operand is not None and operand.text not in seen:
                    seen.add(operand.text)
                    yield operand


def _decided(test: Test) -> bool | None:
    """The answer of a test that has the same one for every event: ``evt.num=0``, ``container.id exists``."""
    operand, value = test.operand, test.value
    if test.operator == "exists":
        return True if operand.field.always and operand.plain else None
    if test.operator in {"in", "intersects", "pmatch"} and value is not None and not value:
        return False
    least = operand.field.least
    if least is None or not operand.plain or test.other is not None or operand.type is not FieldType.NUMBER:
        return None
    if isinstance(value, frozenset):
        return False if all(isinstance(one, int) and one < least for one in value) else None
    if not isinstance(value, int):
        return None
    answers: dict[str, tuple[bool, bool]] = {
        "=": (value < least, False), "!=": (value < least, True), "<": (value <= least, False),
        "<=": (value < least, False), ">": (value < least, True), ">=": (value <= least, True),
    }  # fmt: skip
    holds, answer = answers[test.operator]
    return answer if holds and (not answer or operand.field.always) else None


def values_of(value: Value) -> tuple[Value, ...]:
    """One value or several, as several; nothing for what is not known."""
    if value is None:
        return ()
    return value if isinstance(value, tuple) else (value,)
