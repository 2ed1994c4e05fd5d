"""A WebSocket to hostmgr, with its failures in our words."""

import contextlib
import re
import ssl
from collections.abc import AsyncIterator
from typing import NamedTuple

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidHandshake, InvalidStatus, WebSocketException

from hullguard.agent.runtime.http import Address
from hullguard.model.errors import Invalid, Unavailable
from hullguard.wire import limits
from hullguard.wire.enrolment import SERVER_NAME

_URL = re.compile(r"(?:(?:wss|https)://)?(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::(\d{1,5}))?/?", re.ASCII)
_DEFAULT_PORT = 8441
_OPEN_SECONDS = 20.0
_PING_SECONDS = 20.0


class ChannelLostError(Unavailable):
    """The connection to hostmgr cannot be made, or ended."""

    nature = "hostmgr-unreachable"


class Server(NamedTuple):
    """Where hostmgr listens."""

    host: str
    port: int

    @property
    def url(self) -> str:
        """As it is shown and kept."""
        return f"wss://{self.host}:{self.port}"

    def http(self, context: ssl.SSLContext) -> Address:
        """The same place, for plain HTTPS."""
        return Address(host=self.host.strip("[]"), port=self.port, tls=context, name=SERVER_NAME)


def parse_server(text: str) -> Server:
    """``wss://host:port``; the scheme and the port may be left out."""
    match = _URL.fullmatch(text.strip())
    port = int(match.group(2) or _DEFAULT_PORT) if match else 0
    if match is None or not 0 < port < 65536:
        raise Invalid(
            f"{text!r} is no address of a hostmgr; write it like wss://hullguard.example.com:8441", "agent.server"
        )
    return Server(match.group(1), port)


@contextlib.asynccontextmanager
async def channel(server: Server, path: str, context: ssl.SSLContext) -> AsyncIterator[ClientConnection]:
    """A connection whose every failure, while it opens or later, is a ``ChannelLostError``."""
    try:
        async with connect(
            server.url + path,
            ssl=context,
            server_hostname=SERVER_NAME,
            compression=None,  # frames are compressed where it pays
            max_size=limits.FRAME_BYTES,
            max_queue=16,
            open_timeout=_OPEN_SECONDS,
            ping_interval=_PING_SECONDS,
            ping_timeout=_PING_SECONDS,
            close_timeout=2,
            proxy=None,
            user_agent_header=None,
        ) as connection:
            yield connection
    except ssl.SSLCertVerificationError as bad:
        raise ChannelLostError(
            f"{server.url} does not show a certificate of this platform: {bad.verify_message}",
            "hostmgr-untrusted",
        ) from bad
    except InvalidStatus as bad:
        raise ChannelLostError(f"{server.url} refused the connection with {bad.response.status_code}") from bad
    except (InvalidHandshake, WebSocketException) as bad:
        raise ChannelLostError(f"{server.url} ended the connection: {bad}") from bad
    except TimeoutError as bad:
        raise ChannelLostError(f"{server.url} did not answer in time") from bad
    except OSError as bad:
        raise ChannelLostError(f"{server.url} cannot be reached: {bad.strerror or bad}") from bad


async def receive(connection: ClientConnection) -> bytes:
    """The next frame. Text frames are not of this protocol."""
    frame = await connection.recv()
    if isinstance(frame, str):
        raise ChannelLostError("the server sent text, which is not of this protocol")
    return frame
