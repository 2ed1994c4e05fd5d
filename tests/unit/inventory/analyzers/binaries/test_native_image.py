"""The bill of materials in a program that GraalVM made of Java."""

import gzip
import json
import struct

import pytest
from tests.support.images import file
from tests.support.inventories import Found
from tests.support.programs import ADDRESS, elf

from hullguard.inventory.analyzers.binaries.elf import Elf

NAMES = b"\0other\0sbom_length\0sbom\0"
BILL = {
    "bomFormat": "CycloneDX",
    "specVersion": "1.6",
    "components": [{"type": "library", "name": "netty", "purl": "pkg:maven/io.netty/netty@4.1.76.Final"}],
}
TOLD = "a Java application that GraalVM compiled without a bill of materials; the packages in it cannot be told"
ASTRAY = "a Java application that GraalVM compiled, whose bill of materials does not lie where it should"


def native_image(
    content: bytes, *, table: str = ".dynsym", strings: str = ".dynstr", length: int | None = None, names: bytes = NAMES
) -> bytes:
    """A program with the bill at its symbols; the addresses are filled in once it is known where that lies."""
    mark = b"<bill>" + struct.pack("<Q", len(content) if length is None else length)

    def made(at: int) -> bytes:
        places = {b"other\0": 0, b"sbom_length\0": at + 6, b"sbom\0": at + len(mark)}
        symbols = b"".join(
            struct.pack("<IBBHQQ", NAMES.index(b"\0" + name) + 1, 0x11, 0, 1, ADDRESS + place, 8)
            for name, place in places.items()
        )
        return elf({".svm_heap": b"x", table: symbols, strings: names}, extra=mark + content)

    return made(made(0).index(mark))


def said(found: Found) -> list[str]:
    return [one.why for one in found.unknowns if one.what == "srv/app"]


@pytest.mark.parametrize(("table", "strings"), [(".dynsym", ".dynstr"), (".symtab", ".strtab")])
def test_what_it_names_is_in_the_program(table: str, strings: str) -> None:
    content = native_image(gzip.compress(json.dumps(BILL).encode()), table=table, strings=strings)
    package = Found([file("srv/app", content)]).named("io.netty:netty")

    assert (package.version, package.ecosystem, package.by_bill) == ("4.1.76.Final", "Maven", True)
    assert package.locations == ("srv/app",)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (native_image(b"", names=b"\0other\0sbom_length\0"), TOLD),
        (native_image(b"x", length=0), ASTRAY),
        (native_image(b"x", length=1 << 60), ASTRAY),
        (native_image(b"no gzip"), "a bill of materials that cannot be unpacked"),
        (native_image(gzip.compress(b"{}")[:-9]), "a bill of materials that is cut off"),
        (
            native_image(gzip.compress(b"{}")),
            "a bill of materials that was not read: it is neither CycloneDX nor SPDX in JSON",
        ),
    ],
)
def test_what_cannot_be_read_is_told(content: bytes, why: str) -> None:
    assert said(Found([file("srv/app", content)])) == [why]


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("wide", [True, False])
def test_symbols_of_every_form(wide: bool, order: str) -> None:
    form = order + ("IBBHQQ" if wide else "IIIBBH")
    rest = (0, 0, 0, ADDRESS, 0) if wide else (ADDRESS, 0, 0, 0, 0)
    content = elf({".dynsym": struct.pack(form, 1, *rest), ".dynstr": b"\0a\0"}, wide=wide, order=order)

    assert Elf(content).symbols((b"a", b"b")) == {b"a": ADDRESS}


def test_a_damaged_table_has_none() -> None:
    content = bytearray(elf({".dynsym": b"x" * 30, ".dynstr": b"\0a\0"}))
    struct.pack_into("<Q", content, 40, 1 << 40)

    assert Elf(bytes(content)).symbols((b"a",)) == {}
