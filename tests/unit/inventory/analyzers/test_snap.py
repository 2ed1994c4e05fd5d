"""Snaps."""

import pytest
from tests.support.images import file
from tests.support.inventories import Found

YAML = (
    "name: lxd\nversion: 5.21.1-d46c406\nsummary: a\ndescription: |\n  name: other\nlicense: AGPL-3.0\napps:\n  x: {}\n"
)


@pytest.mark.parametrize("place", ["snap/lxd/28460/", "var/lib/snapd/snap/lxd/28460/", ""])
def test_a_snap_is_read(place: str) -> None:
    package = Found([file(f"{place}meta/snap.yaml", YAML)]).named("lxd")

    assert (package.version, package.type, package.ecosystem) == ("5.21.1-d46c406", "snap", "")
    assert package.purl == "pkg:snap/lxd@5.21.1-d46c406"
    assert package.licenses == ("AGPL-3.0",)


@pytest.mark.parametrize(
    ("written", "version"),
    [("'20240101'", "20240101"), ('"1.0"', "1.0"), ("1.0 # what", "1.0"), ("'1' # what", "1"), ("1.0\r", "1.0")],
)
def test_a_version_is_a_word_of_yaml(written: str, version: str) -> None:
    assert Found([file("meta/snap.yaml", f"name: a\nversion: {written}\n")]).named("a").version == version


@pytest.mark.parametrize(
    "content",
    ["", "name: a\n", "version: 1\n", "name: a\nversion: |\n  1\n", "name: a\nversion: [1]\n", "name: a\nversion: \n"],
)
def test_what_lacks_them_is_told(content: str) -> None:
    found = Found([file("snap/a/1/meta/snap.yaml", content)])

    assert found.names == []
    assert ("snap/a/1/meta/snap.yaml", "it lacks the package's name or its version") in [
        (one.what, one.why) for one in found.unknowns
    ]
