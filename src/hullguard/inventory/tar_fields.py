"""The fields of a tar header as their writers meant them: words, numbers, modes, and the parts of a sparse file."""

import functools
import re
import zlib

from hullguard.inventory.sparse import BLOCK

_EIGHT_SPACES = sum(b" " * 8)
"""The checksum field counts as blanks."""
_MOST_SUM = BLOCK * 0xFF
_ADLER = 65521

_TIME = re.compile(rb"[0-7]{0,21}")


def word(header: bytes, start: int, end: int) -> bytes:
    """A field's bytes before its first NUL."""
    stop = header.find(0, start, end)
    return header[start : end if stop < 0 else stop]


def prefix(header: bytes) -> bytes:
    """What stands before the name, as the engines' reader decides it from the form of the header."""
    magic = header[257:263]
    if magic == b"ustar\0":
        # star keeps two times behind a shorter prefix.
        return word(header, 345, 476 if header[508:512] == b"tar\0" else 500)
    if header[257:265] == b"ustar  \0" and not (_is_time(header[345:357]) and _is_time(header[357:369])):
        # GNU's form has times there; some writers (Go before 1.8) took it for one with a prefix.
        found = word(header, 345, 500)
        return found if found.isascii() else b""
    return b""


def _is_time(field: bytes) -> bool:
    if not field[0]:
        return True  # none is given
    if field[0] & 0x80:
        return -(1 << 63) <= int.from_bytes(field, "big") - ((1 << 96) if field[0] & 0x40 else (1 << 95)) < 1 << 63
    return _TIME.fullmatch(field.strip(b" \0").partition(b"\0")[0]) is not None


@functools.lru_cache(256)
def permissions(field: bytes) -> int:
    """Remembered: nearly all members of an image have one of a dozen modes."""
    try:
        return int(field.replace(b"\0", b" ").strip() or b"0", 8) & 0o7777
    except ValueError:
        return 0


@functools.lru_cache(1024)
def low_half(field: bytes) -> int:
    """What the low half of a header's Adler-32 sum is where this is its checksum; -1 for no checksum.

    That half is one more than the sum of the bytes, and computed ten times as fast as Python adds them. Remembered: the
    checksums of headers that differ in little are few.
    """
    stored = octal(field)
    if not 0 <= stored <= _MOST_SUM:
        return -1
    return (stored - _EIGHT_SPACES + (zlib.adler32(field) & 0xFFFF)) % _ADLER


def pieces(fields: bytes) -> list[int]:
    found: list[int] = []
    for at in range(0, len(fields), 24):
        if not fields[at]:
            break
        found += (number(fields[at : at + 12]), number(fields[at + 12 : at + 24]))
    return found


def number(field: bytes) -> int:
    """An octal number, or GNU's base-256 for what octal cannot hold; -1 for no number."""
    if not field[0] & 0x80:
        return octal(field)
    return -1 if field[0] & 0x40 else int.from_bytes(field, "big", signed=False) & ~(1 << (8 * len(field) - 1))


def octal(field: bytes) -> int:
    """The number in a field that ends with NUL or blank, as most writers end it, or is filled; -1 for no number."""
    try:
        return int(field.rstrip(b"\0 "), 8)
    except ValueError:
        pass
    try:
        return int(field.replace(b"\0", b" ").strip() or b"0", 8)
    except ValueError:
        return -1
