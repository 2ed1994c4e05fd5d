"""Which connections the kernel can refuse for a rule: those of which it knows that the condition holds.

The opposite of a prefilter: what the kernel sends may be too much, what it refuses never. So each part of a condition
gets the connections for which it surely holds, and those for which it surely does not. A test that the kernel cannot
make, of a parent or of an image, is sure of none.
"""

import ipaddress
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
from msgspec import Struct

from hullguard.detect.detectors.interface import Transport, Wants, merged
from hullguard.detect.fields.calls import CALLS
from hullguard.detect.fields.surroundings import HOST
from hullguard.detect.rule_wants import process_names
from hullguard.detect.rules.bounding import values_of
from hullguard.detect.rules.cells import EVERYWHERE, MOST_PORTS, Cell, Network, Values, together, without
from hullguard.detect.rules.compiler import Memo, Program
from hullguard.detect.rules.conditions import Fixed, Joined, Node, Opposite, Test, within
from hullguard.detect.rules.filters import Filter
from hullguard.detect.rules.prefilter import Prefilter, bounds
from hullguard.detect.rules.ruleset import Rule
from hullguard.model.event import ContainerRef, Endpoint, Event, EventKind, Process, Socket

REFUSABLE: Final = frozenset({EventKind.CONNECT, EventKind.SEND})
"""What begins in the kernel with a question to the sensor's programs."""
MOST_WANTS: Final = 16
"""Of one policy: a bit each of those that a slot has."""
OTHERS: Final = "sockets that are neither TCP nor UDP: see fd.typechar in (4, 6)"
TOO_MANY: Final = "more than there is room for in the kernel"
_MOST_CELLS: Final = 16
_MOST_PLACES: Final = 256


class Sure(Struct, frozen=True):
    """Connections for which a part holds, and for which it does not. Of what is in neither nobody can be sure.

    ``doubts`` are the tests for which there may be more that it holds for, ``opposite`` more that it does not.
    """

    holds: tuple[Cell, ...] = ()
    fails: tuple[Cell, ...] = ()
    doubts: tuple[str, ...] = ()
    opposite: tuple[str, ...] = ()


class Refusal(Struct, frozen=True):
    """What the kernel refuses for a rule, by kind of event."""

    cells: dict[EventKind, tuple[Cell, ...]]
    doubts: tuple[str, ...]
    """Tests that only Python can make: where the rule's answer depends on them nothing is refused."""

    def covers(self, event: Event) -> bool:
        """Whether the kernel refuses this, where the rule's policy is in force."""
        return any(cell.covers(event) for cell in self.cells.get(event.kind, ()))

    @property
    def wants(self) -> list[Wants]:
        """For the kernel."""
        return merged(cell.wants(kind) for kind, cells in self.cells.items() for cell in cells)


def concerns_connections(rule: Rule) -> bool:
    """Whether it can hold for something that the kernel could refuse."""
    return any(one.kinds & REFUSABLE for one in _alternatives(rule))


def refusal(rule: Rule) -> Refusal:
    """What the kernel can refuse for it."""
    cells, doubts = {}, dict[str, None]()
    for kind in sorted(REFUSABLE):
        found = _sure(rule.condition, kind)
        doubts |= dict.fromkeys(found.doubts)
        if found.holds:
            cells[kind] = found.holds
    if any(one.kinds & REFUSABLE and _of_others(one) for one in _alternatives(rule)):
        doubts[OTHERS] = None
    return Refusal(cells, tuple(doubts))


def _alternatives(rule: Rule) -> tuple[Filter, ...]:
    return Prefilter.of(rule.name, bounds([rule.condition])[rule.condition.number]).alternatives


def _of_others(one: Filter) -> bool:
    """Whether it can hold for a socket that is neither TCP nor UDP."""
    internet = one.descriptors is not None and one.descriptors <= {"ipv4", "ipv6"}
    return not internet and one.ports is None and one.networks is None


def _sure(condition: Node, kind: EventKind) -> Sure:
    known: dict[int, Sure] = {}
    for node in within([condition]):
        known[node.number] = _of_node(node, known, kind)
    return known[condition.number]


def _of_node(node: Node, known: dict[int, Sure], kind: EventKind) -> Sure:
    if isinstance(node, Fixed):
        return _always(answer=node.value)
    if isinstance(node, Opposite):
        return _swapped(known[node.part.number])
    if isinstance(node, Joined):
        parts = [known[part.number] for part in node.parts]
        return _all_of(parts) if node.all_of else _swapped(_all_of([_swapped(part) for part in parts]))
    assert isinstance(node, Test)  # noqa: S101 - there are no other nodes
    return _of_test(node, kind)


def _swapped(part: Sure) -> Sure:
    return Sure(part.fails, part.holds, part.opposite, part.doubts)


def _all_of(parts: Sequence[Sure]) -> Sure:
    doubts = dict.fromkeys(each for part in parts for each in part.doubts)
    opposite = dict.fromkeys(each for part in parts for each in part.opposite)
    holds = _all([part.holds for part in parts], doubts)
    fails = _few((cell for part in parts for cell in part.fails), opposite)
    if fails == (Cell(),):
        return Sure(fails=fails)  # whatever the others say: who opens a file makes no connection
    return Sure(holds, fails, tuple(doubts), tuple(opposite))


def _always(*, answer: bool) -> Sure:
    return Sure(holds=(Cell(),)) if answer else Sure(fails=(Cell(),))


def _all(parts: Iterable[tuple[Cell, ...]], doubts: dict[str, None]) -> tuple[Cell, ...]:
    found: tuple[Cell, ...] = (Cell(),)
    for part in sorted(parts, key=len):
        found = _few((one & other for one in found for other in part), doubts)
    return found


def _by_ports(cells: Iterable[Cell]) -> list[Cell]:
    """Those that differ in lists of ports only are one."""
    found: dict[tuple[Cell, Values | None], Values] = {}
    for cell in cells:
        key = msgspec.structs.replace(cell, ports=Values()), cell.ports if cell.ports.but else None
        known = found.get(key)
        found[key] = cell.ports if known is None else Values(known.values | cell.ports.values, cell.ports.but)
    return [msgspec.structs.replace(cell, ports=ports) for (cell, _), ports in found.items()]


def _few(cells: Iterable[Cell], doubts: dict[str, None]) -> tuple[Cell, ...]:
    """Without the impossible; of too many some are forgotten, which is a doubt."""
    possible = _by_ports(cell for cell in cells if not cell.none)
    if Cell() in possible:
        return (Cell(),)
    kept = tuple(cell for cell in possible if cell.sayable)[:_MOST_CELLS]
    if len(kept) < len(possible):
        doubts[TOO_MANY] = None
    return kept


# Tests ----------------------------------------------------------------------------------------------------------------


def _of_test(test: Test, kind: EventKind) -> Sure:
    operand = test.operand
    name = operand.field.name if operand.argument is None else f"{operand.field.name}.{operand.argument}"
    having = operand.field.kinds_of(operand.argument)
    if having is not None and kind not in having:
        return _always(answer=False)
    if test.other is None and operand.plain:
        if name in _SAME and (name not in _IDS or _asks_for_host(test)):
            return _always(answer=_answer(test, kind))
        made = _MAKERS[name](test) if name in _MAKERS else None
        if made is not None:
            return made
    return Sure(doubts=(str(test),), opposite=(str(test),))


_IDS: Final = frozenset({"container.id", "container.full_id"})
_SAME: Final = _IDS | {
    "evt.type", "syscall.type", "evt.dir", "evt.category", "evt.failed", "evt.res", "evt.rawres", "evt.is_open_read",
    "evt.is_open_write", "evt.is_open_exec", "evt.is_open_create", "fd.is_server", "fd.connected", "fd.name_changed",
    "fd.sockfamily", "fd.cip", "fd.lip", "fd.cnet", "fd.lnet", "fd.cport", "fd.lport", "fd.cproto", "fd.lproto",
}  # fmt: skip
"""Fields that are the same for all connections that containers are about to make, of each kind of event."""


def _asks_for_host(test: Test) -> bool:
    return values_of(test) == (HOST,) or (test.operator, test.value) == ("!=", HOST) or test.operator == "exists"


def _answer(test: Test, kind: EventKind) -> bool:
    program = Program([test])
    return program.judges[0](Memo(program, _some(kind)))


def _some(kind: EventKind) -> Event:
    """One of these connections, as the sensor tells of it."""
    return Event(
        kind,
        datetime.fromtimestamp(0, UTC),
        0,
        ContainerRef("0" * 64),
        None,
        (Process(1),),
        call="connect" if kind is EventKind.CONNECT else CALLS[kind][1],
        socket=Socket("ipv4", "datagram", 17, remote=Endpoint("192.0.2.1", 9)),
    )


def _either(holds: Cell | tuple[Cell, ...], fails: Cell | tuple[Cell, ...]) -> Sure:
    yes, no = (one if isinstance(one, tuple) else (one,) for one in (holds, fails))
    doubts: dict[str, None] = {}
    opposite: dict[str, None] = {}
    return Sure(_few(yes, doubts), _few(no, opposite), tuple(doubts), tuple(opposite))


def _asked(test: Test) -> tuple[frozenset[int | str], bool] | None:
    """Which values are asked for, and whether they are left out."""
    values = values_of(test)
    if values is not None:
        return frozenset(values), False
    return (frozenset({test.value}), True) if test.operator == "!=" else None  # type: ignore[arg-type]


def _port(test: Test) -> Sure | None:
    asked = _asked(test)
    if asked is None and isinstance(test.value, int) and not isinstance(test.value, bool):
        below = {"<": test.value, "<=": test.value + 1, ">": test.value + 1, ">=": test.value}.get(test.operator)
        if below is None:
            return None
        first, upward = max(0, min(below, 65_536)), test.operator in {">", ">="}
        # Of a range and the rest the smaller is written down.
        low = first <= MOST_PORTS
        asked = frozenset(range(first) if low else range(first, 65_536)), upward is low
    if asked is None or len(asked[0]) > MOST_PORTS:
        return None
    ports = Values(asked[0], asked[1])
    return _either(Cell(ports=ports), Cell(ports=ports.opposite))


def _program(test: Test) -> Sure | None:
    asked = _asked(test)
    names = None if asked is None else process_names(asked[0])  # type: ignore[arg-type]
    if asked is None or names is None:
        return None
    programs = Values(frozenset(names), asked[1])
    return _either(Cell(programs=programs), Cell(programs=programs.opposite))


def _place(test: Test) -> Sure | None:
    asked = _asked(test)
    given = None if asked is None else [_network(value) for value in asked[0]]
    if asked is None or given is None or len(given) > _MOST_PLACES or any(one is None for one in given):
        return None
    inside = together(one for one in given if one is not None)
    outside = without(inside)
    found = _either(Cell(networks=inside), () if outside is None else Cell(networks=outside))
    if outside is None:
        found = Sure(found.holds, doubts=found.doubts, opposite=(TOO_MANY,))
    return _swapped(found) if asked[1] else found


def _network(value: Any) -> Network | None:
    """An address, or what the language has of a network: version, first address, mask.

    None for a mask with holes, and for an address with a zone, which is no network.
    """
    if isinstance(value, str):
        return None if "%" in value else ipaddress.ip_network(value)
    version, first, mask = value
    bits = 32 if version == 4 else 128
    length = int(mask).bit_count()
    if mask != ((1 << length) - 1) << (bits - length):
        return None
    make = ipaddress.IPv4Network if version == 4 else ipaddress.IPv6Network
    return make((first & mask, length))


def _family(four: str, six: str) -> Callable[[Test], Sure | None]:
    def make(test: Test) -> Sure | None:
        asked = _asked(test)
        if asked is None:
            return None
        holds: list[Network] = []
        fails: list[Network] = []
        for name, network in ((four, EVERYWHERE[0]), (six, EVERYWHERE[1])):
            (holds if (name in asked[0]) is not asked[1] else fails).append(network)
        return _either(Cell(networks=tuple(holds)), Cell(networks=tuple(fails)))

    return make


def _protocol(test: Test) -> Sure | None:
    asked = _asked(test)
    if asked is None:
        return None
    known = {"tcp": Transport.TCP, "udp": Transport.UDP}
    holds = frozenset(transport for name, transport in known.items() if (name in asked[0]) is not asked[1])
    return _either(Cell(transports=holds), Cell(transports=frozenset(known.values()) - holds))


_MAKERS: Final[dict[str, Callable[[Test], Sure | None]]] = {
    # Before it is made a connection has one end only, so either end is the other one.
    **dict.fromkeys(("fd.sport", "fd.rport", "fd.port", "fd.sproto", "fd.rproto", "fd.proto"), _port),
    **dict.fromkeys(("fd.sip", "fd.rip", "fd.ip", "fd.snet", "fd.rnet", "fd.net"), _place),
    "fd.type": _family("ipv4", "ipv6"),
    "fd.typechar": _family("4", "6"),
    "fd.l4proto": _protocol,
    "proc.name": _program,
    "proc.aname.0": _program,
}
"""By the field's name, with its argument after a dot."""
