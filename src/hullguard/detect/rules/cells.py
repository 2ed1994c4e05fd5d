"""Sets of connections that can be told apart by look-ups: what a rule that denies is compiled to (``refusal.py``)."""

import ipaddress
from collections.abc import Iterable
from typing import Final

from msgspec import Struct

from hullguard.detect.detectors.interface import Transport, Wants
from hullguard.model.event import Event, EventKind

MOST_PORTS: Final = 4096
_MOST_NETWORKS: Final = 256

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
EVERYWHERE: Final[tuple[Network, ...]] = (ipaddress.IPv4Network("0.0.0.0/0"), ipaddress.IPv6Network("::/0"))


class Values(Struct, frozen=True):
    """These values; or with ``but`` all others."""

    values: frozenset[int | str] = frozenset()
    but: bool = True

    def __and__(self, other: "Values") -> "Values":
        if self.but and other.but:
            return Values(self.values | other.values)
        if self.but or other.but:
            some, none = (other, self) if self.but else (self, other)
            return Values(some.values - none.values, but=False)
        return Values(self.values & other.values, but=False)

    @property
    def opposite(self) -> "Values":
        return Values(self.values, not self.but)

    @property
    def none(self) -> bool:
        return not self.but and not self.values

    def has(self, value: int | str) -> bool:
        return (value in self.values) is not self.but


class Cell(Struct, frozen=True):
    """Connections by TCP and UDP that have all of this in common."""

    transports: frozenset[Transport] = frozenset({Transport.TCP, Transport.UDP})
    networks: tuple[Network, ...] = EVERYWHERE
    """Of which none lies in another: where the other end is."""
    ports: Values = Values()
    programs: Values = Values()
    """What the acting process is called."""

    def __and__(self, other: "Cell") -> "Cell":
        return Cell(
            self.transports & other.transports,
            common(self.networks, other.networks),
            self.ports & other.ports,
            self.programs & other.programs,
        )

    @property
    def none(self) -> bool:
        return not self.transports or not self.networks or self.ports.none or self.programs.none

    @property
    def sayable(self) -> bool:
        """Whether the kernel's maps have room for it."""
        return len(self.networks) <= _MOST_NETWORKS and len(self.ports.values) <= MOST_PORTS

    def wants(self, kind: EventKind) -> Wants:
        """The same in the kernel's words."""
        ports, programs = self.ports.values, self.programs.values
        return Wants(
            frozenset({kind}),
            access=frozenset(),
            transports=self.transports,
            networks=() if self.networks == EVERYWHERE else tuple(map(str, self.networks)),
            ports=frozenset() if self.ports.but else ports,  # type: ignore[arg-type]
            other_ports=ports if self.ports.but else frozenset(),  # type: ignore[arg-type]
            programs=frozenset() if self.programs.but else programs,  # type: ignore[arg-type]
            other_programs=programs if self.programs.but else frozenset(),  # type: ignore[arg-type]
            deny=True,
        )

    def covers(self, event: Event) -> bool:
        """Whether the event's connection is one of them."""
        socket = event.socket
        if socket is None or socket.remote is None or not socket.remote.port or socket.family not in {"ipv4", "ipv6"}:
            return False
        transport = {"stream": Transport.TCP, "datagram": Transport.UDP}.get(socket.kind)
        address = ipaddress.ip_address(socket.remote.address)
        return (
            transport in self.transports
            and self.ports.has(socket.remote.port)
            and self.programs.has(event.process.comm)
            and any(address in network for network in self.networks if network.version == address.version)
        )


def common(one: tuple[Network, ...], other: tuple[Network, ...]) -> tuple[Network, ...]:
    """Both in order, and networks hold each other or have nothing in common: of two the smaller is what they share."""
    if EVERYWHERE in (one, other):
        return other if one == EVERYWHERE else one
    found, left, right = [], 0, 0
    while left < len(one) and right < len(other):
        a, b = one[left], other[right]
        if a.version == b.version and a.overlaps(b):
            found.append(a if a.prefixlen >= b.prefixlen else b)
        if (a.version, int(a.broadcast_address)) <= (b.version, int(b.broadcast_address)):
            left += 1
        else:
            right += 1
    return tuple(found)


def without(networks: Iterable[Network]) -> tuple[Network, ...] | None:
    """All but these; None for more than there is room for."""
    left = list(EVERYWHERE)
    for network in networks:
        for place in [each for each in left if each.version == network.version and each.overlaps(network)]:
            left.remove(place)
            if place.prefixlen < network.prefixlen:
                left += place.address_exclude(network)  # type: ignore[arg-type]
        if len(left) > _MOST_NETWORKS:
            return None
    return together(left)


def together(networks: Iterable[Network]) -> tuple[Network, ...]:
    given = tuple(networks)
    four = ipaddress.collapse_addresses(one for one in given if isinstance(one, ipaddress.IPv4Network))
    six = ipaddress.collapse_addresses(one for one in given if isinstance(one, ipaddress.IPv6Network))
    return (*four, *six)
