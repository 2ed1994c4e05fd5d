"""Packages of PEAR, by its records."""

import hashlib

import pytest
from tests.support.images import DEBIAN_12, dpkg_entry, file
from tests.support.inventories import Found

from hullguard.inventory import bounds

PLACE = "usr/local/lib/php/.registry/archive_tar.reg"


def serialized(value: object) -> str:
    """As PHP writes it."""
    if isinstance(value, dict):
        inner = "".join(serialized(key) + serialized(each) for key, each in value.items())
        return f"a:{len(value)}:{{{inner}}}"
    if isinstance(value, str):
        return f's:{len(value.encode())}:"{value}";'
    return "N;" if value is None else f"i:{value};"


RECORD = {
    "attribs": {"packagerversion": "1.10.12", "version": "2.0"},
    "name": "Archive_Tar",
    "channel": "pear.php.net",
    "summary": 'Tar; "file" }{ management class',
    "lead": {0: {"name": "Ann", "user": "a", "active": None}, 1: {"name": "Bea"}},
    "version": {"release": "1.4.9", "api": "1.4.0"},
    "filelist": {"Archive/Tar.php": {"name": "Archive/Tar.php", "version": "7"}},
}


def told(content: str) -> list[str]:
    return [one.why for one in Found([file(PLACE, content)]).unknowns if one.what == PLACE]


def test_a_record_names_its_package_as_composer_does() -> None:
    (package,) = Found([file(PLACE, serialized(RECORD))]).packages

    assert (package.purl, package.ecosystem) == ("pkg:composer/pear/archive_tar@1.4.9", "Packagist")
    assert package.locations == (PLACE,)


def test_the_older_form() -> None:
    (package,) = Found([file(PLACE, serialized({"version": "1.3.7", "name": "Archive_Tar"}))]).packages

    assert package.version == "1.3.7"


def test_the_end_of_a_long_one_is_not_looked_at() -> None:
    assert Found([file(PLACE, serialized(RECORD | {"changelog": "x" * bounds.METADATA_BYTES}))]).names


@pytest.mark.parametrize(
    "content",
    ["", "a:1:{", "}", "}}}}", 's:4:"name";', 'a:1:{s:4:"name";s:9:"A"', 'O:1:"x":0:{}', "a:1:{" * 200, "a:0:{}"],
)
def test_one_that_names_nothing_is_told(content: str) -> None:
    assert told(content) == ["is a record of PEAR without the name or the version of its package"]


def test_one_whose_names_stand_too_far_behind_is_incomplete() -> None:
    (unknown,) = (
        one
        for one in Found([file(PLACE, serialized({"a": "x" * bounds.METADATA_BYTES} | RECORD))]).unknowns
        if one.what == PLACE
    )

    assert unknown.incomplete


@pytest.mark.parametrize("place", ["usr/share/php", "usr/share/pear", "opt/pear/share"])
def test_records_lie_wherever_somebody_told_pear_to_keep_them(place: str) -> None:
    assert Found([file(f"{place}/.registry/archive_tar.reg", serialized(RECORD))]).names == ["pear/archive_tar"]


def test_what_the_distribution_brought_is_its_packages() -> None:
    places = ("usr/share/php/.registry/archive_tar.reg", "usr/share/php/.registry/.channel.pecl.php.net/redis.reg")
    content = serialized(RECORD)
    status = dpkg_entry(
        "php-pear", "1:1.10.13", maintainer="Debian PHP PEAR Maintainers <pkg-php-pear@lists.debian.org>"
    )
    sums = "".join(f"{hashlib.md5(content.encode()).hexdigest()}  {place}\n" for place in places)
    debian = (
        file("etc/os-release", DEBIAN_12),
        file("var/lib/dpkg/status", status + "\n"),
        file("var/lib/dpkg/info/php-pear.list", "".join(f"/{place}\n" for place in places)),
        file("var/lib/dpkg/info/php-pear.md5sums", sums),
    )

    found = Found([*debian, *(file(place, content) for place in places)])
    changed = Found([*debian, file(places[0], serialized(RECORD | {"summary": "another"}))])

    assert (found.names, found.unknowns) == (["php-pear"], [])
    assert changed.names == ["pear/archive_tar", "php-pear"]


def test_extensions_of_pecl_are_told() -> None:
    path = "usr/local/lib/php/.registry/.channel.pecl.php.net/redis.reg"
    found = Found([file(path, serialized({"name": "redis", "version": {"release": "4.0.0"}}))])

    assert found.packages == []
    assert "packages of PECL and other channels of PEAR" in [one.what for one in found.unknowns]
