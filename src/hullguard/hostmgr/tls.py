"""TLS 1.3 on the agents' port: a client certificate is asked for, and, where one comes, it must be the platform's."""

import asyncio
import hashlib
import ssl
from collections.abc import Sequence
from datetime import UTC, datetime

from websockets.asyncio.server import ServerConnection

from hullguard.hostmgr.authority import Authority

FRESH_SECONDS = 30 * 24 * 3600.0
"""The server's own certificate lives a year; a process that runs for months takes a new one every month."""


def server_context(authority: Authority, names: Sequence[str]) -> ssl.SSLContext:
    """What the port is served with. Enrolment has no client certificate yet, so the paths check, not the handshake."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.verify_mode = ssl.CERT_OPTIONAL
    context.load_verify_locations(cadata=authority.ca_pem)
    _load(context, authority, names)
    return context


async def keep_fresh(context: ssl.SSLContext, authority: Authority, names: Sequence[str]) -> None:
    """Puts a new certificate into the context from time to time, for the connections to come."""
    while True:
        await asyncio.sleep(FRESH_SECONDS)
        await asyncio.to_thread(_load, context, authority, names)


def fingerprint(connection: ServerConnection) -> str | None:
    """The SHA-256 of the client's certificate, which the handshake has verified; None if there was none."""
    session = connection.transport.get_extra_info("ssl_object")
    der = session.getpeercert(binary_form=True)
    return None if der is None else hashlib.sha256(der).hexdigest()


def _load(context: ssl.SSLContext, authority: Authority, names: Sequence[str]) -> None:
    context.load_cert_chain(authority.server_file("hostmgr", names, datetime.now(UTC)))
