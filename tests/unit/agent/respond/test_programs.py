"""What a program's file says of its start, read from real programs and from damaged ones."""

import os
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hullguard.agent.respond.programs import Loaders, is_script, loader_of


def put(path: Path, content: bytes) -> int:
    path.write_bytes(content)
    return os.open(path, os.O_RDONLY)


def linked(loader: bytes, *, wide: bool = True, order: str = "<") -> bytes:
    """An ELF file with one program header that names a loader."""
    size, head = (56, 64) if wide else (32, 52)
    header = bytearray(b"\x7fELF" + bytes([2 if wide else 1, 1 if order == "<" else 2, 1]) + b"\0" * (head - 7))
    struct.pack_into(f"{order}{'Q' if wide else 'I'}", header, 32 if wide else 28, head)
    struct.pack_into(f"{order}HH", header, 54 if wide else 42, size, 1)
    place, length = head + size, len(loader) + 1
    part = (
        struct.pack(f"{order}IIQQQQQQ", 3, 4, place, 0, 0, length, length, 1)
        if wide
        else struct.pack(f"{order}IIIIIIII", 3, place, 0, 0, length, length, 4, 1)
    )
    return bytes(header) + part + loader + b"\0" + b"\0" * 16


@pytest.mark.parametrize("wide", [True, False])
@pytest.mark.parametrize("order", ["<", ">"])
def test_a_program_names_its_loader(tmp_path: Path, wide: bool, order: str):
    place = put(tmp_path / "program", linked(b"/lib/ld.so.1", wide=wide, order=order))
    assert loader_of(place) == "/lib/ld.so.1"
    assert not is_script(place)
    os.close(place)


def test_a_script_is_one_by_its_first_two_bytes(tmp_path: Path):
    script, text = put(tmp_path / "script", b"#!/bin/sh\n"), put(tmp_path / "text", b"# !")
    assert (is_script(script), is_script(text)) == (True, False)
    assert (loader_of(script), loader_of(text)) == (None, None)


@given(where=st.integers(0, 120), what=st.binary(min_size=1, max_size=64))
def test_a_damaged_program_names_none_or_some_path(tmp_path_factory: pytest.TempPathFactory, where: int, what: bytes):
    content = bytearray(linked(b"/lib/ld.so.1"))
    content[where : where + len(what)] = what
    place = put(tmp_path_factory.getbasetemp() / "damaged", bytes(content))
    try:
        assert len(loader_of(place) or "") <= 4096
        loader_of(place)
    finally:
        os.close(place)


def test_a_loader_is_expected_once_and_from_its_thread(tmp_path: Path):
    loader = tmp_path / "loader"
    loader.write_bytes(b"x")
    found = loader.stat()
    file = found.st_dev, found.st_ino
    place = put(tmp_path / "program", linked(os.fsencode(loader)))
    loaders = Loaders()
    loaders.expect(os.getpid(), place)
    assert not loaders.expected(1, file)
    assert not loaders.expected(os.getpid(), (0, 0)), "another file is no loader of it"
    loaders.expect(os.getpid(), place)
    assert loaders.expected(os.getpid(), file)
    assert not loaders.expected(os.getpid(), file)
    os.close(place)
