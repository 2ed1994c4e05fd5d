"""What an operator can set about hostmgr."""

import socket

from msgspec import Struct


class HostmgrConfig(Struct, frozen=True, kw_only=True):
    """``listener`` is bound already, so that whoever starts hostmgr knows its port before it serves."""

    listener: socket.socket
    names: tuple[str, ...] = ()
    """Host names and addresses that agents may verify by, beside the name that all of them know."""
    metrics_port: int | None = None
    """Prometheus, on loopback; apart from the agents' port, which strangers can reach."""
    heartbeat_seconds: int = 15
    max_connections: int = 20_000
    poll_seconds: float = 5.0
    """How late a wake-up that the cache lost is noticed."""
    resend_seconds: float = 30.0
    """How long a command or a policy may stay unconfirmed before it is sent again in the same session."""
