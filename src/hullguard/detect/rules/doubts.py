"""What a condition asks for that this system cannot know, and what follows from it."""

from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from hullguard.detect.fields.calls import KINDS
from hullguard.detect.fields.field import Field, Known
from hullguard.detect.rules.binding import TYPES
from hullguard.detect.rules.conditions import Joined, Node, Opposite, Pool, Test, within


class Doubt(Struct, frozen=True):
    """What is not known of a condition's fields."""

    never: bool = False
    """Without them it holds for no event."""
    missing: tuple[str, ...] = ()
    """Tests that cannot succeed where the condition needs them: it may miss something."""
    blind: tuple[str, ...] = ()
    """Tests that cannot succeed where they would make an exception: it may fire too often."""
    unknown: tuple[Field, ...] = ()
    partly: tuple[Field, ...] = ()
    unheard: tuple[str, ...] = ()
    """Calls that nothing reports."""

    def sentences(self) -> list[str]:
        """What a person must know of the rule; nothing where all can be told."""
        reasons = dict.fromkeys(f"{field.name}: {field.whys[0]}" for field in self.unknown)
        reasons |= dict.fromkeys(f"no event here is {_article(call)}" for call in self.unheard)
        because = "; ".join(reasons)
        if self.never:
            return [f"can never fire here ({because})"]
        said = []
        if self.missing:
            said.append(f"may miss events: {_few(self.missing)} cannot be told here ({because})")
        elif self.unheard:
            said.append(f"holds here in part: {because}")
        if self.blind:
            said.append(f"may fire too often: its exception {_few(self.blind)} cannot be told here ({because})")
        return said


def _article(call: str) -> str:
    return f"{'an' if call[:1] in 'aeiou' else 'a'} {call}"


def _few(tests: tuple[str, ...]) -> str:
    return "; ".join(tests[:3]) + (f" and {len(tests) - 3} more" if len(tests) > 3 else "")


def doubts(roots: Sequence[Node], pool: Pool) -> list[Doubt]:
    """One for each condition."""
    kept: dict[int, Node] = {}
    for node in within(roots):
        kept[node.number] = _without_unknown(node, kept, pool)
    return [_doubt(root, kept[root.number]) for root in roots]


def _without_unknown(node: Node, kept: dict[int, Node], pool: Pool) -> Node:
    """The condition as it is when every test of an unknown field fails, as it will."""
    if isinstance(node, Test):
        return pool.false if _cannot_hold(node) else node
    if isinstance(node, Opposite):
        return pool.opposite(kept[node.part.number])
    if isinstance(node, Joined):
        parts = [kept[part.number] for part in node.parts]
        return pool.all_of(parts) if node.all_of else pool.any_of(parts)
    return node


def _unheard(test: Test) -> tuple[str, ...]:
    """The calls of a test that no event stands for."""
    if test.operand.text not in TYPES:
        return ()
    values = test.value if isinstance(test.value, frozenset) else (test.value,)
    return tuple(sorted(str(value) for value in values if value not in KINDS)) if test.operator != "!=" else ()


def _cannot_hold(test: Test) -> bool:
    unknown = any(one is not None and one.field.known is Known.NO for one in (test.operand, test.other))
    if unknown:
        return True
    calls = _unheard(test)
    total = len(test.value) if isinstance(test.value, frozenset) else 1
    return bool(calls) and len(calls) == total and test.operator in {"=", "in", "intersects"}


_POSITIVE: Final = 1
_NEGATIVE: Final = 2


def _doubt(root: Node, kept: Node) -> Doubt:
    nodes = within([root])
    signs = _signs(root, nodes)
    missing, blind = [], []
    unknown: dict[str, Field] = {}
    partly: dict[str, Field] = {}
    unheard: dict[str, None] = {}
    for node in nodes:
        if not isinstance(node, Test):
            continue
        unheard.update(dict.fromkeys(_unheard(node)))
        for operand in (node.operand, node.other):
            if operand is not None and operand.field.known is not Known.YES:
                (unknown if operand.field.known is Known.NO else partly)[operand.field.name] = operand.field
        if _cannot_hold(node):
            if signs[node.number] & _POSITIVE:
                missing.append(str(node))
            if signs[node.number] & _NEGATIVE:
                blind.append(str(node))
    return Doubt(
        never=_is_false(kept) and not _is_false(root),
        missing=tuple(missing),
        blind=tuple(blind),
        unknown=tuple(unknown.values()),
        partly=tuple(partly.values()),
        unheard=tuple(unheard),
    )


def _is_false(node: Node) -> bool:
    return getattr(node, "value", None) is False


def _signs(root: Node, nodes: list[Node]) -> dict[int, int]:
    """Whether a part stands under an even number of ``not``, an odd one, or both."""
    signs = {node.number: 0 for node in nodes}
    signs[root.number] = _POSITIVE
    for node in reversed(nodes):
        sign = signs[node.number]
        if isinstance(node, Opposite):
            sign = (sign & _POSITIVE and _NEGATIVE) | (sign & _NEGATIVE and _POSITIVE)
        for part in node.parts:
            signs[part.number] |= sign
    return signs
