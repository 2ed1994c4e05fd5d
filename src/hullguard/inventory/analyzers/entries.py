"""Lists in JSON, entry by entry: an odd one costs itself and not the whole list, and is named."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeVar

import msgspec
from msgspec import Raw, Struct

from hullguard.inventory import bounds
from hullguard.inventory.analyzers.language import Doubt, TooMuch
from hullguard.inventory.content.secrets.redaction import quoted
from hullguard.model.decoding import from_json

T = TypeVar("T")


class _Named(Struct):
    name: Any = None


def listing(content: bytes, kind: type[T]) -> T:
    """The document around the entries, which are left for ``each``; raises TooMuch, or what msgspec raises."""
    content = content.removeprefix(b"\xef\xbb\xbf")
    if content.count(b"{") > bounds.OBJECTS:
        raise TooMuch(f"has more than {bounds.OBJECTS} objects; it was not read")
    return from_json(content, kind)


def each(found: Iterable[Raw] | Mapping[str, Raw], kind: type[T]) -> Iterator[tuple[str, T | Doubt]]:
    """The entries with their keys, empty in a list; what is none is a doubt that names it."""
    pairs = found.items() if isinstance(found, Mapping) else (("", raw) for raw in found)
    for number, (key, raw) in enumerate(pairs, 1):
        try:
            yield key, from_json(raw, kind)
        except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
            named = quoted(key or _name(raw), 200) or f"number {number}"
            yield key, Doubt(f"its entry {named} is none; it was left out")


def _name(raw: Raw) -> str:
    try:
        name = from_json(raw, _Named).name
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        return ""
    return name if isinstance(name, str) else ""
