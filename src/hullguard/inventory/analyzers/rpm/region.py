"""The part of a header that no one changes once a package is built, and the digests that rpm keeps beside it.

rpm's lib/header.c: the first tag names the region; its value is a trailer at the region's end, which says how many tags
belong to it. A digest covers the magic of a header, both lengths, those tags and their data; what rpm adds when it
installs a package (times, states, the digests themselves) lies behind. Headers of rpm before 4.0 have neither.
"""

import hashlib
import struct
from collections.abc import Iterable, Sequence

Entry = tuple[int, int, int, int]
"""Tag, type, offset in the data and count."""

SHA1, SHA256 = 269, 273
_MAGIC = b"\x8e\xad\xe8\x01\0\0\0\0"
_OLD, _SIGNATURES, _IMMUTABLE = 61, 62, 63
_LEAST_TAG, _LAST_KIND = 100, 9
_ENTRY = struct.Struct(">IIiI")
_TRAILER_KIND, _TRAILER_SIZE = 7, 16


def is_whole(head: bytes, store: bytes, entries: Sequence[Entry], said: Iterable[int], digests: "Digests") -> bool:
    """Whether a header is what its digest says, as far as it has one.

    ``head`` is the header's first eight bytes and its tags, ``store`` its data. ``said`` are the tags that are
    believed: no digest covers one that stands behind the region.
    """
    first = entries[0]
    if first[0] not in (_OLD, _SIGNATURES, _IMMUTABLE):
        return not digests.stated
    tags, size = _extent(first, store)
    if not 0 < tags <= len(entries):
        return first[0] == _OLD and not digests.stated
    outside = entries[tags:]
    if any(_is_damaged(entry, len(store)) for entry in outside) or not {entry[0] for entry in outside}.isdisjoint(said):
        return False
    return digests.fit((_MAGIC, struct.pack(">II", tags, size), head[8 : 8 + _ENTRY.size * tags], store[:size]))


class Digests:
    """What a header states: in hexadecimal, empty where it cannot be read, None where there is none."""

    def __init__(self, sha256: str | None, sha1: str | None) -> None:
        self._sha256, self._sha1 = sha256, sha1
        self.stated = sha256 is not None or sha1 is not None

    def fit(self, parts: Iterable[bytes]) -> bool:
        """Whether the stronger of them is that of these bytes."""
        if not self.stated:
            return True
        digest = hashlib.sha1(usedforsecurity=False) if self._sha256 is None else hashlib.sha256()
        for part in parts:
            digest.update(part)
        return digest.hexdigest() == (self._sha1 if self._sha256 is None else self._sha256)


def _extent(first: Entry, store: bytes) -> tuple[int, int]:
    """How many tags the region has, and how many bytes of data; no tag where its trailer is none."""
    tag, kind, offset, count = first
    end = offset + _TRAILER_SIZE
    if (kind, count) != (_TRAILER_KIND, _TRAILER_SIZE) or offset < 0 or end > len(store):
        return 0, 0
    again, kind, back, count = _ENTRY.unpack_from(store, offset)
    if (again, kind, count) != (tag, _TRAILER_KIND, _TRAILER_SIZE) or back % _ENTRY.size:
        return 0, 0
    return -back // _ENTRY.size, end


def _is_damaged(entry: Entry, size: int) -> bool:
    """Whether no header has such a tag: without this a digest could be lost unseen."""
    tag, kind, offset, count = entry
    return tag < _LEAST_TAG or not 0 < kind <= _LAST_KIND or not 0 <= offset < size or not count
