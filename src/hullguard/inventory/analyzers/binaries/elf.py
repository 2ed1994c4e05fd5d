"""As much of ELF as finding a section or an address takes; everything in the file may be a lie.

Format: System V ABI, chapters 4 and 5, with its extended numbering; the file is read by position and never held whole.
"""

import functools
import struct
from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from hullguard.inventory import bounds
from hullguard.inventory.random_access import RandomAccess

_FEW_NAMES = 1 << 16
_HEAD = 1024
"""Read at once: behind the file's own header come those of the segments, as a rule."""
_LOAD: Final = 1
_WRITABLE: Final = 2
_NO_BITS: Final = 8
"""The type of a section that has an address and a size, and nothing in the file."""
_SYMBOLS = ((b".dynsym", b".dynstr"), (b".symtab", b".strtab"))
_ELSEWHERE = 0xFFFF
"""Instead of a number that 16 bits cannot hold: the first section's header has it."""


class DamagedTable(ValueError):
    """The table of sections cannot be read; the message says why."""


class TooManySections(DamagedTable):
    """A limit does not let the table be read."""


class TooManySymbols(ValueError):
    """A limit does not let them be read."""


class Segment(Struct, frozen=True):
    """A stretch of the file that is loaded to an address."""

    offset: int
    address: int
    size: int
    """In the file; the rest of it in memory is zeros."""
    writable: bool


class Elf:
    """Raises ValueError or struct.error when the bytes are no ELF file."""

    def __init__(self, content: RandomAccess) -> None:
        self._head = head = content[:_HEAD]
        if head[:4] != b"\x7fELF" or head[4] not in (1, 2) or head[5] not in (1, 2):
            raise ValueError("no ELF file")
        self.content = content
        self._wide: bool = head[4] == 2
        self._load = _LOAD.to_bytes(4, "little" if head[5] == 1 else "big")
        self._order = order = "<" if head[5] == 1 else ">"
        own, self._section, self._segment = _layout(order, wide=self._wide)
        fields = own.unpack_from(head, 16)
        self._segments_at: int = fields[4]
        self._sections_at: int = fields[5]
        self._segment_size, self._segment_count = int(fields[8]), int(fields[9])
        self._section_size, self._section_count = int(fields[10]), int(fields[11])
        self._names_index: int = fields[12]
        self._known: tuple[bytes, tuple[int, int], DamagedTable | None] | None = None
        self._names: bytes | None = None

    def section(self, wanted: bytes, most: int) -> bytes | None:
        """The content of the first section of this name, at most so much of it, as it lies in the file.

        Raises DamagedTable when there is none and the table is damaged; without a table there are no sections.
        """
        if (found := self._named(wanted)) is None:
            return None
        *_, offset, size, _, _ = found
        return self.content[offset : offset + min(size, most)]

    def holds(self, wanted: Sequence[bytes]) -> bool | None:
        """Whether the file has bytes of a section of one of these names; None where no whole table tells."""
        if not self._sections_at:
            return None
        try:
            found = [self._named(name) for name in wanted]
        except DamagedTable:
            return None
        return any(header is not None and header[1] != _NO_BITS for header in found)

    def place(self, wanted: bytes) -> tuple[int, int] | None:
        """Where the first section of this name lies in the file, and its size. Raises as ``section``."""
        found = self._named(wanted)
        return None if found is None else (found[4], found[5])

    def loaded(self, wanted: bytes, most: int) -> bytes | None:
        """What follows at the section's address, as the program itself sees it, which may be elsewhere in the file.

        Its size says nothing there: who reads by address goes as far as what is written there tells.
        """
        found = self._named(wanted)
        return None if found is None else self.at(found[3], most)

    def at(self, address: int, size: int) -> bytes:
        """Bytes by their address in memory; fewer, or none, where the file has no such address."""
        for segment in self.segments:
            if segment.address <= address < segment.address + segment.size:
                begin = segment.offset + address - segment.address
                return self.content[begin : min(begin + size, segment.offset + segment.size)]
        return b""

    def symbols(self, wanted: Sequence[bytes]) -> dict[bytes, int]:
        """The addresses of those of these symbols that the program's tables name. Raises TooManySymbols."""
        found: dict[bytes, int] = {}
        for table, strings in _SYMBOLS:
            entries, names = self._symbols_of(table), self._symbols_of(strings)
            form = struct.Struct(self._order + ("I4xQ8x" if self._wide else "II8x"))
            whole = len(entries) // form.size * form.size
            for mark in (each for each in wanted if each + b"\0" in names and each not in found):
                for at, address in form.iter_unpack(entries[:whole]):
                    if names.startswith(mark + b"\0", at):
                        found[mark] = address
                        break
        return found

    def _symbols_of(self, table: bytes) -> bytes:
        try:
            place = self.place(table)
        except DamagedTable:
            return b""
        if place is not None and place[1] > bounds.SYMBOLS_BYTES:
            raise TooManySymbols(f"a table of its symbols has more than {bounds.SYMBOLS_BYTES} bytes")
        return b"" if place is None else self.content[place[0] : place[0] + place[1]]

    @functools.cached_property
    def segments(self) -> tuple[Segment, ...]:
        """What is loaded, as far as its table lies in the file."""
        count = self._segment_count
        if count == _ELSEWHERE and (first := self._header(0)) is not None:
            count = min(first[7], bounds.SECTIONS)
        size = max(self._segment_size, self._segment.size)
        table = self._read(self._segments_at, count * size)
        found = []
        for place in range(0, len(table) - self._segment.size + 1, size):
            if table[place : place + 4] == self._load:
                fields = self._segment.unpack_from(table, place)
                flags, offset, address, length = (
                    (fields[1], fields[2], fields[3], fields[5])
                    if self._wide
                    else (fields[6], fields[1], fields[2], fields[4])
                )
                found.append(Segment(offset, address, length, bool(flags & _WRITABLE)))
        return tuple(found)

    def _table(self) -> tuple[bytes, DamagedTable | None]:
        """The headers of all sections as far as they are there, and what is wrong with them."""
        if not self._sections_at:
            return b"", None
        # Nearly always it is of the usual form, so that one read gives all of it.
        usual = self._section_count if self._section_size == self._section.size else 0
        table = self._read(self._sections_at, max(usual, 1) * self._section.size)
        if len(table) < self._section.size:
            return b"", DamagedTable("it lies outside the file")
        count = self._section_count or self._section.unpack_from(table)[5]
        if count <= 1:
            return b"", None
        if self._section_size < self._section.size:
            return b"", DamagedTable("it is of a form that no linker writes")
        if count > bounds.SECTIONS:
            return b"", TooManySections(f"it has more than {bounds.SECTIONS} entries")
        if not usual:
            table = self.content[self._sections_at : self._sections_at + count * self._section_size]
        there = len(table) // self._section_size
        cut = DamagedTable(f"only {there} of its {count} entries lie in the file") if there < count else None
        return table[: there * self._section_size], cut

    def _named(self, wanted: bytes) -> tuple[int, ...] | None:
        """The header of the first section of this name. Raises as ``section``."""
        table, place, damage = self._sections
        mark = wanted + b"\0"
        if mark in (names := self._names_at(*place)):
            # Only the first field of each header decides.
            for index, (at,) in enumerate(struct.Struct(f"{self._order}I{self._section_size - 4}x").iter_unpack(table)):
                if names.startswith(mark, at):
                    return self._section.unpack_from(table, index * self._section_size)
        if damage is not None:
            raise damage
        return None

    @property
    def _sections(self) -> tuple[bytes, tuple[int, int], DamagedTable | None]:
        """The headers of all sections as far as they are there, where their names lie, and what is wrong with them."""
        if self._known is None:
            table, damage = self._table()
            place = 0, 0
            if table or damage:
                try:
                    place = self._place_of_names(table)
                except DamagedTable as why:
                    table, damage = b"", damage or why
            self._known = table, place, damage
        return self._known

    def _place_of_names(self, table: bytes) -> tuple[int, int]:
        """Where the names of the sections lie, and their size. Raises DamagedTable when they cannot be read."""
        index = self._names_index
        if index == _ELSEWHERE and table:
            index = self._section.unpack_from(table)[6]
        if not 0 < index < len(table) // self._section_size:
            raise DamagedTable("its sections have no names")
        *_, offset, size, _, _ = self._section.unpack_from(table, index * self._section_size)
        if offset + size > len(self.content):
            raise DamagedTable("the names of its sections lie outside the file")
        if size > bounds.SECTION_NAMES_BYTES:
            raise TooManySections(f"the names of its sections have more than {bounds.SECTION_NAMES_BYTES} bytes")
        return offset, size

    def _read(self, start: int, size: int) -> bytes:
        end = start + size
        return self._head[start:end] if end <= len(self._head) else self.content[start:end]

    def _names_at(self, offset: int, size: int) -> bytes:
        """Read once for all the names that are looked for, unless they are many."""
        if self._names is None:
            names = self.content[offset : offset + size]
            if size > _FEW_NAMES:
                return names
            self._names = names
        return self._names

    def _header(self, index: int) -> tuple[int, ...] | None:
        place = self._sections_at + index * self._section_size
        raw = self.content[place : place + self._section.size] if self._sections_at else b""
        return self._section.unpack(raw) if len(raw) == self._section.size else None


@functools.cache
def _layout(order: str, *, wide: bool) -> tuple[struct.Struct, struct.Struct, struct.Struct]:
    """The file's own header behind its first 16 bytes, that of a section, and that of a segment."""
    own = struct.Struct(order + ("HHIQQQIHHHHHH" if wide else "HHIIIIIHHHHHH"))
    # sh_name, sh_type, sh_flags, sh_addr, sh_offset, sh_size, sh_link, sh_info
    section = struct.Struct(order + ("IIQQQQII" if wide else "IIIIIIII"))
    return own, section, struct.Struct(order + ("IIQQQQ" if wide else "IIIIIII"))
