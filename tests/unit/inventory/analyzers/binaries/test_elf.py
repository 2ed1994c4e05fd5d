"""The section table of a program: looked up by name, and what stands before its damage still found."""

import struct

import pytest
from tests.support.programs import elf

from hullguard.inventory.analyzers.binaries.elf import Elf

E_SHNUM = 60
"""Where a 64-bit header keeps the number of sections."""


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("wide", [True, False])
def test_a_section_is_found_by_its_name(wide: bool, order: str) -> None:
    found = Elf(elf({".one": b"first", ".two": b"second"}, wide=wide, order=order))

    assert (found.section(b".two"), found.section(b".one")) == (b"second", b"first")
    assert found.section(b".three") is None


def test_of_two_sections_with_one_name_the_first_counts() -> None:
    content = elf({".one": b"first", ".two": b"second"}).replace(b".two\0", b".one\0")

    assert Elf(content).section(b".one") == b"first"


def test_what_stands_before_a_table_that_is_cut_off_is_found_and_the_rest_is_an_error() -> None:
    content = bytearray(elf({".one": b"first"}))
    struct.pack_into("<H", content, E_SHNUM, 9)
    found = Elf(bytes(content))

    assert found.section(b".one") == b"first"
    with pytest.raises(struct.error):
        found.section(b".two")
