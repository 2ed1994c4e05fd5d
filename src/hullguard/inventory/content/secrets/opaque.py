"""Files in which no credential can be seen as it is written, told by their first bytes: names are anybody's choice."""

import re

from hullguard.inventory.content.secrets.git_objects import is_object, of_zlib

_COMPRESSED = (
    *(b"\x1f\x8b", b"\x1f\x9d", b"\x1f\xa0"),  # gzip, compress, SCO's compress
    *(b"\xfd7zXZ\0", b"\x28\xb5\x2f\xfd", b"\x04\x22\x4d\x18", b"\x02\x21\x4c\x18"),  # xz, zstd, lz4 and its older form
    *(b"LZIP\0", b"LZIP\1", b"LRZI\0", b"\x89LZO\0\r\n\x1a\n", b"\xff\x06\0\0sNaPpY"),
    *(b"PK\x03\x04", b"PK\x05\x06", b"7z\xbc\xaf\x27\x1c", b"Rar!\x1a\x07", b"MSCF\0"),  # zip, 7-Zip, RAR, cabinet
    *(b"\xed\xab\xee\xdb", b"!<arch>\ndebian-binary"),  # packages of rpm and dpkg
    *(b"PACK\0\0\0\2", b"PACK\0\0\0\3"),  # Git's
)
_OTHERS = re.compile(
    rb"(?:hsqs|sqsh).{0,64}\0|"  # squashfs
    rb"[\x50-\x5f]\x2a\x4d\x18|"  # a frame before those of zstd and lz4, which readers skip
    # lzma: the dictionary's size, and that of what is packed, or that it was not known
    rb"\x5d\0\0[\x00-\xff][\x00-\x40](?:\xff{8}|.{5}\0{3})",
    re.DOTALL,
)
_BEHIND = re.compile(
    rb"PK\x03\x04|\x1f\x8b\x08[\x00-\x1f]|\xfd7zXZ\0|\x28\xb5\x2f\xfd|7z\xbc\xaf\x27\x1c|BZh[1-9]1AY&SY|\n\x5d\0\0"
)
_BZIP2 = re.compile(rb"BZh[1-9]1AY&SY")

_MEDIA = (
    *(b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF87a", b"GIF89a", b"RIFF", b"\0\0\1\0"),  # pictures
    *(b"wOFF", b"wOF2", b"OTTO", b"\0\1\0\0\0", b"ttcf\0", b"true\0"),  # fonts
    *(b"ID3", b"\xff\xfb", b"OggS\0", b"fLaC"),  # sound
)
_FILM = b"ftyp"  # four bytes from the start

_ELF = re.compile(rb"\x7fELF[\x01\x02][\x01\x02]\x01")
# Java's classes, one by one and as the image of a runtime; WebAssembly; libraries to link
_PROGRAMS = (b"\xca\xfe\xba\xbe", b"\xda\xda\xfe\xca", b"\0asm", b"!<arch>\n")
_PYTHON = re.compile(rb"..\r\n[\x00-\x03]\x00\x00\x00", re.DOTALL)
_WINDOWS = re.compile(rb"MZ.{58}..\x00\x00", re.DOTALL)
_MESSAGES = (b"\xde\x12\x04\x95", b"\x95\x04\x12\xde")  # gettext's, which hold the words of a program
_PDF = b"%PDF-"
_OWN = (16, 64)
"""First bytes that a form may have for itself."""
_CONTROLS = bytes({*range(32)} - {*b"\t\n\r\f"})


def compressed(head: bytes) -> bool:
    """Whether a file that begins like this holds others, or one, in compressed form."""
    if head.startswith(_COMPRESSED) or _BZIP2.match(head) is not None:
        return True
    return (b"\0" in head and _OTHERS.match(head) is not None) or _by_zlib(head)


def unpacks_itself(content: bytes) -> bool:
    """Whether a script has something behind it that is compressed, by its beginning."""
    return content.startswith(b"#!") and b"\0" in content and _BEHIND.search(content) is not None


def _by_zlib(head: bytes) -> bool:
    """Whether zlib packed a file by itself, and what it packed is no object of Git, which is looked into."""
    return of_zlib(head) != b"" and not is_object(head)


def opaque(head: bytes) -> bool:
    """Whether a file is a program, a picture, sound or a font. Each is more than its first word: it is no text."""
    if b"\0" not in head:
        return head.startswith(_PDF) and not head.isascii()
    if any(_spells(head[own:]) for own in _OWN):
        return False
    return (
        _ELF.match(head) is not None
        or head.startswith((*_MEDIA, *_PROGRAMS, *_MESSAGES, _PDF))
        or head[4:8] == _FILM
        or _PYTHON.match(head) is not None
        or _WINDOWS.match(head) is not None
    )


def _spells(rest: bytes) -> bool:
    """Whether what follows the first bytes is text: one sign in nine of anything packed, drawn or compiled is none."""
    return len(rest) - len(rest.translate(None, _CONTROLS)) < len(rest) / 100
