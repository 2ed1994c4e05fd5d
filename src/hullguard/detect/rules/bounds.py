"""What each test says of the events for which it holds, and of those for which it does not.

A field that is not here bounds nothing but the kinds of events that have it.
"""

import errno
import ipaddress
from collections.abc import Callable
from typing import Final

from hullguard.detect.fields import linux
from hullguard.detect.fields.field import FieldType, Several
from hullguard.detect.fields.paths import PAIR_KINDS
from hullguard.detect.fields.surroundings import HOST
from hullguard.detect.rules.bounding import ANYTHING, Bounds, bounded, either_way, names_of, paths_of, values_of
from hullguard.detect.rules.conditions import Test
from hullguard.detect.rules.filters import ALL_TYPES, Filter, Paths, Trait, Where, of_kinds
from hullguard.detect.rules.process_bounds import ARGUMENT_MAKERS, PROCESS_MAKERS
from hullguard.model.event import EventKind

_OPENS: Final = of_kinds({EventKind.FILE_OPEN})
_OTHERS: Final = Filter(types=ALL_TYPES - _OPENS.types)


def of_test(test: Test) -> Bounds:
    """The bounds of one test; a test holds only for events that have the field."""
    operand = test.operand
    made = Bounds()
    if operand.plain and test.other is None:
        name = operand.field.name if operand.argument is None else f"{operand.field.name}.{operand.argument}"
        maker = _MAKERS.get(name)
        if maker is None and operand.argument is not None:
            maker = ARGUMENT_MAKERS.get(operand.field.name)
        made = maker(test) if maker else Bounds()
    kinds = operand.field.kinds_of(operand.argument)
    if kinds is None:
        return made
    # Without the field no test of it holds.
    having = of_kinds(kinds)
    return Bounds(tuple(one & having for one in made.holds), made.fails)


def _types(test: Test) -> Bounds:
    values = values_of(test)
    if values is None and test.operator == "!=":
        found = ALL_TYPES & {test.value}
        return Bounds((Filter(types=ALL_TYPES - found),), (Filter(types=frozenset(found)),), exact=True)
    if values is None:
        return Bounds()
    found = ALL_TYPES & frozenset(values)
    return Bounds((Filter(types=found),), (Filter(types=ALL_TYPES - found),), exact=True)


def _container(test: Test) -> Bounds:
    inside, outside = (Filter(where=Where.CONTAINER),), (Filter(where=Where.HOST),)
    values = values_of(test)
    if test.operator == "!=" and test.value == HOST:
        return Bounds(inside, outside, exact=True)
    if values is None:
        return Bounds()
    if values == (HOST,):
        return Bounds(outside, inside, exact=True)
    return Bounds(ANYTHING if HOST in values else inside, ANYTHING)


def _within_opens(trait: Trait) -> Callable[[Test], Bounds]:
    """A flag that is false for all but opens."""
    make = either_way(trait)
    yes = (Filter(traits=frozenset({(trait, True)})),)
    within = (yes[0] & _OPENS,)

    def make_within(test: Test) -> Bounds:
        found = make(test)
        holds, fails = (within if one == yes else one for one in (found.holds, found.fails))
        return Bounds(holds, fails, found.exact)

    return make_within


def _created(test: Test) -> Bounds:
    """``evt.is_open_create``; an open that was to create and failed did not, so the opposite bounds nothing."""
    yes = (_OPENS & Filter(traits=frozenset({(Trait.CREATES, True)})),)
    if (test.operator, test.value) in {("=", True), ("!=", False)}:
        return Bounds(yes, ANYTHING)
    return Bounds(ANYTHING, yes) if (test.operator, test.value) in {("=", False), ("!=", True)} else Bounds()


def _with_failed(failed: bool) -> tuple[Filter, ...]:
    return (Filter(traits=frozenset({(Trait.FAILED, failed)})),)


def _sign(test: Test) -> Bounds:
    """``fd.num >= 0``, ``evt.rawres >= 0``: it succeeded; ``fd.num = -1``: it failed."""
    value = test.value
    if (test.operator, value) in {(">=", 0), (">", -1)}:
        return Bounds(_with_failed(failed=False), ANYTHING)
    if (test.operator, value) in {("<", 0), ("<=", -1), ("=", -1)}:
        return Bounds(_with_failed(failed=True), ANYTHING)
    return Bounds()


def _descriptor_number(test: Test) -> Bounds:
    # The number of other descriptors than an open's says nothing of the call's success.
    return Bounds((*(one & _OPENS for one in _sign(test).holds), _OTHERS), ANYTHING)


def _error(test: Test) -> Bounds:
    """``evt.res``."""
    values = values_of(test)
    if values is None:
        begins = test.operator == "startswith" and str(test.value)[:1] == "E"
        return Bounds(_with_failed(failed=True), ANYTHING) if begins else Bounds()
    if set(values) == {"SUCCESS"}:
        return Bounds(_with_failed(failed=False), _with_failed(failed=True), exact=True)
    known = {name: -number for number, name in errno.errorcode.items()}
    if not all(value in known for value in values):
        return Bounds()
    return Bounds((Filter(results=frozenset(known[value] for value in values)),), ANYTHING)


def _result(test: Test) -> Bounds:
    values = values_of(test)
    if values is not None:
        return Bounds((Filter(results=frozenset(values)),), ANYTHING)
    return _sign(test)


def _climbs(test: Test) -> Bounds:
    """``fd.nameraw contains '../'``, ``glob '*../*'``: rules for paths that climb out of where they should be."""
    value = test.value
    plain = isinstance(value, str) and (test.operator != "glob" or not set("[\\") & set(value))
    if plain and test.operator in {"contains", "startswith", "endswith", "glob", "="} and "../" in str(value):
        return Bounds((Filter(traits=frozenset({(Trait.CLIMBS, True)})),), ANYTHING)
    return Bounds()


_TURNED: Final = of_kinds({EventKind.MOUNT})
"""Its ``target`` is what is moved."""


def _pair(*, source: bool) -> Callable[[Test], Bounds]:
    """``fs.path.source`` and ``fs.path.target``: which of an event's two paths that is depends on its kind."""

    def make(test: Test) -> Bounds:
        paths = paths_of(test)
        if paths is None:
            return Bounds()
        straight = of_kinds(PAIR_KINDS - _TURNED.kinds)
        one, other = (straight, _TURNED) if source else (_TURNED, straight)
        return Bounds((one & Filter(paths=paths), other & Filter(targets=paths)), ANYTHING)

    return make


def _directory(test: Test) -> Paths | None:
    """``fd.directory``: of a file what is in it, of a directory itself."""
    values = values_of(test)
    if values is not None and "/" in values:
        return None
    if values is not None:
        names = frozenset(str(value).rstrip("/") + "/" for value in values)
        return Paths(exact=frozenset(map(str, values)), prefixes=names)
    if test.operator == "startswith" and isinstance(test.value, str) and test.value:
        return Paths(prefixes=frozenset({test.value}))
    return paths_of(test) if test.operator == "pmatch" else None


def _base_names(test: Test) -> Paths | None:
    values = values_of(test)
    if values is not None:
        return Paths(names=frozenset(values))
    if test.operator == "endswith" and isinstance(test.value, str) and test.value:
        return Paths(suffixes=frozenset({test.value}))
    return None


_BY_CHARACTER: Final = {
    "f": {"file"},
    "d": {"directory"},
    "p": {"pipe"},
    "m": {"memfd"},
    "4": {"ipv4"},
    "6": {"ipv6"},
    "u": {"unix"},
    "n": {"netlink"},
}


def _characters(test: Test) -> frozenset[str] | None:
    values = values_of(test)
    if values is None or "o" in values:
        return None
    return frozenset(kind for value in values for kind in _BY_CHARACTER.get(str(value), ()))


def _ports(test: Test) -> frozenset[int] | None:
    values, value = values_of(test), test.value
    if values is not None:
        return frozenset(values)
    if not isinstance(value, int):
        return None
    ranges = {"<": (0, value), "<=": (0, value + 1), ">": (value + 1, 65_536), ">=": (value, 65_536)}
    if test.operator not in ranges or test.operand.several is not Several.ONE:
        return None
    first, end = ranges[test.operator]
    return frozenset(range(first, end)) if end - first <= 4096 else None


def _networks(test: Test) -> frozenset[tuple[int, int, int]] | None:
    values = values_of(test)
    if values is None:
        return None
    if test.operand.type is FieldType.NETWORK:
        return frozenset(values)
    addresses = [ipaddress.ip_address(value) for value in values]
    return frozenset((one.version, int(one), (1 << one.max_prefixlen) - 1) for one in addresses)


def _capability(test: Test) -> int | None:
    """``contains CAP_SYS_ADMIN``: where one capability alone has these letters in its name, its bit."""
    value = test.value
    if test.operator not in {"contains", "icontains"} or not isinstance(value, str) or " " in value:
        return None
    fold = str.lower if test.operator == "icontains" else str
    bits = [bit for bit in range(64) if fold(value) in fold(linux.capabilities(1 << bit))]
    return 1 << bits[0] if len(bits) == 1 else None


def _requests(test: Test) -> frozenset[int] | None:
    values = values_of(test)
    if values is not None:
        known = linux.PTRACE_NUMBERS
        return frozenset(known[value] for value in values) if all(value in known for value in values) else None
    # A request without a name is shown as its number, which has no letters.
    if test.operator == "contains" and any(character.isalpha() for character in str(test.value)):
        return frozenset(number for number, name in linux.PTRACE_REQUESTS.items() if str(test.value) in name)
    return None


def _truncates(test: Test) -> Bounds:
    """``evt.arg.flags contains O_TRUNC``, of an open."""
    if test.operator != "contains" or test.value != "O_TRUNC":
        return Bounds()
    return Bounds((_OPENS & Filter(traits=frozenset({(Trait.TRUNCATES, True)})), _OTHERS), ANYTHING)


def _family(test: Test) -> frozenset[str] | None:
    """``evt.arg.domain``: a family without a name is shown as its number."""
    values = values_of(test)
    names = frozenset(linux.FAMILIES.values())
    if values is None and test.operator == "contains" and any(character.isalpha() for character in str(test.value)):
        values = tuple(name for name in names if str(test.value) in name)
    if values is None or not names.issuperset(values):
        return None
    return frozenset(family for family, name in linux.FAMILIES.items() if name in values)


_MAKERS: Final[dict[str, Callable[[Test], Bounds]]] = {
    **PROCESS_MAKERS,
    "evt.type": _types,
    "syscall.type": _types,
    "container.id": _container,
    "container.full_id": _container,
    "evt.is_open_read": _within_opens(Trait.READS),
    "evt.is_open_write": _within_opens(Trait.WRITES),
    "evt.failed": either_way(Trait.FAILED),
    "evt.res": _error,
    "evt.is_open_create": _created,
    "evt.is_ring": either_way(Trait.RING),
    "evt.rawres": _result,
    "fd.num": _descriptor_number,
    "fd.name": bounded("paths", paths_of),
    "fs.path.name": bounded("paths", paths_of),
    "fs.path.source": _pair(source=True),
    "fs.path.target": _pair(source=False),
    "fd.nameraw": _climbs,
    "fd.directory": bounded("paths", _directory),
    "fd.filename": bounded("paths", _base_names),
    "evt.arg.target": bounded("targets", lambda test: None if test.operator == "pmatch" else paths_of(test)),
    "fd.type": bounded("descriptors", names_of),
    "fd.typechar": bounded("descriptors", _characters),
    # Not of the client's, the local or either end: of a connection the kernel looks at the other one.
    **{f"fd.{end}port": bounded("ports", _ports) for end in ("s", "r")},
    **{f"fd.{end}ip": bounded("networks", _networks) for end in ("s", "r")},
    **{f"fd.{end}net": bounded("networks", _networks) for end in ("s", "r")},
    "thread.cap_effective": bounded("capabilities", _capability),
    "evt.arg.request": bounded("requests", _requests),
    "evt.arg.flags": _truncates,
    "evt.arg.domain": bounded("descriptors", _family),
}
"""By the field's name, with its argument after a dot."""
