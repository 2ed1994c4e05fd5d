"""Assemblies of .NET of which no list of dependencies speaks."""

import json
import struct

import pytest
from tests.support.images import DEBIAN_12, dpkg_entry, dpkg_status, file
from tests.support.inventories import Found
from tests.support.programs import assembly as runtime

LIST = json.dumps({"libraries": {"Newtonsoft.Json/12.0.1": {"type": "package"}}})
WHY = "no list of .NET dependencies that names a library lies beside them, so what packages they are of is not known"


def executable(*, mark: int = 0x20B, directories: int = 16, runtime: tuple[int, int] = (0x2008, 72)) -> bytes:
    """The headers of a portable executable; ``runtime`` is where and how long its header for .NET is."""
    dos = b"MZ" + bytes(58) + struct.pack("<I", 128) + bytes(64)
    coff = b"PE\0\0" + struct.pack("<HHIIIHH", 0x8664, 1, 0, 0, 0, 240, 0x2022)
    begin = {0x10B: 96, 0x20B: 112}.get(mark, 112)
    optional = struct.pack("<H", mark) + bytes(begin - 6) + struct.pack("<I", directories)
    return dos + coff + optional + bytes(8 * 14) + struct.pack("<II", *runtime) + bytes(512)


CORE, ASP = "System.Private.CoreLib.dll", "Microsoft.AspNetCore.dll"


@pytest.mark.parametrize(
    ("said", "machine", "package", "version"),
    [
        ("8.0.4+2d7eea252964e69be94cb9c847b371b23e4dd470", 0xFD1D, "linux-x64", "8.0.4"),
        ("3.1.22-servicing.22122.1+0dee78f9", 0xFD1D, "linux-x64", "3.1.22"),
        ("9.0.0-rc.1.24431.7+abc", 0xD11D, "linux-arm64", "9.0.0-rc.1.24431.7"),
        ("10.0.1", 0x7ABD, "linux-arm", "10.0.1"),
        ("6.0.0+x", 0x8664, "win-x64", "6.0.0"),
    ],
)
def test_the_runtime_beside_an_application_is_told_by_its_assemblies(
    said: str, machine: int, package: str, version: str
) -> None:
    found = Found([file(f"app/{CORE}", runtime(said, machine=machine))])

    one = found.named(f"Microsoft.NETCore.App.Runtime.{package}")
    assert (one.version, one.ecosystem, one.locations) == (version, "NuGet", (f"app/{CORE}",))


def test_asp_net_runs_for_the_platform_of_the_runtime_under_it() -> None:
    place = "usr/share/dotnet/shared"
    core = file(f"{place}/Microsoft.NETCore.App/8.0.4/{CORE}", runtime("8.0.4+a"))
    asp = file(f"{place}/Microsoft.AspNetCore.App/8.0.5/{ASP}", runtime("8.0.5+b", machine=0x14C))
    alpine = file("etc/os-release", 'ID=alpine\nVERSION_ID="3.18.4"\n')

    assert {(one.name, one.version) for one in Found([core, asp]).packages} == {
        ("Microsoft.NETCore.App.Runtime.linux-x64", "8.0.4"),
        ("Microsoft.AspNetCore.App.Runtime.linux-x64", "8.0.5"),
    }
    assert Found([alpine, core, asp]).names == [
        "Microsoft.AspNetCore.App.Runtime.linux-musl-x64",
        "Microsoft.NETCore.App.Runtime.linux-musl-x64",
    ]


def test_a_runtime_for_an_unknown_platform_is_told() -> None:
    found = Found([file(f"app/{ASP}", runtime("8.0.5", machine=0x14C))])

    assert found.packages == []
    assert (f"app/{ASP}", "a runtime of .NET 8.0.5 for an unknown platform; it was not looked up") in [
        (one.what, one.why) for one in found.unknowns
    ]


def test_a_runtime_that_a_list_names_is_named_once() -> None:
    listed = json.dumps({"libraries": {"Microsoft.NETCore.App.Runtime.linux-x64/8.0.4": {"type": "package"}}})
    other = json.dumps({"libraries": {"Microsoft.NETCore.App/3.1.22-servicing.22122.4": {"type": "package"}}})
    core = file(f"app/{CORE}", runtime("3.1.22+a"))

    assert [one.locations for one in Found([file("app/App.deps.json", listed), core]).packages] == [
        ("app/App.deps.json",)
    ]
    assert {(one.name, one.version) for one in Found([file("app/App.deps.json", other), core]).packages} == {
        ("Microsoft.NETCore.App", "3.1.22"),
        ("Microsoft.NETCore.App.Runtime.linux-x64", "3.1.22"),
    }


@pytest.mark.parametrize("content", [runtime("4.6.30411.01 @BuiltBy: x"), runtime("8"), runtime("8.0.1", size=0)])
def test_a_version_that_is_not_the_runtimes_is_none(content: bytes) -> None:
    found = Found([file(f"app/{CORE}", content)])

    assert found.packages == []
    assert told(found) == [(f"1 .NET assemblies, app/{CORE} the first of them", WHY)]


def test_assemblies_of_other_names_are_no_runtime() -> None:
    assert Found([file("app/System.Runtime.dll", runtime("8.0.4"))]).packages == []


@pytest.mark.parametrize("place", range(0, 720, 9))
def test_damaged_headers_never_raise(place: int) -> None:
    content = bytearray(runtime("8.0.4"))
    content[place : place + 9] = b"\xff" * 9

    assert isinstance(Found([file(f"app/{CORE}", bytes(content))]).packages, list)
    assert isinstance(Found([file(f"app/{CORE}", runtime("8.0.4")[: place + 64])]).packages, list)


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
        "root/.nuget/packages/newtonsoft.json/12.0.1/lib/net45/Newtonsoft.Json.dll",
    ],
)
def test_of_what_something_else_tells_nothing_is_said(path: str) -> None:
    found = Found([file("app/App.deps.json", LIST), file(path, executable())])

    assert told(found) == []
    assert found.names == ["Newtonsoft.Json"]


def test_those_of_the_distributions_packages_are_told_by_these() -> None:
    path, content = "usr/lib/mono/gac/System/4.0.0.0/System.dll", executable()
    debian = [file("etc/os-release", DEBIAN_12), dpkg_status(dpkg_entry("libmono", "6.8-1"))]
    own = [*debian, file("var/lib/dpkg/info/libmono.list", f"/{path}\n"), file(path, content)]

    assert told(Found(own)) == []
    assert told(Found([*own, file("usr/lib/myapp/App.dll", content)])) == [
        ("1 .NET assemblies, usr/lib/myapp/App.dll the first of them", WHY)
    ]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("{}", "names no library, not even the program's own"),
        ('{"libraries": {}}', "names no library, not even the program's own"),
        ("", "is no readable list of .NET dependencies"),
        ('{"libraries": {"App/1.0.0"', "is no readable list of .NET dependencies"),
    ],
)
def test_a_list_that_says_nothing_does_not_hide_assemblies(content: str, why: str) -> None:
    empty = [file("app/App.deps.json", content), file("app/App.dll", executable())]
    found = Found(empty)

    assert ("app/App.deps.json", why) in [(one.what, one.why) for one in found.unknowns]
    assert ("1 .NET assemblies, app/App.dll the first of them", WHY) in told(found)
    assert told(Found([*empty, file("app/Other.deps.json", LIST)])) == []


def test_a_program_of_projects_alone_has_a_list() -> None:
    own = json.dumps({"libraries": {"App/1.0.0": {"type": "project"}}})

    assert told(Found([file("app/App.deps.json", own), file("app/App.dll", executable())])) == []


def test_a_list_with_other_capitals_is_none() -> None:
    """The runtime asks for ``App.deps.json``, and Linux has no file of that name then."""
    found = Found([file("app/App.DEPS.json", LIST), file("app/App.dll", executable())])

    assert found.names == []
    assert told(found) == [("1 .NET assemblies, app/App.dll the first of them", WHY)]


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
