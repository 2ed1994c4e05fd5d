"""From a rule's condition to what the kernel can decide of it, by abstract interpretation.

Each part of the condition gets two bounds: on the events for which it holds, and on those for which it does not. A test
that the kernel cannot make bounds nothing either way (``bounds.py`` has the tests). ``and`` joins bounds, ``or`` lists
alternatives, ``not`` swaps the two. Alternatives are kept few by widening them into one.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from msgspec import Struct

from hullguard.detect.rules.bounding import ANYTHING, NOTHING, Bounds
from hullguard.detect.rules.bounds import of_test
from hullguard.detect.rules.conditions import Fixed, Joined, Node, Opposite, Test, within
from hullguard.detect.rules.filters import Filter, merged
from hullguard.model.event import Event, EventKind

MOST_ALTERNATIVES: Final = 16


class Prefilter(Struct, frozen=True):
    """A rule's bounds: an event for which it holds is within one of the alternatives. None: it never holds."""

    rule: str
    alternatives: tuple[Filter, ...]

    @classmethod
    def of(cls, rule: str, found: Bounds) -> "Prefilter":
        """Of a condition's bounds."""
        return cls(rule, merged(found.holds))

    @property
    def kinds(self) -> frozenset[EventKind]:
        """The kinds of events that it can hold for: hooks for others need not be there for its sake."""
        return frozenset(kind for one in self.alternatives for kind in one.kinds)

    @property
    def types(self) -> frozenset[str]:
        """The calls that it can hold for."""
        return frozenset(call for one in self.alternatives for call in one.types)

    def accepts(self, event: Event) -> bool:
        return any(one.accepts(event) for one in self.alternatives)


def bounds(roots: Iterable[Node]) -> dict[int, Bounds]:
    """For each part of some conditions, by number."""
    found: dict[int, Bounds] = {}
    for node in within(roots):
        found[node.number] = _of_node(node, found)
    return found


def _of_node(node: Node, known: dict[int, Bounds]) -> Bounds:
    if isinstance(node, Fixed):
        return Bounds(ANYTHING, NOTHING, exact=True) if node.value else Bounds(NOTHING, ANYTHING, exact=True)
    if isinstance(node, Opposite):
        part = known[node.part.number]
        return Bounds(part.fails, part.holds, part.exact)
    if isinstance(node, Joined):
        parts = [known[part.number] for part in node.parts]
        exact = all(part.exact for part in parts)
        if node.all_of:
            return Bounds(_all([part.holds for part in parts]), _any([part.fails for part in parts]), exact)
        return Bounds(_any([part.holds for part in parts]), _all([part.fails for part in parts]), exact)
    assert isinstance(node, Test)  # noqa: S101 - there are no other nodes
    return of_test(node)


def _all(parts: Sequence[tuple[Filter, ...]]) -> tuple[Filter, ...]:
    found: tuple[Filter, ...] = ANYTHING
    # Those with few alternatives first: they narrow, so fewer are left to combine.
    for part in sorted(parts, key=len):
        found = _few([one & other for one in found for other in part])
    return found


def _any(parts: Sequence[tuple[Filter, ...]]) -> tuple[Filter, ...]:
    if any(part == ANYTHING for part in parts):
        return ANYTHING
    return _few([one for part in parts for one in part])


def _few(alternatives: Iterable[Filter]) -> tuple[Filter, ...]:
    """Without the impossible; too many become fewer and wider: first those for the same calls, then all."""
    kept = list(dict.fromkeys(one for one in alternatives if not one.impossible))
    if len(kept) <= MOST_ALTERNATIVES:
        return tuple(kept)
    by_types: dict[frozenset[str], Filter] = {}
    for one in kept:
        by_types[one.types] = by_types[one.types] | one if one.types in by_types else one
    kept = list(by_types.values())
    if len(kept) <= MOST_ALTERNATIVES:
        return tuple(kept)
    wide = kept[0]
    for one in kept[1:]:
        wide |= one
    return (wide,)
