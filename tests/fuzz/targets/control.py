"""What callers of the API send: bodies and queries of every route, credentials, addresses; and the cache's frames."""

import asyncio
import contextlib
import re
import typing
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from litestar.datastructures import MultiDict
from msgspec import Struct
from msgspec import inspect as types
from tests.fuzz.target import Target

from hullguard.access.iam.secrets import is_session_secret, parse_api_token
from hullguard.cache import frames
from hullguard.ctrl.addresses import client_address, is_loopback, networks
from hullguard.ctrl.decoding import decode_body, decode_query
from hullguard.ctrl.routes.catalog import RESOURCES
from hullguard.model.errors import Invalid


def _inputs(name: str) -> Iterator[type[Struct]]:
    """The types of a parameter of all routes, each once."""
    hints = (typing.get_type_hints(handler.fn).get(name) for handlers in RESOURCES.values() for handler in handlers)
    yield from dict.fromkeys(kind for kind in hints if kind is not None)


def _sample(kind: types.Type) -> Any:
    """A value that a type may have."""
    match kind:
        case types.Metadata(type=inner):
            return _sample(inner)
        case types.StructType(fields=fields):
            return {field.encode_name: _sample(field.type) for field in fields}
        case types.UnionType(types=choices):
            return _sample(next((one for one in choices if not isinstance(one, types.NoneType)), choices[0]))
        case types.ListType(item_type=item) | types.VarTupleType(item_type=item):
            return [_sample(item)]
        case types.DictType(value_type=value):
            return {"name": _sample(value)}
        case types.EnumType(cls=cls):
            return next(iter(cls)).value
        case types.LiteralType(values=values):
            return values[0]
        case types.IntType(ge=least):
            return least or 1
        case types.BoolType():
            return True
        case types.DateTimeType():
            return "2026-01-01T00:00:00Z"
        case types.StrType(min_length=least, pattern=pattern):
            shortest = "a" * max(least or 0, 1)
            texts = (shortest, "a" * 64, f"sha256:{'a' * 64}")
            return next((text for text in texts if pattern is None or re.search(pattern, text)), shortest)
    return None


def _body(kind: type[Struct]) -> Callable[[bytes], Any]:
    return lambda data: decode_body(data, kind)


def _query(kind: type[Struct]) -> Callable[[bytes], Any]:
    return lambda data: decode_query(MultiDict(parse_qsl(data.decode("utf-8", "replace"), max_num_fields=None)), kind)


def _query_of(kind: type[Struct]) -> bytes:
    fields = _sample(types.type_info(kind))
    pairs = ((name, value[0] if isinstance(value, list) else value) for name, value in fields.items())
    return "&".join(f"{name}={str(value).lower()}" for name, value in pairs).encode()


def _words(data: bytes) -> Any:
    """Headers and settings: where a request comes from, and by which credential."""
    text = data.decode("latin-1")
    found: list[Any] = [is_session_secret(text), parse_api_token(text), is_loopback(text)]
    trusted = networks(["127.0.0.0/8", "::1", "10.0.0.0/8"])
    found += [client_address("127.0.0.1", text, trusted), client_address(text, "10.0.0.1", trusted)]
    with contextlib.suppress(Invalid):
        found.append([str(one) for one in networks(text.split(","))])
    return found


async def _read(data: bytes, decoder: msgspec.msgpack.Decoder[Any]) -> list[Any]:
    reader, found = asyncio.StreamReader(), []
    reader.feed_data(data)
    reader.feed_eof()
    with contextlib.suppress(asyncio.IncompleteReadError):
        while True:
            found.append(await frames.read(reader, decoder))
    return found


def _frames(data: bytes) -> Any:
    """What comes over the cache's socket, at either end."""
    decoders: tuple[msgspec.msgpack.Decoder[Any], ...] = (frames.REQUESTS, frames.ANSWERS, frames.MESSAGES)
    which, rest = data[:1], data[1:]
    return asyncio.run(_read(rest, decoders[which[0] % 3 if which else 0]))


TARGETS: tuple[Target, ...] = (
    *(
        Target(
            f"control.body.{kind.__name__}",
            _body(kind),
            lambda kind=kind: (msgspec.json.encode(_sample(types.type_info(kind))),),  # type: ignore[misc]
        )
        for kind in _inputs("data")
    ),
    *(
        Target(f"control.query.{kind.__name__}", _query(kind), lambda kind=kind: (_query_of(kind),))  # type: ignore[misc]
        for kind in _inputs("filters")
    ),
    Target(
        "control.words",
        _words,
        lambda: (
            b"203.0.113.7, 10.0.0.2",
            b"::ffff:10.0.0.1",
            b"10.0.0.0/8,fe80::/10",
            b"hgt_" + b"0" * 32 + b"_" + b"s" * 43,
            b"s" * 43,
        ),
    ),
    Target(
        "control.frames",
        _frames,
        lambda: (
            b"\0" + frames.pack(frames.Set("key", b"value", 5.0)) + frames.pack(frames.Subscribe(("a", "b"))),
            b"\1" + frames.pack(frames.Answer(b"x")) + frames.pack(frames.Answer(error="no")),
            b"\2" + frames.pack(frames.Message("a", b"x")),
        ),
    ),
)
