"""What bounds are made of: a test's values, the paths that it may hold for, a flag either way."""

from collections.abc import Callable, Iterable
from typing import Any, Final

from msgspec import Struct

from hullguard.detect.fields.wildcards import literal_end, literal_start
from hullguard.detect.rules.conditions import Test
from hullguard.detect.rules.filters import Filter, Paths, Trait

ANYTHING: Final = (Filter(),)
NOTHING: Final[tuple[Filter, ...]] = ()


class Bounds(Struct, frozen=True):
    """Alternatives for the events for which a test holds, and for those for which it does not.

    ``exact``: neither has more than those.
    """

    holds: tuple[Filter, ...] = ANYTHING
    fails: tuple[Filter, ...] = ANYTHING
    exact: bool = False


def values_of(test: Test) -> tuple[Any, ...] | None:
    """What the value must be one of; None where the operator is no equality."""
    if test.operator == "=":
        return (test.value,)
    if test.operator in {"in", "intersects"} and isinstance(test.value, frozenset):
        return tuple(test.value)
    return None


def names_of(test: Test) -> frozenset[Any] | None:
    """The same as a set."""
    values = values_of(test)
    return None if values is None else frozenset(values)


def either_way(trait: Trait) -> Callable[[Test], Bounds]:
    """A flag that every event has."""
    yes, no = (Filter(traits=frozenset({(trait, True)})),), (Filter(traits=frozenset({(trait, False)})),)

    def make(test: Test) -> Bounds:
        values = values_of(test)
        if values is None:
            values = (not test.value,) if test.operator == "!=" else (True, False)
        if set(values) == {True, False}:
            return Bounds()
        return Bounds(yes, no, exact=True) if values[0] else Bounds(no, yes, exact=True)

    return make


def bounded(attribute: str, make: Callable[[Test], Any]) -> Callable[[Test], Bounds]:
    """What ``make`` says becomes one attribute of the filter."""

    def made(test: Test) -> Bounds:
        bound = make(test)
        return Bounds() if bound is None else Bounds((Filter(**{attribute: bound}),), ANYTHING)

    return made


def paths_of(test: Test) -> Paths | None:
    """The paths for which a test of a path may hold; None where they cannot be bounded."""
    values, value = values_of(test), test.value
    if values is not None:
        return Paths(exact=frozenset(values))
    if test.operator == "pmatch" and isinstance(value, tuple):
        return _below(map(str, value))
    if not isinstance(value, str) or not value:
        return None
    if test.operator == "startswith":
        return Paths(prefixes=frozenset({value}))
    if test.operator == "endswith":
        return Paths(suffixes=frozenset({value}))
    if test.operator == "glob":
        start, end = literal_start(value), literal_end(value)
        if start == value:
            return Paths(exact=frozenset({value}))
        if start:
            return Paths(prefixes=frozenset({start}))
        return Paths(suffixes=frozenset({end})) if end else None
    return None


def _below(paths: Iterable[str]) -> Paths | None:
    exact, prefixes = set(), set()
    for path in paths:
        parts = [part for part in path.split("/") if part]
        plain = []
        for part in parts:
            if any(character in part for character in "*?["):
                break
            plain.append(part)
        if not plain:
            return None
        # The operator does not look whether the first character is a slash.
        for start in ("/" + "/".join(plain), "/".join(plain)):
            prefixes.add(start + "/")
            if len(plain) == len(parts):
                exact.add(start)
    return Paths(exact=frozenset(exact), prefixes=frozenset(prefixes))
