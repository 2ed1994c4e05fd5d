"""Sockets are bound by the assembler: a taken port is one clear line, and port 0 becomes a real one."""

import errno
import socket

from hullguard.app.settings import Address
from hullguard.model.errors import Invalid, Unavailable

_BACKLOG = 1024


def listen(address: Address) -> socket.socket:
    """A listening TCP socket; raises ``Unavailable`` for a port that is taken, ``Invalid`` for no address of ours."""
    try:
        found = socket.getaddrinfo(
            address.host, address.port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP, flags=socket.AI_PASSIVE
        )
    except socket.gaierror as cause:
        raise Invalid(f"cannot listen on {address}: {cause.strerror}; name an address of this machine") from cause
    except UnicodeError as cause:  # Python encodes the name before it asks the resolver
        raise Invalid(f"cannot listen on {address}: not a host name; name an address of this machine") from cause
    family, kind, protocol, _, where = found[0]
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(where)
        listener.listen(_BACKLOG)
    except OSError as cause:
        listener.close()
        if cause.errno == errno.EADDRINUSE:
            raise Unavailable(f"cannot listen on {address}: another program does; stop it or choose another") from cause
        raise Invalid(f"cannot listen on {address}: {cause.strerror}; name an address of this machine") from cause
    listener.setblocking(False)
    return listener


def bound(listener: socket.socket) -> Address:
    """Where it really listens."""
    host, port = listener.getsockname()[:2]
    return Address(host, port)
