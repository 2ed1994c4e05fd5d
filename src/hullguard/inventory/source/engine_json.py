"""JSON as engines read it: with Go's encoding/json, which takes an object's keys in any case.

``layers``, ``Layers`` and ``layerſ`` are one key to an engine, and of several the last counts, or the parts of all of
them. What an engine would read is read here too; where one key has two values, who reads it decides which counts, so
that document is refused.
"""

import functools
import json
import re
from types import UnionType
from typing import Any, NoReturn, TypeVar, get_args, get_origin

import msgspec
from msgspec import Struct

from hullguard.model.decoding import converted, wrong
from hullguard.model.errors import Invalid

T = TypeVar("T")

_ESCAPES = re.compile(
    r"\\\\|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(\\u[dD][89a-fA-F][0-9a-fA-F]{2})"
)
"""An escaped backslash and a character in two halves, as they should be; or a half alone, which is no character."""


_MOST = 300_000
"""Lists and objects of a document: an image has hundreds, an engine with ten thousand images some tens of thousands. An
empty one has two bytes, and two hundred in memory."""


class _Ambiguous(ValueError):
    """One key, two values."""


def decode(content: bytes, kind: type[T], what: str) -> T:
    """A document of the given kind; raises Invalid with the JSON path where it is not, and for two values of a key."""
    if content.count(b"{") + content.count(b"[") > _MOST:
        raise Invalid(f"{what} has more than {_MOST} lists and objects, as none has", "image.bad-document")
    try:
        given = json.loads(_text(content), object_pairs_hook=_object, parse_constant=_no_number)
        return converted(shaped(given, kind), kind)
    except _Ambiguous as cause:
        raise Invalid(f"{what} is ambiguous: {cause}", "image.ambiguous") from cause
    except (ValueError, RecursionError, msgspec.MsgspecError) as cause:
        raise Invalid(f"{what} is not what it should be: {wrong(cause)}", "image.bad-document") from cause


def folded(key: str) -> str:
    """A key as keys are compared: Go's folding takes the long s for an s too, and the Kelvin sign for a k."""
    return key.lower().replace("\u017f", "s")


def shaped(value: Any, kind: Any) -> Any:
    """The value with the keys that its kind names, however they were written; a null says nothing, as in Go.

    Raises ValueError where one key has two values.
    """
    for each in get_args(kind) if isinstance(kind, UnionType) else (kind,):
        if isinstance(value, list) and get_origin(each) is list:
            return [shaped(one, get_args(each)[0]) for one in value]
        if isinstance(value, dict) and isinstance(each, type) and issubclass(each, Struct):
            return _fields_of(value, each)
    return value


def _text(content: bytes) -> str:
    """Go puts U+FFFD in the place of what is no character, be it bytes or an escape."""
    text = content.decode("utf-8", "replace")
    return _ESCAPES.sub(lambda found: r"\ufffd" if found[1] else found[0], text) if "\\u" in text else text


def _fields_of(value: dict[str, Any], kind: type[Struct]) -> dict[str, Any]:
    fields, taken, written = _fields(kind), dict[str, Any](), dict[str, str]()
    for key, each in value.items():
        name, wanted = fields.get(folded(key), ("", None))
        if not name:
            continue
        if name in written and taken.get(name) != each:
            raise _twice(written[name], key)
        written[name] = key
        if each is not None or wanted is Any or type(None) in get_args(wanted):
            taken[name] = each
    return {name: shaped(each, fields[folded(name)][1]) for name, each in taken.items()}


@functools.cache
def _fields(kind: type[Struct]) -> dict[str, tuple[str, Any]]:
    """Name and type of each field, by its folded name."""
    return {folded(each.encode_name): (each.encode_name, each.type) for each in msgspec.structs.fields(kind)}


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        for key, value in pairs:
            if made[key] != value:
                raise _twice(key, key)
    return made


def _twice(one: str, other: str) -> _Ambiguous:
    key, also = ascii(one[:100]), ascii(other[:100])
    if key == also:
        return _Ambiguous(f"the key {key} has two values; which of them counts depends on the engine")
    return _Ambiguous(f"the key {key}, also written {also}, has two values; which of them counts depends on the engine")


def _no_number(word: str) -> NoReturn:
    raise ValueError(f"{word} is no JSON")
