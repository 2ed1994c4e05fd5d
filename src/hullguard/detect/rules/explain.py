"""What becomes of a rule: what the kernel decides, what Python decides, what nobody here can, and what it costs."""

import enum
import ipaddress
from collections.abc import Iterable, Sequence
from typing import Any, Final

from msgspec import Struct

from hullguard.detect.fields.calls import CALLS
from hullguard.detect.rules.bounds import of_test
from hullguard.detect.rules.conditions import Pool, Test, within
from hullguard.detect.rules.doubts import doubts
from hullguard.detect.rules.filters import ALL_TYPES, Filter, Paths, Trait, merged
from hullguard.detect.rules.prefilter import Prefilter, bounds
from hullguard.detect.rules.pushdown import in_kernel, settled
from hullguard.detect.rules.refusal import REFUSABLE, Refusal, refusal
from hullguard.detect.rules.ruleset import Rule
from hullguard.model.event import EventKind

_MOST_SHOWN: Final = 6


class Cost(enum.StrEnum):
    """How many events the rule brings to Python, roughly. No more than an order: it depends on what a node does."""

    NEGLIGIBLE = "negligible"
    """Only calls that are rare everywhere."""
    LOW = "low"
    """Programs that start and connections, or frequent calls that the kernel narrows by path, program or port."""
    MEDIUM = "medium"
    """Frequent calls that the kernel narrows by little."""
    HIGH = "high"
    """Every one of the frequent calls."""


_FREQUENT: Final = frozenset(
    {EventKind.FILE_OPEN, EventKind.SEND, EventKind.MEMORY_PROTECTION, EventKind.DNS, EventKind.IO_URING}
)
_USUAL: Final = frozenset(
    {
        EventKind.EXEC,
        EventKind.FORK,
        EventKind.EXIT,
        EventKind.CONNECT,
        EventKind.ACCEPT,
        EventKind.SOCKET,
        EventKind.DUP,
        EventKind.FILE_RENAME,
        EventKind.FILE_UNLINK,
        EventKind.FILE_MODE,
        EventKind.FILE_MAKE,
        EventKind.SIGNAL,
        EventKind.CREDENTIALS,
    }
)
_NARROW: Final = (
    "paths", "targets", "programs", "program_paths", "ports", "networks",
    "parents", "directories", "texts", "variables",
)  # fmt: skip

_RARE: Final = frozenset({Trait.CLIMBS, Trait.NEW_PROGRAM, Trait.MEMORY_PROGRAM, Trait.HIDDEN, Trait.EFFECTIVE_ROOT})


class Unknown(Struct, frozen=True):
    """A field that is not, or not always, known here."""

    field: str
    why: str
    why_zh: str


class Denies(enum.StrEnum):
    """Where a denied rule's connections are stopped."""

    KERNEL = "kernel"
    """All are refused before anything is sent."""
    PARTLY = "partly"
    """Some are refused; for the others the process is killed."""
    SEEN = "seen"
    """None is refused: the process is killed once it was seen."""


class Explanation(Struct, frozen=True):
    """One rule."""

    rule: str
    cost: Cost
    kinds: tuple[EventKind, ...]
    kernel: tuple[str, ...]
    """Alternatives; an event that is in none of them never leaves the kernel for this rule."""
    python: tuple[str, ...]
    """Tests that the kernel cannot make, or not exactly."""
    unknown: tuple[Unknown, ...]
    partly: tuple[Unknown, ...]
    notes: tuple[str, ...]
    """What follows from unknown fields."""
    denies: Denies | None
    """What the action *deny* comes to; None where the rule is not about connections, so that it cannot."""
    undecided: tuple[str, ...]
    """Tests for which the kernel does not refuse; where they matter *deny* kills once it is seen."""


def explain(rules: Sequence[Rule]) -> list[Explanation]:
    """In the order given."""
    roots = [rule.condition for rule in rules]
    found = bounds(roots)
    explained = []
    for rule, doubt in zip(rules, doubts(roots, Pool()), strict=True):
        prefilter = Prefilter.of(rule.name, found[rule.condition.number])
        sent = merged(map(in_kernel, prefilter.alternatives))
        tests = [node for node in within([rule.condition]) if isinstance(node, Test)]
        refused = refusal(rule) if prefilter.kinds & REFUSABLE else None
        explained.append(
            Explanation(
                rule=rule.name,
                cost=cost(sent),
                kinds=tuple(kind for kind in EventKind if kind in prefilter.kinds),
                kernel=tuple(map(words, sent)),
                python=tuple(dict.fromkeys(str(test) for test in tests if not settled(of_test(test), prefilter.kinds))),
                unknown=tuple(Unknown(field.name, *field.whys) for field in doubt.unknown),
                partly=tuple(Unknown(field.name, *field.whys) for field in doubt.partly),
                notes=tuple(doubt.sentences()),
                denies=None if refused is None else _denies(refused, prefilter.kinds),
                undecided=() if refused is None else refused.doubts,
            )
        )
    return explained


def _denies(refused: Refusal, kinds: frozenset[EventKind]) -> Denies:
    if not refused.cells:
        return Denies.SEEN
    return Denies.PARTLY if refused.doubts or kinds - REFUSABLE else Denies.KERNEL


def cost(alternatives: Iterable[Filter]) -> Cost:
    """Of the dearest alternative."""
    order = list(Cost)
    return max((_cost(one) for one in alternatives), key=order.index, default=Cost.NEGLIGIBLE)


def _cost(one: Filter) -> Cost:
    narrow = any(getattr(one, name) is not None for name in _NARROW)
    rare = any(holds and trait in _RARE for trait, holds in one.traits)
    if one.kinds & _FREQUENT:
        if narrow or rare:
            return Cost.LOW
        return Cost.MEDIUM if one.traits or one.where else Cost.HIGH
    return Cost.LOW if one.kinds & _USUAL and not narrow and not rare else Cost.NEGLIGIBLE


def words(one: Filter) -> str:
    """The kernel's part of a filter for people: ``open, openat, openat2; container; reads; path /etc/shadow``."""
    said = [_types(one.types)]
    if one.where is not None:
        said.append(str(one.where))
    said += [("" if holds else "not ") + trait.replace("_", " ") for trait, holds in sorted(one.traits)]
    for name, paths in (
        ("path", one.paths),
        ("target", one.targets),
        ("program", one.program_paths),
        ("parent", one.parents),
        ("directory", one.directories),
    ):
        if paths is not None:
            said.append(f"{name} {_paths(paths)}")
    for name, values in (
        ("program", one.programs),
        ("descriptor", one.descriptors),
        ("port", one.ports),
        ("argument", one.texts),
        ("variable", one.variables),
    ):
        if values is not None:
            said.append(f"{name} {_few(values)}")
    if one.networks is not None:
        said.append(f"address {_few(map(_network, one.networks))}")
    return "; ".join(said)


def _types(types: frozenset[str]) -> str:
    if types == ALL_TYPES:
        return "any event"
    return ", ".join(call for calls in CALLS.values() for call in calls if call in types) or "no event"


def _few(values: Iterable[Any]) -> str:
    shown = sorted(map(str, values))
    rest = len(shown) - _MOST_SHOWN
    return ", ".join(shown[:_MOST_SHOWN]) + (f", … {len(shown)} in all" if rest > 0 else "")


def _paths(paths: Paths) -> str:
    return _few(
        [
            *paths.exact,
            *(f"{prefix}*" for prefix in paths.prefixes),
            *(f"*{suffix}" for suffix in paths.suffixes),
            *(f"*/{name}" for name in paths.names),
        ]
    )


def _network(network: tuple[int, int, int]) -> str:
    version, first, mask = network
    address = ipaddress.IPv4Address(first) if version == 4 else ipaddress.IPv6Address(first)
    return f"{address}/{mask.bit_count()}"
