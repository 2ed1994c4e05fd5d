"""The lists that images of Azure Linux without rpm keep in place of its database."""

import pytest
from tests.support.images import file
from tests.support.inventories import Found
from tests.support.rpms import header, ndb

from hullguard.inventory import bounds

OS = file("etc/os-release", 'ID=azurelinux\nVERSION_ID="3.0"\nPRETTY_NAME="Microsoft Azure Linux 3.0"\n')
LONG, SHORT = (f"var/lib/rpmmanifest/container-manifest-{number}" for number in (2, 1))
GLIBC = "glibc\t2.38-8.azl3\t1748892790\t1735838940\tMicrosoft Corporation\t(none)\t10855265\tx86_64\t0\tglibc-2.38-8.azl3.src.rpm\n"
CERTIFICATES = (
    "ca-certificates-base\t3.0.0-8.azl3\t1748892790\t1735838940\tMicrosoft Corporation\t(none)\t130628\tnoarch\t1"
    "\tca-certificates-3.0.0-8.azl3.src.rpm\n"
)
KEY = "gpg-pubkey\t3135ce90-5e6fda74\t1748892790\t1586485876\t(none)\t(none)\t0\t(none)\t0\t(none)\n"
NAMES = "glibc-2.38-8.azl3.x86_64\nca-certificates-base-3.0.0-8.azl3.noarch\ngpg-pubkey-3135ce90-5e6fda74\n"


def test_the_packages_of_an_image_without_rpm_are_those_of_the_list() -> None:
    found = Found([OS, file(LONG, GLIBC + CERTIFICATES + KEY), file(SHORT, NAMES)])

    glibc, certificates = found.named("glibc"), found.named("ca-certificates-base")
    assert found.names == ["ca-certificates-base", "glibc"]
    assert (glibc.ecosystem, glibc.type, glibc.version, glibc.arch) == ("Azure Linux:3", "rpm", "2.38-8.azl3", "x86_64")
    assert glibc.purl == (
        "pkg:rpm/azurelinux/glibc@2.38-8.azl3?arch=x86_64&distro=azurelinux-3.0&upstream=glibc-2.38-8.azl3.src.rpm"
    )
    assert (certificates.version, certificates.source_name) == ("1:3.0.0-8.azl3", "ca-certificates")
    assert (certificates.source_version, certificates.locations) == ("1:3.0.0-8.azl3", (LONG,))
    assert found.unknowns == []


def test_the_shorter_list_alone_is_read_and_what_it_leaves_out_is_told() -> None:
    found = Found([OS, file(SHORT, NAMES)])

    assert {(one.name, one.version, one.arch) for one in found.packages} == {
        ("glibc", "2.38-8.azl3", "x86_64"),
        ("ca-certificates-base", "3.0.0-8.azl3", "noarch"),
    }
    assert [(one.what, one.incomplete) for one in found.unknowns] == [(SHORT, False)]
    assert "no epochs, vendors and sources" in found.unknowns[0].why


@pytest.mark.parametrize(
    "line",
    [
        "glibc\t2.38-8.azl3\t1748892790\n",
        GLIBC.replace("2.38-8.azl3\t", "2.38\t"),
        GLIBC.replace("glibc\t", "\t"),
        GLIBC.replace("x86_64\t0", "x86_64\tnone"),
        GLIBC.replace("x86_64\t0", "x86_64\t99999999999"),
        GLIBC.replace("x86_64\t0", "x86_64\t-1"),
        GLIBC.replace("x86_64\t0", "x86_64\t²"),
        GLIBC.removesuffix("rpm\n"),
        GLIBC.replace("glibc\t", "g" * 2000 + "\t"),
        "x" * 1_000_000,
        "\N{REPLACEMENT CHARACTER}\0",
    ],
)
def test_lines_that_cannot_be_read_are_told(line: str) -> None:
    (unknown,) = (found := Found([OS, file(LONG, CERTIFICATES + line)])).unknowns

    assert found.names == ["ca-certificates-base"]
    assert (unknown.what, unknown.incomplete) == (LONG, True)
    assert unknown.why == (
        "the package database is damaged: 1 lines of it are none of a list of packages, line 2 the first of them"
    )


@pytest.mark.parametrize(
    "line",
    ["glibc\n", "a b-1-2.x\n", "-1-2.noarch\n", "glibc-2.38-8.azl3.x/6\n", "gl\0ibc-1-2.x86_64\n", b"\xff-1-2\n"],
)
def test_words_that_name_no_package_are_told(line: str | bytes) -> None:
    content = NAMES.encode() + (line if isinstance(line, bytes) else line.encode())

    assert "line 4 the first of them" in Found([OS, file(SHORT, content)]).unknowns[0].why


@pytest.mark.parametrize("name", ["gl\0ibc", "gl ibc", "gl\x1bibc"])
def test_what_can_name_no_package_names_none(name: str) -> None:
    found = Found([OS, file(LONG, CERTIFICATES + GLIBC.replace("glibc", name, 1))])

    assert found.names == ["ca-certificates-base"]
    assert [(one.what, one.incomplete) for one in found.unknowns] == [(LONG, True)]


def test_a_list_that_was_cut_off_is_told() -> None:
    (cut, _) = (found := Found([OS, file(SHORT, NAMES[:62])])).unknowns

    assert (cut.why, cut.incomplete) == ("the package database is damaged: it ends within a line", True)
    assert found.names == ["ca-certificates-base", "glibc"]


def test_a_list_without_a_package_is_told() -> None:
    why = "the package database names no installed package"

    assert [(one.what, one.why) for one in Found([OS, file(LONG, KEY), file(SHORT, b"")]).unknowns] == [
        (LONG, why),
        (SHORT, why),
    ]


def test_a_list_beside_a_database_counts_for_what_the_database_lacks() -> None:
    database = file("var/lib/rpm/Packages.db", ndb(header("glibc", "2.38", "8.azl3", arch="x86_64")))
    same, other = Found([OS, database, file(LONG, GLIBC)]), Found([OS, database, file(LONG, GLIBC + CERTIFICATES)])

    assert same.names == other.names == ["glibc"]
    assert same.unknowns == []
    assert [(one.what, one.incomplete) for one in other.unknowns] == [(LONG, True)]


def test_packages_of_languages_may_be_of_packages_whose_files_nobody_lists() -> None:
    metadata = file("usr/lib/python3.12/site-packages/six-1.16.0.dist-info/METADATA", "Name: six\nVersion: 1.16.0\n")
    found = Found([OS, file(LONG, GLIBC), metadata])

    assert found.names == ["glibc", "six"]
    assert [one.what.partition(",")[0] for one in found.unknowns] == ["1 files"]


def test_lines_without_end_are_not_all_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "DATABASE_LINES", 3)

    found = Found([OS, file(LONG, GLIBC + "x\n" * 2 + CERTIFICATES)])

    assert found.names == ["glibc"]
    assert [one.why.partition(": ")[2] for one in found.unknowns] == [
        "it names more than is read; of its lines the first 3 were",
        "2 lines of it are none of a list of packages, line 2 the first of them",
    ]
