"""Programs that carry packages of another language, told by the marks of their makers."""

import json
import struct

import pytest
from tests.support.images import file
from tests.support.inventories import Found
from tests.support.programs import elf

MARK = bytes.fromhex("8b1202b96a612038727b930214d7a03213f5b9e6efae3318ee3b2dce24b36aae")
LISTED = {"libraries": {"app/1.0": {"type": "project"}, "Newtonsoft.Json/9.0.1": {"type": "package"}}}
UNREAD = "a .NET application in one file whose list of packages was not read: "


def bundle(content: bytes, *, major: int = 6, length: int = 12, size: int | None = None) -> bytes:
    """A host with its marker, the list behind it, and then the header that the marker points at."""
    host = elf(extra=b"\0" * 8 + MARK)
    at = host.index(MARK)
    whole = host + content
    place = struct.pack("<qq", len(host), len(content) if size is None else size)
    header = struct.pack("<IIi", major, 0, 1) + bytes([length]) + b"a" * 12 + place + b"\0" * 24
    return whole[: at - 8] + struct.pack("<q", len(whole)) + whole[at:] + header


def said(content: bytes, path: str = "srv/app") -> list[str]:
    return [one.why for one in Found([file(path, content)]).unknowns if one.what == path]


def test_a_dotnet_application_in_one_file_is_read() -> None:
    package = Found([file("srv/app", bundle(json.dumps(LISTED).encode()))]).named("Newtonsoft.Json")

    assert (package.purl, package.ecosystem) == ("pkg:nuget/Newtonsoft.Json@9.0.1", "NuGet")
    assert package.locations == ("srv/app",)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (bundle(b"{}", major=1), f"{UNREAD}it is of a form that is not read"),
        (bundle(b"{}", length=200), "a .NET application in one file whose list of packages cannot be read"),
        (bundle(b"{}", size=1 << 40), f"{UNREAD}its header is damaged"),
        (bundle(b"{}", size=-1), f"{UNREAD}its header is damaged"),
        (bundle(b"{"), "a .NET application in one file whose list of packages cannot be read"),
        (bundle(b"{}")[:-60], "a .NET application in one file whose list of packages cannot be read"),
    ],
)
def test_one_that_cannot_be_read_is_told(content: bytes, why: str) -> None:
    assert said(content) == [why]


def test_a_host_of_a_program_in_several_files_is_none() -> None:
    assert said(elf(extra=b"\0" * 8 + MARK)) == []


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (
            elf() + b"MEI\014\013\012\013\016" + b"\0" * 80,
            "a Python application that PyInstaller packed; the packages in it are not read",
        ),
        (
            elf({".text": b"x", ".svm_heap": b"x"}),
            "a Java application that GraalVM compiled without a bill of materials; the packages in it cannot be told",
        ),
        (
            elf({".text": b"x", ".comment": b"GCC: 12\0rustc version 1.80.0 (051478957 2024-07-21)\0"}),
            "a Rust program that was built without the list of its crates",
        ),
        (
            elf({".text": b"x", ".rodata": b"/usr/src/rustc-1.63.0/library/std/src/io/mod.rs"}),
            "a Rust program that was built without the list of its crates",
        ),
    ],
)
def test_what_cannot_be_listed_is_told(content: bytes, why: str) -> None:
    assert said(content) == [why]


@pytest.mark.parametrize(
    "sections",
    [
        {".rodata": b"/usr/lib/libfoo/src"},
        {".rodata": b"see /rustc/abc/library/std/src/io/mod.rs", ".comment": b"GCC: (Debian 12.2.0-14) 12.2.0\0"},
        {".data": b"/usr/src/rustc-1.63.0/library/std/src/io/mod.rs"},
    ],
)
def test_other_programs_are_not_taken_for_rust(sections: dict[str, bytes]) -> None:
    assert said(elf({".text": b"x", **sections})) == []


def test_a_library_is_part_of_what_loads_it() -> None:
    library = elf({".text": b"x", ".comment": b"rustc version 1.80.0\0"})

    assert said(library, "usr/lib/python3/site-packages/cryptography/_rust.abi3.so") == []
