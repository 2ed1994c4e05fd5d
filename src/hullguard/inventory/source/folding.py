"""Documents read as the engines read them: Go's ``encoding/json`` takes a key in any case for a field.

So ``{"config": …, "Config": …}`` gives a field twice, and which one counts depends on who reads: such a document is
refused. What is no field may stand there as often as it likes.
"""

import typing
from typing import Any

import msgspec
from msgspec import Raw, Struct

from hullguard.model.errors import Invalid

_MEMBERS = msgspec.json.Decoder(dict[str, Raw] | None)
_ELEMENTS = msgspec.json.Decoder(list[Raw] | None)


def folded(content: bytes, kind: Any, what: str) -> Any:
    """A value of plain objects whose fields have the keys that ``kind`` gives them.

    Raises Invalid for a field in two spellings, and what msgspec raises.
    """
    return _folded(Raw(content), kind, what)


def _folded(raw: Raw, kind: Any, what: str) -> Any:
    struct = _struct(kind)
    if struct is None:
        return msgspec.json.decode(raw, type=kind)
    if typing.get_origin(kind) is list or any(typing.get_origin(each) is list for each in typing.get_args(kind)):
        elements = _ELEMENTS.decode(raw)
        return None if elements is None else [_folded(element, struct, what) for element in elements]
    members = _MEMBERS.decode(raw)
    if members is None:
        return None
    fields = {fold(field.encode_name): field for field in msgspec.structs.fields(struct)}
    found: dict[str, Any] = {}
    for key, member in members.items():
        field = fields.get(fold(key))
        if field is None:
            continue
        if field.encode_name in found:
            raise Invalid(f"{what} gives {field.encode_name} in several spellings", "image.ambiguous")
        found[field.encode_name] = _folded(member, field.type, what)
    return found


def fold(key: str) -> str:
    """A key as Go compares it: its letters without case, among them two that only look like others (U+017F, U+212A)."""
    return key.lower().replace("\u017f", "s")


def _struct(kind: Any) -> type[Struct] | None:
    """The struct that a type is, or is a list of, or may be."""
    if isinstance(kind, type) and typing.get_origin(kind) is None:
        return kind if issubclass(kind, Struct) else None
    if typing.get_origin(kind) is dict:
        return None
    return next((found for each in typing.get_args(kind) if (found := _struct(each)) is not None), None)
