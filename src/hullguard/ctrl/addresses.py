"""Where a request comes from, without believing whoever sends it."""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

from hullguard.model.errors import Invalid

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_HOPS: Final = 16


def networks(texts: Iterable[str]) -> tuple[Network, ...]:
    """Parse ``192.0.2.1`` and ``192.0.2.0/24``; raises ``Invalid`` for anything else."""
    found = []
    for text in texts:
        try:
            found.append(ip_network(text))
        except ValueError as cause:
            raise Invalid(f"a trusted proxy is an address or a network such as 192.0.2.0/24; {cause}") from cause
    return tuple(found)


def client_address(peer: str, forwarded: str | None, trusted: tuple[Network, ...]) -> str:
    """The nearest address in the chain of proxies that is not a trusted proxy.

    Read from the right, because each trusted proxy appends what it saw; all to the left of the first
    stranger is the stranger's own claim.
    """
    address = _parse(peer)
    if address is None or forwarded is None or not _within(address, trusted):
        return peer
    for hop in [part.strip() for part in forwarded.rsplit(",", _HOPS)][: -_HOPS - 1 : -1]:
        claimed = _parse(hop)
        if claimed is None:
            break
        address = claimed
        if not _within(address, trusted):
            break
    return str(address)


def is_loopback(text: str) -> bool:
    """The address is this machine's own."""
    address = _parse(text)
    return address is not None and address.is_loopback


def _parse(text: str) -> Address | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def _within(address: Address, trusted: tuple[Network, ...]) -> bool:
    return any(address in network for network in trusted)
