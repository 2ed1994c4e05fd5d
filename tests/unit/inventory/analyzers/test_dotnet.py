"""What a .NET program was published with."""

import json

import pytest
from tests.support.images import file
from tests.support.inventories import Found

DOCUMENT = {
    "runtimeTarget": {"name": ".NETCoreApp,Version=v6.0", "signature": ""},
    "targets": {".NETCoreApp,Version=v6.0": {"App/1.0.0": {"dependencies": {"Newtonsoft.Json": "12.0.1"}}}},
    "libraries": {
        "App/1.0.0": {"type": "project", "serviceable": False, "sha512": ""},
        "Newtonsoft.Json/12.0.1": {"type": "package", "serviceable": True, "sha512": "sha512-x"},
        "runtimepack.Microsoft.NETCore.App.Runtime.linux-x64/6.0.1": {"type": "runtimepack"},
    },
}


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_packages_are_read_and_projects_are_not(mark: bytes) -> None:
    found = Found([file("app/App.deps.json", mark + json.dumps(DOCUMENT).encode())])

    assert found.names == ["Microsoft.NETCore.App.Runtime.linux-x64", "Newtonsoft.Json"]
    package = found.named("Newtonsoft.Json")
    assert (package.version, package.ecosystem) == ("12.0.1", "NuGet")
    assert package.purl == "pkg:nuget/Newtonsoft.Json@12.0.1"


@pytest.mark.parametrize("content", [b"", b"[]", b'{"libraries": 1}', b"\xff\xfe"])
def test_a_list_that_cannot_be_read_is_told(content: bytes) -> None:
    found = Found([file("app/App.deps.json", content)])

    assert found.names == []
    assert ("app/App.deps.json", "is no readable list of .NET dependencies") in [
        (u.what, u.why) for u in found.unknowns
    ]


@pytest.mark.parametrize("odd", [1, {"type": 1}, []])
def test_an_odd_library_costs_only_itself_and_is_named(odd: object) -> None:
    document = {"libraries": {"a/1": {"type": "package"}, "odd/2": odd, "b/3": {"type": "package"}}}

    found = Found([file("a.deps.json", json.dumps(document))])

    assert found.names == ["a", "b"]
    assert ("a.deps.json", "its entry odd/2 is none; it was left out") in [(u.what, u.why) for u in found.unknowns]


def test_a_library_without_a_version_is_told() -> None:
    found = Found([file("a.deps.json", b'{"libraries": {"Newtonsoft.Json": {"type": "package"}}}')])

    assert found.names == []
    assert "a.deps.json" in [unknown.what for unknown in found.unknowns]


def test_the_kind_of_a_library_has_no_case() -> None:
    assert Found([file("a.deps.json", '{"libraries": {"a/1": {"type": "Package"}}}')]).names == ["a"]


@pytest.mark.parametrize(
    ("listed", "package"),
    [
        ("Microsoft.NETCore.App.Runtime.ubuntu.22.04-x64", "Microsoft.NETCore.App.Runtime.linux-x64"),
        ("Microsoft.AspNetCore.App.Runtime.rhel.8-arm64", "Microsoft.AspNetCore.App.Runtime.linux-arm64"),
        ("Microsoft.NETCore.App.Runtime.alpine.3.18-x64", "Microsoft.NETCore.App.Runtime.linux-musl-x64"),
        ("Microsoft.NETCore.App.Runtime.linux-musl-x64", "Microsoft.NETCore.App.Runtime.linux-musl-x64"),
        ("Microsoft.NETCore.App.Runtime.Mono.linux-x64", "Microsoft.NETCore.App.Runtime.Mono.linux-x64"),
    ],
)
def test_a_runtime_that_a_distribution_built_is_called_as_advisories_do(listed: str, package: str) -> None:
    assert Found([file("a.deps.json", json.dumps({"libraries": {f"{listed}/8.0.1": {"type": "package"}}}))]).names == [
        package
    ]
