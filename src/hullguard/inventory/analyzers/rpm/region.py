"""The part of a header that no one changes once a package is built, and the digests that rpm keeps beside it.

rpm's lib/header.c: the first tag names the region; its value is a trailer at the region's end, which says how many tags
belong to it. A digest covers the magic of a header, both lengths, those tags and their data; what rpm adds when it
installs a package (times, states, the digests themselves) lies behind. Headers of rpm before 4.0 have neither.
"""

import hashlib
import struct
from collections.abc import Iterable, Sequence
from typing import NamedTuple

Entry = tuple[int, int, int, int]
"""Tag, type, offset in the data and count."""

ENTRY = struct.Struct(">IIiI")
DIGESTS = {273: "sha256", 269: "sha1"}
"""By its tag the algorithm of each digest that there may be, the stronger first."""
_MAGIC = b"\x8e\xad\xe8\x01\0\0\0\0"
_OLD, _SIGNATURES, _IMMUTABLE = 61, 62, 63
_LEAST_TAG, _LAST_KIND = 100, 9
_TRAILER_KIND, _TRAILER_SIZE = 7, 16


class Digest(NamedTuple):
    """What a header states: the algorithm, and the digest in hexadecimal; empty where it cannot be read."""

    kind: str
    value: str


def is_whole(head: bytes, store: bytes, entries: Sequence[Entry], said: Iterable[int], stated: Digest | None) -> bool:
    """Whether a header is what its digest says, as far as it has one.

    ``head`` is the header's first eight bytes and its tags, ``store`` its data. ``said`` are the tags that are
    believed: no digest covers one that stands behind the region.
    """
    first = entries[0]
    if first[0] not in (_OLD, _SIGNATURES, _IMMUTABLE):
        return stated is None
    tags, size = _extent(first, store)
    if not 0 < tags <= len(entries):
        return first[0] == _OLD and stated is None
    outside = entries[tags:]
    if any(_is_damaged(entry, len(store)) for entry in outside) or not {entry[0] for entry in outside}.isdisjoint(said):
        return False
    if stated is None:
        return True
    digest = hashlib.new(stated.kind, usedforsecurity=False)
    for part in (_MAGIC, struct.pack(">II", tags, size), head[8 : 8 + ENTRY.size * tags], store[:size]):
        digest.update(part)
    return digest.hexdigest() == stated.value


def _extent(first: Entry, store: bytes) -> tuple[int, int]:
    """How many tags the region has, and how many bytes of data; no tag where its trailer is none."""
    tag, kind, offset, count = first
    end = offset + _TRAILER_SIZE
    if (kind, count) != (_TRAILER_KIND, _TRAILER_SIZE) or offset < 0 or end > len(store):
        return 0, 0
    again, kind, back, count = ENTRY.unpack_from(store, offset)
    if (again, kind, count) != (tag, _TRAILER_KIND, _TRAILER_SIZE) or back % ENTRY.size:
        return 0, 0
    return -back // ENTRY.size, end


def _is_damaged(entry: Entry, size: int) -> bool:
    """Whether no header has such a tag: without this a digest could be lost unseen."""
    tag, kind, offset, count = entry
    return tag < _LEAST_TAG or not 0 < kind <= _LAST_KIND or not 0 <= offset < size or not count
