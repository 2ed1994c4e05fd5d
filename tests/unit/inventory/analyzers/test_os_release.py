"""Which distribution an image is."""

from datetime import date

import pytest
from tests.support.images import ALPINE_318, DEBIAN_12, dpkg_entry, dpkg_status, file, symlink
from tests.support.inventories import Found


def test_os_release_is_read() -> None:
    found = Found([file("etc/os-release", DEBIAN_12)]).os

    assert found is not None
    assert (found.id, found.version_id, found.name) == ("debian", "12", "Debian GNU/Linux 12 (bookworm)")
    assert found.end_of_life == date(2028, 6, 30)


def test_the_link_in_etc_is_followed() -> None:
    found = Found([symlink("etc/os-release", "../usr/lib/os-release"), file("usr/lib/os-release", ALPINE_318)]).os

    assert found is not None
    assert found.id == "alpine"


def test_usr_lib_is_enough() -> None:
    assert Found([file("usr/lib/os-release", ALPINE_318)]).os is not None


@pytest.mark.parametrize(
    ("path", "content", "identity", "release"),
    [
        ("etc/alpine-release", "3.4.6\n", "alpine", "3.4.6"),
        ("etc/debian_version", "7.11\n", "debian", "7.11"),
        ("etc/debian_version", "trixie/sid\n", "debian", None),
    ],
)
def test_older_releases_have_their_own_files(path: str, content: str, identity: str, release: str | None) -> None:
    found = Found([file(path, content)]).os

    assert found is not None
    assert (found.id, found.version_id) == (identity, release)


@pytest.mark.parametrize(
    ("os_release", "ecosystem"),
    [
        ('ID=debian\nVERSION_ID="11"\n', "Debian:11"),
        ("ID=debian\nVERSION_CODENAME=trixie\n", "Debian:13"),
        ("ID=debian\n", ""),
        ('ID=ubuntu\nVERSION_ID="22.04"\n', "Ubuntu:22.04:LTS"),
        ('ID=ubuntu\nVERSION_ID="24.10"\n', "Ubuntu:24.10"),
        ('ID=ubuntu\nVERSION_ID="25.04"\n', "Ubuntu:25.04"),
        ("ID=alpine\nVERSION_ID=3.18.4\n", "Alpine:v3.18"),
        ("ID=alpine\nVERSION_ID=3.20_alpha20240329\n", "Alpine:edge"),
        ("ID=wolfi\nVERSION_ID=20230201\n", "Wolfi"),
        ("ID='chainguard'\nVERSION_ID=\"20230214\"\n", "Chainguard"),
        ("ID=mylinux\nVERSION_ID=1\n", ""),
        ('ID="Debian"\nVERSION_ID=12\n# comment\nBROKEN="\n', "Debian:12"),
    ],
)
def test_the_ecosystem_is_named_as_advisories_name_it(os_release: str, ecosystem: str) -> None:
    found = Found([file("etc/os-release", os_release), dpkg_status(dpkg_entry("a", "1"))])

    assert found.named("a").ecosystem == ecosystem


def test_an_image_without_one_says_so() -> None:
    found = Found([file("bin/app")])

    assert found.os is None
    assert [unknown.what for unknown in found.unknowns] == ["operating system"]
