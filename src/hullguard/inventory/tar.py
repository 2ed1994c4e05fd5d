"""A fast, bounded walk over the headers of a tar stream (ustar, PAX, GNU), without trust in any of its numbers.

``tarfile`` needs 45 microseconds a member and believes what it reads. This walk looks at each header once, skips
content it is not asked for, and refuses what no honest writer makes: negative or absurd sizes, endless names,
checksums that do not fit. Format: POSIX.1-2001 pax, and GNU tar's manual, "Basic Tar Format".
"""

import enum
import mmap
import zlib
from collections.abc import Iterator

from hullguard.inventory.compression import Readable
from hullguard.inventory.limits import Budget
from hullguard.inventory.paths import spelled
from hullguard.inventory.random_access import AtPlace, Part, RandomAccess
from hullguard.inventory.sparse import BLOCK, PIECES, RECORDS, Sparse, of_records
from hullguard.inventory.streams import CHUNK, Chunk, Section
from hullguard.inventory.tar_fields import low_half, number, permissions, pieces, prefix, word
from hullguard.model.errors import Invalid

_WINDOW = 1 << 14
"""What is read at once of a file in which one can seek: most members are small, others are mostly skipped."""
_FAR, _GLANCE = 1 << 12, 1 << 11
"""Behind a member of which more was skipped less is read: the next is as large, as a rule, and only its head counts."""
_AT_HAND = 1 << 20
"""Files up to this size are read where they are mapped: what takes long with a larger one must not hold its pages."""
_ZEROS = bytes(BLOCK)


class Kind(enum.IntEnum):
    """What a member is; devices and pipes are OTHER."""

    FILE = 0
    DIRECTORY = 1
    SYMLINK = 2
    HARDLINK = 3
    OTHER = 4
    SPARSE = 5
    """A file whose holes the archive leaves out; its size is that of what is left."""
    UNKNOWN = 6
    """Some programs take it for a file, as POSIX asks them to; engines refuse the whole layer."""


_KINDS = {
    0x30: Kind.FILE, 0x00: Kind.FILE, 0x37: Kind.FILE, 0x53: Kind.SPARSE,
    0x35: Kind.DIRECTORY, 0x32: Kind.SYMLINK, 0x31: Kind.HARDLINK,
    0x33: Kind.OTHER, 0x34: Kind.OTHER, 0x36: Kind.OTHER,
}  # fmt: skip
_HEADER_ONLY = frozenset(b"123456")
_EXTENSIONS = frozenset(b"xXgLK")
_LINKS = frozenset(b"12")
_MAX_SIZE = 1 << 50
_FEW_HEADERS, _FEW_RECORDS = 4, 64
"""As many headers a member may have that extend it, and records such a header, that count as no entries themselves."""
_READ_RECORDS = frozenset({b"path", b"linkpath", b"size"}) | RECORDS


class Member:
    """One member; ``name`` is as written, its bytes decoded so that nothing is lost and nothing unprintable."""

    __slots__ = ("_mode", "kind", "link", "name", "size")

    def __init__(self, name: bytes, kind: Kind, size: int, link: bytes, mode: bytes) -> None:
        self.name = spelled(name)
        self.kind = kind
        self.size = size
        self.link = spelled(link) if link else ""
        self._mode = mode

    @property
    def mode(self) -> int:
        """The permission bits, with set-user-id, set-group-id and sticky; 0 where they are damaged."""
        return permissions(self._mode)


class TarWalk:
    """Iterates over the members; while one is current, ``read`` or ``content`` gives its bytes."""

    def __init__(self, raw: Readable, budget: Budget, what: str) -> None:
        self._raw = raw
        self._section = raw if isinstance(raw, Section) else None
        self._window = self._next = _WINDOW if self._section else CHUNK
        self._budget = budget
        self._longest = budget.limits.name_bytes
        self._what = what
        self._chunk: Chunk = b""
        self._start = 0
        """Position in the stream of the chunk, and in the chunk of what comes next."""
        self._at = 0
        self._left = 0
        self._padding = 0
        self._looked = False
        """Whether somebody looked into the current member, which may have taken long."""
        self._extended = 0
        """How many headers were read that extend the next one."""
        self.sparse = Sparse(0, [])
        """What is said of the current member, if it is SPARSE."""

    @property
    def offset(self) -> int:
        """Position in the stream of the current member's content."""
        return self._start + self._at

    def __iter__(self) -> Iterator[Member]:
        long_name = long_link = None
        pax: dict[str, bytes] = {}
        first = True
        while (header := self._header(first=first)) is not None:
            first = False
            flag = header[156]
            size = self._plausible(number(header[124:136]))
            if flag in _EXTENSIONS:
                self._left, self._padding = size, -size % BLOCK
                body = self._extension(size)
                if flag == 0x4C:
                    long_name = body.partition(b"\0")[0]
                elif flag == 0x4B:
                    long_link = body.partition(b"\0")[0]
                elif flag == 0x67:
                    # The engines' reader takes global records for a member: they rename no file, and what stood before
                    # them was said of them.
                    long_name, long_link, pax = None, None, {}
                else:
                    pax = self._records(body)
                continue
            self._budget.spend_entry()
            self._extended = 0
            if pax and "size" in pax:
                size = self._decimal(pax["size"])
            if flag in _HEADER_ONLY:
                size = 0
            member = self._member(header, size, long_name, long_link, pax)
            if member.kind is Kind.DIRECTORY:
                size = member.size = 0  # that it is one may have been said by its name alone
            long_name = long_link = None
            if pax:
                pax = {}
            self._left, self._padding = size, -size % BLOCK
            yield member

    def content(self) -> bytes:
        """All bytes of the current member; the caller has looked at its size."""
        self._looked = True
        data = self._take(self._left)
        self._left = 0
        return data

    def direct(self) -> RandomAccess | None:
        """What is left of the current member, to be read at any place while it is current; None in a stream."""
        section = self._section
        if section is None:
            return None
        self._looked = True
        held = len(self._chunk) - self._at
        if self._left <= min(held, _AT_HAND):
            return Part(self._chunk, self._at, self._left)
        return AtPlace(section.pread, section.offset - held, min(self._left, held + section.left))

    def read(self, n: int, /) -> bytes:
        """Up to ``n`` bytes of the current member."""
        if not self._left:
            return b""
        self._looked = True
        if self._at == len(self._chunk):
            self._refill(min(n, self._left, CHUNK))
        data = self._chunk[self._at : self._at + min(n, self._left)]
        self._at += len(data)
        self._left -= len(data)
        return data

    def peek(self, n: int) -> bytes:
        """The next ``n`` bytes of the current member, fewer if it ends before; they are still to be read."""
        head = self._chunk[self._at : self._at + n] if n <= self._left else b""
        if len(head) == n:
            return head
        n = min(n, self._left)
        while len(self._chunk) - self._at < n:
            more = self._raw.read(max(self._window, n))
            if not more:
                break
            self._start += self._at
            self._chunk, self._at = self._chunk[self._at :] + more, 0
        return self._chunk[self._at : self._at + n]

    def _look_up(self) -> None:
        """Gives back what is mapped when it can no longer be relied upon."""
        self._looked = False
        if isinstance(self._chunk, mmap.mmap) and self._section is not None and not self._section.lasts():
            self._section.back(len(self._chunk) - self._at)
            self._start += self._at
            self._chunk, self._at = b"", 0

    def _member(
        self,
        header: bytes,
        size: int,
        long_name: bytes | None,
        long_link: bytes | None,
        pax: dict[str, bytes],
    ) -> Member:
        name = header[: stop if (stop := header.find(0, 0, 100)) >= 0 else 100]
        if header[345] and (before := prefix(header)):
            name = before + b"/" + name
        flag = header[156]
        link = word(header, 157, 257) if flag in _LINKS else b""
        if long_name or long_link or pax:
            # In the order in which Go's archive/tar, which unpacks layers for the engines, lets them count.
            name = long_name or pax.get("path") or name
            link = long_link or pax.get("linkpath") or link
        kind = _KINDS.get(flag, Kind.UNKNOWN)
        if not flag and name.endswith(b"/"):
            kind = Kind.DIRECTORY  # how writers before ustar said directory; the name of a sparse file does not count
        if flag == 0x53:
            self.sparse = self._old_sparse_map(header)
        elif pax and kind is Kind.FILE and (sparse := of_records(pax, size)) is not None:
            self.sparse, kind, name = sparse, Kind.SPARSE, pax.get("GNU.sparse.name") or name
        if len(name) > self._longest or len(link) > self._longest:
            self._budget.check_name(max(len(name), len(link)))
        return Member(name, kind, size, link, header[100:108])

    def _header(self, *, first: bool) -> bytes | None:
        """The next header, past what nobody read of the member before it; None at the end of the archive."""
        if self._looked:
            self._look_up()
        at = self._at + self._left + self._padding
        header = self._chunk[at : at + BLOCK]
        if len(header) == BLOCK:
            self._at = at + BLOCK
        else:
            self._skip(self._left + self._padding)
            header = self._take(BLOCK, end_allowed=True)
        self._left = self._padding = 0
        if len(header) < BLOCK or header == _ZEROS:
            if 0 < len(header) < BLOCK:
                raise Invalid(f"{self._what} is cut off inside a header", "image.truncated")
            if header and any(self._take(BLOCK, end_allowed=True)):
                raise self._damaged()  # one block of zeros ends nothing
            return None
        if zlib.adler32(header) & 0xFFFF != low_half(header[148:156]):
            if first:
                raise Invalid(f"{self._what} is no tar archive", "image.not-a-tar")
            raise self._damaged()
        return header

    def _damaged(self) -> Invalid:
        return Invalid(f"{self._what} has a damaged header at byte {self.offset}", "image.damaged")

    def _decimal(self, text: bytes) -> int:
        return self._plausible(int(text) if text.isdigit() and len(text) < 20 else -1)

    def _plausible(self, value: int) -> int:
        if not 0 <= value <= _MAX_SIZE:
            raise Invalid(f"{self._what} has a member of impossible size", "image.bad-size")
        return value

    def _extension(self, size: int) -> bytes:
        if size > self._budget.limits.extension_bytes:
            raise Invalid(f"{self._what} has an extended header of {size} bytes", "image.header-too-long")
        self._extended += 1
        if self._extended > _FEW_HEADERS:
            self._budget.spend_entry()
        return self.content()

    def _records(self, body: bytes) -> dict[str, bytes]:
        """PAX records: ``length key=value newline``, the length counting itself."""
        records: dict[str, bytes] = {}
        pieces: list[bytes] = []
        at = count = 0
        while at < len(body) and body[at] != 0:
            space = body.find(b" ", at, at + 20)
            length = int(body[at:space]) if space > at and body[at:space].isdigit() else 0
            record = body[space + 1 : at + length]
            if length < 5 or at + length > len(body) or not record.endswith(b"\n") or b"=" not in record:
                raise Invalid(f"{self._what} has a damaged PAX header", "image.damaged")
            key, value = record[:-1].split(b"=", 1)
            if key in PIECES:
                pieces.append(value)
            elif key in _READ_RECORDS:
                if value:
                    records[key.decode()] = value
                else:
                    records.pop(key.decode(), None)  # an empty one takes an earlier record back (POSIX pax)
            count += 1
            at += length
        if count > _FEW_RECORDS:
            self._budget.spend_entry(count - _FEW_RECORDS)
        if pieces:
            records["GNU.sparse.map"] = b",".join(pieces)
        return records

    def _old_sparse_map(self, header: bytes) -> Sparse:
        """Four pieces in the header, 21 in each block that follows; an empty field ends those of one."""
        numbers = pieces(header[386:482])
        more, blocks = header[482], 0
        while more:
            block = self._take(BLOCK)
            more, blocks = block[504], blocks + 1
            if blocks * BLOCK <= self._budget.limits.extension_bytes:
                numbers += pieces(block[:504])
        return Sparse(
            number(header[483:495]), numbers if blocks * BLOCK <= self._budget.limits.extension_bytes else [-1]
        )

    def _refill(self, least: int = 0) -> None:
        if not self._more(least):
            raise Invalid(f"{self._what} is cut off at byte {self.offset}", "image.truncated")

    def _more(self, least: int) -> bool:
        """Has the next chunk follow the present one, which was passed; False at the end."""
        n, self._next = max(self._next, least), self._window
        self._start += len(self._chunk)
        self._chunk, self._at = self._section.chunk(n) if self._section is not None else (self._raw.read(n), 0)
        self._start -= self._at
        return self._at < len(self._chunk)

    def _skip(self, count: int) -> None:
        here = len(self._chunk) - self._at
        self._at += min(count, here)
        count -= min(count, here)
        if count and self._section is not None:
            passed = self._section.skip(count)
            self._start += len(self._chunk) + passed
            self._chunk, self._at = b"", 0
            self._next = _GLANCE if passed > _FAR else self._window
            count -= passed
        while count:
            self._refill()
            step = min(count, len(self._chunk) - self._at)
            self._at += step
            count -= step

    def _take(self, count: int, *, end_allowed: bool = False) -> bytes:
        data = self._chunk[self._at : self._at + count]
        self._at += len(data)
        if len(data) == count:
            return data
        begin, parts, missing = self.offset - len(data), [data] if data else [], count - len(data)
        while missing:
            if not self._more(min(missing, CHUNK)):
                if end_allowed:
                    break
                raise Invalid(f"{self._what} is cut off at byte {begin}", "image.truncated")
            part = self._chunk[self._at : self._at + missing]
            self._at += len(part)
            parts.append(part)
            missing -= len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)
