"""Python's packages in one zip file: eggs, and applications of pex and shiv."""

import struct
from pathlib import Path

import pytest
from tests.support.archives import zipped
from tests.support.images import Image, file, layer
from tests.support.inventories import Found

from hullguard.inventory import Limits, read

NAMELESS = "metadata of a Python package without its name or version"
METADATA = b"Metadata-Version: 2.1\nName: Django\nVersion: 3.2.0\nLicense: BSD\n\nVersion: 9\n"
PEX = {".deps/Django-3.2.0-py3-none-any.whl/Django-3.2.0.dist-info/METADATA": METADATA, "__main__.py": b""}
SHIV = {"site-packages/Django-3.2.0.dist-info/METADATA": METADATA, "__main__.py": b""}


def said(found: Found) -> list[tuple[str, str]]:
    return [(unknown.what, unknown.why) for unknown in found.unknowns]


def test_an_egg_that_is_one_file_is_read() -> None:
    path = "usr/lib/python3/site-packages/x-1.0-py3.egg"

    found = Found([file(path, zipped({"x.py": b"", "EGG-INFO/PKG-INFO": b"Name: x\nVersion: 1.0\n"}))])

    assert [(one.purl, one.locations) for one in found.packages] == [("pkg:pypi/x@1.0", (path,))]
    assert (path, NAMELESS) in said(Found([file(path, zipped({"x.py": b""}))]))
    assert (path, "is no readable archive of Python packages: it is no zip archive") in said(Found([file(path, b"PK")]))


@pytest.mark.parametrize(("path", "members"), [("app/x.pex", PEX), ("app/x.pyz", SHIV), ("x.pyzw", SHIV)])
@pytest.mark.parametrize("before", [b"", b"#!/usr/bin/env python3\n"])
def test_an_application_in_one_file_is_read(path: str, members: dict[str, bytes], before: bytes) -> None:
    django = Found([file(path, before + zipped(members))]).named("Django")

    assert (django.purl, django.ecosystem, django.licenses) == ("pkg:pypi/django@3.2.0", "PyPI", ("BSD",))
    assert django.locations == (f"{path}!/{next(iter(members))}",)


def test_a_package_without_a_name_hides_no_other() -> None:
    found = Found([file("x.pex", zipped({"a-1.dist-info/METADATA": b"Name: a\n", **SHIV}))])

    assert found.names == ["Django"]
    assert ("x.pex!/a-1.dist-info/METADATA", NAMELESS) in said(found)


def test_an_archive_whose_directory_is_empty_is_told() -> None:
    content = zipped(SHIV)[:-14] + bytes(14)
    why = (
        f"is no readable archive of Python packages: it has an empty directory, and {len(content) - 22} bytes before it"
    )

    assert ("x.pyz", why) in said(Found([file("x.pyz", content)]))


def test_members_are_spent_of_what_the_image_may_hold(tmp_path: Path) -> None:
    entry = struct.pack("<IHHHHHHIIIHHHHHII", 0x02014B50, 20, 20, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0) + b"a"
    directory = entry * 600
    end = struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, 600, 600, len(directory), 0, 0)
    eggs = [file(f"opt/{number}.egg", directory + end) for number in range(3)]
    image = Image([layer(*eggs)]).docker_archive(tmp_path / "image.tar")

    assert read(str(image), limits=Limits(entries=1000)).complete is False
    assert read(str(image), limits=Limits(entries=3000)).complete is True
