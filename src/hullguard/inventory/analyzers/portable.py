"""As much of a portable executable as tells an assembly of .NET, for what processor it is, and its product's version.

Format: Microsoft's PE/COFF specification, and ECMA-335, II.25. Everything in the file may be a lie.
"""

import re
import struct
from typing import Final

from hullguard.inventory.random_access import RandomAccess

MAGIC: Final = b"MZ"
_DOS_HEADER = 64
_SIGNATURE = b"PE\0\0"
_OPTIONAL = 24
"""Where the optional header begins, behind the signature and COFF's header."""
_DIRECTORIES = {0x10B: 96, 0x20B: 112}
"""By the optional header's mark how far in it the directories begin; their number stands before them."""
_RESOURCES, _CLR = 2, 14
"""Of the directories that of resources, and the one that leads to what the common language runtime needs."""
_SECTION = struct.Struct("<8x4I")
_SECTION_SIZE, _MOST_SECTIONS = 40, 96
_VERSIONS = 1 << 16
"""Bytes of resources in which the version is looked for; an assembly has little else there."""
_PRODUCT = re.compile(
    "ProductVersion\0".encode("utf-16-le") + rb"(?:\0\0)?((?:[\x20-\x7e]\0){1,200})\0\0",
)


class Portable:
    """The headers of one file; all is empty where it is none."""

    def __init__(self, content: RandomAccess) -> None:
        self._content = content
        self._headers, self._begin, self._count = b"", 0, 0
        head = content[:_DOS_HEADER]
        if len(head) < _DOS_HEADER or not head.startswith(MAGIC):
            return
        (place,) = struct.unpack_from("<I", head, _DOS_HEADER - 4)
        headers = content[place : place + _OPTIONAL + (1 << 16) + _SECTION_SIZE * _MOST_SECTIONS]
        if len(headers) < _OPTIONAL + 2 or not headers.startswith(_SIGNATURE):
            return
        begin = _DIRECTORIES.get(struct.unpack_from("<H", headers, _OPTIONAL)[0])
        if begin is None or len(headers) < _OPTIONAL + begin + 8 * (_CLR + 1):
            return
        self._headers, self._begin = headers, _OPTIONAL + begin
        (self._count,) = struct.unpack_from("<I", headers, self._begin - 4)

    @property
    def is_assembly(self) -> bool:
        """Whether it is one for the common language runtime."""
        address, size = self._directory(_CLR)
        return bool(address and size)

    @property
    def machine(self) -> int:
        """COFF's number for the processor, mixed with one for the system where it was compiled ahead of time."""
        return int(struct.unpack_from("<H", self._headers, len(_SIGNATURE))[0]) if self._headers else 0

    @property
    def product_version(self) -> str:
        """What its resources say, empty where they do not."""
        address, size = self._directory(_RESOURCES)
        for start, length, at, stored in self._sections():
            if start <= address < start + max(length, stored):
                place = at + address - start
                found = _PRODUCT.search(self._content[place : place + min(size, _VERSIONS)])
                return found[1].decode("utf-16-le") if found else ""
        return ""

    def _directory(self, number: int) -> tuple[int, int]:
        if number >= self._count:
            return 0, 0
        address, size = struct.unpack_from("<II", self._headers, self._begin + 8 * number)
        return address, size

    def _sections(self) -> list[tuple[int, int, int, int]]:
        """Of each section the address in memory, the length there, the place in the file and the length there."""
        if not self._headers:
            return []
        count, optional = struct.unpack_from("<H", self._headers, 6)[0], struct.unpack_from("<H", self._headers, 20)[0]
        table = self._headers[_OPTIONAL + optional :][: _SECTION_SIZE * min(count, _MOST_SECTIONS)]
        rows = (table[at : at + _SECTION.size] for at in range(0, len(table) - _SECTION.size + 1, _SECTION_SIZE))
        return [(start, length, at, stored) for length, start, stored, at in map(_SECTION.unpack, rows)]
