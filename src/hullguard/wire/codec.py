"""Messages to bytes and back, strict and bounded.

A frame is one WebSocket binary message::

    flags (1 byte)  [sequence, after (8 bytes each, big-endian)]  body

Flag 1: the body is one zstd frame. Flag 2: the message is a record and the two numbers are there. Other flags are
refused. The body is the msgpack of one tagged struct of ``wire.messages``; it stays apart from the numbers so that a
spool can keep bodies and never decode them.
"""

import struct
from typing import NamedTuple, TypeVar

import msgspec
import zstandard

from hullguard.model.decoding import wrong
from hullguard.model.errors import LimitReached
from hullguard.wire import limits
from hullguard.wire.messages import AgentMessage, EnrolmentAnswer, EnrolmentRequest, ServerMessage
from hullguard.wire.violation import Code, Violation

_COMPRESSED = 1
_NUMBERED = 2
_NUMBERS = struct.Struct(">QQ")

_ENCODER = msgspec.msgpack.Encoder()


class Frame(NamedTuple):
    """A frame taken apart. ``after`` is the number of the record sent before this one (gaps are dropped records)."""

    body: bytes
    sequence: int | None = None
    after: int = 0


def encode(message: AgentMessage | ServerMessage | EnrolmentRequest | EnrolmentAnswer) -> bytes:
    """The body of a message; this is what a spool keeps."""
    body = _ENCODER.encode(message)
    if len(body) > limits.BODY_BYTES:
        raise LimitReached(
            f"a message of {len(body)} bytes is over the bound of {limits.BODY_BYTES}; split it", Code.MESSAGE_TOO_LARGE
        )
    return body


def encode_frame(body: bytes, sequence: int | None = None, after: int = 0) -> bytes:
    """One frame around an encoded body."""
    flags = 0
    if len(body) >= limits.COMPRESS_FROM_BYTES:
        packed = zstandard.ZstdCompressor(level=3).compress(body)
        if len(packed) < len(body):
            flags, body = _COMPRESSED, packed
    numbers = b""
    if sequence is not None:
        flags |= _NUMBERED
        numbers = _NUMBERS.pack(sequence, after)
    frame = bytes((flags,)) + numbers + body
    if len(frame) > limits.FRAME_BYTES:
        raise LimitReached(
            f"a frame of {len(frame)} bytes is over the bound of {limits.FRAME_BYTES}; split the message",
            Code.MESSAGE_TOO_LARGE,
        )
    return frame


def decode_frame(data: bytes) -> Frame:
    """Takes a frame apart and decompresses its body, or raises ``Violation``."""
    if len(data) > limits.FRAME_BYTES:
        raise Violation(Code.MESSAGE_TOO_LARGE, f"a frame of {len(data)} bytes is over {limits.FRAME_BYTES}")
    if not data or data[0] & ~(_COMPRESSED | _NUMBERED):
        raise Violation(Code.MESSAGE_MALFORMED, "a frame begins with an unknown flag")
    flags, start = data[0], 1
    sequence, after = None, 0
    if flags & _NUMBERED:
        start += _NUMBERS.size
        if len(data) < start:
            raise Violation(Code.MESSAGE_MALFORMED, "a numbered frame ends within its numbers")
        sequence, after = _NUMBERS.unpack_from(data, 1)
        if not after < sequence < 1 << 63:
            raise Violation(Code.MESSAGE_MALFORMED, f"record {sequence} cannot follow record {after}")
    body = data[start:]
    if flags & _COMPRESSED:
        body = decompress(body, limits.BODY_BYTES)
    return Frame(body, sequence, after)


def decompress(data: bytes, bound: int) -> bytes:
    """One whole zstd frame of at most ``bound`` bytes; the decoder's memory is bounded too.

    The header may claim any size: it is never trusted, because the library would allocate it at once.
    """
    decoder = zstandard.ZstdDecompressor(max_window_size=limits.ZSTD_WINDOW_BYTES)
    try:
        with decoder.stream_reader(data, read_across_frames=False) as reader:
            body = reader.read(bound + 1)
    except zstandard.ZstdError as cause:
        raise Violation(Code.MESSAGE_MALFORMED, f"a compressed body cannot be read: {cause}") from cause
    if len(body) > bound:
        raise Violation(Code.MESSAGE_TOO_LARGE, f"a compressed body unpacks to more than {bound} bytes")
    return body


def decode_from_agent(body: bytes) -> AgentMessage:
    """What hostmgr accepts from a node in a session."""
    return _decode(_FROM_AGENT, body)


def decode_from_server(body: bytes) -> ServerMessage:
    """What an agent accepts in a session."""
    return _decode(_FROM_SERVER, body)


def decode_enrolment_request(body: bytes) -> EnrolmentRequest:
    """What hostmgr accepts from whoever has no certificate yet."""
    return _decode(_ENROLMENT_REQUEST, body)


def decode_enrolment_answer(body: bytes) -> EnrolmentAnswer:
    """What an agent accepts while it enrols."""
    return _decode(_ENROLMENT_ANSWER, body)


class _Tag(msgspec.Struct):
    type: str


_FROM_AGENT: msgspec.msgpack.Decoder[AgentMessage] = msgspec.msgpack.Decoder(AgentMessage)
_FROM_SERVER: msgspec.msgpack.Decoder[ServerMessage] = msgspec.msgpack.Decoder(ServerMessage)
_ENROLMENT_REQUEST = msgspec.msgpack.Decoder(EnrolmentRequest)
_ENROLMENT_ANSWER: msgspec.msgpack.Decoder[EnrolmentAnswer] = msgspec.msgpack.Decoder(EnrolmentAnswer)
_TAG = msgspec.msgpack.Decoder(_Tag)

M = TypeVar("M")


def _decode(decoder: msgspec.msgpack.Decoder[M], body: bytes) -> M:
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as cause:
        # Only a tag outside the union fails at the tag's own path; asking again is dear, but only for a broken peer.
        if str(cause).startswith("Invalid value") and str(cause).endswith("`$.type`"):
            raise Violation(Code.KIND_UNKNOWN, f"no message of the kind {_kind(body)!r} is known here") from cause
        raise Violation(Code.MESSAGE_MALFORMED, f"a message does not have its form: {cause}") from cause
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as cause:
        raise Violation(Code.MESSAGE_MALFORMED, f"a message cannot be decoded: {wrong(cause)}") from cause


def _kind(body: bytes) -> str:
    try:
        return _TAG.decode(body).type[:64]
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        return "?"
