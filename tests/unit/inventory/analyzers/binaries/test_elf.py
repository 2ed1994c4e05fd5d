"""The section table of a program: looked up by name, and what stands before its damage still found."""

import struct

import pytest
from tests.support.programs import elf

from hullguard.inventory.analyzers.binaries.elf import DamagedTable, Elf

MOST = 1 << 20
E_SHOFF, E_SHENTSIZE, E_SHNUM, E_SHSTRNDX = 40, 58, 60, 62
"""Where a 64-bit header says where sections are, how large a header of one is, how many, and which has their names."""
SH_SIZE, SH_LINK = 32, 40


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("wide", [True, False])
def test_a_section_is_found_by_its_name(wide: bool, order: str) -> None:
    found = Elf(elf({".one": b"first", ".two": b"second"}, wide=wide, order=order))

    assert (found.section(b".two", MOST), found.section(b".one", MOST)) == (b"second", b"first")
    assert found.section(b".three", MOST) is None


def test_of_two_sections_with_one_name_the_first_counts() -> None:
    content = elf({".one": b"first", ".two": b"second"}).replace(b".two\0", b".one\0")

    assert Elf(content).section(b".one", MOST) == b"first"


def test_what_stands_before_a_table_that_is_cut_off_is_found_and_the_rest_is_an_error() -> None:
    content = bytearray(elf({".one": b"first"}))
    struct.pack_into("<H", content, E_SHNUM, 9)
    found = Elf(bytes(content))

    assert found.section(b".one", MOST) == b"first"
    with pytest.raises(DamagedTable, match="only 3 of its 9 entries"):
        found.section(b".two", MOST)


def changed(content: bytes, form: str, place: int, value: int) -> bytes:
    copy = bytearray(content)
    struct.pack_into(form, copy, place, value)
    return bytes(copy)


def extended(content: bytes) -> bytes:
    """The same program with the numbers of its sections where more than 65279 of them need it."""
    (table,) = struct.unpack_from("<Q", content, E_SHOFF)
    count, names = struct.unpack_from("<HH", content, E_SHNUM)
    content = changed(content, "<Q", table + SH_SIZE, count)
    content = changed(content, "<I", table + SH_LINK, names)
    return changed(changed(content, "<H", E_SHNUM, 0), "<H", E_SHSTRNDX, 0xFFFF)


def test_numbers_of_sections_that_need_more_than_16_bits() -> None:
    assert Elf(extended(elf({".one": b"first", ".two": b"second"}))).section(b".two", MOST) == b"second"


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("count", [1500, 70_000])
def test_a_section_behind_many_others(count: int, order: str) -> None:
    sections = {f".text.{number}": b"" for number in range(count)} | {".last": b"found"}

    assert Elf(elf(sections, order=order)).section(b".last", MOST) == b"found"


@pytest.mark.parametrize(
    ("form", "place", "value", "why"),
    [
        ("<Q", E_SHOFF, 1 << 40, "it lies outside the file"),
        ("<H", E_SHENTSIZE, 8, "it is of a form that no linker writes"),
        ("<H", E_SHSTRNDX, 0, "its sections have no names"),
        ("<H", E_SHSTRNDX, 4000, "its sections have no names"),
    ],
)
def test_a_table_that_lies_is_told(form: str, place: int, value: int, why: str) -> None:
    found = Elf(changed(elf({".one": b"first"}), form, place, value))

    with pytest.raises(DamagedTable, match=why):
        found.section(b".one", MOST)


def test_names_of_sections_outside_the_file_are_told() -> None:
    content = elf({".one": b"first"})
    (table,) = struct.unpack_from("<Q", content, E_SHOFF)
    found = Elf(changed(content, "<Q", table + 2 * 64 + SH_SIZE, 1 << 50))

    with pytest.raises(DamagedTable, match="the names of its sections lie outside the file"):
        found.section(b".one", MOST)


def test_a_program_without_a_table_has_no_sections() -> None:
    assert Elf(elf()).section(b".one", MOST) is None


def test_no_more_of_a_section_is_read_than_asked_for() -> None:
    assert Elf(elf({".one": b"first"})).section(b".one", 2) == b"fi"
