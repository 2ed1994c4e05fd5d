"""How much of a filter the kernel itself looks at, by the kinds of events that can be within.

The rest is left to Python, and ``rules check --explain`` says so. ``detect/rule_wants.py`` is what is put there.
"""

from collections.abc import Iterable
from typing import Any, Final

import msgspec

from hullguard.detect.fields.paths import FILE_KINDS, PAIR_KINDS
from hullguard.detect.rules.bounding import Bounds
from hullguard.detect.rules.filters import Filter, Trait, of_kinds
from hullguard.model.event import EventKind

_OUTBOUND: Final = frozenset({EventKind.CONNECT, EventKind.SEND})
_ATTRIBUTES: Final[dict[str, frozenset[EventKind]]] = {
    "paths": FILE_KINDS | PAIR_KINDS | {EventKind.CONNECT},
    "targets": PAIR_KINDS,
    "programs": frozenset(EventKind),
    **dict.fromkeys(("program_paths", "parents", "directories", "texts", "variables"), frozenset({EventKind.EXEC})),
    "ports": _OUTBOUND,
    "networks": _OUTBOUND,
    "descriptors": frozenset(EventKind) - {EventKind.EXEC},
    **dict.fromkeys(("uids", "requests", "results", "capabilities"), frozenset[EventKind]()),
}
_TRAITS: Final[dict[Trait, EventKind]] = {
    **dict.fromkeys(
        (Trait.READS, Trait.WRITES, Trait.CREATES, Trait.TRUNCATES, Trait.CLIMBS, Trait.FAILED), EventKind.FILE_OPEN
    ),
    **dict.fromkeys(
        (Trait.NEW_PROGRAM, Trait.MEMORY_PROGRAM, Trait.HIDDEN, Trait.TERMINAL, Trait.EFFECTIVE_ROOT, Trait.ROOT),
        EventKind.EXEC,
    ),
}


def in_kernel(one: Filter) -> Filter:
    """The part of it that the kernel looks at for every kind of event that can be within."""
    kinds, plain = one.kinds, Filter()
    left: dict[str, Any] = {name: getattr(plain, name) for name, known in _ATTRIBUTES.items() if not kinds <= known}
    traits = frozenset((trait, holds) for trait, holds in one.traits if kinds <= {_TRAITS.get(trait)})
    return msgspec.structs.replace(one, traits=traits, **left)


def settled(found: Bounds, kinds: Iterable[EventKind]) -> bool:
    """Whether nothing is left for Python of a test with these bounds, of these kinds of events."""
    of = of_kinds(kinds)
    return found.exact and all(in_kernel(one & of) == one & of for one in (*found.holds, *found.fails))
