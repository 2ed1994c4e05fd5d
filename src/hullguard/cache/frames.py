"""What goes over the unix socket: a length, then one msgpack request, answer or message."""

import asyncio
from typing import Annotated, TypeVar

import msgspec
from msgspec import Meta, Struct

from hullguard.cache.interface import KEY_MAX, VALUE_MAX
from hullguard.model.decoding import wrong
from hullguard.model.errors import Invalid

T = TypeVar("T")

FRAME_MAX = VALUE_MAX + 64 * 1024
CHANNELS_MAX = 1024

Key = Annotated[str, Meta(max_length=KEY_MAX)]
SECONDS_MAX = 10.0 * 366 * 86400
Seconds = Annotated[float, Meta(ge=0, le=SECONDS_MAX)]


class Get(Struct, frozen=True, tag="get"):
    """Answered by the value."""

    key: Key


class Set(Struct, frozen=True, tag="set"):
    """Answered by nothing."""

    key: Key
    value: bytes
    ttl: Seconds


class Delete(Struct, frozen=True, tag="delete"):
    """Answered by nothing."""

    key: Key


class Incr(Struct, frozen=True, tag="incr"):
    """Answered by the count."""

    key: Key
    window: Seconds


class Acquire(Struct, frozen=True, tag="acquire"):
    """Answered by whether the lock is held."""

    key: Key
    owner: bytes
    ttl: Seconds


class Release(Struct, frozen=True, tag="release"):
    """Answered by nothing."""

    key: Key
    owner: bytes


class Publish(Struct, frozen=True, tag="publish"):
    """Answered by nothing."""

    channel: Key
    message: bytes


class Subscribe(Struct, frozen=True, tag="subscribe"):
    """Answered by nothing once the subscription stands; then the connection carries messages, and no more requests."""

    channels: Annotated[tuple[Key, ...], Meta(max_length=CHANNELS_MAX)]


Request = Get | Set | Delete | Incr | Acquire | Release | Publish | Subscribe


class Answer(Struct, frozen=True):
    """To one request. ``error`` says what was wrong with it."""

    value: bytes | int | bool | None = None
    error: str | None = None


class Message(Struct, frozen=True):
    """What somebody published."""

    channel: str
    message: bytes


REQUESTS = msgspec.msgpack.Decoder(Request)
ANSWERS = msgspec.msgpack.Decoder(Answer)
MESSAGES = msgspec.msgpack.Decoder(Message)


def seconds(time: float) -> float:
    """A time as a frame takes it: what has run out is nothing, what never ends is ten years."""
    return min(max(0.0, time), SECONDS_MAX)


async def read(reader: asyncio.StreamReader, decoder: msgspec.msgpack.Decoder[T]) -> T:
    """The next frame. Raises ``IncompleteReadError`` at the end and ``Invalid`` for anything that is not a frame."""
    head = await reader.readexactly(4)
    length = int.from_bytes(head, "big")
    if length > FRAME_MAX:
        raise Invalid(f"a cache frame says that it has {length} bytes; at most {FRAME_MAX} are read", "cache.frame")
    body = await reader.readexactly(length)
    try:
        return decoder.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as cause:
        raise Invalid(f"a cache frame is not understood: {wrong(cause)}", "cache.frame") from cause


def pack(frame: Struct) -> bytes:
    """The frame with its length in front."""
    body = msgspec.msgpack.encode(frame)
    return len(body).to_bytes(4, "big") + body
