"""Assemblies of .NET of which no list of dependencies speaks."""

import json
import struct

import pytest
from tests.support.images import file
from tests.support.inventories import Found

LIST = json.dumps({"libraries": {"Newtonsoft.Json/12.0.1": {"type": "package"}}})
WHY = "no list of .NET dependencies lies beside them, so what packages they are of is not known"


def executable(*, mark: int = 0x20B, directories: int = 16, runtime: tuple[int, int] = (0x2008, 72)) -> bytes:
    """The headers of a portable executable; ``runtime`` is where and how long its header for .NET is."""
    dos = b"MZ" + bytes(58) + struct.pack("<I", 128) + bytes(64)
    coff = b"PE\0\0" + struct.pack("<HHIIIHH", 0x8664, 1, 0, 0, 0, 240, 0x2022)
    begin = {0x10B: 96, 0x20B: 112}.get(mark, 112)
    optional = struct.pack("<H", mark) + bytes(begin - 6) + struct.pack("<I", directories)
    return dos + coff + optional + bytes(8 * 14) + struct.pack("<II", *runtime) + bytes(512)


def told(found: Found) -> list[tuple[str, str]]:
    return [(one.what, one.why) for one in found.unknowns if ".NET" in one.what]


@pytest.mark.parametrize("mark", [0x10B, 0x20B])
def test_assemblies_without_a_list_are_counted(mark: int) -> None:
    content = executable(mark=mark)
    paths = ("app/App.dll", "app/Newtonsoft.Json.dll", "srv/Other.exe")

    found = Found([file(path, content) for path in paths])
    assert found.packages == []
    assert told(found) == [("3 .NET assemblies, app/App.dll the first of them", WHY)]


@pytest.mark.parametrize(
    "path",
    [
        "app/Newtonsoft.Json.dll",
        "app/de/App.resources.dll",
        "app/runtimes/unix/lib/net6.0/System.Data.SqlClient.dll",
        "usr/lib/mono/gac/System/4.0.0.0/System.dll",
        "root/.nuget/packages/newtonsoft.json/12.0.1/lib/net45/Newtonsoft.Json.dll",
    ],
)
def test_of_what_something_else_tells_nothing_is_said(path: str) -> None:
    found = Found([file("app/App.deps.json", LIST), file(path, executable())])

    assert told(found) == []
    assert found.names == ["Newtonsoft.Json"]


@pytest.mark.parametrize(
    "content",
    [
        executable(runtime=(0, 0)),
        executable(directories=10),
        executable(mark=0x107),
        executable()[:200],
        executable()[:150],
        b"MZ" + bytes(100),
        b"MZ" + b"\xff" * 100,
        b"MZ",
    ],
)
def test_other_programs_are_none(content: bytes) -> None:
    assert told(Found([file("app/App.dll", content)])) == []


def test_the_list_of_an_older_project_is_told_as_unread() -> None:
    found = Found([file("srv/site/packages.config", "<packages/>")])

    assert [one.what for one in found.unknowns if "packages of" in one.what] == ["packages of .NET in packages.config"]
