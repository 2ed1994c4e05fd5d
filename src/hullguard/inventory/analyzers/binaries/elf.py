"""As much of ELF as finding a section or an address takes; everything in the file may be a lie."""

import functools
import struct
from typing import Final

_SECTIONS = 1024
_SEGMENTS = 128
_NAME = 64
_LOAD: Final = 1


class Elf:
    """Raises ValueError or struct.error when the bytes are no ELF file."""

    def __init__(self, content: bytes) -> None:
        if content[:4] != b"\x7fELF" or content[4] not in (1, 2) or content[5] not in (1, 2):
            raise ValueError("no ELF file")
        self.content = content
        self.wide: bool = content[4] == 2
        order = "<" if content[5] == 1 else ">"
        self._head = struct.Struct(order + ("HHIQQQIHHHHHH" if self.wide else "HHIIIIIHHHHHH"))
        # sh_name, sh_type, sh_flags, sh_addr, sh_offset, sh_size
        self._section = struct.Struct(order + ("IIQQQQ" if self.wide else "IIIIII"))
        self._segment = struct.Struct(order + ("IIQQQQ" if self.wide else "IIIII"))
        head = self._head.unpack_from(content, 16)
        self._segments_at: int = head[4]
        self._sections_at: int = head[5]
        self._segment_size, self._segment_count = head[8], min(head[9], _SEGMENTS)
        self._section_size: int = head[10]
        self._section_count = min(int(head[11]), _SECTIONS)
        self._names_index: int = head[12]

    @property
    def has_sections(self) -> bool:
        return self._sections_at > 0 and self._section_count > 1

    def section(self, wanted: bytes) -> bytes | None:
        """The content of the first section of this name."""
        if not self.has_sections or self._names_index >= self._section_count:
            return None
        places, damage = self._places
        if wanted in places:
            place, size = places[wanted]
            return self.content[place : place + size]
        if damage is not None:
            raise damage
        return None

    @functools.cached_property
    def _places(self) -> tuple[dict[bytes, tuple[int, int]], struct.error | None]:
        """Where the sections lie, of several with one name the first; and what ended the table early."""
        names = self._placed(self._names_index)[1]
        places: dict[bytes, tuple[int, int]] = {}
        for index in range(self._section_count):
            try:
                name, place, size = self._placed(index)
            except struct.error as damage:
                return places, damage
            start = names + name
            places.setdefault(self.content[start : start + _NAME].split(b"\0", 1)[0], (place, size))
        return places, None

    def at(self, address: int, size: int) -> bytes:
        """Bytes by their address in memory; fewer, or none, where the file has no such address."""
        for index in range(self._segment_count):
            place = self._segments_at + index * self._segment_size
            fields = self._segment.unpack_from(self.content, place)
            kind, offset, start, length = (
                (fields[0], fields[2], fields[3], fields[5])
                if self.wide
                else (fields[0], fields[1], fields[2], fields[4])
            )
            if kind == _LOAD and start <= address < start + length:
                begin = offset + address - start
                return self.content[begin : min(begin + size, offset + length)]
        return b""

    def _placed(self, index: int) -> tuple[int, int, int]:
        """Offset of the name, offset and size of the content."""
        place = self._sections_at + index * self._section_size
        name, _, _, _, offset, size = self._section.unpack_from(self.content, place)
        return name, offset, size
