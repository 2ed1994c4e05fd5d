"""Foreign bytes as our types, from any thread.

msgspec builds what it knows of a type when it meets it for the first time, and a second thread that finds that half
built can crash the whole process. So the first meeting happens under a lock.
"""

import threading
from typing import Any, TypeVar

import msgspec

T = TypeVar("T")

_lock = threading.Lock()
_met: dict[Any, msgspec.json.Decoder[Any]] = {}
_packed: dict[Any, msgspec.msgpack.Decoder[Any]] = {}


def from_json(content: bytes | str | msgspec.Raw, kind: type[T]) -> T:
    """A document as ``kind``; raises what msgspec raises."""
    decoded: T = (_met.get(kind) or _meet(kind)).decode(content)
    return decoded


def from_msgpack(content: bytes, kind: type[T]) -> T:
    """Packed bytes as ``kind``; raises what msgspec raises."""
    decoder = _packed.get(kind)
    if decoder is None:
        with _lock:
            decoder = _packed[kind] = msgspec.msgpack.Decoder(kind)
    decoded: T = decoder.decode(content)
    return decoded


def converted(value: Any, kind: type[T]) -> T:
    """A value of plain types as ``kind``; raises what msgspec raises."""
    if kind not in _met:
        _meet(kind)
    return msgspec.convert(value, kind)


def wrong(cause: BaseException) -> str:
    """What is wrong with a document that could not be decoded; of one that is too deep Python speaks only of itself."""
    return "it is nested too deeply" if isinstance(cause, RecursionError) else str(cause)


def _meet(kind: Any) -> msgspec.json.Decoder[Any]:
    with _lock:
        decoder = _met.get(kind)
        if decoder is None:
            decoder = _met[kind] = msgspec.json.Decoder(kind)
    return decoder
