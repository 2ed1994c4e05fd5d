"""ELF files made by hand: a few sections and one segment, in either width and byte order."""

import struct
from collections.abc import Mapping

ADDRESS = 0x400000
"""Where the file begins in memory."""


def elf(
    sections: Mapping[str, bytes] | None = None, extra: bytes = b"", *, wide: bool = True, order: str = "<"
) -> bytes:
    """A program with these sections; without any it has no section table, as after ``sstrip``.

    Numbers of sections that 16 bits cannot hold stand in the first section's header, as linkers write them.
    """
    head = 64 if wide else 52
    segment = struct.calcsize(order + ("IIQQQQQQ" if wide else "IIIIIIII"))
    body, places = bytearray(), {}
    start = -(-(head + segment) // 16) * 16
    for name, content in (sections or {}).items():
        body += b"\0" * (-len(body) % 16)
        places[name] = (start + len(body), len(content))
        body += content
    body += b"\0" * (-len(body) % 16) + extra
    names, table = bytearray(b"\0"), [(0, 0, 0)]
    for name, (place, size) in places.items():
        table.append((len(names), place, size))
        names += name.encode() + b"\0"
    table.append((len(names), start + len(body), len(names) + 10))
    names += b".shstrtab\0"
    body += names + b"\0" * 16
    count = len(table) if sections else 0
    form = "IIQQQQIIQQ" if wide else "IIIIIIIIII"
    many = count >= 0xFF00
    headers = b"".join(
        struct.pack(order + form, name, 1, 0, ADDRESS + place, place, size, 0, 0, 1, 0) for name, place, size in table
    )
    if many:
        first = struct.pack(order + form, 0, 0, 0, 0, 0, count, count - 1, 0, 0, 0)
        headers = first + headers[len(first) :]
    sections_at = start + len(body) if count else 0
    ident = b"\x7fELF" + bytes([2 if wide else 1, 1 if order == "<" else 2, 1]) + b"\0" * 9
    fields = (
        2,
        62,
        1,
        ADDRESS,
        head,
        sections_at,
        0,
        head,
        segment,
        1,
        struct.calcsize(order + form),
        0 if many else count,
        0xFFFF if many else max(count - 1, 0),
    )
    header = ident + struct.pack(order + ("HHIQQQIHHHHHH" if wide else "HHIIIIIHHHHHH"), *fields)
    size = start + len(body)
    load = (
        struct.pack(order + "IIQQQQQQ", 1, 7, 0, ADDRESS, ADDRESS, size, size, 16)
        if wide
        else struct.pack(order + "IIIIIIII", 1, 0, ADDRESS, ADDRESS, size, size, 7, 16)
    )
    return (header + load).ljust(start, b"\0") + bytes(body) + (headers if count else b"")


def _marked(modules: str) -> bytes:
    return b"\x30\x77\xaf\x0c\x92\x74\x08\x02\x41\xe1\xc1\x07\xe6\xd6\x18\xe6" + modules.encode() + b"\xf9" * 16


def _counted(content: bytes) -> bytes:
    length, out = len(content), bytearray()
    while length >= 0x80:
        out.append(length & 0x7F | 0x80)
        length >>= 7
    return bytes([*out, length]) + content


def go_info(version: str, modules: str) -> bytes:
    """The section that Go 1.18 and later write."""
    return b"\xff Go buildinf:\x08\x02".ljust(32, b"\0") + _counted(version.encode()) + _counted(_marked(modules))


def go_program(version: str, modules: str) -> bytes:
    return elf({".text": b"\x90" * 64, ".go.buildinfo": go_info(version, modules)})


def old_go_program(version: str, modules: str, *, wide: bool = True, order: str = "<") -> bytes:
    """As before Go 1.18: the section points at the headers of two strings."""
    size, form = (8, "QQ") if wide else (4, "II")
    marked = _marked(modules)
    # The only content before ``extra`` is the section, which begins at 128 in both widths with this padding.
    start = 128 if wide else 96
    headers_at = start + 32
    strings_at = headers_at + 4 * size
    strings_at += -strings_at % 16
    headers = struct.pack(order + form, ADDRESS + strings_at, len(version))
    headers += struct.pack(order + form, ADDRESS + strings_at + len(version), len(marked))
    extra = headers.ljust(strings_at - headers_at, b"\0") + version.encode() + marked
    pointers = struct.pack(order + form, ADDRESS + headers_at, ADDRESS + headers_at + 2 * size)
    flags = 0 if order == "<" else 1
    section = (b"\xff Go buildinf:" + bytes([size, flags]) + pointers).ljust(32, b"\0")
    return elf({".go.buildinfo": section}, extra, wide=wide, order=order)


def assembly(version: str, *, machine: int = 0xFD1D, size: int | None = None) -> bytes:
    """An assembly with a version in its resources, compiled for a processor and a system."""
    said = "ProductVersion\0\0".encode("utf-16-le") + f"{version}\0".encode("utf-16-le") + bytes(8)
    said = "Comments\0x\0".encode("utf-16-le") + said
    dos = b"MZ" + bytes(58) + struct.pack("<I", 128) + bytes(64)
    coff = b"PE\0\0" + struct.pack("<HHIIIHH", machine, 2, 0, 0, 0, 240, 0x2022)
    optional = struct.pack("<H", 0x20B) + bytes(106) + struct.pack("<I", 16)
    resources = struct.pack("<II", 0x4010, len(said) if size is None else size)
    directories = bytes(16) + resources + bytes(8 * 11) + struct.pack("<II", 0x2008, 72) + bytes(8)
    sections = struct.pack("<8s4I16x", b".text", 16, 0x2000, 16, 496) + struct.pack(
        "<8s4I16x", b".rsrc", len(said), 0x4000, len(said) + 16, 512
    )
    head = dos + coff + optional + directories + sections
    return head.ljust(528, b"\0") + said
