"""What Spack built."""

import json
from typing import Any

import pytest
from tests.support.images import Entry, file
from tests.support.inventories import Found

PREFIX = "opt/spack/linux-ubuntu22.04-x86_64/gcc-11.4.0"
HASH = "u463uoum2lujbc2ug4fpbersp4jev2yl"


def node(name: str, version: str, **more: Any) -> dict[str, Any]:
    arch = {"platform": "linux", "platform_os": "ubuntu22.04", "target": "x86_64_v3"}
    return {"name": name, "version": version, "arch": arch, "namespace": "builtin", **more}


def prefix(*nodes: Any, name: str = "zlib-1.3.1") -> Entry:
    document = {"spec": {"_meta": {"version": 4}, "nodes": nodes}}
    return file(f"{PREFIX}/{name}/.spack/spec.json", json.dumps(document))


def test_the_first_node_is_what_lies_there() -> None:
    found = Found([prefix(node("zlib", "1.3.1", hash=HASH), node("gmake", "4.4.1", hash="o"))])
    (package,) = found.packages

    assert (package.name, package.version, package.type, package.ecosystem) == ("zlib", "1.3.1", "spack", "")
    assert package.purl == f"pkg:spack/zlib@1.3.1?sha={HASH}"


def test_builds_of_one_version_are_told_apart_by_their_hash() -> None:
    found = Found([prefix(node("a", "1", hash="x")), prefix(node("a", "1", hash="y"), name="a-1-y")])

    assert sorted(package.purl for package in found.packages) == ["pkg:spack/a@1?sha=x", "pkg:spack/a@1?sha=y"]


@pytest.mark.parametrize("odd", ["", "\n", "x" * 400])
def test_a_hash_that_is_none_is_left_out(odd: str) -> None:
    assert [package.purl for package in Found([prefix(node("a", "1", hash=odd))]).packages] == ["pkg:spack/a@1"]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "is no readable description of a Spack package"),
        (b'{"spec": [{"zlib": {"version": "1.2"}}]}', "is no readable description of a Spack package"),
        (b'{"spec": {"nodes": [{"name": "a"}]}}', "is no readable description of a Spack package"),
        (b'{"spec": {"nodes": []}}', "it names no package"),
        (b'{"spec": {}}', "it names no package"),
    ],
)
def test_what_cannot_be_read_is_told(content: bytes, why: str) -> None:
    found = Found([file("opt/a/.spack/spec.json", content)])

    assert found.names == []
    assert ("opt/a/.spack/spec.json", why) in [(one.what, one.why) for one in found.unknowns]
