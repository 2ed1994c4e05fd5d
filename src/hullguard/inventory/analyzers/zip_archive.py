"""A zip archive by its central directory, as Java reads it, without trust in any number (PKWARE's APPNOTE 6.3.10).

Nothing is held but one window: an archive of hundreds of megabytes costs no more memory than a small one.
"""

import struct
import zlib
from collections.abc import Iterator
from typing import Any

from isal import isal_zlib
from msgspec import Struct

from hullguard.inventory import bounds
from hullguard.inventory.compression import damaged
from hullguard.inventory.limits import MIB, Budget
from hullguard.inventory.random_access import Part, RandomAccess

_END, _END_64, _LOCATOR_64 = b"PK\x05\x06", b"PK\x06\x06", b"PK\x06\x07"
_ENTRY, _LOCAL = b"PK\x01\x02", b"PK\x03\x04"
# From the mark on: two numbers of disks, two counts of entries, the directory's size and place, the comment's length.
_END_FIELDS = struct.Struct("<4sHHHHIIH")
_LOCATOR_FIELDS = struct.Struct("<4sIQI")
_END_64_FIELDS = struct.Struct("<4sQHHIIQQQQ")
_ENTRY_FIELDS = struct.Struct("<4sHHHHHHIIIHHHHHII")
_LOCAL_FIELDS = struct.Struct("<4sHHHHHIIIHH")
_LONGEST_COMMENT = 0xFFFF
_IN_EXTRA = 0xFFFFFFFF
_COUNTED_ELSEWHERE = 0xFFFF
_ZIP64 = 1
_ENCRYPTED = 1
_STORED, _DEFLATED = 0, 8

_WINDOW = MIB
_READ = 1 << 18
_OPENING = 1 << 14
"""What opening an archive costs at least, in bytes that could have been unpacked meanwhile."""
_GROWTH_FLOOR = MIB


class BadArchive(ValueError):
    """The bytes are no zip archive, or its directory is damaged."""


class BadMember(ValueError):
    """One member cannot be read; the message says why."""


class TooLong(BadMember):
    """A limit does not let all of a member be read."""


class WrongChecksum(BadMember):
    """All of a member was given, but it is not what it was when the archive was made."""


class Member(Struct, frozen=True):
    """What the directory says of a member."""

    name: bytes
    encrypted: bool
    method: int
    checksum: int
    stored: int
    """Its bytes as they lie in the archive."""
    place: int
    """Where its own header begins."""


class _Directory(Struct, frozen=True):
    """Where the list of members begins, its bytes, what is to be added to each place in it, and how many it has."""

    at: int
    size: int
    base: int
    count: int


class ZipArchive:
    """Members in the order of the directory. Raises BadArchive at once when there is no directory.

    What is unpacked, and what reading a directory costs, is spent of the image's budget.
    """

    def __init__(self, content: RandomAccess, budget: Budget) -> None:
        self._content = content
        self._budget = budget
        budget.spend_unpacked(_OPENING)
        self._directory = self._found_directory()

    def __iter__(self) -> Iterator[Member]:
        """Raises BadArchive where the directory is damaged."""
        window, count, start = b"", 0, self._directory.at
        at, end = start, start + self._directory.size
        while at < end:
            if at + _ENTRY_FIELDS.size > start + len(window):
                window, start = self._window(at, end, _ENTRY_FIELDS.size), at
            fields = _ENTRY_FIELDS.unpack_from(window, at - start)
            mark, _, _, flags, method, _, _, checksum, stored, size, name, extra, comment, _, _, _, place = fields
            whole = _ENTRY_FIELDS.size + name + extra + comment
            if mark != _ENTRY:
                raise BadArchive("has a damaged directory")
            if at + whole > start + len(window):
                window, start = self._window(at, end, whole), at
            begin = at - start + _ENTRY_FIELDS.size
            if _IN_EXTRA in (stored, place):
                rest = window[begin + name : begin + name + extra]
                stored, place = _long_numbers(rest, size, stored, place)
            self._budget.spend_entry()
            place += self._directory.base
            yield Member(window[begin : begin + name], bool(flags & _ENCRYPTED), method, checksum, stored, place)
            at += whole
            count += 1
        # Older writers leave out what 16 bits cannot hold of the number; others say it elsewhere.
        stated = self._directory.count
        if stated != _COUNTED_ELSEWHERE and (count - stated) % (1 << 16):
            raise BadArchive(f"has a directory of {count} members, and says that it has {stated}")

    def stored(self, member: Member) -> RandomAccess | None:
        """The bytes of a member where they lie, None when they must be unpacked first. Raises BadMember."""
        return self._raw(member) if member.method == _STORED else None

    def unpacked(self, member: Member, most: int) -> Iterator[bytes]:
        """The content of a member in pieces. Raises BadMember where it ends, is damaged, or exceeds ``most`` bytes.

        A wrong checksum is told when all the content was given: Java does not look at it either.
        """
        checksum = size = 0
        for piece in self._inflated(member) if member.method == _DEFLATED else _pieces(self._raw(member)):
            self._budget.spend_unpacked(len(piece))
            size += len(piece)
            if size > most:
                yield piece[: len(piece) - (size - most)]
                raise TooLong(f"has more than {most} bytes")
            checksum = zlib.crc32(piece, checksum)
            yield piece
        if checksum != member.checksum:
            raise WrongChecksum("has a wrong checksum")

    def _inflated(self, member: Member) -> Iterator[bytes]:
        raw = self._raw(member)
        inflating = isal_zlib.decompressobj(-zlib.MAX_WBITS)
        given = size = 0
        for packed in _pieces(raw):
            given += len(packed)
            rest = packed
            while True:
                try:
                    piece = inflating.decompress(rest, _WINDOW)
                except damaged() as cause:
                    raise BadMember("is damaged") from cause
                rest = inflating.unconsumed_tail
                size += len(piece)
                if size > _GROWTH_FLOOR and size > bounds.GROWTH * (given - len(rest)):
                    raise TooLong(f"grows more than {bounds.GROWTH} times when unpacked")
                if piece:
                    yield piece
                if inflating.eof:
                    return
                if not piece and not rest:
                    break
                if not piece:
                    raise BadMember("is damaged")
        raise BadMember("is cut off")

    def _raw(self, member: Member) -> Part:
        if member.encrypted:
            raise BadMember("is encrypted")
        if member.method not in (_STORED, _DEFLATED):
            raise BadMember(f"is packed by method {member.method}, which Java cannot read either")
        header = self._content[member.place : member.place + _LOCAL_FIELDS.size]
        if len(header) < _LOCAL_FIELDS.size or not header.startswith(_LOCAL):
            raise BadMember("is not where the archive's directory says")
        *_, name, extra = _LOCAL_FIELDS.unpack(header)
        raw = Part(self._content, member.place + _LOCAL_FIELDS.size + name + extra, member.stored)
        if len(raw) < member.stored:
            raise BadMember("is cut off")
        return raw

    def _window(self, at: int, end: int, least: int) -> bytes:
        window = self._content[at : min(at + max(_WINDOW, least), end)]
        self._budget.spend_unpacked(len(window))
        if len(window) < least:
            raise BadArchive("has a directory that is cut off")
        return window

    def _found_directory(self) -> _Directory:
        """Raises BadArchive where there is none, and where it is empty behind what was an archive."""
        # Nearly no archive has a comment behind its end mark.
        for most in (_END_FIELDS.size, _END_FIELDS.size + _LONGEST_COMMENT):
            start = max(len(self._content) - most, 0)
            tail = self._content[start : len(self._content)]
            at = tail.rfind(_END)
            while at >= 0:
                if at + _END_FIELDS.size <= len(tail):
                    *_, count, size, place, comment = _END_FIELDS.unpack_from(tail, at)
                    last = at + _END_FIELDS.size + comment == len(tail)
                    found = self._found(start + at, _Directory(place, size, 0, count), last=last)
                    found = found or self._found_64(start + at, last=last)
                    if found is not None:
                        return found
                    self._budget.spend_unpacked(_OPENING)  # a comment has room for thousands of marks
                at = tail.rfind(_END, 0, at)
        raise BadArchive("is no zip archive")

    def _found_64(self, end: int, *, last: bool) -> _Directory | None:
        fields = self._fields(_LOCATOR_FIELDS, end - _LOCATOR_FIELDS.size)
        if fields is None or fields[0] != _LOCATOR_64:
            return None
        # The place is that in an archive with nothing before it; what stands there instead is not an end.
        for at in (fields[2], end - _LOCATOR_FIELDS.size - _END_64_FIELDS.size):
            longer = self._fields(_END_64_FIELDS, at)
            if longer is not None and longer[0] == _END_64:
                return self._found(at, _Directory(longer[9], longer[8], 0, longer[7]), last=last)
        return None

    def _found(self, end: int, said: _Directory, *, last: bool) -> _Directory | None:
        """The directory that ends where its end mark begins, if there is one; bytes may stand before the archive.

        As Java has it, a mark whose comment is not the end of the file (``last``) counts only before an archive that is
        not empty: others could be planted behind the real one. Raises BadArchive where one that counts names nothing of
        what stands before it.
        """
        at = end - said.size
        base = at - said.at
        if base < 0 or (said.size and self._content[at : at + 4] != _ENTRY):
            return None
        if not last and (not said.size or self._content[base : base + 4] != _LOCAL):
            return None
        if end and not said.size:
            raise BadArchive(f"has an empty directory, and {end} bytes before it")
        return _Directory(at, said.size, base, said.count)

    def _fields(self, form: struct.Struct, at: int) -> tuple[Any, ...] | None:
        content = self._content[at : at + form.size] if at >= 0 else b""
        return form.unpack(content) if len(content) == form.size else None


def _pieces(raw: RandomAccess) -> Iterator[bytes]:
    for start in range(0, len(raw), _READ):
        yield raw[start : start + _READ]


def _long_numbers(extra: bytes, size: int, stored: int, place: int) -> tuple[int, int]:
    """Sizes and places that 32 bits cannot hold, in the order in which they stand behind the name."""
    at = 0
    while at + 4 <= len(extra):
        kind, length = struct.unpack_from("<HH", extra, at)
        if kind == _ZIP64:
            field = extra[at + 4 : at + 4 + length]
            numbers = iter(struct.unpack(f"<{len(field) // 8}Q", field[: len(field) // 8 * 8]))
            _, stored, place = (next(numbers, old) if old == _IN_EXTRA else old for old in (size, stored, place))
            break
        at += 4 + length
    return stored, place
