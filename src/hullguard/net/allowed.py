"""Which addresses a server may be sent to by what others say: none where only this machine or its cloud answers.

At link-local addresses clouds give a machine its credentials (169.254.169.254 and fd00:ec2::254): who may name a host
that a server asks must not reach them through it, nor through a name that leads there, nor by a redirect.
"""

import ipaddress
import re
import socket
from collections.abc import Callable

_DIGITS = re.compile(r"[0-9a-fA-FxX.]{1,64}")
Refuses = Callable[[str], bool]
"""Of a numeric address: whether nothing may be connected to it."""

_METADATA = frozenset({ipaddress.ip_address("fd00:ec2::254"), ipaddress.ip_address("100.100.100.200")})
_EMBEDDING = (ipaddress.ip_network("64:ff9b::/96"), ipaddress.ip_network("::/96"))
"""Networks whose last 32 bits are an IPv4 address (RFC 6052; RFC 4291, 2.5.5.1)."""


def link_local(address: str) -> bool:
    """Whether it is link-local, a place of a cloud's metadata, or nobody's address; however it is written."""
    known = _plain(address)
    return known is not None and (known.is_link_local or known.is_multicast or known in _METADATA)


def link_local_or_own(address: str) -> bool:
    """The same, and this machine's own."""
    known = _plain(address)
    return link_local(address) or (known is not None and (known.is_loopback or known.is_unspecified))


def _plain(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The address, as IPv4 where it is one within IPv6; None for a name."""
    try:
        known = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return _numeric(address)
    if not isinstance(known, ipaddress.IPv6Address):
        return known
    within = known.ipv4_mapped or known.sixtofour
    if within is None and any(known in network for network in _EMBEDDING) and int(known) > 1:
        within = ipaddress.IPv4Address(int(known) & 0xFFFF_FFFF)
    return within or known


def _numeric(address: str) -> ipaddress.IPv4Address | None:
    """One that is written otherwise, as ``2852039166`` or in octal: connecting understands these (inet_aton(3))."""
    if not _DIGITS.fullmatch(address):
        return None
    try:
        return ipaddress.IPv4Address(socket.inet_aton(address))
    except OSError:
        return None
