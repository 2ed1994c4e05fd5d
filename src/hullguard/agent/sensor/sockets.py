"""What the kernel said of a socket, in the words of the model."""

import ipaddress

from hullguard.agent.sensor import abi
from hullguard.agent.sensor.decode import RawEvent, RawSocket
from hullguard.model.event import Endpoint, Socket

_UNIX, _INET, _INET6 = 1, 2, 10
_FAMILIES = {_UNIX: "unix", _INET: "ipv4", _INET6: "ipv6", 16: "netlink", 17: "packet"}
_KINDS = {1: "stream", 2: "datagram", 3: "raw", 5: "seqpacket", 10: "packet"}


def socket(record: RawEvent) -> Socket | None:
    """The socket that an event is about, if it is about one."""
    raw = record.socket
    if not raw.family:
        return None
    inbound = bool(record.flags & abi.INBOUND)
    return Socket(
        family=_FAMILIES.get(raw.family, str(raw.family)),
        kind=_KINDS.get(raw.type, str(raw.type) if raw.type else ""),
        protocol=raw.protocol,
        local=_unix_end(record, inbound) if raw.family == _UNIX else _end(raw, raw.local, raw.local_port),
        remote=_unix_end(record, not inbound) if raw.family == _UNIX else _end(raw, raw.remote, raw.remote_port),
        inbound=inbound,
    )


def _unix_end(record: RawEvent, named: bool) -> Endpoint | None:
    """The kernel gives one name: of who was there first."""
    listens = record.kind in {abi.BIND, abi.LISTEN, abi.SOCKET}
    name = record.path if named is not listens else None
    return Endpoint(name) if name else None


def _end(raw: RawSocket, address: bytes, port: int) -> Endpoint | None:
    if raw.family not in {_INET, _INET6} or (not port and not any(address)):
        return None
    size = 4 if raw.family == _INET else 16
    return Endpoint(str(ipaddress.ip_address(address[:size])), port)
